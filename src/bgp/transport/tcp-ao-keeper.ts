/**
 * Keeps the TCP-AO keys of live sockets in step with their chains: a key comes when its lifetime begins,
 * is sent with in its turn, and goes when it is over, while the session stays up (RFC 5925 section 3.3).
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { AoSocketPlace, SockOpt } from "./sock-opt.js";
import { planAt } from "./tcp-ao-schedule.js";
import type { TcpAoChain, TcpAoKey } from "./tcp-ao-settings.js";

/** Longest wait of a timer: the clock may be set meanwhile. */
const LONGEST_WAIT_MS = 3_600_000;

/** A socket with keys. */
export interface AoHold {
  /** Another chain from now on; throws when the kernel refuses one of its keys. */
  change(chain: TcpAoChain): void;
  /** Takes the keys away from a listening socket: who they were for may not connect, or without. */
  clear(): void;
  /** The socket is gone. */
  release(): void;
}

interface Kept {
  readonly fd: number;
  readonly place: AoSocketPlace;
  readonly listening: boolean;
  chain: TcpAoChain;
  installed: readonly TcpAoKey[];
  coverOptions: boolean;
  active: TcpAoKey | undefined;
}

export class TcpAoKeeper {
  private readonly sockOpt: SockOpt;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly kept = new Set<Kept>();
  private timer: TimerHandle | undefined;

  constructor(sockOpt: SockOpt, clock: Clock, log: Log) {
    this.sockOpt = sockOpt;
    this.clock = clock;
    this.log = log;
  }

  /**
   * The socket gets its keys, before the first SYN. Throws when the kernel refuses one.
   * @param kind an accepted socket has the listener's keys already, from the kernel
   */
  keep(
    fd: number,
    place: AoSocketPlace,
    chain: TcpAoChain,
    kind: "listening" | "dialled" | "accepted",
  ): AoHold {
    const now = this.clock.wall();
    const kept: Kept = {
      fd,
      place,
      listening: kind === "listening",
      chain,
      installed: kind === "accepted" ? planAt(chain, now).installed : [],
      coverOptions: chain.coverOptions,
      active: undefined,
    };
    this.adjust(kept, now);
    this.kept.add(kept);
    this.arm();
    const { sockOpt } = this;
    const release = (): void => {
      this.kept.delete(kept);
      if (this.kept.size === 0) this.stop();
    };
    return {
      change: (next) => {
        kept.chain = next;
        this.adjust(kept, this.clock.wall());
        this.arm();
      },
      clear: () => {
        for (const key of kept.installed) sockOpt.deleteAoKey(fd, place, key, undefined, true);
        release();
      },
      release,
    };
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** Makes the socket's keys those that the chain has now: new ones first, so that it is never without. */
  private adjust(kept: Kept, now: number): void {
    const { sockOpt } = this;
    const { fd, place, listening, chain } = kept;
    const plan = planAt(chain, now);
    const has = (keys: readonly TcpAoKey[], key: TcpAoKey): boolean =>
      keys.some((other) => sameKey(other, key));
    const recover = chain.coverOptions !== kept.coverOptions;
    for (const key of kept.installed) {
      // Two keys cannot share an id: one that has become another goes before it comes.
      const replaced = plan.installed.some((other) => sameIds(other, key) && !sameKey(other, key));
      if (replaced || recover) {
        sockOpt.deleteAoKey(fd, place, key, undefined, listening);
        kept.installed = kept.installed.filter((other) => other !== key);
      }
    }
    kept.coverOptions = chain.coverOptions;
    for (const key of plan.installed) {
      if (has(kept.installed, key)) continue;
      sockOpt.addAoKey(fd, place, key, chain.coverOptions);
      kept.installed = [...kept.installed, key];
    }
    const { active } = plan;
    if (
      !listening &&
      active !== undefined &&
      (kept.active === undefined || !sameKey(active, kept.active))
    ) {
      sockOpt.useAoKey(fd, active);
    }
    kept.active = active;
    for (const key of kept.installed) {
      if (has(plan.installed, key)) continue;
      sockOpt.deleteAoKey(fd, place, key, active, listening);
      kept.installed = kept.installed.filter((other) => other !== key);
    }
  }

  private arm(): void {
    this.stop();
    const now = this.clock.wall();
    let next = Infinity;
    for (const { chain } of this.kept) next = Math.min(next, planAt(chain, now).until ?? Infinity);
    if (next === Infinity) return;
    const wait = Math.min(LONGEST_WAIT_MS, Math.max(1, next - now));
    this.timer = this.clock.setTimer(wait, () => this.turn());
  }

  private turn(): void {
    this.timer = undefined;
    const now = this.clock.wall();
    for (const kept of this.kept) {
      const before = kept.active;
      try {
        this.adjust(kept, now);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.log.error(
          { peer: kept.place.address, chain: kept.chain.name, why },
          "TCP-AO rollover",
        );
        continue;
      }
      if (kept.active?.sendId === before?.sendId) continue;
      const fields = { peer: kept.place.address, chain: kept.chain.name };
      if (kept.active === undefined) this.log.error(fields, "no TCP-AO key may be sent with now");
      else this.log.info({ ...fields, sendId: kept.active.sendId }, "TCP-AO rollover");
    }
    this.arm();
  }
}

function sameIds(a: TcpAoKey, b: TcpAoKey): boolean {
  return a.sendId === b.sendId && a.recvId === b.recvId;
}

function sameKey(a: TcpAoKey, b: TcpAoKey): boolean {
  return sameIds(a, b) && a.algorithm === b.algorithm && a.secret === b.secret;
}
