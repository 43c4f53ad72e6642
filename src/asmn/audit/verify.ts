/**
 * Whether an audit log is whole: read line by line, each entry hashed anew and held against the one
 * before, each head against the entry it covers. Needs no Sec-EM: the files and, to believe more than that
 * they fit together, the root's public key.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { fromHex } from "../../util/bytes.js";
import { digestOf, headHolds, MOST_LINE, parseLine, type AuditLine } from "./entry.js";

export interface AuditCheck {
  readonly whole: boolean;
  readonly entries: number;
  /** Numbers of the first and the last entry; 0 where there is none. */
  readonly first: number;
  readonly last: number;
  /** Of the last entry, hex. */
  readonly digest: string | undefined;
  /** Heads that fit, and the entry that the last of them covers: what is behind it is not signed yet. */
  readonly heads: number;
  readonly signedTo: number;
  /** Keys that signed them, hex: to be compared with the root's where it was not given. */
  readonly keys: readonly string[];
  /** Where and how it breaks. */
  readonly problem: string | undefined;
}

/** Lines in order, a push at a time. */
export class ChainCheck {
  private readonly pinned: string | undefined;
  private readonly keys = new Map<string, KeyObject>();
  private entries = 0;
  private first = 0;
  private last = 0;
  private digest: string | undefined;
  private heads = 0;
  private signedTo = 0;
  private problem: string | undefined;

  /** @param rootKey raw public key, hex, that heads must be signed by; undefined: whatever they say */
  constructor(rootKey?: string) {
    this.pinned = rootKey;
  }

  /** @returns false when it breaks here: nothing behind it counts */
  push(text: string, where: string): boolean {
    if (this.problem !== undefined) return false;
    const line = text.length > MOST_LINE ? "it is too long" : parseLine(text);
    const fault = typeof line === "string" ? line : this.faultOf(line);
    if (fault === undefined) return true;
    this.problem = `${where}: ${fault}`;
    return false;
  }

  result(): AuditCheck {
    const { entries, first, last, digest, heads, signedTo, problem } = this;
    const keys = [...this.keys.keys()];
    return {
      whole: problem === undefined,
      ...{ entries, first, last, digest, heads, signedTo, keys, problem },
    };
  }

  private faultOf(line: AuditLine): string | undefined {
    if (line.kind === "entry") {
      const { entry } = line;
      if (digestOf(entry) !== entry.digest) return `entry ${entry.sequence} was changed`;
      if (this.entries > 0) {
        if (entry.sequence !== this.last + 1) {
          return `entry ${this.last + 1} is missing: ${entry.sequence} follows ${this.last}`;
        }
        if (entry.former !== this.digest) {
          return `entry ${entry.sequence} does not continue entry ${this.last}`;
        }
      } else {
        this.first = entry.sequence;
      }
      this.entries++;
      this.last = entry.sequence;
      this.digest = entry.digest;
      return undefined;
    }
    const { head } = line;
    if (head.sequence !== this.last || head.digest !== this.digest) {
      // A file that begins behind a rotation may begin with nothing before a head.
      return `the head of entry ${head.sequence} does not fit entry ${this.last}`;
    }
    if (this.pinned !== undefined && head.key !== this.pinned) {
      return `the head of entry ${head.sequence} is signed by another key (${head.key})`;
    }
    const key = this.keyOf(head.key);
    if (key === undefined || !headHolds(head, key)) {
      return `the signature of the head of entry ${head.sequence} does not verify`;
    }
    this.heads++;
    this.signedTo = head.sequence;
    return undefined;
  }

  private keyOf(hex: string): KeyObject | undefined {
    const known = this.keys.get(hex);
    if (known !== undefined) return known;
    const raw = fromHex(hex);
    if (raw?.length !== 32) return undefined;
    const x = Buffer.from(raw).toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    this.keys.set(hex, key);
    return key;
  }
}

/**
 * Files of one log in the order of their entries, which is that of their names.
 * @param rootKey raw public key, hex
 * Rejects with the system's error when a file cannot be read.
 */
export async function verifyAuditFiles(
  files: readonly string[],
  rootKey?: string,
): Promise<AuditCheck> {
  const check = new ChainCheck(rootKey);
  for (const file of files) {
    let number = 0;
    const stream = createReadStream(file, { encoding: "utf8" });
    try {
      for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
        if (!check.push(line, `${file}, line ${++number}`)) return check.result();
      }
    } finally {
      stream.destroy();
    }
  }
  return check.result();
}
