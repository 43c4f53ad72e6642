/**
 * One process at a time in a directory, also when two begin in one instant. A lock is a numbered file that names
 * its owner: it appears whole, by a link that fails where the number is taken, and the highest number counts.
 * Whoever finds the owner of the highest one dead takes the next number; the highest one is never removed, so
 * that nobody who looked a while ago can take a number that was there before. An owner is a process id with
 * its time of start and the machine's boot: a number that is used again is somebody else.
 */
import { randomBytes } from "node:crypto";
import { linkSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NAME = /^agent\.lock\.(\d{1,15})$/;
const FRESH = "agent.lock.new.";
/** Others that come in between: each one that does has found the lock, so that few rounds are enough. */
const MOST_TRIES = 100;

export class DirectoryLock {
  private readonly directory: string;
  private readonly beforeTaking: () => void;
  private held: number | undefined;

  /** @param beforeTaking what happens between the look and the taking; for tests */
  constructor(directory: string, beforeTaking: () => void = () => undefined) {
    this.directory = directory;
    this.beforeTaking = beforeTaking;
  }

  /**
   * Nothing when it is held already. Throws the system's error.
   * @returns the process id of who has it; undefined: it is ours
   */
  take(): number | undefined {
    for (let tries = 0; this.held === undefined && tries < MOST_TRIES; tries++) {
      const highest = this.numbers().at(-1) ?? 0;
      const owner = highest === 0 ? undefined : this.ownerOf(highest);
      if (owner !== undefined) return owner;
      this.beforeTaking();
      if (this.make(highest + 1)) this.held = highest + 1;
    }
    if (this.held === undefined) throw new Error("the lock is taken and left again and again");
    this.tidy(this.held);
    return undefined;
  }

  /** The file stays, and names nobody. */
  leave(): void {
    if (this.held === undefined) return;
    try {
      truncateSync(this.path(this.held));
    } catch {
      // It names a process that ends.
    }
    this.held = undefined;
  }

  /** Lowest first. */
  private numbers(): number[] {
    return readdirSync(this.directory)
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  private path(number: number): string {
    return join(this.directory, `agent.lock.${number}`);
  }

  /** @returns whether it is ours, and the highest */
  private make(number: number): boolean {
    const fresh = join(this.directory, FRESH + randomBytes(8).toString("hex"));
    try {
      const text = `${process.pid} ${startOf(process.pid) ?? ""} ${boot()}\n`;
      writeFileSync(fresh, text, { mode: 0o600, flag: "wx" });
      linkSync(fresh, this.path(number));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST" || code === "ENOENT") return false;
      throw error;
    } finally {
      rmSync(fresh, { force: true });
    }
    if (this.numbers().at(-1) === number) return true;
    rmSync(this.path(number), { force: true });
    return false;
  }

  /** What owners before have left. */
  private tidy(held: number): void {
    for (const name of readdirSync(this.directory)) {
      const number = Number(NAME.exec(name)?.[1] ?? held);
      if (number < held || name.startsWith(FRESH)) {
        rmSync(join(this.directory, name), { force: true });
      }
    }
  }

  /** @returns the process id of who lives; undefined: nobody does */
  private ownerOf(number: number): number | undefined {
    let text: string;
    try {
      text = readFileSync(this.path(number), "utf8");
    } catch (error) {
      // A higher one is there by now.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    const [pid, start, at] = text.trim().split(" ");
    const isAlive = start !== "" && at === boot() && startOf(Number(pid)) === start;
    return isAlive ? Number(pid) : undefined;
  }
}

/** Ticks from the boot to the start of a process; undefined: there is none. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything: what counts is behind the last one, from field 3 on.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie does nothing any more.
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function boot(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "unknown";
  }
}
