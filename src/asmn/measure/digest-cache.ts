/**
 * Digests of images that were measured before, so that a restart costs no reading of gigabytes. An entry
 * holds while path, size, device, inode, mtime and ctime are what they were: ctime cannot be set back by
 * who only owns the file. Whoever can write the cache can lie about the image, just as whoever controls the
 * machine can: the file is the agent's own, mode 0600.
 *
 * A file that changed within `SETTLED_MS` before it was read is not remembered: a second change within the
 * same tick of the clock would leave no trace in its times. Nor does a change through a mapping that is there
 * already, where no disk is behind the file: so an entry holds for a stated time only.
 */
import { readFileSync } from "node:fs";
import { writeFileDurably } from "../../util/durable-file.js";
import type { ImageDigest } from "./digest.js";
import { sameState } from "./reading.js";
import type { FileState } from "./reading.js";
import { CHUNK_OCTETS } from "./tree.js";

const MOST_ENTRIES = 256;
export const SETTLED_MS = 1000;
const FORMAT = `sha256-tree-${CHUNK_OCTETS}`;

interface Entry {
  readonly file: FileState;
  /** Hex. */
  readonly digest: string;
  /** Wall-clock milliseconds when its reading began. */
  readonly begun: number;
}

export class DigestCache {
  private readonly path: string | undefined;
  private entries: Entry[];

  /** @param path where it is kept; undefined = in memory. A file that cannot be read is an empty cache. */
  constructor(path: string | undefined) {
    this.path = path;
    this.entries = path === undefined ? [] : load(path);
  }

  /**
   * The digest of the file in this state, if it is known.
   * @param wall wall-clock milliseconds now: one that was set back makes nothing younger
   * @param mostMs how old it may be
   */
  find(file: FileState, wall: number, mostMs: number): Buffer | undefined {
    const entry = this.entries.find(
      ({ file: each, begun }) =>
        each.path === file.path &&
        sameState(each, file) &&
        (mostMs === Infinity || (begun <= wall && wall - begun < mostMs)),
    );
    return entry === undefined ? undefined : Buffer.from(entry.digest, "hex");
  }

  /**
   * @param begun wall-clock milliseconds when its reading began
   * @returns whether it was remembered
   */
  remember({ digest, file }: Pick<ImageDigest, "digest" | "file">, begun: number): boolean {
    const changed = Number(BigInt(file.changed) / 1_000_000n);
    if (begun - changed < SETTLED_MS) return false;
    const others = this.entries.filter((each) => each.file.path !== file.path);
    const entry = { file, digest: digest.toString("hex"), begun };
    this.entries = [entry, ...others].slice(0, MOST_ENTRIES);
    try {
      if (this.path !== undefined) {
        writeFileDurably(
          this.path,
          `${JSON.stringify({ format: FORMAT, entries: this.entries })}\n`,
        );
      }
    } catch {
      // Known until this process ends: a full disk is no reason to have no digest.
    }
    return true;
  }
}

function load(path: string): Entry[] {
  try {
    const { format, entries } = JSON.parse(readFileSync(path, "utf8")) as {
      format?: unknown;
      entries?: unknown;
    };
    if (format !== FORMAT || !Array.isArray(entries)) return [];
    return entries.filter(isEntry).slice(0, MOST_ENTRIES);
  } catch {
    // No cache, or not ours: everything is measured anew, which is slow but never wrong.
    return [];
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const { file, digest, begun } = value as {
    file?: Partial<Record<keyof FileState, unknown>>;
    digest?: unknown;
    begun?: unknown;
  };
  return (
    typeof begun === "number" &&
    typeof digest === "string" &&
    /^[0-9a-f]{64}$/.test(digest) &&
    typeof file === "object" &&
    file !== null &&
    typeof file.size === "number" &&
    (["path", "device", "inode", "modified", "changed"] as const).every(
      (key) => typeof file[key] === "string",
    )
  );
}
