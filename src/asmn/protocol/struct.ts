/**
 * Fields behind one another: 1-octet tag, 2-octet length, value. Tags ascend strictly and unknown ones are
 * refused, so that a value has one encoding and a signature covers a meaning, not a spelling.
 */
import { readU16, writeU16 } from "../../util/bytes.js";
import type { Kind } from "./kinds.js";

export interface Field<T> {
  readonly tag: number;
  readonly kind: Kind<NonNullable<T>>;
  readonly optional: boolean;
  /** Only for the type; there is nothing in it. */
  readonly value?: T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

export type ValueOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

export type Decoded<V> =
  { readonly ok: true; readonly value: V } | { readonly ok: false; readonly sentence: string };

export interface Struct<V> {
  readonly name: string;
  /** @throws Error for a value that its field cannot hold: our own bug. */
  encode(value: V): Uint8Array;
  decode(octets: Uint8Array): Decoded<V>;
}

/** @param tag 1 to 255, ascending in the order of declaration */
export function field<T extends NonNullable<unknown>>(tag: number, kind: Kind<T>): Field<T> {
  return { tag, kind, optional: false };
}

export function optional<T extends NonNullable<unknown>>(
  tag: number,
  kind: Kind<T>,
): Field<T | undefined> {
  return { tag, kind, optional: true };
}

const HEAD = 3;

export function defineStruct<F extends Fields>(name: string, fields: F): Struct<ValueOf<F>> {
  const rows = Object.entries(fields);
  rows.forEach(([key, { tag }], index) => {
    if (tag <= (rows[index - 1]?.[1].tag ?? 0)) throw new Error(`${name}.${key}: tag ${tag}`);
  });
  return {
    name,
    encode(value) {
      const parts: Uint8Array[] = [];
      for (const [key, { tag, kind, optional }] of rows) {
        const one = value[key];
        if (one === undefined || one === null) {
          if (!optional) throw new Error(`${name}.${key} is missing`);
          continue;
        }
        const octets = kind.write(one);
        const head = Uint8Array.of(tag, 0, 0);
        if (octets.length > 0xffff) throw new Error(`${name}.${key} is too long`);
        writeU16(head, 1, octets.length);
        parts.push(head, octets);
      }
      return new Uint8Array(Buffer.concat(parts));
    },
    decode(octets) {
      const out: Record<string, unknown> = {};
      let at = 0;
      for (const [key, { tag, kind, optional }] of rows) {
        out[key] = undefined;
        if (at + HEAD > octets.length || octets[at] !== tag) {
          if (optional) continue;
          return fault(`${name}: ${key} (field ${tag}) is missing, found ${found(octets, at)}`);
        }
        const end = at + HEAD + readU16(octets, at + 1);
        if (end > octets.length) return fault(`${name}: ${key} (field ${tag}) is cut short`);
        const value = kind.read(octets.subarray(at + HEAD, end));
        if (value === undefined) return fault(`${name}: ${key}: expected ${kind.words}`);
        out[key] = value;
        at = end;
      }
      if (at < octets.length) return fault(`${name}: unexpected ${found(octets, at)}`);
      return { ok: true, value: out as ValueOf<F> };
    },
  };
}

function fault(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}

function found(octets: Uint8Array, at: number): string {
  return at < octets.length ? `field ${octets[at]} at octet ${at}` : "the end";
}
