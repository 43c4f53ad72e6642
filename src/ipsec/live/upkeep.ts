/**
 * What is to be done so that tunnels are as they should be: begin those that should be up and are not, end
 * what is there twice. Pure: in go plans, the daemon's SAs and the time; out come actions. It remembers per
 * tunnel only when it tried last, so that nothing is tried faster than it can fail.
 *
 * Both ends may begin. The one with the lower address does at once, the other only after a while, so that as
 * a rule there is one SA. Where there are two all the same, both ends keep the same one: that with the
 * higher initiator's SPI, which both know.
 */
import { isInstalled, type IkeSa } from "./sa.js";
import type { TunnelPlan } from "./plan.js";

export type UpkeepAction =
  | {
      readonly kind: "initiate";
      readonly tunnel: string;
      readonly connection: string;
      readonly child: string;
      /** 0 = the first one since it was last up. */
      readonly attempt: number;
    }
  | { readonly kind: "terminate-double"; readonly tunnel: string; readonly ikeId: number }
  | { readonly kind: "terminate-double-child"; readonly tunnel: string; readonly childId: number };

/** Milliseconds. */
const FIRST_RETRY = 5_000;
const LONGEST_RETRY = 60_000;
/** The other end's turn to begin. */
const PATIENCE = 10_000;
/** A renewal overlaps for a moment; a double stays. */
const DOUBLE_FOR = 10_000;

interface Memory {
  downSince: number | undefined;
  nextTry: number;
  tries: number;
  doubleSince: number | undefined;
  doubleChildSince: number | undefined;
}

export class Upkeep {
  private readonly memories = new Map<string, Memory>();

  /**
   * @param wanted tunnels that should be up: those that start at once and are not held
   * @param now monotonic milliseconds
   */
  decide(
    plans: Iterable<TunnelPlan>,
    wanted: (plan: TunnelPlan) => boolean,
    sas: ReadonlyMap<string, readonly IkeSa[]>,
    now: number,
  ): UpkeepAction[] {
    const actions: UpkeepAction[] = [];
    const seen = new Set<string>();
    for (const plan of plans) {
      seen.add(plan.tunnel);
      const memory = this.memory(plan.tunnel);
      const own = sas.get(plan.connection) ?? [];
      this.endDoubles(plan, own, memory, now, actions);
      endDoubleChildren(plan, own, memory, now, actions);
      if (wanted(plan)) this.begin(plan, own, memory, now, actions);
      else memory.downSince = undefined;
    }
    for (const tunnel of this.memories.keys()) if (!seen.has(tunnel)) this.memories.delete(tunnel);
    return actions;
  }

  /** The next look may try at once, and is first to begin: an operator's wish, or another definition. */
  forget(tunnel: string): void {
    this.memories.delete(tunnel);
  }

  private begin(
    plan: TunnelPlan,
    sas: readonly IkeSa[],
    memory: Memory,
    now: number,
    actions: UpkeepAction[],
  ): void {
    const live = sas.filter(({ state }) => !isEnding(state));
    const installed = new Set(
      live.flatMap(({ children }) => children.filter(isInstalled).map(({ name }) => name)),
    );
    const missing = plan.children.filter(({ name }) => !installed.has(name));
    if (missing.length === 0) {
      memory.downSince = undefined;
      memory.tries = 0;
      memory.nextTry = 0;
      return;
    }
    memory.downSince ??= now;
    // It is being negotiated: whoever asks twice gets two.
    const negotiating = live.some(
      ({ state, tasks }) => state !== "ESTABLISHED" || tasks.length > 0,
    );
    if (negotiating) return;
    const since = now - memory.downSince;
    if (memory.tries === 0 && !plan.begins && live.length === 0 && since < PATIENCE) return;
    if (now < memory.nextTry) return;
    memory.nextTry = now + Math.min(FIRST_RETRY * 2 ** Math.min(memory.tries, 10), LONGEST_RETRY);
    const attempt = memory.tries++;
    for (const { name } of missing) {
      const { tunnel, connection } = plan;
      actions.push({ kind: "initiate", tunnel, connection, child: name, attempt });
    }
  }

  private endDoubles(
    { tunnel, children }: TunnelPlan,
    sas: readonly IkeSa[],
    memory: Memory,
    now: number,
    actions: UpkeepAction[],
  ): void {
    const complete = sas.filter(
      (sa) => sa.state === "ESTABLISHED" && carries(sa) === children.length,
    );
    if (complete.length < 2) {
      memory.doubleSince = undefined;
      return;
    }
    memory.doubleSince ??= now;
    if (now - memory.doubleSince < DOUBLE_FOR) return;
    memory.doubleSince = undefined;
    const sorted = complete.sort((a, b) => (a.initiatorSpi < b.initiatorSpi ? 1 : -1));
    for (const { uniqueId } of sorted.slice(1)) {
      actions.push({ kind: "terminate-double", tunnel, ikeId: uniqueId });
    }
  }

  private memory(tunnel: string): Memory {
    let memory = this.memories.get(tunnel);
    if (memory === undefined) {
      memory = {
        downSince: undefined,
        nextTry: 0,
        tries: 0,
        doubleSince: undefined,
        doubleChildSince: undefined,
      };
      this.memories.set(tunnel, memory);
    }
    return memory;
  }
}

/**
 * One child twice under one IKE SA: both ends made it anew at the same moment. Both keep that with the higher
 * pair of SPIs, which is the same pair at either end.
 */
function endDoubleChildren(
  { tunnel }: TunnelPlan,
  sas: readonly IkeSa[],
  memory: Memory,
  now: number,
  actions: UpkeepAction[],
): void {
  const spare = sas.flatMap(({ children }) => {
    const sorted = children
      .filter(({ state }) => state === "INSTALLED")
      .map((child) => ({ ...child, pair: [child.spiIn, child.spiOut].sort().join() }))
      .sort((a, b) => (a.pair < b.pair ? 1 : -1));
    return sorted.filter(({ name }, at) => sorted.findIndex((one) => one.name === name) < at);
  });
  if (spare.length === 0) {
    memory.doubleChildSince = undefined;
    return;
  }
  memory.doubleChildSince ??= now;
  if (now - memory.doubleChildSince < DOUBLE_FOR) return;
  memory.doubleChildSince = undefined;
  for (const { uniqueId } of spare) {
    actions.push({ kind: "terminate-double-child", tunnel, childId: uniqueId });
  }
}

/** How many of the connection's children it has installed, each counted once. */
function carries(sa: IkeSa): number {
  return new Set(sa.children.filter(isInstalled).map(({ name }) => name)).size;
}

function isEnding(state: string): boolean {
  return state === "DELETING" || state === "DESTROYING" || state === "REKEYED";
}
