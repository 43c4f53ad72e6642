/**
 * The continuous audit in a storm of everything at once: import and export policies that change, tenants,
 * lists of route targets, several paths of a destination, peers that restart with their routes kept (and
 * kept for long), limits, sleepers, refreshes, options that change on live sessions. It alarms nobody; then
 * what is damaged of each kind is found, with the key of the route.
 */
import { describe, expect, it } from "vitest";
import type { Negotiated } from "../../../src/bgp/session/types.js";
import { GRACEFUL_RESTART_DEFAULTS } from "../../../src/bgp/graceful-settings.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import { encodeEndOfRib } from "../../../src/fast-bgp-codec/end-of-rib.js";
import { FAMILIES as FAMILY_SPECS, Family } from "../../../src/fast-bgp-codec/family.js";
import { RefreshSubtype } from "../../../src/fast-bgp-codec/route-refresh.js";
import type { AddPathSent } from "../../../src/bgp/adj-rib-out/add-path-sent.js";
import { HoldReason } from "../../../src/bgp/rib/index.js";
import { hexOf } from "../../model/lib/hex.js";
import { macIp, prefix, rd } from "../../model/lib/nlri.js";
import { maskOf, type PeerSpec } from "../../model/lib/peer.js";
import { Random } from "../../model/lib/random.js";
import { messagesOf } from "../feeds/lib/updates.js";
import { evpnUpdate, evpnWithdraw, Speaker, update, type Line } from "../lib/speaker.js";
import { attribute } from "../lib/tables.js";
import { rulesOf } from "../policy/rules/lib.js";
import { Walker } from "./lib/walker.js";

const STEPS = 2500;
const MACS = 60;
const TARGETS = 6;
const FAMILIES = maskOf(Family.Evpn, Family.Ipv4Unicast);
const SEVERAL = maskOf(Family.Evpn, Family.Ipv4Unicast);
const IMPORT = { importPolicies: ["p"] };
const EXPORT = { exportPolicies: ["p"] };

const RULES = [
  `- {match: {vni: 3}, then: reject}`,
  `- {match: {vni: [1, 2]}, set: {local-preference: 50}}\n- {match: {vni: 5}, then: quarantine}`,
  `- {match: {vni: 4}, set: {community: {add: ["65000:4"]}}, then: accept}\n- {match: {vni: 2}, then: reject}`,
  `- {match: {route-target: "65000:1"}, set: {med: 7}}`,
];

const target = (number: number): string => `0002fde8${hexOf(number, 4)}`;
const mask = (families: number) => ({ families, forwarding: families });
const graceful: Partial<Negotiated> = {
  gracefulRestart: { restarting: false, notification: true, time: 5, ...mask(FAMILIES) },
};
const longLived: Partial<Negotiated> = {
  ...graceful,
  longLived: { ...mask(FAMILIES), times: [20, 0, 20, 0, 0, 0] },
};
const lasting = { longLived: { ...GRACEFUL_RESTART_DEFAULTS.longLived, enabled: true } };

interface Shape extends Partial<PeerSpec> {
  readonly pathsIn?: number;
  readonly pathsOut?: number;
}

const SHAPES: readonly Shape[] = [
  {},
  { policy: IMPORT },
  { policy: { ...IMPORT, ...EXPORT } },
  { policy: EXPORT, kind: "non-client" },
  { kind: "ebgp", as: 65010, policy: EXPORT },
  { negotiated: graceful },
  { negotiated: graceful, policy: IMPORT },
  { negotiated: longLived, gracefulRestart: lasting },
  {
    negotiated: longLived,
    gracefulRestart: { longLived: { ...lasting.longLived, partial: true } },
  },
  { interest: { targets: [target(1), target(2)] } },
  { interest: { allowed: [target(1), target(2), target(3)] } },
  { interest: { inference: "on", inferenceHold: 2 } },
  { pathsIn: SEVERAL },
  { pathsOut: SEVERAL },
  { pathsIn: SEVERAL, pathsOut: SEVERAL, policy: { ...IMPORT, ...EXPORT } },
  { pathsIn: SEVERAL, pathsOut: maskOf(Family.Evpn), negotiated: graceful },
  { pathsOut: SEVERAL, interest: { targets: [target(2), target(3)] } },
  {
    limits: {
      in: [limitIn("discard")],
      out: [
        {
          family: undefined,
          routeType: undefined,
          perVni: false,
          maximum: 20,
          warnAt: 0,
          action: "withhold",
        },
        {
          family: Family.Evpn,
          routeType: 2,
          perVni: true,
          maximum: 5,
          warnAt: 0,
          action: "withhold",
        },
      ],
    },
  },
];

