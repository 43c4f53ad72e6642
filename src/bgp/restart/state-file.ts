/**
 * What one life of evpnd leaves to the next: who was Established, and by the file's time, until when. That
 * is enough to tell a restart from a cold start and to know whose routes to wait for; the routes
 * themselves come from the peers again.
 *
 * The file is written beside its name and renamed, so that it is whole or old. Its time is touched every
 * TOUCH_MS, so that its age at a start is that of the life's end even after SIGKILL. What cannot be read or
 * written is said once and costs nothing but the restart's grace: the start is a cold one.
 */
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";

export const STATE_FILE = "established-peers.json";
const FORMAT = 1;
const TOUCH_MS = 5_000;
/** Changes within are written together. */
const SETTLE_MS = 500;
/** More than any reflector has; a larger file is none of ours. */
const MOST_OCTETS = 16 * 1024 * 1024;
const MOST_PEERS = 100_000;

/** A peer that was Established, and the address of ours that it talked to. */
export interface RememberedPeer {
  readonly address: string;
  readonly localAddress: string;
}

/** Reads the state of the life before. Undefined: a cold start. */
export async function readRestartState(
  directory: string,
  wallMs: number,
  /** Seconds that any peer keeps our routes. */
  restartTime: number,
  log: Log,
): Promise<readonly RememberedPeer[] | undefined> {
  const file = join(directory, STATE_FILE);
  try {
    const found = await stat(file);
    const age = (wallMs - found.mtimeMs) / 1000;
    if (age > restartTime + TOUCH_MS / 1000) {
      log.info({ file, seconds: Math.round(age) }, "cold start: the life before is too long ago");
      return undefined;
    }
    // A pipe would never end.
    const readable = found.isFile() && found.size <= MOST_OCTETS;
    const peers = readable ? parseRestartState(await readFile(file, "utf8")) : undefined;
    if (peers === undefined) log.warn({ file }, "cold start: the state file is not one of evpnd's");
    return peers === undefined || peers.length === 0 ? undefined : peers;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const why = (error as Error).message;
    log.warn({ file, error: why }, "cold start: the state file cannot be read");
    return undefined;
  }
}

export function formatRestartState(peers: readonly RememberedPeer[]): string {
  const established = peers.map(({ address, localAddress }) => ({ address, localAddress }));
  return `${JSON.stringify({ format: FORMAT, established })}\n`;
}

/** Undefined for anything that `formatRestartState` did not write. */
export function parseRestartState(text: string): RememberedPeer[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { format, established } = value as { format?: unknown; established?: unknown };
  if (format !== FORMAT || !Array.isArray(established)) return undefined;
  if (established.length > MOST_PEERS) return undefined;
  return established.every(isRemembered) ? established : undefined;
}

function isRemembered(item: unknown): item is RememberedPeer {
  if (typeof item !== "object" || item === null) return false;
  const { address, localAddress } = item as Partial<Record<keyof RememberedPeer, unknown>>;
  return (
    typeof address === "string" &&
    isIP(address) !== 0 &&
    typeof localAddress === "string" &&
    isIP(localAddress) !== 0
  );
}

export class RestartState {
  private readonly directory: string;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly established: () => readonly RememberedPeer[];
  private timer: TimerHandle | undefined;
  private dirty = true;
  /** What the file is to say, */
  private text = formatRestartState([]);
  /** and what it says; undefined when that is not known. */
  private written: string | undefined;
  private warned = false;
  private closed = false;
  /** Operations on the file run one after another. */
  private last: Promise<boolean> = Promise.resolve(true);

  /** @param established who is Established now */
  constructor(
    directory: string,
    clock: Clock,
    log: Log,
    established: () => readonly RememberedPeer[],
  ) {
    this.directory = directory;
    this.clock = clock;
    this.log = log;
    this.established = established;
  }

  /** Somebody came up or went down. */
  changed(): void {
    // Not later than the first change asked for, however many follow.
    if (!this.dirty) this.arm(SETTLE_MS);
    this.dirty = true;
  }

  /** Writes what is now, and keeps it young from here on; whether it is written. Never rejects. */
  save(): Promise<boolean> {
    this.arm(TOUCH_MS);
    if (this.dirty) this.text = formatRestartState(this.established());
    this.dirty = false;
    return this.enqueue(async () => {
      const file = join(this.directory, STATE_FILE);
      const { text } = this;
      if (text === this.written) {
        const now = this.clock.wall() / 1000;
        return utimes(file, now, now);
      }
      await mkdir(this.directory, { recursive: true });
      const fresh = `${file}.new`;
      await writeFile(fresh, text, { mode: 0o640 });
      await rename(fresh, file);
      this.written = text;
    });
  }

  /** Ends; the file stays as it was saved last, or goes with `forget`. Never rejects. */
  close(forget: boolean): Promise<boolean> {
    this.closed = true;
    this.timer?.cancel();
    if (!forget) return this.last;
    return this.enqueue(() => rm(join(this.directory, STATE_FILE), { force: true }));
  }

  private arm(milliseconds: number): void {
    if (this.closed) return;
    this.timer?.cancel();
    this.timer = this.clock.setTimer(milliseconds, () => {
      this.timer = undefined;
      void this.save();
    });
  }

  private enqueue(run: () => Promise<void>): Promise<boolean> {
    this.last = this.last.then(run).then(
      () => {
        this.warned = false;
        return true;
      },
      (error: unknown) => {
        this.written = undefined;
        this.dirty = true;
        if (this.warned) return false;
        this.warned = true;
        this.log.warn(
          { directory: this.directory, error: (error as Error).message },
          "state-dir cannot be written: the next start will be a cold one",
        );
        return false;
      },
    );
    return this.last;
  }
}
