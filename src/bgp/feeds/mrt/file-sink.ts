/**
 * Records into files, without anybody waiting for a disk: what is written goes into a buffer, full
 * buffers into a bounded queue, and the queue to the disk in the background (compressed in the
 * thread pool). A file is written under a hidden name and gets its own when it is whole.
 *
 * A disk that is too slow costs records (counted), and so does one that is full: that is an alarm, the
 * file is cut back to its last whole record, and every next buffer tries again. A file that somebody
 * removed while it was written is lost, counted, and the next buffer begins another.
 */
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock, TimerHandle } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import type { MrtFileView } from "../control.js";
import type { MrtFileSettings } from "../settings.js";
import { adoptParts, fileName, freeName, partName, retain } from "./file-names.js";

const BUFFER = 256 * 1024;
/** Octets that may wait for the disk. */
export const QUEUE_LIMIT = 16 * 1024 * 1024;
/** A buffer that is not full goes to the disk after this long; compressed ones want to be larger. */
const FLUSH_MS = 1000;
const FLUSH_COMPRESSED_MS = 10_000;

const compress = promisify(gzip);

type Task =
  | {
      readonly kind: "write";
      readonly bytes: Uint8Array;
      readonly records: number;
      /** When the file they belong to began, wall-clock milliseconds. */
      readonly began: number;
    }
  | { readonly kind: "finish"; readonly done: (file: string | undefined) => void };

export class FileSink {
  readonly settings: MrtFileSettings;
  private readonly clock: Clock;
  private readonly log: Log;
  private buffer: Uint8Array = new Uint8Array(0);
  private top = 0;
  private bufferRecords = 0;
  private began: number | undefined;
  private readonly queue: Task[] = [];
  private queued = 0;
  private working: Promise<void> | undefined;
  private flushTimer: TimerHandle | undefined;
  private handle: FileHandle | undefined;
  private final: string | undefined;
  /** Octets of whole records on disk, in the file under way, and how many records. */
  private good = 0;
  private goodRecords = 0;
  private adopted = false;
  private files = 0;
  private records = 0;
  private octets = 0;
  private dropped = 0;
  private alarm: string | undefined;

  constructor(settings: MrtFileSettings, clock: Clock, log: Log) {
    this.settings = settings;
    this.clock = clock;
    this.log = log;
  }

  /** Octets that wait to be written. */
  get pendingBytes(): number {
    return this.queued + this.top;
  }

  /** Room for a record of at most `most` octets; undefined when the disk is too slow, which costs the record. */
  room(most: number): { readonly bytes: Uint8Array; readonly at: number } | undefined {
    if (this.queued + most > QUEUE_LIMIT) {
      this.dropped++;
      this.raise("the disk is too slow: records are dropped");
      return undefined;
    }
    if (this.top + most > this.buffer.length) {
      this.flush();
      this.buffer = Buffer.allocUnsafeSlow(Math.max(BUFFER, most));
    }
    this.began ??= this.clock.wall();
    if (this.top === 0) this.armFlush();
    return { bytes: this.buffer, at: this.top };
  }

  /** Ends the record begun by `room`. */
  finishRecord(end: number): void {
    this.top = end;
    this.bufferRecords++;
  }

  /** Gives what is buffered to the disk. */
  flush(): void {
    this.flushTimer?.cancel();
    this.flushTimer = undefined;
    if (this.top === 0) return;
    const bytes = this.buffer.subarray(0, this.top);
    const began = this.began ?? this.clock.wall();
    this.queue.push({ kind: "write", bytes, records: this.bufferRecords, began });
    this.queued += bytes.length;
    this.buffer = this.buffer.subarray(this.top);
    this.top = 0;
    this.bufferRecords = 0;
    this.work();
  }

  /** Ends the file: it gets its name; resolves with it, or with undefined when nothing was written. */
  finishFile(): Promise<string | undefined> {
    this.flush();
    this.began = undefined;
    return new Promise((done) => {
      this.queue.push({ kind: "finish", done });
      this.work();
    });
  }

  /** Resolves when at most `octets` wait. */
  async drained(octets: number): Promise<void> {
    while (this.queued > octets && this.working !== undefined) {
      await Promise.race([this.working, new Promise((next) => setTimeout(next, 5))]);
    }
  }

