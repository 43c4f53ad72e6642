/**
 * A VICI message: a tree of sections with values and lists, as octets and back.
 *
 *   section start  1 | u8 length | name          section end  2
 *   key and value  3 | u8 length | name | u16 length | value
 *   list start     4 | u8 length | name          list item    5 | u16 length | value
 *   list end       6
 *
 * Sections nest; lists hold values only. Values are octets; all that we read are text.
 */
import { readU16, readU8, writeU16 } from "../../util/bytes.js";
import { ViciError } from "./error.js";

export type ViciValue = string | Uint8Array | readonly (string | Uint8Array)[] | ViciSection;

/** What we send. Keys that are undefined are left out. */
export interface ViciSection {
  readonly [key: string]: ViciValue | undefined;
}

/** What came: values are text, with what is no UTF-8 replaced. Has no prototype. */
export interface ViciTree {
  readonly [key: string]: string | readonly string[] | ViciTree;
}

const SECTION_START = 1;
const SECTION_END = 2;
const KEY_VALUE = 3;
const LIST_START = 4;
const LIST_ITEM = 5;
const LIST_END = 6;

/** Deeper than anything the daemon sends; a bound all the same. */
const MOST_DEPTH = 16;
const MOST_NAME = 255;
const MOST_VALUE = 65_535;

/** @throws {ViciError} `protocol` when a name or a value is too long to be said */
export function encodeMessage(message: ViciSection): Uint8Array {
  const parts: Uint8Array[] = [];
  writeSection(parts, message, 0);
  return Buffer.concat(parts);
}

function writeSection(parts: Uint8Array[], section: ViciSection, depth: number): void {
  if (depth > MOST_DEPTH) throw new ViciError("protocol", "sections are nested too deeply");
  for (const [key, value] of Object.entries(section)) {
    if (value === undefined) continue;
    if (typeof value === "string" || value instanceof Uint8Array) {
      parts.push(named(KEY_VALUE, key), sized(value, key));
    } else if (isList(value)) {
      parts.push(named(LIST_START, key));
      for (const item of value) parts.push(Uint8Array.of(LIST_ITEM), sized(item, key));
      parts.push(Uint8Array.of(LIST_END));
    } else {
      parts.push(named(SECTION_START, key));
      writeSection(parts, value, depth + 1);
      parts.push(Uint8Array.of(SECTION_END));
    }
  }
}

function isList(value: ViciValue): value is readonly (string | Uint8Array)[] {
  return Array.isArray(value);
}

function named(type: number, name: string): Uint8Array {
  const text = Buffer.from(name, "utf8");
  if (text.length === 0 || text.length > MOST_NAME) {
    throw new ViciError("protocol", `a name has 1 to ${MOST_NAME} octets, not ${text.length}`);
  }
  return Buffer.concat([Uint8Array.of(type, text.length), text]);
}

/** The key is named in the error, the value never: it may be a secret. */
function sized(value: string | Uint8Array, key: string): Uint8Array {
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  if (bytes.length > MOST_VALUE) {
    throw new ViciError("protocol", `"${key}" has more than ${MOST_VALUE} octets`);
  }
  const head = new Uint8Array(2);
  writeU16(head, 0, bytes.length);
  return Buffer.concat([head, bytes]);
}

type Building = Record<string, string | string[] | ViciTree>;

/** @throws {ViciError} `protocol` on anything that is not a balanced message; reads nothing twice */
export function decodeMessage(bytes: Uint8Array): ViciTree {
  const reader = new Reader(bytes);
  const root = emptyTree();
  const open: Building[] = [root];
  let list: string[] | undefined;
  while (!reader.atEnd) {
    const type = reader.type();
    const here = open[open.length - 1]!;
    if (list !== undefined && type !== LIST_ITEM && type !== LIST_END) {
      throw new ViciError("protocol", `element ${type} inside a list`);
    }
    switch (type) {
      case SECTION_START: {
        if (open.length > MOST_DEPTH) throw new ViciError("protocol", "sections nest too deeply");
        const section = emptyTree();
        here[reader.name()] = section;
        open.push(section);
        break;
      }
      case SECTION_END:
        if (open.length === 1) throw new ViciError("protocol", "a section ends that never began");
        open.pop();
        break;
      case KEY_VALUE: {
        const name = reader.name();
        here[name] = reader.value();
        break;
      }
      case LIST_START:
        list = [];
        here[reader.name()] = list;
        break;
      case LIST_ITEM:
        if (list === undefined) throw new ViciError("protocol", "a list item outside a list");
        list.push(reader.value());
        break;
      case LIST_END:
        if (list === undefined) throw new ViciError("protocol", "a list ends that never began");
        list = undefined;
        break;
      default:
        throw new ViciError("protocol", `unknown element ${type}`);
    }
  }
  if (open.length > 1 || list !== undefined) {
    throw new ViciError("protocol", "the message ends inside a section or a list");
  }
  return root;
}

/** Names come from outside: without a prototype `__proto__` is a name like any other. */
function emptyTree(): Building {
  return Object.create(null) as Building;
}

class Reader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  type(): number {
    return readU8(this.bytes, this.at++);
  }

  name(): string {
    this.need(1);
    const length = readU8(this.bytes, this.at);
    this.at += 1;
    return this.text(length);
  }

  value(): string {
    this.need(2);
    const length = readU16(this.bytes, this.at);
    this.at += 2;
    return this.text(length);
  }

  private text(length: number): string {
    this.need(length);
    const text = this.bytes.toString("utf8", this.at, this.at + length);
    this.at += length;
    return text;
  }

  private need(octets: number): void {
    if (this.at + octets > this.bytes.length) {
      throw new ViciError("protocol", "the message ends in the middle of an element");
    }
  }
}

/** The text at this key; undefined when there is none. */
export function textOf(tree: ViciTree | undefined, key: string): string | undefined {
  const value = tree?.[key];
  return typeof value === "string" ? value : undefined;
}

/** The list at this key; empty when there is none. */
export function listOf(tree: ViciTree | undefined, key: string): readonly string[] {
  const value = tree?.[key];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** The section at this key; undefined when there is none. */
export function sectionOf(tree: ViciTree | undefined, key: string): ViciTree | undefined {
  const value = tree?.[key];
  return typeof value === "object" && !Array.isArray(value) ? (value as ViciTree) : undefined;
}
