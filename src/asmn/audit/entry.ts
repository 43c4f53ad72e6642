/**
 * One line of the audit log, and what chains it to the one before. A line is JSON, to be read by people;
 * what is hashed is not the text but the fields, each behind its length, so that no two entries look alike:
 *   digest = SHA-256(label | sequence | time | actor | action | subject | detail | former digest)
 * Now and then a head follows: the root key's Ed25519 signature over sequence, time and digest of the entry
 * before it. Who rewrites the log must forge that; who cuts it must cut back to an earlier head.
 */
import { createHash, sign, verify, type KeyObject } from "node:crypto";
import { fromHex, toHex, writeU32 } from "../../util/bytes.js";

export interface AuditEntry {
  /** From 1 on, without gaps. */
  readonly sequence: number;
  /** Wall-clock milliseconds: told, not relied on. */
  readonly time: number;
  /** Who: `operator:alice`, `instance:red/pe/1`, `sec-em`. */
  readonly actor: string;
  /** What: a word, `revoke`. */
  readonly action: string;
  /** To whom or what. */
  readonly subject: string;
  readonly detail: string;
  /** Of the entry before; zeros before the first one. Lower-case hex. */
  readonly former: string;
  readonly digest: string;
}

export interface AuditHead {
  /** The entry that it covers, with all before it. */
  readonly sequence: number;
  readonly time: number;
  readonly digest: string;
  /** Raw Ed25519 public key, hex. */
  readonly key: string;
  readonly signature: string;
}

export type AuditLine =
  | { readonly kind: "entry"; readonly entry: AuditEntry }
  | { readonly kind: "head"; readonly head: AuditHead };

/** What an entry says, before it has its place. */
export type AuditNote = Pick<AuditEntry, "actor" | "action" | "subject" | "detail">;

export const BEGINNING = "00".repeat(32);
/** Octets of a line at most. */
export const MOST_LINE = 8192;
const MOST_TEXT = 1000;
const ENTRY_LABEL = "evpnd asmn audit entry 1";
const HEAD_LABEL = "evpnd asmn audit head 1";
const DIGEST = /^[0-9a-f]{64}$/;
/** Control characters would let an entry look like two. */
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

export function entryAfter(
  { sequence, digest }: { readonly sequence: number; readonly digest: string },
  time: number,
  note: AuditNote,
): AuditEntry {
  const fields = {
    sequence: sequence + 1,
    time: Math.trunc(time),
    actor: clean(note.actor),
    action: clean(note.action),
    subject: clean(note.subject),
    detail: clean(note.detail),
    former: digest,
  };
  return { ...fields, digest: digestOf(fields) };
}

export function digestOf(entry: Omit<AuditEntry, "digest">): string {
  const hash = createHash("sha256");
  for (const field of [
    Buffer.from(ENTRY_LABEL),
    number(entry.sequence),
    number(entry.time),
    Buffer.from(entry.actor),
    Buffer.from(entry.action),
    Buffer.from(entry.subject),
    Buffer.from(entry.detail),
    Buffer.from(entry.former, "hex"),
  ]) {
    hash.update(lengthOf(field)).update(field);
  }
  return hash.digest("hex");
}

/** @param key the root's private key; `publicKey` the same key's public half, raw hex */
export function headOf(
  { sequence, digest }: { readonly sequence: number; readonly digest: string },
  time: number,
  key: KeyObject,
  publicKey: string,
): AuditHead {
  const stated = { sequence, time: Math.trunc(time), digest };
  const signature = toHex(sign(null, statement(stated), key));
  return { ...stated, key: publicKey, signature };
}

/** @param key the public key that heads must be signed by */
export function headHolds(head: AuditHead, key: KeyObject): boolean {
  const signature = fromHex(head.signature);
  return signature?.length === 64 && verify(null, statement(head), key, signature);
}

export function lineOf(line: AuditLine): string {
  if (line.kind === "head") {
    const { sequence, time, digest, key, signature } = line.head;
    return `${JSON.stringify({ head: sequence, time, digest, key, signature })}\n`;
  }
  const { sequence, time, actor, action, subject, detail, former, digest } = line.entry;
  return `${JSON.stringify({ entry: sequence, time, actor, action, subject, detail, former, digest })}\n`;
}

/** @returns a sentence when it is no line of an audit log */
export function parseLine(text: string): AuditLine | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  if (typeof value !== "object" || value === null) return "it is no object";
  const fields = value as Record<string, unknown>;
  const { time, digest } = fields;
  if (!isCount(time) || !isDigest(digest)) return "it lacks a time or a digest";
  if (isCount(fields["head"])) {
    const { head: sequence, key, signature } = fields;
    if (!isDigest(key) || typeof signature !== "string") return "the head lacks key or signature";
    return { kind: "head", head: { sequence: Number(sequence), time, digest, key, signature } };
  }
  const { entry: sequence, actor, action, subject, detail, former } = fields;
  if (!isCount(sequence) || !isDigest(former)) return "it is neither entry nor head";
  for (const text of [actor, action, subject, detail]) {
    if (typeof text !== "string") return "the entry lacks a field";
  }
  const texts = { actor, action, subject, detail } as Record<keyof AuditNote, string>;
  return { kind: "entry", entry: { sequence, time, ...texts, former, digest } };
}

function statement({ sequence, time, digest }: Omit<AuditHead, "key" | "signature">): Uint8Array {
  const fields = [
    Buffer.from(HEAD_LABEL),
    number(sequence),
    number(time),
    Buffer.from(digest, "hex"),
  ];
  return Buffer.concat(fields.flatMap((field) => [lengthOf(field), field]));
}

function clean(text: string): string {
  return text.replace(UNPRINTABLE, "?").slice(0, MOST_TEXT);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isDigest(value: unknown): value is string {
  return typeof value === "string" && DIGEST.test(value);
}

function lengthOf(field: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, field.length);
  return bytes;
}

function number(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU32(bytes, 0, Math.floor(value / 0x1_0000_0000));
  writeU32(bytes, 4, value % 0x1_0000_0000);
  return bytes;
}
