/**
 * Rules beside all else that decides on routes: target lists, memberships, tenants, graceful shutdown, ADD-PATH, peers
 * that are away. Rules write route targets, come and go in the middle of things, and where that leads is
 * where a fresh start with the last rules leads.
 */
import { describe, expect, it } from "vitest";
import { GRACEFUL_RESTART_DEFAULTS } from "../../src/bgp/graceful-settings.js";
import { PolicyControl } from "../../src/bgp/policy-control.js";
import {
  PEER_POLICY_DEFAULTS,
  type PeerPolicy,
  type PolicySettings,
} from "../../src/bgp/policy/rules/settings.js";
import { HOLD_REASONS } from "../../src/bgp/rib/hold.js";
import type { SpeakerSettings } from "../../src/bgp/settings.js";
import { encodeEndOfRib } from "../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import {
  EVPN,
  Framer,
  messageType,
  MessageType,
  routeKey,
  splitUpdate,
} from "../interop/lib/wire.js";
import { FakeSession } from "../model/lib/fake.js";
import { hexOf } from "../model/lib/hex.js";
import { maskOf, peerSpec, type PeerSpec } from "../model/lib/peer.js";
import { Random } from "../model/lib/random.js";
import { evpnUpdate, evpnWithdraw, Speaker, update } from "./lib/speaker.js";
import { attribute, EMPTY_PATH, mac, ORIGIN } from "./lib/tables.js";
import { policiesOf } from "./policy/rules/lib.js";

const EVPN_MASK = maskOf(Family.Evpn);
const target = (number: number): string => `0002fde8${hexOf(number, 4)}`;
const LIMIT = 2;

/** A plain client, a tenant, one with a list, one that restarts, one that asks, one with ADD-PATH. */
const SPECS: readonly Partial<PeerSpec>[] = [
  {},
  {
    interest: { allowed: [target(100), target(101)] },
    gracefulShutdown: "always",
  },
  { interest: { targets: [target(101)] } },
  {
    gracefulRestart: { longLived: { ...GRACEFUL_RESTART_DEFAULTS.longLived, enabled: true } },
    negotiated: {
      gracefulRestart: {
        restarting: false,
        notification: false,
        time: 30,
        families: EVPN_MASK,
        forwarding: EVPN_MASK,
      },
      longLived: { families: EVPN_MASK, forwarding: EVPN_MASK, times: [0, 0, 600, 0, 0, 0] },
    },
  },
  { families: maskOf(Family.Evpn, Family.RouteTarget) },
  { negotiated: { addPathOut: EVPN_MASK } },
];
const [AWAY, ASKING, SEVERAL] = [3, 4, 5];
const ALL = SPECS.map((_, i) => i);

type Parts = readonly Partial<PeerPolicy>[];

/** One peer over all its sessions, and what it holds now. */
class Client {
  readonly held = new Map<string, string>();
  session: FakeSession;
  private readonly speaker: Speaker;
  private readonly index: number;
  private readonly addPath: ReadonlySet<number>;

  constructor(speaker: Speaker, index: number, policy: Partial<PeerPolicy>) {
    this.speaker = speaker;
    this.index = index;
    this.addPath = new Set(index === SEVERAL ? [EVPN] : []);
    this.session = this.up(policy);
  }

  up(policy: Partial<PeerPolicy>): FakeSession {
    const framer = new Framer();
    this.held.clear();
    this.session = new FakeSession(
      this.index,
      peerSpec(this.index, { ...SPECS[this.index], policy }),
      (buffer) => {
        const messages = framer.push(buffer);
        for (const message of messages) this.take(message);
        return messages.length;
      },
      (why) => {
        throw new Error(why);
      },
    );
    const addPath = [{ family: Family.Evpn, send: true, receive: false, limit: LIMIT }];
    if (this.index === SEVERAL) Object.assign(this.session.options, { addPath });
    this.speaker.reflector.established(this.session);
    return this.session;
  }

  down(): void {
    if (!this.session.isOpen) return;
    this.session.isOpen = false;
    this.held.clear();
    this.speaker.reflector.closed(this.session, { reason: "tcp", detail: "" });
  }

  say(message: Uint8Array): void {
    if (this.session.isOpen)
      this.speaker.reflector.update(this.session, message, 0, message.length);
  }

  private take(message: Buffer): void {
    if (messageType(message) !== MessageType.Update) return;
    const { announced, withdrawn } = splitUpdate(message, this.addPath);
    for (const { family, nlri, pathId } of withdrawn) {
      if (!this.held.delete(`${routeKey(family, nlri)}#${String(pathId)}`))
        throw new Error("not held");
    }
    for (const { family, nlri, pathId, nextHop, attributes } of announced) {
      const text = [...attributes].map(([code, { value }]) => `${String(code)}=${value}`).join(" ");
      this.held.set(`${routeKey(family, nlri)}#${String(pathId)}`, `${nlri} ${nextHop} ${text}`);
    }
  }

