/**
 * Files of the audit log in their directory: `audit-` and the number of the first entry. Small, so that a
 * test can put a disk in its place that is full, slow, or cut.
 */
import { open, readdir, readFile, stat, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { flushDirectory, makeDirectory } from "../../util/durable-file.js";

export interface AuditDisk {
  /** Names in the order of their entries. */
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Uint8Array>;
  /** Octets. */
  size(name: string): Promise<number>;
  /** Behind `length` octets, which are all that counts of what is there. On the disk when it settles. */
  append(name: string, length: number, bytes: Uint8Array): Promise<void>;
  cut(name: string, length: number): Promise<void>;
  remove(name: string): Promise<void>;
}

const NAME = /^audit-\d{12}\.log$/;

/** @param first the file's first entry */
export function fileName(first: number): string {
  return `audit-${String(first).padStart(12, "0")}.log`;
}

/** A real directory, made if need be; its owner alone can read it. */
export function auditDirectory(directory: string): AuditDisk {
  const path = (name: string): string => join(directory, name);
  return {
    async list() {
      await makeDirectory(directory, 0o700);
      return (await readdir(directory)).filter((name) => NAME.test(name)).sort();
    },
    read: (name) => readFile(path(name)),
    async size(name) {
      return (await stat(path(name))).size;
    },
    async append(name, length, bytes) {
      const file = await open(path(name), length === 0 ? "w" : "r+", 0o600);
      try {
        for (let at = 0; at < bytes.length;) {
          const { bytesWritten } = await file.write(bytes, at, bytes.length - at, length + at);
          at += bytesWritten;
        }
        await file.datasync();
      } finally {
        await file.close();
      }
      // A file whose name is not on the disk is gone with the power, whatever is in it.
      if (length === 0) await flushDirectory(directory);
    },
    cut: (name, length) => truncate(path(name), length),
    remove: (name) => unlink(path(name)),
  };
}
