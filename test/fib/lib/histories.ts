/**
 * What should have happened between two quiet points, worked out from the model before and after: who had an
 * address, and which PEs came to and left which segments.
 */
import { FibEventKind, type FibEvent } from "../../../src/fib/events.js";
import type { Fib } from "../../../src/fib/fib.js";
import { domainKey, hexOfIp } from "./compare.js";
import type { ModelFib } from "./model.js";

const OF_A_MAC: readonly number[] = [
  FibEventKind.Learn,
  FibEventKind.Move,
  FibEventKind.Withdraw,
  FibEventKind.Flush,
  FibEventKind.IpLearn,
  FibEventKind.IpMove,
  FibEventKind.IpWithdraw,
];

/** Which MAC has had an address, and how often it went to another one while somebody had it. */
export class AddressHistory {
  private known = new Map<string, { readonly mac: string; readonly moves: number }>();

  differences(fib: Fib, model: ModelFib): string[] {
    const next: typeof this.known = new Map();
    for (const { domain, mac, bindings } of model.macs.values()) {
      for (const ip of bindings.filter((one) => !one.endsWith(" lost"))) {
        const key = `${domain} ${ip}`;
        const before = this.known.get(key);
        const moved = before !== undefined && before.mac !== mac;
        next.set(key, { mac, moves: (before?.moves ?? 0) + (moved ? 1 : 0) });
      }
    }
    this.known = next;
    const out: string[] = [];
    for (const row of fib.pages.list({}, 0, 1000).rows) {
      for (const { ip, lost, moves } of row.bindings) {
        const key = `${domainKey(fib, row.domainId)} ${hexOfIp(ip)}`;
        const wanted = next.get(key)?.moves;
        if (!lost && moves !== wanted) out.push(`${key}: ${moves} moves, model ${wanted}`);
      }
    }
    return out;
  }
}

/** Which PE is on which segment by per-ES routes: each arrival and each departure is one event. */
export class SegmentHistory {
  private known = new Set<string>();

  /** @param type of the only route that has changed */
  differences(model: ModelFib, events: readonly FibEvent[], type: number): string[] {
    const next = new Set<string>();
    for (const { esi, places } of model.segments.values()) {
      for (const place of places) {
        const [pe, routes] = place.split(" ");
        if (routes !== "0") next.add(`${esi} ${pe}`);
      }
    }
    const wanted = [
      ...[...next].filter((one) => !this.known.has(one)).map((one) => `up ${one}`),
      ...[...this.known].filter((one) => !next.has(one)).map((one) => `down ${one}`),
    ];
    this.known = next;
    const told = events.flatMap(({ kind, esi, to, from }) => {
      const segment = esi.replaceAll(":", "");
      if (kind === FibEventKind.SegmentUp) return [`up ${segment} ${hexOfIp(to || from)}`];
      if (kind === FibEventKind.SegmentDown) return [`down ${segment} ${hexOfIp(from)}`];
      return [];
    });
    const out =
      told.sort().join() === wanted.sort().join()
        ? []
        : [`events ${told.join(", ")}, model ${wanted.join(", ")}`];
    // However many MACs an A-D route takes along, none of them has an event of its own.
    const many = type === 1 ? events.filter(({ kind }) => OF_A_MAC.includes(kind)) : [];
    return [...out, ...many.map(({ kind, mac }) => `event ${kind} of ${mac} for an A-D route`)];
  }
}