  /** Without path ids, which depend on the past. */
  get routes(): string[] {
    return [...this.held].map(([key, text]) => `${key.split("#")[0]!} ${text}`).sort();
  }
}

class Fabric {
  readonly speaker = new Speaker();
  readonly clients: Client[];
  private parts: Parts;

  constructor(policies: readonly PolicySettings[], parts: Parts) {
    this.parts = parts;
    this.speaker.reflector.policies.configure(policies);
    this.clients = ALL.map((i) => new Client(this.speaker, i, parts[i]!));
    this.clients[ASKING]!.say(encodeEndOfRib(Family.RouteTarget));
    this.speaker.run();
  }

  apply(policies: readonly PolicySettings[], parts: Parts): void {
    this.parts = parts;
    for (const [i, { session }] of this.clients.entries()) {
      Object.assign(session.options, { policy: { ...PEER_POLICY_DEFAULTS, ...parts[i] } });
    }
    this.speaker.reflector.policies.configure(policies);
    this.speaker.reflector.policies.refresh();
  }

  do(step: Step): void {
    const client = this.clients[step.who]!;
    if (step.kind === "say") client.say(step.message);
    else if (step.kind === "down") client.down();
    else if (step.kind === "wait") this.speaker.clock.advance(step.milliseconds);
    else if (!client.session.isOpen) client.up(this.parts[step.who]!);
  }

  /** Each path's source, NLRI, effective attributes and hold. */
  paths(): string[] {
    const { table, attrs, sources } = this.speaker.reflector;
    const found: string[] = [];
    for (let dest = 1; dest < table.destinationLimit; dest++) {
      if (!table.exists(dest)) continue;
      for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
        const attr = table.pathAttr(path);
        const set = attr === 0 ? HOLD_REASONS[table.pathHold(path)]! : this.octetsOf(attr);
        const from = table.pathNlri(path);
        const nlri = table.nlriBytes.slice(from, from + table.pathNlriLength(path));
        found.push(`${sources.address[table.pathSlot(path)]!} ${hex(nlri)} ${set}`);
      }
    }
    expect(attrs.count).toBeGreaterThanOrEqual(0);
    return found.sort();
  }

  async tested(policies: readonly PolicySettings[], parts: Parts) {
    const control = new PolicyControl(this.speaker.reflector, () => 0);
    const peers = this.clients.map(({ session }, i) => ({
      address: session.peerAddress,
      policy: { ...PEER_POLICY_DEFAULTS, ...parts[i] },
    }));
    const settings = { peers, dynamic: [] } as unknown as SpeakerSettings;
    const report = control.test({ policies, settings }, {});
    this.speaker.run();
    return report;
  }

  private octetsOf(attr: number): string {
    const { attrs } = this.speaker.reflector;
    return hex(attrs.bytes.slice(attrs.nextHopStart(attr), attrs.attributesEnd(attr)));
  }
}

type Step =
  | { readonly kind: "say"; readonly who: number; readonly message: Uint8Array }
  | { readonly kind: "down" | "up"; readonly who: number }
  | { readonly kind: "wait"; readonly who: number; readonly milliseconds: number };

function randomStep(random: Random): Step {
  const dice = random.below(20);
  if (dice === 0) return { kind: "down", who: AWAY };
  if (dice === 1) return { kind: "up", who: AWAY };
  if (dice === 2) {
    const message = random.oneIn(2) ? encodeEndOfRib(Family.Evpn) : membership(random);
    return { kind: "say", who: random.oneIn(2) ? AWAY : ASKING, message };
  }
  if (dice <= 4) return { kind: "say", who: ASKING, message: membership(random) };
  const who = random.below(SPECS.length);
  const numbers = Array.from({ length: 1 + random.below(4) }, () => random.below(10));
  const routes = [...new Set(numbers)].map((n) => mac(n, 100 + (n % 3)));
  if (dice <= 7) return { kind: "say", who, message: evpnWithdraw(routes) };
  const preference = attribute(5, 0x40, random.pick(["00000064", "000000c8"]));
  const community = random.oneIn(3)
    ? attribute(8, 0xc0, random.pick(["fde80001", "ffff0000"]))
    : "";
  const targets = attribute(16, 0xc0, target(100 + random.below(3)));
  const attributes = ORIGIN + EMPTY_PATH + preference + community + targets;
  return { kind: "say", who, message: evpnUpdate(routes, attributes) };
}

