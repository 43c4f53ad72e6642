/**
 * The audit log: notes in, chained entries on the disk out. One write is under way at a time and takes all
 * that has come meanwhile, so a burst costs one flush. What cannot be written gets no number: the chain has
 * no gaps, the next entry that can be written says how many were lost, and the one who asked is told.
 *
 * Bounded: files of an eighth of `maxOctets`, the oldest removed; the chain goes on over files.
 */
import type { KeyObject } from "node:crypto";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { fileName, type AuditDisk } from "./disk.js";
import { BEGINNING, entryAfter, headOf, lineOf, parseLine } from "./entry.js";
import type { AuditEntry, AuditNote } from "./entry.js";
import { ChainCheck, type AuditCheck } from "./verify.js";

export interface AuditParts {
  readonly disk: AuditDisk;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxOctets: number;
  /** Signs heads. */
  readonly key: KeyObject;
  /** The same key's public half, raw hex. */
  readonly publicKey: string;
}

/** The last entry, as somebody else keeps it to see a log that was cut. */
export interface AuditMark {
  readonly sequence: number;
  readonly digest: string;
}

/** A head after so many entries, */
const HEAD_ENTRIES = 64;
/** or so long after the first that is not signed. */
const HEAD_MS = 60_000;
const MOST_WAITING = 4096;
const FILES = 8;
const SMALLEST_FILE = 4096;

