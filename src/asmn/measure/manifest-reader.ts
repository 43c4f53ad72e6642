/**
 * Takes the run-time manifest of this machine: files and directories as they lie there, processes by the
 * name of their program, configuration as a command prints it. Bounded in items, octets and time: a manifest
 * is for configuration and programs, an image has the tree digest.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeManifest, MOST_ITEMS } from "./manifest.js";
import type { Manifest, ManifestItem } from "./manifest.js";
import { MeasureError } from "./reading.js";

export interface ManifestSources {
  /** Files, and directories with everything below them. */
  readonly files: readonly string[];
  /** Names of programs, as in /proc/PID/comm. */
  readonly processes: readonly string[];
  /** A name, and the command whose output is measured. */
  readonly configuration: readonly {
    readonly name: string;
    readonly command: readonly string[];
  }[];
}

const FILE_MAX = 256 * 1024 * 1024;
const OUTPUT_MAX = 16 * 1024 * 1024;
const COMMAND_MS = 10_000;
const DEPTH_MAX = 32;

/** Rejects with `MeasureError`, or with the `RangeError` of `makeManifest`. */
export async function readManifest(sources: ManifestSources): Promise<Manifest> {
  const items: ManifestItem[] = [];
  for (const path of sources.files) await addPath(path, items, 0);
  if (sources.processes.length > 0) items.push(...(await processItems(sources.processes)));
  for (const { name, command } of sources.configuration) {
    const digest = sha256(await outputOf(name, command));
    items.push({ kind: "configuration", name, digest });
  }
  return makeManifest(items);
}

async function addPath(path: string, items: ManifestItem[], depth: number): Promise<void> {
  if (items.length >= MOST_ITEMS || depth > DEPTH_MAX) {
    throw new MeasureError("unreadable", `${path}: too many files to measure: name fewer`);
  }
  try {
    const stat = await lstat(path);
    if (stat.isSymbolicLink()) {
      // Where it leads, not what is there: that is measured where it lies.
      items.push({ kind: "file", name: path, digest: sha256(`link ${await readlink(path)}`) });
    } else if (stat.isDirectory()) {
      for (const name of (await readdir(path)).sort()) {
        await addPath(join(path, name), items, depth + 1);
      }
    } else if (stat.isFile()) {
      if (stat.size > FILE_MAX) {
        throw new MeasureError(
          "unreadable",
          `${path} is too large for a manifest: make it an image`,
        );
      }
      items.push({ kind: "file", name: path, digest: await fileDigest(path) });
    }
  } catch (error) {
    // What is not there is missing in the manifest, and the Sec-EM says so.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error instanceof MeasureError ? error : unreadable(path, error);
  }
}

/** Each program once, however many processes it has: the digests of all their programs and command lines. */
async function processItems(names: readonly string[]): Promise<ManifestItem[]> {
  const running = new Map<string, string[]>(names.map((name) => [name, []]));
  const programs = new Map<string, Promise<string>>();
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const found = await processOf(pid, running, programs);
    if (found !== undefined) running.get(found.name)?.push(found.digest);
  }
  return [...running]
    .filter(([, digests]) => digests.length > 0)
    .map(([name, digests]) => ({
      kind: "process",
      name,
      digest: sha256([...new Set(digests)].sort().join("\n")),
    }));
}

async function processOf(
  pid: string,
  wanted: ReadonlyMap<string, unknown>,
  programs: Map<string, Promise<string>>,
): Promise<{ name: string; digest: string } | undefined> {
  try {
    const name = (await readFile(`/proc/${pid}/comm`, "utf8")).trimEnd();
    if (!wanted.has(name)) return undefined;
    // A program with a hundred processes is read once.
    const { dev, ino } = await stat(`/proc/${pid}/exe`, { bigint: true });
    const program = `${dev} ${ino}`;
    const digest = programs.get(program) ?? fileDigest(`/proc/${pid}/exe`);
    programs.set(program, digest);
    const words = await readFile(`/proc/${pid}/cmdline`);
    return { name, digest: `${await digest} ${sha256(words)}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It ended meanwhile.
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw unreadable(`process ${pid}`, error);
  }
}

function fileDigest(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash("sha256");
    createReadStream(path, { highWaterMark: 256 * 1024 })
      .on("data", (octets) => hash.update(octets))
      .on("error", reject)
      .on("end", () => resolve(hash.digest("hex")));
  });
}

function outputOf(name: string, [file = "", ...words]: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { encoding: "buffer", maxBuffer: OUTPUT_MAX, timeout: COMMAND_MS } as const;
    execFile(file, words, options, (error, stdout) => {
      if (error === null) return resolve(stdout);
      const why = `configuration "${name}" cannot be measured: ${file} failed (${error.code ?? "timeout"})`;
      reject(new MeasureError("unreadable", `${why}: try the command by hand`));
    });
  });
}

function unreadable(path: string, error: unknown): MeasureError {
  const { code = "unknown error" } = error as NodeJS.ErrnoException;
  return new MeasureError("unreadable", `${path} cannot be read (${code}): check its permissions`);
}

function sha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}
