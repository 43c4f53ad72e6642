/**
 * Room for trust that is taken away while the disk is full: a file whose blocks are there already, written in
 * place. What the store did not take is kept here until it does, and taken up at the next start. Only what
 * takes trust away is in it: who is revoked, stopped, lowered, removed.
 *
 *   file   two halves, written in turn: the one with the higher sequence counts, if its digest is right
 *   half   sequence, 8 | length, 4 | SHA-256 of sequence, length and content, 32 | content, JSON
 *
 * A file system that writes each change to another place (btrfs, ZFS) needs room even for that: there a
 * revocation on a full disk can be lost with the process, and the answer to it says so.
 */
import { createHash, randomBytes } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { flushDirectory } from "../../util/durable-file.js";
import type { Log } from "../../util/log.js";
import type { StopReason, TrustState, Reason } from "../protocol/index.js";

/** What became of an instance. */
export type ReserveEntry =
  | { readonly identity: string; readonly gone: true }
  | {
      readonly identity: string;
      readonly gone: false;
      readonly state: TrustState;
      readonly reason: Reason;
      readonly sentence: string;
      readonly since: number;
      readonly revoked: string | undefined;
      readonly stopped: StopReason | undefined;
      readonly revocation: number;
    };

/** The file: small, so that a test can put one in its place that takes nothing. All reject with the system's error. */
export interface ReserveDisk {
  /** Undefined: there is no such file. */
  read(): Promise<Uint8Array | undefined>;
  /** With all its blocks, whatever is in them; on the disk when it settles. */
  allocate(octets: number): Promise<void>;
  /** In place; on the disk when it settles. */
  write(at: number, bytes: Uint8Array): Promise<void>;
}

const HALF = 256 * 1024;
const HEAD = 44;

export class Reserve {
  private readonly disk: ReserveDisk;
  private readonly log: Log;
  /** What was found at the start. */
  found: readonly ReserveEntry[] = [];
  /** Why there is none; undefined: it is there. */
  problem: string | undefined;
  private sequence = 0;
  private entries = 0;
  private writing: Promise<boolean> | undefined;
  private next: Promise<boolean> | undefined;

  private constructor(disk: ReserveDisk, log: Log) {
    this.disk = disk;
    this.log = log;
  }

  /** Never rejects: without it the Sec-EM runs, and says so. */
  static async open(disk: ReserveDisk, log: Log): Promise<Reserve> {
    const reserve = new Reserve(disk, log);
    await reserve.ensure();
    return reserve;
  }

  /** Entries that are in it. */
  get size(): number {
    return this.entries;
  }

  /** Nothing is in it, and nothing is about to be. */
  get isEmpty(): boolean {
    return this.entries === 0 && this.writing === undefined;
  }

  /** Makes it where it is missing; never rejects. */
  async ensure(): Promise<void> {
    if (this.sequence > 0) return;
    try {
      const bytes = await this.disk.read();
      if (bytes?.length !== 2 * HALF) await this.disk.allocate(2 * HALF);
      else this.take(bytes);
      this.sequence ||= 1;
      this.problem = undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (this.problem === undefined) this.log.warn({ err: why }, "the reserve cannot be made");
      this.problem = `there is no reserve for revocations on a full disk (${why}); free disk space`;
    }
  }

  /**
   * Puts what `entries` gives in place of what is there, and costs nothing where both are nothing. Calls that
   * come while it writes are served together.
   * @returns whether it is on the disk
   */
  keep(entries: () => readonly ReserveEntry[]): Promise<boolean> {
    if (this.writing === undefined) {
      this.writing = this.write(entries).finally(() => (this.writing = undefined));
      return this.writing;
    }
    this.next ??= this.writing.then(() => {
      this.next = undefined;
      return this.keep(entries);
    });
    return this.next;
  }

  private async write(entries: () => readonly ReserveEntry[]): Promise<boolean> {
    const now = entries();
    if (now.length === 0 && this.entries === 0) return true;
    await this.ensure();
    const content = Buffer.from(JSON.stringify(now));
    if (this.problem !== undefined || content.length > HALF - HEAD) return false;
    const sequence = this.sequence + 1;
    const head = Buffer.alloc(12);
    head.writeBigUInt64BE(BigInt(sequence), 0);
    head.writeUInt32BE(content.length, 8);
    const bytes = Buffer.concat([head, digestOf(head, content), content]);
    try {
      await this.disk.write((sequence % 2) * HALF, bytes);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.log.warn({ err: why }, "the reserve cannot be written");
      return false;
    }
    this.sequence = sequence;
    this.entries = now.length;
    return true;
  }

  private take(bytes: Uint8Array): void {
    for (const at of [0, HALF]) {
      const half = Buffer.from(bytes.buffer, bytes.byteOffset + at, HALF);
      const sequence = Number(half.readBigUInt64BE(0));
      const length = half.readUInt32BE(8);
      if (length > HALF - HEAD || sequence <= this.sequence) continue;
      const content = half.subarray(HEAD, HEAD + length);
      if (!digestOf(half.subarray(0, 12), content).equals(half.subarray(12, HEAD))) continue;
      this.sequence = sequence;
      this.found = JSON.parse(content.toString("utf8")) as ReserveEntry[];
      this.entries = this.found.length;
    }
  }
}

/** A real file; its owner alone can read it. */
export function reserveFile(path: string): ReserveDisk {
  return {
    async read() {
      try {
        return await readFile(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    async allocate(octets) {
      // Random octets: zeros, or what compresses, may get no blocks.
      await writeAll(path, "w", 0, randomBytes(octets));
      await flushDirectory(dirname(path));
    },
    write: (at, bytes) => writeAll(path, "r+", at, bytes),
  };
}

async function writeAll(
  path: string,
  flags: string,
  position: number,
  bytes: Uint8Array,
): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}

function digestOf(head: Uint8Array, content: Uint8Array): Buffer {
  return createHash("sha256").update(head).update(content).digest();
}