function limitIn(action: "discard" | "stop") {
  return {
    family: Family.Evpn,
    routeType: undefined,
    perVni: false,
    maximum: 15,
    warnAt: 0,
    action,
  };
}

class Storm {
  readonly speaker = new Speaker();
  readonly random: Random;
  private readonly lines: (Line | undefined)[] = SHAPES.map(() => undefined);

  constructor(seed: number) {
    this.random = new Random(seed);
    this.rules();
  }

  step(): void {
    const { random, speaker } = this;
    const index = random.below(SHAPES.length);
    const line = this.lines[index];
    if (line === undefined || !line.session.isOpen) this.lines[index] = this.up(index);
    else this.operate(line, index);
    if (random.oneIn(3) && speaker.queue.length > 0) speaker.queue.runOnce();
    if (random.oneIn(15)) speaker.clock.advance(random.below(800));
    if (random.oneIn(200)) this.rules();
  }

  /** Everybody reads, nothing is left to do. */
  rest(): void {
    for (const line of this.lines) {
      if (line?.session.drain(0, false) === true) this.speaker.reflector.drained(line.session);
    }
    this.speaker.run();
  }

  private operate(line: Line, index: number): void {
    const { random, speaker } = this;
    const { session } = line;
    switch (random.below(20)) {
      case 0:
        if (random.oneIn(3)) line.down();
        return;
      case 1:
        return session.block(random.oneIn(2) ? 0 : 256 * 1024 + 1);
      case 2:
      case 3:
        if (session.drain(0, false)) speaker.reflector.drained(session);
        return;
      case 4: {
        const { BeginOfRefresh, EndOfRefresh, Request } = RefreshSubtype;
        const subtype = random.pick([Request, BeginOfRefresh, EndOfRefresh]);
        return speaker.reflector.routeRefresh(session, this.family(), subtype);
      }
      case 5:
        line.say(encodeEndOfRib(this.family()));
        return;
      case 6:
        if (random.oneIn(3)) this.change(line, index);
        return;
      default:
        line.say(this.message(SHAPES[index]!));
    }
  }

  private up(index: number): Line {
    const { pathsIn = 0, pathsOut = 0, ...shape } = SHAPES[index]!;
    const { reflector } = this.speaker;
    const spec = { families: FAMILIES, enhancedRefresh: true, ...shape };
    const line = this.speaker.make({
      address: `10.0.0.${index + 1}`,
      id: 0x0a010001 + index,
      ...spec,
    });
    const { session } = line;
    const negotiated = { ...session.negotiated, addPathIn: pathsIn, addPathOut: pathsOut };
    const addPath = [Family.Evpn, Family.Ipv4Unicast]
      .filter((family) => (pathsOut & (1 << family)) !== 0)
      .map((family) => ({ family, send: true, receive: true, limit: 3 }));
    // The line's own decoder knows no path ids.
    const deliver = (buffer: Uint8Array): number => [...messagesOf(buffer)].length;
    Object.assign(session, { negotiated, options: { ...session.options, addPath }, deliver });
    reflector.established(session);
    return line;
  }

