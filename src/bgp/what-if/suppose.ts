/** From a question in words to the table under it: what `Speaker.suppose` does. */
import { parseEsi } from "../../fast-bgp-codec/index.js";
import { parseIp } from "../../fast-bgp-codec/values/ip.js";
import { ControlError } from "../control.js";
import { partOf } from "../policy-control.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import type { Reflector } from "../reflector.js";
import { canonicalPeerAddress } from "../session/index.js";
import { Failures, type Failure } from "./failures.js";
import { OtherPolicies } from "./other-policies.js";
import { Outgoing } from "./outgoing.js";
import { SupposedTable, type Sending, type UpdateCost } from "./supposed-table.js";
import type { Supposition, SuppositionHost } from "./supposition.js";
import type { WhatIf } from "./question.js";

export interface WhatIfSource {
  /** Throws `ControlError` when the question makes no sense. */
  suppose(what: WhatIf): SupposedTable;
  /** Long work, a slice a turn of the event loop. */
  later(job: SlicedJob): void;
}

/** Throws `ControlError` when the question makes no sense. */
export function suppose(reflector: Reflector, what: WhatIf): SupposedTable {
  const host = hostOf(reflector);
  const supposition: Supposition =
    what.kind === "policy"
      ? new OtherPolicies(host, what.candidate, partOf(what.candidate.settings))
      : new Failures(host, reflector.livePeers(), failureOf(reflector, what), noneOf(what));
  return new SupposedTable(reflector.table, supposition, new Counted(reflector));
}

function hostOf(reflector: Reflector): SuppositionHost {
  const { table, out, policies, identity } = reflector;
  return {
    table,
    out,
    engine: policies.engine,
    identity,
    livePeers: () => reflector.livePeers(),
    behindRules: (path, attr) => policies.behindRules(path, attr),
  };
}

function failureOf(reflector: Reflector, what: Exclude<WhatIf, { kind: "policy" }>): Failure {
  switch (what.kind) {
    case "pe": {
      const nextHop = ip(what.address);
      return { nextHop, slots: slotsOf(reflector, what.address) };
    }
    case "segment": {
      const { esi, pe, firstMoment } = what;
      const octets = parseEsi(esi);
      if (octets === undefined) {
        throw new ControlError(
          "invalid",
          `esi "${esi}" is no ESI; write its ten octets, for example 00:11:22:33:44:55:66:77:88:99`,
        );
      }
      return { esi: octets, nextHop: pe === undefined ? undefined : ip(pe), firstMoment };
    }
    case "tunnel": {
      const { tunnels } = reflector;
      if (tunnels?.has(what.name) !== true) {
        throw new ControlError(
          "not-found",
          `no tunnel "${what.name}" has VTEPs behind it; evpnctl ipsec vteps lists those that have`,
        );
      }
      const behind: NonNullable<Failure["behind"]> = (bytes, at, octets) =>
        tunnels.wouldCut(what.name, bytes, at, octets);
      return { behind, slots: slotsBehind(reflector, behind) };
    }
    case "peer": {
      ip(what.address);
      const slots = slotsOf(reflector, what.address);
      if (slots.size > 0) return { slots };
      throw new ControlError(
        "not-found",
        `${what.address} has no session and no routes here; the list of peers has the addresses`,
      );
    }
  }
}

function ip(text: string): Uint8Array {
  const address = parseIp(text);
  if (address !== undefined) return address;
  throw new ControlError(
    "invalid",
    `"${text}" is no IP address; write a whole IPv4 or IPv6 address`,
  );
}

/** A peer may well have no routes. */
function noneOf(what: Exclude<WhatIf, { kind: "policy" }>): string | undefined {
  if (what.kind === "peer") return undefined;
  if (what.kind === "tunnel") return `no route hangs on the tunnel ${what.name}`;
  if (what.kind === "pe") {
    return `no route has the next hop ${what.address}; evpnctl show mac and show routes tell the PEs that there are`;
  }
  const where = what.pe === undefined ? "" : ` of PE ${what.pe}`;
  return `no route${where} is on the segment ${what.esi}; evpnctl show es lists the segments`;
}

/** Slots that are, or were, the peer's and have routes or a session. */
function slotsOf(reflector: Reflector, text: string): Set<number> {
  const address = canonicalPeerAddress(text);
  const slots = new Set<number>();
  for (const peer of reflector.livePeers()) {
    if (peer.session.peerAddress === address) slots.add(peer.slot);
  }
  for (const slot of reflector.restarts.slots()) {
    if (reflector.addressOf(slot) === address) slots.add(slot);
  }
  return slots;
}

/** Slots of peers that are reached through what fails. */
function slotsBehind(reflector: Reflector, behind: NonNullable<Failure["behind"]>): Set<number> {
  const slots = new Set<number>();
  const look = (slot: number, address: string): void => {
    const octets = parseIp(address.split("%")[0]!);
    if (octets !== undefined && behind(octets, 0, octets.length)) slots.add(slot);
  };
  for (const { slot, session } of reflector.livePeers()) look(slot, session.peerAddress);
  for (const slot of reflector.restarts.slots()) look(slot, reflector.addressOf(slot));
  return slots;
}

/** Counts what each session would be sent. */
class Counted implements Sending {
  readonly outgoing: Outgoing;
  private readonly reflector: Reflector;
  private readonly bySlot = new Map<number, { announced: number; withdrawn: number }>();

  constructor(reflector: Reflector) {
    this.reflector = reflector;
    this.outgoing = new Outgoing(hostOf(reflector), ({ slot }, change) => {
      const gone = change === "rejected";
      this.count(slot, gone ? 0 : 1, gone ? 1 : 0);
    });
  }

  sentOf(slot: number, dest: number): number {
    const { out } = this.reflector;
    return out.hasSent(slot, dest) ? Math.max(1, out.pathsSent(slot, dest).length) : 0;
  }

  count(slot: number, announced: number, withdrawn: number): void {
    const cost = this.bySlot.get(slot) ?? { announced: 0, withdrawn: 0 };
    cost.announced += announced;
    cost.withdrawn += withdrawn;
    this.bySlot.set(slot, cost);
  }

  costs(): readonly UpdateCost[] {
    return [...this.bySlot]
      .map(([slot, cost]) => ({ peer: this.reflector.addressOf(slot), ...cost }))
      .sort((a, b) => a.peer.localeCompare(b.peer, "en", { numeric: true }));
  }
}
