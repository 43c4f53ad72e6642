/** Small files that must be whole after a loss of power: written beside, fsync'd, renamed, directory fsync'd. */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

/** Mode 0600. Throws the system's error, and leaves the former content as it was. */
export function writeFileDurably(path: string, content: string | Uint8Array): void {
  const beside = `${path}.new`;
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const fd = openSync(beside, "w", 0o600);
  try {
    fchmodSync(fd, 0o600);
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
    fsyncSync(fd);
  } catch (error) {
    closeSync(fd);
    discard(beside);
    throw error;
  }
  closeSync(fd);
  renameSync(beside, path);
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The next writing replaces it.
  }
}
