/**
 * What the manifest says of one name in the file system: content, mode and owner of a file; where a link leads,
 * and nothing of what is there; the kind of anything else. Nothing here waits for the other end of a pipe, reads
 * without a bound, or mixes two files: a name that becomes something else meanwhile is looked at anew, and one
 * that never stays as it is has no digest.
 *
 *   file    SHA-256("file MODE UID GID SHA-256-of-the-content"), MODE octal, with setuid, setgid and sticky bit
 *   link    SHA-256("link TARGET")
 *   others  SHA-256("fifo|socket|character|block MODE UID GID DEVICE")
 *
 * A hard link is the file that it is, wherever its other names are.
 */
import { createHash } from "node:crypto";
import { constants, type BigIntStats } from "node:fs";
import { lstat, open, readlink, type FileHandle } from "node:fs/promises";
import { MeasureError } from "./reading.js";

export type FoundFile = { readonly kind: "directory" } | { readonly kind: "item"; digest: string };

export const FILE_MAX = 256 * 1024 * 1024;
const BLOCK = 256 * 1024;
const MOST_TRIES = 3;
/** A link that has come into its place is not followed, a pipe is not waited for, no terminal becomes ours. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Rejects with `MeasureError`, or with the system's error: `ENOENT` where nothing is. */
export async function measureFile(path: string): Promise<FoundFile> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const stat = await lstat(path, { bigint: true });
    if (stat.isDirectory()) return { kind: "directory" };
    const words = await wordsOf(path, stat);
    if (words !== undefined) return { kind: "item", digest: sha256(words) };
  }
  throw new MeasureError(
    "changed",
    `${path} changed while it was read: name it in allowed-changes, or have nothing write to it`,
  );
}

/** SHA-256 of what is behind a name that leads to a program, as in /proc. Rejects with the system's error, or `MeasureError`. */
export async function measureProgram(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return await contentOf(path, file, Infinity);
  } finally {
    await file.close();
  }
}

export function sha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Undefined: it became something else. */
async function wordsOf(path: string, stat: BigIntStats): Promise<string | undefined> {
  if (stat.isSymbolicLink()) {
    const target = await readlink(path).catch(otherKind);
    return target === undefined ? undefined : `link ${target}`;
  }
  const { mode, uid, gid, rdev } = stat;
  const rights = `${(mode & 0o7777n).toString(8)} ${uid} ${gid}`;
  if (!stat.isFile()) return `${kindOf(stat)} ${rights} ${rdev}`;
  if (stat.size > FILE_MAX) throw tooLarge(path);
  const file = await open(path, FLAGS).catch(otherKind);
  if (file === undefined) return undefined;
  try {
    if (!isSame(stat, await file.stat({ bigint: true }))) return undefined;
    const digest = await contentOf(path, file, FILE_MAX);
    return isSame(stat, await file.stat({ bigint: true })) ? `file ${rights} ${digest}` : undefined;
  } finally {
    await file.close();
  }
}

async function contentOf(path: string, file: FileHandle, most: number): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(BLOCK);
  for (let total = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, BLOCK, null);
    if (bytesRead === 0) return hash.digest("hex");
    total += bytesRead;
    if (total > most) throw tooLarge(path);
    hash.update(buffer.subarray(0, bytesRead));
  }
}

/** The errors of a name that is something else than a moment ago: no link any more, a link now, a socket. */
function otherKind(error: NodeJS.ErrnoException): undefined {
  if (error.code === "EINVAL" || error.code === "ELOOP" || error.code === "ENXIO") return undefined;
  throw error;
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return (
    a.dev === b.dev &&
    a.ino === b.ino &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs
  );
}

function kindOf(stat: BigIntStats): string {
  if (stat.isFIFO()) return "fifo";
  if (stat.isSocket()) return "socket";
  return stat.isBlockDevice() ? "block" : "character";
}

function tooLarge(path: string): MeasureError {
  return new MeasureError("unreadable", `${path} is too large for a manifest: make it an image`);
}