interface Waiting {
  readonly note: AuditNote;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class AuditLog {
  private readonly parts: AuditParts;
  private last: AuditMark = { sequence: 0, digest: BEGINNING };
  private file = "";
  private octets = 0;
  private unsigned = 0;
  private unsignedSince = 0;
  private lost = 0;
  private waiting: Waiting[] = [];
  private headWanted = false;
  private running: Promise<void> | undefined;
  /** Why nothing can be written now. */
  problem: string | undefined;

  private constructor(parts: AuditParts) {
    this.parts = parts;
  }

  /**
   * Goes on where the log ends; a line that a crash left half written is taken away.
   * @param mark the last entry that must be there
   * Rejects with the system's error when the directory cannot be read.
   */
  static async open(parts: AuditParts, mark?: AuditMark): Promise<AuditLog> {
    const log = new AuditLog(parts);
    await log.recover(mark);
    return log;
  }

  get mark(): AuditMark {
    return this.last;
  }

  /** Settled when it is on the disk; rejects, with nothing written, when it cannot be. */
  note(note: AuditNote): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length >= MOST_WAITING) {
        this.lost++;
        reject(new Error("the audit log does not keep up; is the disk stuck?"));
        return;
      }
      this.waiting.push({ note, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Entries behind `after`, oldest first; reads from the disk. */
  async entries(after: number, limit: number): Promise<readonly AuditEntry[]> {
    const { disk } = this.parts;
    const names = await disk.list();
    const found: AuditEntry[] = [];
    for (const [at, name] of names.entries()) {
      const next = names[at + 1];
      if (next !== undefined && next <= fileName(after + 1)) continue;
      for (const text of linesOf(await disk.read(name))) {
        const line = parseLine(text);
        if (typeof line === "string" || line.kind !== "entry") continue;
        if (line.entry.sequence > after && found.push(line.entry) >= limit) return found;
      }
    }
    return found;
  }

  async check(): Promise<AuditCheck> {
    const { disk, publicKey } = this.parts;
    await this.running;
    const check = new ChainCheck(publicKey);
    for (const name of await disk.list()) {
      let number = 0;
      for (const line of linesOf(await disk.read(name))) {
        if (!check.push(line, `${name}, line ${++number}`)) return check.result();
      }
    }
    return check.result();
  }

  /** To be called every few seconds: signs what has waited long enough, tells what was lost. */
  async tick(): Promise<void> {
    if (this.lost > 0) return this.sign();
    if (this.unsigned === 0 || this.parts.clock.now() - this.unsignedSince < HEAD_MS) return;
    await this.sign();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.sign();
  }

  private async sign(): Promise<void> {
    this.headWanted = true;
    this.running ??= this.run();
    await this.running;
  }

  private async run(): Promise<void> {
    // One turn, so that what comes together is written together.
    await Promise.resolve();
    while (this.waiting.length > 0 || this.headWanted) {
      const batch = this.waiting;
      this.waiting = [];
      const head = this.headWanted && this.unsigned + batch.length + this.lost > 0;
      this.headWanted = false;
      if (batch.length > 0 || head) await this.write(batch, head);
    }
    this.running = undefined;
  }

  /** Never rejects. */
  private async write(batch: readonly Waiting[], head: boolean): Promise<void> {
    const { clock, disk, key, publicKey, maxOctets } = this.parts;
    let { last } = this;
    const text: string[] = [];
    const add = (note: AuditNote): void => {
      const entry = entryAfter(last, clock.wall(), note);
      last = entry;
      text.push(lineOf({ kind: "entry", entry }));
    };
    const { lost } = this;
    if (lost > 0) {
      add({
        actor: "sec-em",
        action: "lost",
        subject: "",
        detail: `${lost} entries before this one could not be written`,
      });
    }
    for (const { note } of batch) add(note);
    const added = last.sequence - this.last.sequence;
    const signs = head || this.unsigned + added >= HEAD_ENTRIES;
    if (signs)
      text.push(lineOf({ kind: "head", head: headOf(last, clock.wall(), key, publicKey) }));
    const fresh =
      added > 0 && (this.file === "" || this.octets >= Math.max(SMALLEST_FILE, maxOctets / FILES));
    const file = fresh ? fileName(this.last.sequence + 1) : this.file;
    const length = fresh ? 0 : this.octets;
    const bytes = Buffer.from(text.join(""));
    try {
      await disk.append(file, length, bytes);
    } catch (error) {
      this.failed(error, batch);
      // What half of a line stands there is overwritten by the next one; a reader need not see it.
      await (fresh ? disk.remove(file) : disk.cut(file, length)).catch(() => {});
      return;
    }
    if (this.unsigned === 0) this.unsignedSince = clock.now();
    this.unsigned = signs ? 0 : this.unsigned + added;
    this.last = { sequence: last.sequence, digest: last.digest };
    this.file = file;
    this.octets = length + bytes.length;
    this.lost -= lost;
    this.problem = undefined;
    for (const { resolve } of batch) resolve();
    if (fresh) await this.removeOldest().catch(() => {});
  }

  private failed(error: unknown, batch: readonly Waiting[]): void {
    const reason = error instanceof Error ? error.message : String(error);
    const sentence = `the audit log cannot be written (${reason}); free disk space or repair its directory`;
    if (this.problem !== sentence) this.parts.log.error({ err: reason }, sentence);
    this.problem = sentence;
    this.lost += batch.length;
    for (const { reject } of batch) reject(new Error(sentence));
  }

  private async removeOldest(): Promise<void> {
    const { disk, maxOctets } = this.parts;
    const names = await disk.list();
    let total = 0;
    for (const name of names.toReversed()) {
      total += await disk.size(name);
      if (total > maxOctets && name !== this.file) await disk.remove(name);
    }
  }

  private async recover(mark: AuditMark | undefined): Promise<void> {
    const { disk } = this.parts;
    const names = await disk.list();
    let cut: string | undefined;
    for (const name of names.toReversed()) {
      const bytes = await disk.read(name);
      const end = bytes.lastIndexOf(0x0a) + 1;
      if (end < bytes.length) await disk.cut(name, end);
      const lines = linesOf(bytes.subarray(0, end));
      const parsed = lines.map(parseLine);
      const last = parsed.findLast((line) => typeof line !== "string" && line.kind === "entry");
      if (last === undefined || typeof last === "string" || last.kind !== "entry") {
        // A file without an entry: killed before its first line was whole.
        await disk.remove(name);
        continue;
      }
      this.last = { sequence: last.entry.sequence, digest: last.entry.digest };
      this.file = name;
      this.octets = end;
      const behind = parsed.length - 1 - parsed.lastIndexOf(last);
      this.unsigned = behind > 0 ? 0 : 1;
      const check = new ChainCheck(this.parts.publicKey);
      lines.every((line, at) => check.push(line, `${name}, line ${at + 1}`));
      cut = check.result().problem;
      break;
    }
    if (mark !== undefined && mark.sequence > this.last.sequence) {
      cut ??= `the log ends with entry ${this.last.sequence}, and entry ${mark.sequence} was written`;
    }
    if (mark?.sequence === this.last.sequence && mark.digest !== this.last.digest) {
      cut ??= `entry ${mark.sequence} is not the one that was written`;
    }
    if (cut === undefined) return;
    this.parts.log.error(
      { problem: cut },
      "the audit log was changed while the Sec-EM did not run",
    );
    const note = { actor: "sec-em", action: "damaged", subject: "audit log", detail: cut };
    await this.note(note).catch(() => {});
  }
}

function linesOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  return text.split("\n").filter((line) => line !== "");
}