/** A membership (RFC 4684) comes or goes. */
function membership(random: Random): Uint8Array {
  const nlri = `600000fde8${target(100 + random.below(3))}`;
  return random.oneIn(2)
    ? update("", attribute(15, 0x80, `000184${nlri}`))
    : update(
        "",
        ORIGIN +
          EMPTY_PATH +
          attribute(5, 0x40, "00000064") +
          attribute(14, 0x80, `000184040a00000500${nlri}`),
      );
}

const CONDITIONS = [
  "{}",
  "{vni: 100}",
  "{route-target: '65000:101'}",
  "{community: '65000:1'}",
  "{peer: 10.0.0.1}",
];
const SETS = [
  "{route-target: {set: '65000:101'}}",
  "{route-target: {add: '65000:102'}}",
  "{route-target: {delete: '65000:100', add: '65000:101'}}",
  "{local-preference: 50}",
  "{community: {add: 'graceful-shutdown'}}",
  "{community: {set: []}}",
];
const THEN = ["accept", "reject", "quarantine", "continue", "continue"];

function randomPolicies(random: Random): PolicySettings[] {
  const names = ["a", "b"].map((name) => {
    const rules = Array.from({ length: 1 + random.below(3) }, () => {
      const then = random.pick(THEN);
      const set = then === "continue" || random.oneIn(3) ? random.pick(SETS) : "{}";
      return `    - {match: ${random.pick(CONDITIONS)}, set: ${set}, then: ${then}}`;
    });
    return `  ${name}:\n${rules.join("\n")}`;
  });
  return policiesOf(`policies:\n${names.join("\n")}`);
}

function randomParts(random: Random): Parts {
  const names = (): string[] => ["a", "b"].filter(() => random.oneIn(2));
  return ALL.map(() => ({ importPolicies: names(), exportPolicies: names() }));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1);

describe("rules beside everything else", () => {
  it.each(SEEDS)(
    "change in the middle of things and lead where a fresh start leads, seed %i",
    (seed) => {
      const random = new Random(seed);
      const last = randomPolicies(random);
      const parts = randomParts(random);
      const changed = new Fabric(randomPolicies(random), parts);
      const fresh = new Fabric(last, parts);
      const both = (step: Step): void => {
        for (const fabric of [changed, fresh]) fabric.do(step);
      };
      for (let i = 0; i < 60; i++) {
        both(randomStep(random));
        if (random.oneIn(6)) changed.speaker.queue.runOnce();
        if (random.oneIn(12)) changed.apply(randomPolicies(random), parts);
        if (random.oneIn(6)) for (const { speaker } of [changed, fresh]) speaker.run();
      }
      changed.apply(last, parts);
      if (random.oneIn(2)) changed.speaker.queue.runOnce();
      for (let i = 0; i < 6; i++) both(randomStep(random));
      // A minute later peers that are away are long-lived, or the fresh table has been looked through.
      if (random.oneIn(2)) both({ kind: "wait", who: 0, milliseconds: 31_000 });
      for (const { speaker } of [changed, fresh]) speaker.run();
      expect(changed.paths()).toEqual(fresh.paths());
      for (const [i, client] of changed.clients.entries()) {
        expect(client.routes, `peer ${String(i)}`).toEqual(fresh.clients[i]!.routes);
      }
      expect(changed.speaker.reflector.audit()).toEqual([]);
    },
  );

  it.each(SEEDS)("what policy test shows is what comes, seed %i", async (seed) => {
    const random = new Random(5000 + seed);
    const parts = randomParts(random);
    const fabric = new Fabric(randomPolicies(random), parts);
    for (let i = 0; i < 60; i++) fabric.do(randomStep(random));
    fabric.do({ kind: "up", who: AWAY });
    fabric.speaker.run();
    const [next, nextParts] = [randomPolicies(random), randomParts(random)];
    const before = fabric.clients.map(({ held }) => new Map(held));
    const report = await fabric.tested(next, nextParts);
    expect(fabric.speaker.reflector.audit()).toEqual([]);
    expect(fabric.clients.map(({ held }) => held)).toEqual(before);
    fabric.apply(next, nextParts);
    fabric.speaker.run();
    for (const [i, { held, session }] of fabric.clients.entries()) {
      const shown = report.peers.find(
        ({ peer, direction }) => peer === session.peerAddress && direction === "out",
      );
      // A path id may go from one path to another, which counts as both.
      const count = (a: Map<string, string>, b: Map<string, string>): number =>
        [...a].filter(([key, text]) => b.get(key) !== text).length;
      const was = before[i]!;
      if (i === SEVERAL) continue;
      const added = [...held.keys()].filter((key) => !was.has(key)).length;
      const removed = [...was.keys()].filter((key) => !held.has(key)).length;
      expect(
        [shown?.accepted ?? 0, shown?.rejected ?? 0, shown?.changed ?? 0],
        `peer ${String(i)}`,
      ).toEqual([added, removed, count(held, was) - added]);
    }
  });
});
