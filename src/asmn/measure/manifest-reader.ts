/**
 * Takes the run-time manifest of this machine: files and directories as they lie there (`manifest-file.ts`),
 * processes by the name of their program, configuration as a command prints it. Bounded in items, octets and
 * time: a manifest is for configuration and programs, an image has the tree digest. What may change is not
 * even read: a log that grows is no reason to have no manifest.
 */
import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../../util/bounded-command.js";
import { measureFile, measureProgram, sha256 } from "./manifest-file.js";
import { allowance, makeManifest, MOST_ITEMS } from "./manifest.js";
import type { AllowedChange, Manifest, ManifestItem } from "./manifest.js";
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

const OUTPUT_MAX = 16 * 1024 * 1024;
const COMMAND_MS = 10_000;
const DEPTH_MAX = 32;
/** Names that are looked at, those that may change among them. */
const MOST_NAMES = 65_536;

/**
 * @param allowed what may change: left out, as it is of the digest
 * Rejects with `MeasureError`, or with the `RangeError` of `makeManifest`.
 */
export async function readManifest(
  sources: ManifestSources,
  allowed: readonly AllowedChange[] = [],
): Promise<Manifest> {
  const may = allowance(allowed);
  const walk = new Walk(may);
  for (const path of sources.files) await walk.add(path, 0);
  const { items } = walk;
  const processes = sources.processes.filter((name) => !may({ kind: "process", name }));
  if (processes.length > 0) items.push(...(await processItems(processes)));
  for (const { name, command } of sources.configuration) {
    if (may({ kind: "configuration", name })) continue;
    const digest = sha256(await outputOf(name, command));
    items.push({ kind: "configuration", name, digest });
  }
  return makeManifest(items);
}

/** Files, and directories with everything below them. */
class Walk {
  readonly items: ManifestItem[] = [];
  private readonly may: ReturnType<typeof allowance>;
  private names = 0;

  constructor(may: ReturnType<typeof allowance>) {
    this.may = may;
  }

  async add(name: string, depth: number): Promise<void> {
    if (this.items.length >= MOST_ITEMS || ++this.names > MOST_NAMES || depth > DEPTH_MAX) {
      throw new MeasureError("unreadable", `${name}: too many files to measure: name fewer`);
    }
    try {
      const isLeft = this.may({ kind: "file", name });
      if (isLeft && !(await lstat(name)).isDirectory()) return;
      const found = await measureFile(name);
      if (found.kind === "item") {
        if (!isLeft) this.items.push({ kind: "file", name, digest: found.digest });
        return;
      }
      for (const one of (await readdir(name)).sort()) await this.add(join(name, one), depth + 1);
    } catch (error) {
      // What is not there is missing in the manifest, and the Sec-EM says so.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error instanceof MeasureError ? error : unreadable(name, error);
    }
  }
}

/** Each program once, however many processes it has: the digests of all their programs and command lines. */
async function processItems(names: readonly string[]): Promise<ManifestItem[]> {
  const running = new Map<string, string[]>(names.map((name) => [name, []]));
  const programs = new Map<string, string>();
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
  programs: Map<string, string>,
): Promise<{ name: string; digest: string } | undefined> {
  try {
    const name = (await readFile(`/proc/${pid}/comm`, "utf8")).trimEnd();
    if (!wanted.has(name)) return undefined;
    // A program with a hundred processes is read once.
    const { dev, ino } = await stat(`/proc/${pid}/exe`, { bigint: true });
    const program = `${dev} ${ino}`;
    const words = await readFile(`/proc/${pid}/cmdline`);
    const digest = programs.get(program) ?? (await measureProgram(`/proc/${pid}/exe`));
    programs.set(program, digest);
    return { name, digest: `${digest} ${sha256(words)}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It ended meanwhile.
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw unreadable(`process ${pid}`, error);
  }
}

async function outputOf(name: string, command: readonly string[]): Promise<Uint8Array> {
  const end = await runCommand(command, { timeoutMs: COMMAND_MS, mostOutput: OUTPUT_MAX });
  if (end.ok) return end.out;
  const why = `configuration "${name}" cannot be measured: ${command[0] ?? ""}: ${end.why}`;
  throw new MeasureError("unreadable", `${why}; try the command by hand`);
}

function unreadable(path: string, error: unknown): MeasureError {
  const { code = "unknown error" } = error as NodeJS.ErrnoException;
  return new MeasureError("unreadable", `${path} cannot be read (${code}): check its permissions`);
}
