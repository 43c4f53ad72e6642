/**
 * Trust under storm: sessions, routes, trust, settings and export rules change at random, also in the middle of
 * a dump or a refresh, with or without rest between them.
 * Afterwards every peer holds exactly what a slow and obvious model says: what the best of the trusted others
 * announce, as the rules of now make it, and nothing at all while it is not trusted itself. It takes
 * refreshes as RFC 7313 says: what was not sent again by EoRR is gone.
 */
import { describe, expect, test } from "vitest";
import { encodeEndOfRib } from "../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import type { TrustRequirement } from "../../src/contract.js";
import type { Negotiated } from "../../src/bgp/session/types.js";
import { guard, required, type Guarded } from "../bgp/lib/gatekeeper.js";
import { evpnUpdate, evpnWithdraw, Speaker, update, type Line } from "../bgp/lib/speaker.js";
import { rulesOf } from "../bgp/policy/rules/lib.js";
import { attribute, EMPTY_PATH, key, mac, ORIGIN, PLAIN } from "../bgp/lib/tables.js";
import { Code, find, numberOf } from "./lib/attributes.js";
import { hexOf } from "./lib/hex.js";
import { maskOf, type PeerSpec } from "./lib/peer.js";
import { Random } from "./lib/random.js";

const EVPN = maskOf(Family.Evpn);
const RTC = EVPN | maskOf(Family.RouteTarget);
const END = encodeEndOfRib(Family.Evpn);
const KEYS = 12;
const SEEDS = 25;
const STEPS = 80;
/** What export rules put on routes: one of these communities, by turns. */
const MARKS = ["65000:1", "65000:2", "65000:3"];
const MARKED = MARKS.map((_, index) => hexOf(65_000, 2) + hexOf(index + 1, 2));
const TARGET = attribute(16, 0xc0, `0002fde8${hexOf(7, 4)}`);

const graceful: Partial<Negotiated> = {
  gracefulRestart: {
    restarting: false,
    notification: false,
    time: 1_000_000,
    families: EVPN,
    forwarding: EVPN,
  },
};

interface Held {
  readonly preference: number;
  /** Communities, hex. */
  readonly marks: string;
  /** It was there when BoRR came, and has not come again. */
  stale: boolean;
}

/** One peer: what it is, what it has announced, what it holds. */
interface Actor {
  readonly address: string;
  readonly spec: Partial<PeerSpec>;
  /** LOCAL_PREF of all its routes: the higher one is best. */
  readonly preference: number;
  line: Line | undefined;
  trust: TrustRequirement | undefined;
  /** Numbers of the MACs that it announces in this session. */
  readonly announced: Set<number>;
  /** Kept from the session before, until End-of-RIB. */
  readonly kept: Set<number>;
  /** By key as received. */
  readonly held: Map<string, Held>;
  messages: number;
}

