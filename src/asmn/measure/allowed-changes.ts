/**
 * Lists of allowed changes as descriptors write them (`file:/etc/frr/*.sav`), and the digest of a list, by
 * which agent and Sec-EM compare theirs (ASM-66).
 *
 *   digest  SHA-256 over the label, the number of changes, 4, and for each in order
 *             kind, 1 | length of the name, 4 | name
 */
import { createHash } from "node:crypto";
import type { AllowedChange, ManifestKind } from "./manifest.js";

const KINDS: readonly ManifestKind[] = ["file", "process", "configuration"];
const LABEL = "evpnd asmn 1 allowed changes\0";
const NAME_MAX = 1024;

/** Undefined for a text that is none: `file:NAME`, `process:NAME`, `configuration:NAME`. */
export function parseAllowedChange(text: string): AllowedChange | undefined {
  const at = text.indexOf(":");
  const kind = KINDS.find((one) => one === text.slice(0, at));
  const name = text.slice(at + 1);
  if (kind === undefined || name === "" || Buffer.byteLength(name) > NAME_MAX) return undefined;
  return { kind, name };
}

/** 32 octets; undefined for an empty list. Neither the order nor what stands twice matters. */
export function allowedChangesDigest(list: readonly AllowedChange[]): Uint8Array | undefined {
  const encoded = new Map(
    list.map((change) => [encode(change).toString("latin1"), encode(change)]),
  );
  if (encoded.size === 0) return undefined;
  const hash = createHash("sha256").update(LABEL).update(number32(encoded.size));
  for (const one of [...encoded.values()].sort((a, b) => Buffer.compare(a, b))) hash.update(one);
  return new Uint8Array(hash.digest());
}

function encode({ kind, name }: AllowedChange): Buffer {
  const text = Buffer.from(name);
  return Buffer.concat([Buffer.of(KINDS.indexOf(kind)), number32(text.length), text]);
}

function number32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}
