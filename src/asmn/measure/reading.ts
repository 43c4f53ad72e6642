/**
 * Reading an image for its digest: the file opened once, looked at before and after, so that a file that
 * changes meanwhile gives an error and no digest. Threads read through the same descriptor at places of
 * their own.
 */
import { closeSync, constants, fdatasync, fstatSync, openSync, readSync } from "node:fs";
import type { BigIntStats } from "node:fs";

/** Why an image has no digest: a sentence that says what to do. */
export class MeasureError extends Error {
  override readonly name = "MeasureError";
  readonly code: "unreadable" | "changed" | "cancelled" | "thread";
  constructor(code: MeasureError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** What tells one state of a file from another without reading it. */
export interface FileState {
  readonly path: string;
  readonly size: number;
  readonly device: string;
  readonly inode: string;
  /** Nanoseconds since 1970, as text. */
  readonly modified: string;
  readonly changed: string;
}

export interface OpenImage {
  readonly fd: number;
  readonly state: FileState;
  /** Throws `MeasureError` when the file is no longer what it was when it was opened. */
  check(): void;
  close(): void;
}

/** Throws `MeasureError`. */
export function openImage(path: string): OpenImage {
  let fd: number;
  try {
    // A pipe without a writer must not stop us.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error);
  }
  const stat = fstatSync(fd, { bigint: true });
  if (!stat.isFile()) {
    closeSync(fd);
    throw new MeasureError("unreadable", `${path} is not a regular file: name the image itself`);
  }
  const state = stateOf(path, stat);
  return {
    fd,
    state,
    check: () => {
      if (sameState(stateOf(path, fstatSync(fd, { bigint: true })), state)) return;
      throw new MeasureError(
        "changed",
        `${path} changed while it was read: measure it when nothing writes to it`,
      );
    },
    close: () => closeSync(fd),
  };
}

/**
 * Writes what is changed in memory only, so that the kernel sees the next change: a page that somebody has mapped
 * and changed once can be changed again without a trace in the file's times, until it was written. Where there
 * is no disk behind the file (tmpfs) that says nothing; see `DigestCache.find` for what does.
 */
export function flushImage(fd: number): Promise<void> {
  // What cannot be flushed is not written by anybody here: a file system that is read-only.
  return new Promise((resolve) => fdatasync(fd, () => resolve()));
}

export function sameState(a: FileState, b: FileState): boolean {
  return (
    a.size === b.size &&
    a.device === b.device &&
    a.inode === b.inode &&
    a.modified === b.modified &&
    a.changed === b.changed
  );
}

/** Fills the buffer from this place on; throws `MeasureError` where the file ends before it should. */
export function readFully(fd: number, buffer: Uint8Array, length: number, position: number): void {
  for (let done = 0; done < length;) {
    let count: number;
    try {
      count = readSync(fd, buffer, done, length - done, position + done);
    } catch (error) {
      throw unreadable("the image", error);
    }
    if (count === 0) {
      throw new MeasureError("changed", "the image became shorter while it was read");
    }
    done += count;
  }
}

function unreadable(path: string, error: unknown): MeasureError {
  const { code = "unknown error" } = error as NodeJS.ErrnoException;
  return new MeasureError(
    "unreadable",
    `${path} cannot be read (${code}): check the path and its permissions`,
  );
}

function stateOf(path: string, stat: BigIntStats): FileState {
  return {
    path,
    size: Number(stat.size),
    device: String(stat.dev),
    inode: String(stat.ino),
    modified: String(stat.mtimeNs),
    changed: String(stat.ctimeNs),
  };
}