class Storm {
  readonly speaker = new Speaker();
  readonly guarded: Guarded;
  readonly actors: Actor[];
  readonly random: Random;
  /** Index of the community that export rules put on routes. */
  mark = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    const specs: Partial<PeerSpec>[] = [
      {},
      { takesPaths: 2 },
      { families: RTC },
      { kind: "non-client" },
      { negotiated: graceful },
      { kind: "ebgp", as: 65_009 },
    ];
    // Half of the storms are without rules: what is sent is worked out in another way then.
    const policy = seed % 2 === 0 ? { exportPolicies: ["p"] } : {};
    this.actors = specs.map((spec, index) => ({
      address: `10.0.0.${index + 1}`,
      // Some are sent everything as it is.
      spec: index % 3 === 2 ? spec : { ...spec, policy },
      preference: 101 + index,
      line: undefined,
      trust: index === 0 ? undefined : required(),
      announced: new Set(),
      kept: new Set(),
      held: new Map(),
      messages: 0,
    }));
    this.guarded = guard(this.speaker, (address) => {
      const actor = this.actors.find((one) => one.address === address);
      return actor && this.speaker.make({ ...actor.spec, trust: actor.trust }).session.options;
    });
    this.changeRules();
  }

  step(): void {
    const { random } = this;
    const actor = random.pick(this.actors);
    random.weighted<() => void>([
      [10, () => this.announce(actor)],
      [4, () => this.withdraw(actor)],
      [6, () => this.changeTrust(actor)],
      [3, () => this.upOrDown(actor)],
      [2, () => this.reload(actor)],
      [2, () => this.refresh(actor)],
      [2, () => this.changeRules()],
      [4, () => this.flicker(actor)],
      // One stretch of one dump.
      [6, () => this.speaker.reflector.out.run(0)],
      [2, () => this.speaker.run()],
      [4, () => this.speaker.queue.runOnce()],
    ])();
  }

  isTrusted({ address, trust }: Actor): boolean {
    return trust === undefined || this.guarded.gate.states.get(address) === "trusted";
  }

  private announce(actor: Actor): void {
    const number = 1 + this.random.below(KEYS);
    if (actor.line === undefined) return;
    actor.announced.add(number);
    actor.kept.delete(number);
    const path =
      actor.spec.kind === "ebgp" ? attribute(2, 0x40, `0201${hexOf(65_009, 4)}`) : EMPTY_PATH;
    const preference = attribute(5, 0x40, hexOf(actor.preference, 4));
    actor.line.say(evpnUpdate([mac(number)], ORIGIN + path + preference + TARGET));
  }

  private withdraw(actor: Actor): void {
    const number = 1 + this.random.below(KEYS);
    if (actor.line === undefined) return;
    actor.announced.delete(number);
    actor.kept.delete(number);
    actor.line.say(evpnWithdraw([mac(number)]));
  }

  private changeTrust(actor: Actor): void {
    const state = this.random.pick(["trusted", "trusted", "untrusted", "stale"] as const);
    this.guarded.gate.set(actor.address, state);
    // What was kept for its return is not kept for somebody else's.
    if (actor.line === undefined && !this.isTrusted(actor)) actor.kept.clear();
  }

  /** Held for so short that little or nothing is withdrawn, while something else is under way. */
  private flicker(actor: Actor): void {
    const { random, speaker } = this;
    const between = (): void => {
      if (random.oneIn(3)) this.changeRules();
      if (random.oneIn(3)) this.refresh(actor);
      for (let left = random.below(4); left > 0; left--) speaker.reflector.out.run(0);
    };
    if (actor.line === undefined || !this.isTrusted(actor)) return;
    between();
    this.guarded.gate.set(actor.address, "untrusted");
    between();
    this.guarded.gate.set(actor.address, "trusted");
  }

  private upOrDown(actor: Actor): void {
    const { line } = actor;
    if (line === undefined) return this.up(actor);
    const keeps = actor.spec.negotiated !== undefined && this.isTrusted(actor);
    this.listen(actor);
    line.down();
    actor.line = undefined;
    actor.held.clear();
    if (keeps) for (const number of actor.announced) actor.kept.add(number);
    else actor.kept.clear();
    actor.announced.clear();
  }

  private up(actor: Actor): void {
    const id = 1 + this.actors.indexOf(actor);
    actor.line = this.speaker.up({ ...actor.spec, address: actor.address, id, trust: actor.trust });
    if (!this.isTrusted(actor)) actor.kept.clear();
    if (actor.spec.families === RTC) {
      actor.line.say(update("", PLAIN + attribute(14, 0x80, "000184040a0000010000")));
      actor.line.say(encodeEndOfRib(Family.RouteTarget));
    }
    if (this.random.oneIn(2)) this.announce(actor);
    actor.kept.clear();
    actor.line.say(END);
  }

  private reload(actor: Actor): void {
    actor.trust = actor.trust === undefined ? required() : undefined;
    const { line } = actor;
    if (line === undefined) {
      // A reload looks at everybody.
      if (!this.isTrusted(actor)) {
        this.guarded.gate.set(actor.address, this.stateOf(actor));
        actor.kept.clear();
      }
      return;
    }
    const before = line.session.options;
    line.session.options = { ...before, trust: actor.trust };
    expect(this.speaker.reflector.reconfigured(line.session, before)).toBeUndefined();
  }

  private changeRules(): void {
    const { policies } = this.speaker.reflector;
    this.mark = this.random.below(MARKS.length);
    policies.configure(rulesOf(`- {set: {community: {add: '${MARKS[this.mark]!}'}}}`));
    policies.refresh();
  }

  private stateOf({ address }: Actor) {
    return this.guarded.gate.states.get(address) ?? "unknown";
  }

  private refresh({ line }: Actor): void {
    if (line !== undefined) this.speaker.reflector.refreshOut(line.session, Family.Evpn);
  }

  /** What the peer makes of its messages. */
  listen(actor: Actor): void {
    for (const received of actor.line?.take() ?? []) {
      actor.messages++;
      if (received.kind === "withdraw") for (const one of received.keys) actor.held.delete(one);
      if (received.kind === "refresh" && received.family === Family.Evpn) {
        this.bracket(actor, received.subtype);
      }
      if (received.kind !== "announce") continue;
      const preference = numberOf(received.attributes, Code.LocalPref) ?? 0;
      const marks = find(received.attributes, Code.Communities) ?? "";
      for (const route of received.routes) {
        if (route.family !== Family.Evpn) continue;
        actor.held.set(route.key, { preference, marks, stale: false });
      }
    }
  }

  /** BoRR, or EoRR (RFC 7313 section 4). */
  private bracket({ held }: Actor, subtype: number): void {
    if (subtype === 1) for (const one of held.values()) one.stale = true;
    if (subtype !== 2) return;
    for (const [name, { stale }] of held) if (stale) held.delete(name);
  }

  /** What it should hold: LOCAL_PREF by MAC; with several paths, a list of them. */
  expected(actor: Actor): Map<string, number[]> {
    const wanted = new Map<string, number[]>();
    if (actor.line === undefined || !this.isTrusted(actor)) return wanted;
    for (let number = 1; number <= KEYS; number++) {
      const sources = this.actors
        .filter((one) => this.isTrusted(one))
        .filter((one) => one.announced.has(number) || one.kept.has(number))
        // An eBGP peer's LOCAL_PREF means nothing: it has the default.
        .map((one) => ({ one, preference: one.spec.kind === "ebgp" ? 100 : one.preference }))
        .sort((a, b) => b.preference - a.preference || (a.one.spec.kind === "ebgp" ? -1 : 1));
      const most = actor.spec.takesPaths ?? 1;
      const may = (one: Actor): boolean => one !== actor;
      const chosen =
        most > 1
          ? sources.filter(({ one }) => may(one)).slice(0, most)
          : sources.slice(0, 1).filter(({ one }) => may(one));
      if (chosen.length > 0) {
        wanted.set(
          key(mac(number)),
          chosen.map(({ preference }) => preference),
        );
      }
    }
    return wanted;
  }

  check(): void {
    this.speaker.run();
    for (const actor of this.actors) {
      if (actor.line === undefined) continue;
      this.listen(actor);
      const got = new Map<string, number[]>();
      const { exportPolicies = [] } = actor.spec.policy ?? {};
      const marked = exportPolicies.length === 0 ? "" : MARKED[this.mark];
      for (const [name, { preference, marks }] of actor.held) {
        expect({ peer: actor.address, name, marks }).toEqual({
          peer: actor.address,
          name,
          marks: marked,
        });
        const [plain = ""] = name.split("#");
        got.set(plain, [...(got.get(plain) ?? []), preference]);
      }
      const sorted = (held: Map<string, number[]>) =>
        [...held]
          // LOCAL_PREF does not go to eBGP.
          .map(([name, all]) => [name, actor.spec.kind === "ebgp" ? [] : all.sort()] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1));
      const isTrusted = this.isTrusted(actor);
      expect({ peer: actor.address, isTrusted, holds: sorted(got) }).toEqual({
        peer: actor.address,
        isTrusted,
        holds: sorted(this.expected(actor)),
      });
      const { reflector } = this.speaker;
      const { slot } = reflector.peer(actor.line.session.id)!;
      expect(reflector.out.hasEndOfRib(slot, Family.Evpn)).toBe(isTrusted);
      if (isTrusted) continue;
      // Silence: another peer's news do not reach it.
      const before = actor.messages;
      this.stir(actor);
      this.listen(actor);
      expect(actor.messages).toBe(before);
    }
    expect(this.speaker.reflector.audit()).toEqual([]);
  }

  private stir(actor: Actor): void {
    const other = this.actors.find((one) => one !== actor && one.line !== undefined);
    if (other === undefined) return;
    this.announce(other);
    this.speaker.run();
  }
}

describe("storms of trust", () => {
  test("ASM-71: after any of them every peer holds exactly what it should", () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const storm = new Storm(seed);
      try {
        for (let step = 0; step < STEPS; step++) {
          storm.step();
          if (step % 20 === 19) storm.check();
        }
        storm.check();
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
