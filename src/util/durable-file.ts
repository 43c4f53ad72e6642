/**
 * Small files that must be whole after a loss of power: written beside, fsync'd, renamed, directory fsync'd. A
 * name that is new is only there once the directory that has it is flushed, too.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** Mode 0600. Throws the system's error, and leaves the former content as it was. */
export function writeFileDurably(path: string, content: string | Uint8Array): void {
  const beside = `${path}.new`;
  writeFlushed(beside, "w", content);
  renameSync(beside, path);
  flushDirectorySync(dirname(path));
}

/** The same for a file that must not be there yet. Throws the system's error: `EEXIST` when it is. */
export function createFileDurably(path: string, content: string | Uint8Array): void {
  const beside = `${path}.${randomBytes(6).toString("hex")}.new`;
  writeFlushed(beside, "wx", content);
  try {
    linkSync(beside, path);
  } finally {
    discard(beside);
  }
  flushDirectorySync(dirname(path));
}

/** Made with all that is missing above it, and not gone with the power. Throws the system's error. */
export function makeDirectoryDurably(path: string, mode: number): void {
  for (const above of changed(path, mkdirSync(path, { recursive: true, mode }))) {
    try {
      flushDirectorySync(above);
    } catch {
      // One that we may not read: whoever made it keeps it.
    }
  }
}

/** The same without holding up the thread. Rejects with the system's error. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  for (const above of changed(path, await mkdir(path, { recursive: true, mode }))) {
    await flushDirectory(above).catch(() => undefined);
  }
}

/** Names that were made, changed or removed in it are on the disk when it settles. Rejects with the system's error. */
export async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Directories that have a new name in them. @param first the uppermost that was made */
function changed(path: string, first: string | undefined): string[] {
  if (first === undefined) return [];
  const top = dirname(resolve(first));
  const found: string[] = [];
  for (let at = resolve(path); at !== top && at !== dirname(at); at = dirname(at)) {
    found.push(dirname(at));
  }
  return found;
}

function flushDirectorySync(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function writeFlushed(path: string, flags: string, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const fd = openSync(path, flags, 0o600);
  try {
    fchmodSync(fd, 0o600);
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
    fsyncSync(fd);
  } catch (error) {
    closeSync(fd);
    discard(path);
    throw error;
  }
  closeSync(fd);
}

function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The next writing replaces it, or nobody looks at it.
  }
}