  /** Other options on the live session, as a reload gives them. */
  private change(line: Line, index: number): void {
    const { random } = this;
    const before = line.session.options;
    const shape = SHAPES[index]!;
    let after: PeerOptions;
    if (shape.interest?.targets !== undefined) {
      const targets = random.oneIn(4)
        ? undefined
        : [target(random.below(TARGETS)), target(random.below(TARGETS))];
      after = { ...before, interest: { ...before.interest, targets } };
    } else if (shape.interest?.allowed !== undefined) {
      const allowed = random.oneIn(4) ? undefined : [target(1), target(random.below(TARGETS))];
      after = { ...before, interest: { ...before.interest, allowed } };
    } else {
      const importPolicies = random.oneIn(2) ? ["p"] : [];
      const exportPolicies = random.oneIn(2) ? ["p"] : [];
      after = { ...before, policy: { ...before.policy, importPolicies, exportPolicies } };
    }
    Object.assign(line.session, { options: after });
    this.speaker.reflector.reconfigured(line.session, before);
    this.speaker.reflector.policies.refresh();
  }

  private rules(): void {
    this.speaker.reflector.policies.configure(rulesOf(this.random.pick(RULES)));
    this.speaker.reflector.policies.refresh();
  }

  private family(): Family {
    return this.random.oneIn(3) ? Family.Ipv4Unicast : Family.Evpn;
  }

  private message({ kind, pathsIn = 0 }: Shape): Uint8Array {
    const { random } = this;
    const path = kind === "ebgp" ? "02010000fdf2" : "";
    const base = attribute(1, 0x40, "00") + attribute(2, 0x40, path);
    const preference = attribute(5, 0x40, hexOf(100 + random.below(2), 4));
    const family = this.family();
    const id = (): string => ((pathsIn & (1 << family)) === 0 ? "" : hexOf(1 + random.below(3), 4));
    const count = 1 + random.below(5);
    if (family === Family.Ipv4Unicast) {
      const nlri = Array.from(
        { length: count },
        () => id() + prefix(24, hexOf(0x0a6400 + random.below(12), 3)),
      );
      if (random.oneIn(3)) return update(nlri.join(""), "");
      return update("", base + attribute(3, 0x40, "0a000001") + preference, nlri.join(""));
    }
    const vni = random.below(TARGETS);
    const nlri = Array.from({ length: count }, () => {
      const one = random.below(MACS);
      return id() + macIp({ rd: rd(one % 7), mac: hexOf(one, 6), label: vni });
    });
    if (random.oneIn(3)) return evpnWithdraw(nlri);
    const targets = random.oneIn(5)
      ? ""
      : attribute(16, 0xc0, target(vni) + (random.oneIn(3) ? target(random.below(TARGETS)) : ""));
    const community = random.oneIn(9) ? attribute(8, 0xc0, "ffff0007") : "";
    return evpnUpdate(nlri, base + preference + community + targets);
  }
}

/** How many paths are held, stale, and one of several that a session was sent. */
function weather({ speaker }: Storm): { held: number; stale: number; several: number } {
  const { table, out } = speaker.reflector;
  const seen = { held: 0, stale: 0, several: 0 };
  const slots = [...speaker.reflector.livePeers()].map(({ slot }) => slot);
  for (let dest = 1; dest < table.destinationLimit; dest++) {
    if (!table.exists(dest)) continue;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      if (table.pathHold(path) !== HoldReason.None) seen.held++;
      if (table.isStale(path)) seen.stale++;
    }
    for (const slot of slots) if (out.pathsSent(slot, dest).length > 1) seen.several++;
  }
  return seen;
}

describe("the continuous audit", () => {
  it.each([1, 2, 3, 4])("alarms nobody in a storm of every feature (seed %i)", (seed) => {
    const storm = new Storm(seed);
    const walker = new Walker(storm.speaker);
    const most = { held: 0, stale: 0, several: 0 };
    for (let n = 0; n < STEPS; n++) {
      storm.step();
      walker.go(storm.random.below(3));
      expect(walker.findings).toEqual([]);
      if (n % 50 !== 0) continue;
      const now = weather(storm);
      most.held = Math.max(most.held, now.held);
      most.stale = Math.max(most.stale, now.stale);
      most.several = Math.max(most.several, now.several);
    }
    expect(walker.rounds).toBeGreaterThan(50);
    // It has been a storm.
    expect(most.held).toBeGreaterThan(10);
    expect(most.stale).toBeGreaterThan(3);
    expect(most.several).toBeGreaterThan(10);
    storm.rest();
    expect(storm.speaker.reflector.audit()).toEqual([]);
    expectPlantedFaults(storm.speaker, walker);
  });
});

