/** CPU seconds and memory of a local process, from /proc: not the program's own figures. */
import { readdirSync, readFileSync } from "node:fs";

/** Ticks per second of the times in /proc: 100 on every Linux port that Node.js runs on. */
const TICKS = 100;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The process and what descends from it. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (const parent of tree) {
    for (const task of list(`/proc/${parent}/task`)) {
      const children = read(`/proc/${parent}/task/${task}/children`)?.trim();
      if (children !== undefined && children !== "")
        tree.push(...children.split(/\s+/).map(Number));
    }
  }
  return tree;
}

/**
 * CPU seconds of the process and its live descendants, and of children that have been waited for. By the
 * scheduler's own count where the kernel gives it (nanoseconds, threads that have ended left out), else by
 * the clock tick, which is too coarse for what takes some tens of milliseconds.
 */
export function cpuSeconds(pid: number): number {
  return processTree(pid).reduce((sum, each) => {
    const stat = read(`/proc/${each}/stat`);
    if (stat === undefined) return sum;
    // the fields behind the command name, which may hold blanks: state is number 3
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
    const own = scheduledSeconds(each) ?? (user + system) / TICKS;
    return sum + own + (childrenUser + childrenSystem) / TICKS;
  }, 0);
}

/** What the scheduler gave the threads of a process; undefined where it keeps no account. */
function scheduledSeconds(pid: number): number | undefined {
  let nanoseconds = 0;
  for (const task of list(`/proc/${pid}/task`)) {
    const account = read(`/proc/${pid}/task/${task}/schedstat`);
    if (account !== undefined) nanoseconds += Number(account.split(" ", 1)[0]);
  }
  return nanoseconds === 0 ? undefined : nanoseconds / 1e9;
}

/** Resident octets of the process and its descendants; 0 when it is gone. */
export function residentBytes(pid: number): number {
  return processTree(pid).reduce((sum, each) => {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${each}/status`) ?? "");
    return sum + Number(line?.[1] ?? 0) * 1024;
  }, 0);
}

export interface MeterReading {
  readonly cpu: number;
  readonly rss: number;
}

/** Does nothing when the target is not local. */
export class ProcessMeter {
  private readonly pid: number | undefined;

  constructor(pid: number | undefined) {
    this.pid = pid;
  }

  get present(): boolean {
    return this.pid !== undefined;
  }

  read(): MeterReading | undefined {
    if (this.pid === undefined) return undefined;
    return { cpu: cpuSeconds(this.pid), rss: residentBytes(this.pid) };
  }
}
