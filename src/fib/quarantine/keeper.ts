/**
 * Quarantines over a restart: what has an effect stands in the store, a key for each, written a moment after
 * it changed. A store that is away costs no quarantine; what it did not take is written again later.
 */
import type { Store, StoreWrite } from "../../store/index.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { QuarantineDesk, SavedQuarantine } from "./desk.js";
import { MOST_QUARANTINED } from "./effects.js";

const PREFIX = "quarantine/";
const DELAY_MS = 1000;
/** Until what the store refused is written again … */
const RETRY_MS = 30_000;
/** … if it is no more than this. */
const MOST_WAITING = 2 * MOST_QUARANTINED;
/** Written at once, and read. */
const BATCH = 500;

interface OfRecord {
  readonly desk: QuarantineDesk;
  readonly id: number;
}

export class QuarantineKeeper {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly log: Log;
  /** What may be otherwise than it stands in the store, by key: a record, or what is to stand there; undefined = nothing. */
  private readonly dirty = new Map<string, OfRecord | SavedQuarantine | undefined>();
  private timer: TimerHandle | undefined;
  private isClosed = false;

  constructor(store: Store, clock: Clock, log: Log) {
    this.store = store;
    this.clock = clock;
    this.log = log;
  }

  /** What was kept; nothing, and a line in the log, when the store does not answer. */
  async load(): Promise<SavedQuarantine[]> {
    const found: SavedQuarantine[] = [];
    try {
      let after: string | undefined;
      for (;;) {
        const page = await this.store.scan({ prefix: PREFIX, after, limit: BATCH });
        for (const { value } of page) {
          const one = parse(value);
          if (one !== undefined) found.push(one);
        }
        if (page.length < BATCH) return found;
        after = page[page.length - 1]!.key;
      }
    } catch (error) {
      this.log.warn({ err: error }, "quarantines of before the restart cannot be read");
      return found;
    }
  }

  /** The record's quarantine began, changed or ended. */
  changed(desk: QuarantineDesk, id: number): void {
    const { domain, mac } = desk.nameOf(id);
    this.dirty.set(keyOf(domain, mac), { desk, id });
    this.arm(DELAY_MS);
  }

  /** These are no more, though no record says so: what has them has gone, or did not take them. */
  ended(list: readonly SavedQuarantine[]): void {
    for (const { domain, mac } of list) this.dirty.set(keyOf(domain, mac), undefined);
    if (list.length > 0) this.arm(DELAY_MS);
  }

  /** Writes what waits, and ends. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.timer?.cancel();
    this.timer = undefined;
    while (this.dirty.size > 0 && (await this.write()));
  }

  /** One batch; whether the store took it. */
  private async write(): Promise<boolean> {
    const writes: StoreWrite[] = [];
    const taken = new Map<string, SavedQuarantine | undefined>();
    for (const [key, one] of this.dirty) {
      this.dirty.delete(key);
      const found = one !== undefined && "desk" in one ? one.desk.saveOne(one.id) : one;
      // The record may be another MAC's by now.
      const saved =
        found !== undefined && keyOf(found.domain, found.mac) === key ? found : undefined;
      taken.set(key, saved);
      if (saved === undefined) writes.push({ kind: "delete", key });
      else
        writes.push({ kind: "put", key, value: new TextEncoder().encode(JSON.stringify(saved)) });
      if (writes.length === BATCH) break;
    }
    try {
      if (writes.length > 0) await this.store.write(writes);
    } catch (error) {
      this.log.warn({ err: error }, "quarantines are not kept over a restart");
      for (const [key, saved] of taken) {
        if (this.dirty.size < MOST_WAITING && !this.dirty.has(key)) this.dirty.set(key, saved);
      }
      this.arm(RETRY_MS);
      return false;
    }
    if (this.dirty.size > 0) this.arm(1);
    return true;
  }

  private arm(milliseconds: number): void {
    if (this.isClosed) return;
    this.timer ??= this.clock.setTimer(milliseconds, () => {
      this.timer = undefined;
      void this.write();
    });
  }
}

function keyOf(domain: string, mac: string): string {
  return `${PREFIX}${domain}/${mac}`;
}

/** Undefined for what another version wrote, or nobody. */
function parse(value: Uint8Array): SavedQuarantine | undefined {
  try {
    const one = JSON.parse(new TextDecoder().decode(value)) as Partial<SavedQuarantine>;
    const { domain, mac, action, pe, since, last, moves, attempts, alarmed } = one;
    const texts = [domain, mac, pe].every((text) => typeof text === "string");
    const numbers = [since, last, moves, attempts].every((number) => Number.isFinite(number));
    const known = action === "pin" || action === "hold" || action === "rate-limit";
    return texts && numbers && known && typeof alarmed === "boolean"
      ? (one as SavedQuarantine)
      : undefined;
  } catch {
    return undefined;
  }
}
