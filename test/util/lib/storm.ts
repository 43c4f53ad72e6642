/** Rows that prove themselves: words behind CHECK are a function of the key and of one mask. */
import type { RecordTable } from "../../../src/util/record-table.js";

export const WIDTH = 12;
export const KEY = 2;
export const CHECK = 4;

export interface Report {
  readonly whole: number;
  readonly torn: number;
  readonly none: number;
  readonly wrong: readonly string[];
}

export function hashOf(key: number): number {
  return Math.imul(key, 0x9e3779b1);
}

export function fill(table: RecordTable, key: number): number {
  const id = table.allocate(hashOf(key));
  for (let at = CHECK; at < WIDTH; at++) table.words[id * WIDTH + at] = Math.imul(key, at);
  table.words[id * WIDTH + KEY] = key;
  return id;
}

/** Looks a row up, and at whether its words belong together. */
export function readOne(table: RecordTable, key: number): string {
  const words = table.words;
  const hash = hashOf(key);
  for (let id = table.head(hash); id !== 0; id = table.next(id)) {
    const base = id * WIDTH;
    if (words[base] !== hash || words[base + KEY] !== key) continue;
    const mask = words[base + CHECK]! ^ Math.imul(key, CHECK);
    for (let at = CHECK; at < WIDTH; at++) {
      if ((words[base + at]! ^ Math.imul(key, at)) !== mask) return `key ${key} word ${at}`;
    }
    return "whole";
  }
  return "none";
}