  view(): MrtFileView {
    return {
      directory: this.settings.directory,
      file: this.final,
      files: this.files,
      records: this.records,
      octets: this.octets,
      dropped: this.dropped,
      pendingBytes: this.pendingBytes,
      alarm: this.alarm,
    };
  }

  private armFlush(): void {
    const wait = this.settings.compress ? FLUSH_COMPRESSED_MS : FLUSH_MS;
    this.flushTimer ??= this.clock.setTimer(wait, () => {
      this.flushTimer = undefined;
      this.flush();
    });
  }

  private work(): void {
    this.working ??= this.workOff().finally(() => {
      this.working = undefined;
      if (this.queue.length > 0) this.work();
    });
  }

  private async workOff(): Promise<void> {
    for (let task = this.queue.shift(); task !== undefined; task = this.queue.shift()) {
      if (task.kind === "finish") task.done(await this.close());
      else {
        await this.write(task.bytes, task.records, task.began);
        this.queued -= task.bytes.length;
      }
    }
  }

  private async write(bytes: Uint8Array, records: number, began: number): Promise<void> {
    try {
      const data = this.settings.compress ? await compress(bytes) : bytes;
      await this.checkExists();
      const handle = await this.opened(began);
      let written = 0;
      while (written < data.length) {
        const result = await handle.write(
          data,
          written,
          data.length - written,
          this.good + written,
        );
        written += result.bytesWritten;
      }
      this.good += written;
      this.goodRecords += records;
      this.records += records;
      this.octets += written;
      this.clear();
    } catch (error) {
      this.dropped += records;
      this.raise(messageOf(error));
      // Half a record would make the rest of the file unreadable.
      await this.handle?.truncate(this.good).catch(() => {});
    }
  }

  /** What goes into a file without a name is lost. */
  private async checkExists(): Promise<void> {
    const { handle } = this;
    if (handle === undefined || (await handle.stat()).nlink > 0) return;
    this.forget();
    await handle.close();
    this.dropped += this.goodRecords;
    this.records -= this.goodRecords;
    this.raise("the file under way was removed: leave hidden files alone");
  }

  private forget(): void {
    this.handle = undefined;
    this.final = undefined;
  }

  private async opened(began: number): Promise<FileHandle> {
    if (this.handle !== undefined) return this.handle;
    const { directory, name } = this.settings;
    if (!this.adopted) await adoptParts(directory, name);
    this.adopted = true;
    const wanted = fileName(name, began, this.settings.compress);
    const final = await freeName(directory, wanted);
    this.handle = await open(join(directory, partName(final)), "w", 0o644);
    this.final = final;
    this.good = 0;
    this.goodRecords = 0;
    return this.handle;
  }

  private async close(): Promise<string | undefined> {
    const { settings } = this;
    try {
      await this.checkExists();
      const { handle, final } = this;
      if (handle === undefined || final === undefined) return undefined;
      this.forget();
      const part = join(settings.directory, partName(final));
      await handle.close();
      if (this.good === 0) {
        await unlink(part);
        return undefined;
      }
      const file = join(settings.directory, final);
      await rename(part, file);
      await this.retain();
      return file;
    } catch (error) {
      this.raise(messageOf(error));
      return undefined;
    }
  }

  /** The file is whole whatever becomes of older ones. */
  private async retain(): Promise<void> {
    try {
      this.files = await retain(this.settings, this.clock.wall());
    } catch (error) {
      this.raise(`older files cannot be removed: ${messageOf(error)}`);
    }
  }

  private raise(why: string): void {
    if (this.alarm === undefined) {
      const { directory, name } = this.settings;
      this.log.error({ directory, name, why }, "MRT records are being lost");
    }
    this.alarm = why;
  }

  private clear(): void {
    if (this.alarm === undefined) return;
    this.alarm = undefined;
    const { directory, name } = this.settings;
    this.log.info({ directory, name, dropped: this.dropped }, "MRT files are written again");
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: make room, or keep less (keep-files, keep-octets)",
  ENOENT: "the directory does not exist: create it",
  EACCES: "evpnd's user may not write there: change the directory's owner or mode",
  EROFS: "the file system is read-only",
  EDQUOT: "the quota is used up: make room, or keep less (keep-files, keep-octets)",
};

function messageOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const remedy = code === undefined ? undefined : REMEDIES[code];
  return remedy === undefined ? message : `${code}: ${remedy}`;
}