/** What is written of a session that takes several paths. */
interface Row {
  readonly memory: { readonly i32: Int32Array };
  readonly paths: Float64Array;
}

/** Each kind of damage once, put right again after it was found. */
function expectPlantedFaults({ reflector }: Speaker, walker: Walker): void {
  const { table, out, sources, attrs } = reflector;
  const peers = [...reflector.livePeers()];
  const found = (what: string, pattern: RegExp, damage: () => void, repair: () => void): void => {
    damage();
    walker.finish();
    expect(walker.findings.join("\n"), what).toMatch(pattern);
    repair();
    walker.finish();
    walker.findings.length = 0;
    walker.finish();
    expect(walker.findings, what).toEqual([]);
  };
  const destinations = Array.from({ length: table.destinationLimit }, (_unused, dest) => dest)
    .slice(1)
    .filter((dest) => table.exists(dest) && table.family(dest) === Family.Evpn);
  const sentTo = (several: boolean): { dest: number; slot: number } => {
    for (const dest of destinations) {
      for (const { slot, session } of peers) {
        const takes = (session.negotiated.addPathOut & maskOf(Family.Evpn)) !== 0;
        if (takes === several && out.pathsSent(slot, dest).length > 0) return { dest, slot };
      }
    }
    throw new Error("nobody was sent anything");
  };
  const KEY = "l2vpn-evpn 2:65000:[0-6]::0::00:00:00:00:00:..";

  const one = sentTo(false);
  const [word, bit] = [one.slot >>> 5, 1 << (one.slot & 31)];
  const bits = out.sent.read(word, one.dest);
  found(
    "a session's view of the best path",
    new RegExp(`${KEY}.*slot ${one.slot}\\) lacks it against the rules`),
    () => out.sent.write(word, one.dest, Family.Evpn, bits, bits & ~bit),
    () => out.sent.write(word, one.dest, Family.Evpn, bits & ~bit, bits),
  );
  const several = sentTo(true);
  const view = (out as unknown as { addPath: { output: { sent: AddPathSent } } }).addPath.output
    .sent;
  const { slot, dest } = several;
  const numbers = view.numbers(slot, dest);
  const generation = view.generation(slot, dest);
  found(
    "a session's view of several paths",
    new RegExp(`${KEY}.*slot ${slot} has the paths`),
    () => view.write(slot, dest, Family.Evpn, numbers ^ 0x400, generation),
    () => view.write(slot, dest, Family.Evpn, numbers, generation),
  );
  const { memory, paths } = (view as unknown as { rows: Row[] }).rows[slot]!;
  found(
    "a count of paths sent",
    new RegExp(`slot ${slot}\\) counts \\d+ l2vpn-evpn paths sent, \\d+ found`),
    () => paths[Family.Evpn]!++,
    () => paths[Family.Evpn]!--,
  );
  expect(memory.i32[dest * 2]).toBe(numbers);
  const path = table.bestPath(one.dest);
  found(
    "references",
    /attribute set \d+ has \d+ references, \d+ found/,
    () => attrs.retain(table.pathReceived(path)),
    () => attrs.release(table.pathReceived(path)),
  );
  const row = table.pathSlot(path) * FAMILY_SPECS.length + Family.Evpn;
  found(
    "the list of a source",
    new RegExp(`${KEY}.*is not in the list of its source`),
    () => (sources.firstPath[row]! ^= 1),
    () => (sources.firstPath[row]! ^= 1),
  );
  found(
    "held routes",
    /held paths found/,
    () => table.held++,
    () => table.held--,
  );
}
