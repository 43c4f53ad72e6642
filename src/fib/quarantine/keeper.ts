/**
 * Quarantines over a restart: what has an effect stands in the store, a key for each, written a moment after
 * it changed. A store that is away costs no quarantine; it is written when something changes next.
 */
import type { Store, StoreWrite } from "../../store/index.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { QuarantineDesk, SavedQuarantine } from "./desk.js";

const PREFIX = "quarantine/";
const DELAY_MS = 1000;
/** Written at once, and read. */
const BATCH = 500;

export class QuarantineKeeper {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly log: Log;
  /** Records whose quarantine may be another than the one that stands in the store, by key. */
  private readonly dirty = new Map<
    string,
    { readonly desk: QuarantineDesk; readonly id: number }
  >();
  private timer: TimerHandle | undefined;

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
    this.timer ??= this.clock.setTimer(DELAY_MS, () => {
      this.timer = undefined;
      void this.write();
    });
  }

  /** Writes what waits, and ends. */
  async close(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    while (this.dirty.size > 0 && (await this.write()));
  }

  /** One batch; whether the store took it. */
  private async write(): Promise<boolean> {
    const writes: StoreWrite[] = [];
    for (const [key, { desk, id }] of this.dirty) {
      this.dirty.delete(key);
      const saved = desk.saveOne(id);
      // The record may be another MAC's by now.
      if (saved === undefined || keyOf(saved.domain, saved.mac) !== key) {
        writes.push({ kind: "delete", key });
      } else {
        writes.push({ kind: "put", key, value: new TextEncoder().encode(JSON.stringify(saved)) });
      }
      if (writes.length === BATCH) break;
    }
    try {
      if (writes.length > 0) await this.store.write(writes);
    } catch (error) {
      this.log.warn({ err: error }, "quarantines are not kept over a restart");
      return false;
    }
    if (this.dirty.size > 0 && this.timer === undefined) {
      this.timer = this.clock.setTimer(1, () => {
        this.timer = undefined;
        void this.write();
      });
    }
    return true;
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
