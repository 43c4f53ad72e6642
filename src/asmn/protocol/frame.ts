/**
 * Frames: 4-octet length of the rest, 1-octet version, 1-octet type, fields. A length above the limit is
 * refused as soon as it is read: no more is kept of a stream than one frame and what came with its end.
 */
import { readU32, writeU32 } from "../../util/bytes.js";
import { defineStruct } from "./struct.js";
import type { Decoded, Fields, Struct, ValueOf } from "./struct.js";

export const VERSION = 1;
/** Octets behind the length field. */
export const FRAME_LIMIT = 64 * 1024;
/** The same, for a side that has proved nothing yet. */
export const STRANGER_LIMIT = 24 * 1024;

const LENGTH = 4;
const HEAD = LENGTH + 2;
/** Pieces that are kept apart: who sends octet by octet must not cost an object for each. */
const MOST_PARTS = 32;

export interface Frame {
  readonly type: number;
  /** Fields. */
  readonly body: Uint8Array;
}

export interface MessageType<K extends string, V> {
  readonly kind: K;
  readonly type: number;
  readonly struct: Struct<V>;
}

/** What a message is in the program: its fields and its kind. */
export type MessageOf<M> =
  M extends MessageType<infer K, infer V> ? { readonly kind: K } & V : never;

export function defineMessage<K extends string, F extends Fields>(
  kind: K,
  type: number,
  fields: F,
): MessageType<K, ValueOf<F>> {
  return { kind, type, struct: defineStruct(kind, fields) };
}

/** The messages of one kind of connection. */
export interface MessageSet<M> {
  encode(message: M): Uint8Array;
  decode(frame: Frame): Decoded<M>;
}

export function messageSet<T extends readonly MessageType<string, unknown>[]>(
  name: string,
  types: T,
): MessageSet<MessageOf<T[number]>> {
  type M = MessageOf<T[number]>;
  const rows: readonly MessageType<string, unknown>[] = types;
  const byKind = new Map(rows.map((row) => [row.kind, row]));
  const byType = new Map(rows.map((row) => [row.type, row]));
  return {
    encode(message) {
      const row = byKind.get((message as { kind: string }).kind);
      if (row === undefined) throw new Error(`no such message on ${name}`);
      return encodeFrame(row.type, row.struct.encode(message));
    },
    decode({ type, body }) {
      const row = byType.get(type);
      if (row === undefined)
        return { ok: false, sentence: `message type ${type} does not belong on ${name}` };
      const decoded = row.struct.decode(body);
      if (!decoded.ok) return decoded;
      return { ok: true, value: { kind: row.kind, ...(decoded.value as object) } as M };
    },
  };
}

export function encodeFrame(type: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEAD + body.length);
  if (body.length + 2 > FRAME_LIMIT) throw new Error("the message is longer than a frame");
  writeU32(frame, 0, body.length + 2);
  frame[4] = VERSION;
  frame[5] = type;
  frame.set(body, HEAD);
  return frame;
}

/** Puts frames together from what a connection reads. After a fault it takes nothing more. */
export class FrameReader {
  /** May grow once the other side has proved itself. */
  limit: number;
  private readonly parts: Uint8Array[] = [];
  private held = 0;
  private faulty = false;

  constructor(limit = STRANGER_LIMIT) {
    this.limit = limit;
  }

  /** In how many pieces the unfinished frame is kept. */
  get pieces(): number {
    return this.parts.length;
  }

  /**
   * Whole frames in order, up to the first fault.
   * @param take called for each; false = stop reading for good, the connection is being closed
   */
  push(chunk: Uint8Array, take: (frame: Frame) => boolean): Decoded<undefined> {
    const done = { ok: true, value: undefined } as const;
    if (this.faulty) return done;
    this.parts.push(chunk);
    this.held += chunk.length;
    if (this.parts.length > MOST_PARTS) this.join(this.held);
    while (this.held >= LENGTH) {
      const head = this.join(LENGTH);
      const length = readU32(head, 0);
      if (length < 2 || length > this.limit)
        return this.fault(`a frame of ${length} octets, where 2 to ${this.limit} may come`);
      if (this.held < LENGTH + length) return done;
      const whole = this.join(LENGTH + length);
      if (whole[4] !== VERSION)
        return this.fault(`version ${whole[4]} of the protocol, where ${VERSION} is spoken`);
      const frame = {
        type: whole[5] ?? 0,
        body: Uint8Array.from(whole.subarray(HEAD, LENGTH + length)),
      };
      this.drop(LENGTH + length);
      if (!take(frame)) {
        this.faulty = true;
        return done;
      }
    }
    return done;
  }

  /** The first part, at least that long. */
  private join(octets: number): Uint8Array {
    const first = this.parts[0];
    if (first !== undefined && first.length >= octets) return first;
    const whole = new Uint8Array(Buffer.concat(this.parts));
    this.parts.splice(0, this.parts.length, whole);
    return whole;
  }

  private drop(octets: number): void {
    const first = this.parts[0] ?? new Uint8Array(0);
    this.parts[0] = first.subarray(octets);
    this.held -= octets;
  }

  private fault(sentence: string): Decoded<undefined> {
    this.faulty = true;
    this.parts.length = 0;
    this.held = 0;
    return { ok: false, sentence };
  }
}
