/**
 * One peer's receiving end: keeps the table that the messages add up to, and complains about what a
 * reflector must not send (RFC 4271, RFC 4456, RFC 4724 section 2, RFC 7313).
 *
 * Every message is held against the model at the moment it is sent, for that is what the change
 * log promises: nobody is ever sent a state that is not the last one.
 */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { check, type Announcement, type Decoded } from "./decode.js";
import { isTargeted } from "./import.js";
import { keyIn, type Expected, type Firm, type Held, type Model } from "./model.js";
import { comparableNlri } from "./nlri.js";
import { familiesIn, has, type PeerSpec } from "./peer.js";

export class Receiver {
  /** As its options are now. */
  peer: PeerSpec;
  readonly table = new Map<string, Held & { readonly family: Family }>();
  readonly endOfRibs = new Set<Family>();
  /** Keys that may have changed since the tables were last compared; undefined: never compared. */
  private unchecked: Set<string> | undefined;
  /** Announcements and withdraws by key, since it was last emptied. */
  readonly news = new Map<string, number>();
  /** Messages received. */
  messages = 0;
  private readonly model: Model;
  private readonly isExact: () => boolean;
  /** What was live at the start and has been so ever since: due before End-of-RIB. */
  private readonly dueFirst = new Map<Family, Set<string>>();
  /** What was live at the request: due again. */
  private readonly dueAgain = new Map<Family, Set<string>>();
  /** Inside BoRR and EoRR: what is due, and what the peer would sweep. */
  private readonly brackets = new Map<Family, { due: Set<string>; unconfirmed: Set<string> }>();
  private readonly bracketOwed = new Set<Family>();
  /** Swept at EoRR though held: their withdrawals may still be on the way, and do no harm. */
  private readonly swept = new Set<string>();
  /** Default memberships that may still come; one must when it is owed. */
  private greetings = 1;
  private isGreetingOwed = true;
  private isGreetedOnce = false;

  /** @param isExact whether the reflector has applied everything the model has; asked when they differ */
  constructor(peer: PeerSpec, model: Model, isExact: () => boolean) {
    this.peer = peer;
    this.model = model;
    this.isExact = isExact;
    for (const family of familiesIn(peer.families)) this.dueFirst.set(family, this.live(family));
  }

  /** The peer's memberships are known: now the routes begin. */
  released(): void {
    for (const family of familiesIn(this.peer.families).filter(isTargeted)) {
      this.dueFirst.set(family, this.live(family));
      this.touched(this.model.keys(family));
    }
  }

  take({ octets, received }: Decoded): void {
    this.messages++;
    check(octets <= (this.peer.extendedMessage ? 65535 : 4096), "a message is too long");
    switch (received.kind) {
      case "announce":
        for (const route of received.routes) this.announced(route, received.text);
        return;
      case "withdraw":
        for (const key of received.keys) this.withdrawn(key);
        return;
      case "end-of-rib":
        return this.endOfRib(received.family);
      case "refresh":
        return this.refreshMark(received.family, received.subtype);
    }
  }

  /** The peer asks for a refresh. */
  requested(family: Family): void {
    this.dueAgain.set(family, this.live(family));
    if (family === Family.RouteTarget) {
      this.greetings++;
      this.isGreetingOwed = true;
    }
    if (this.peer.enhancedRefresh && this.endOfRibs.has(family)) this.bracketOwed.add(family);
  }

  /** The model's word on these keys changed: what is not to be sent now is not owed any more. */
  touched(keys: readonly string[]): void {
    for (const key of keys) this.unchecked?.add(key);
    const owed = [
      ...this.dueFirst.values(),
      ...this.dueAgain.values(),
      ...[...this.brackets.values()].map(({ due }) => due),
    ];
    for (const due of owed) {
      if (due.size === 0) continue;
      for (const key of keys) if (due.has(key) && !isHeld(this.expected(key))) due.delete(key);
    }
  }

  /** The reflector works on something: what is owed before an end marker is not certain now. */
  forgive(): void {
    for (const due of [...this.dueFirst.values(), ...this.dueAgain.values()]) due.clear();
    for (const { due } of this.brackets.values()) due.clear();
  }

  /** What the peer is sent is decided anew: everything is to be compared. */
  compareAll(): void {
    this.unchecked = undefined;
  }

  /** Nothing is on its way: table, End-of-RIB, refreshes must be complete. */
  settled(): void {
    const keys = this.unchecked ?? [...this.table.keys(), ...this.model.allKeys()];
    this.checkPaths(keys);
    for (const key of keys) {
      if (this.takesPaths(key)) continue;
      const held = this.table.get(key);
      const expected = this.expected(key);
      if (expected === undefined) check(held === undefined, `${key} should be gone`);
      else if (held === undefined) check(!isHeld(expected), `${key} is missing`);
      else check(isSame(held, expected), `${key} is ${show(held)}, not ${show(expected)}`);
    }
    this.unchecked = new Set();
    for (const family of familiesIn(this.peer.families)) {
      const released = !isTargeted(family) || this.model.isReleased(this.peer.index);
      check(!released || this.endOfRibs.has(family), `no End-of-RIB of family ${String(family)}`);
      const again = this.dueAgain.get(family) ?? new Set();
      check(again.size === 0, `the refresh left out ${[...again].slice(0, 3).join(", ")}`);
    }
    check(this.brackets.size === 0, "BoRR without EoRR");
    this.swept.clear();
    check(!this.isGreeted() || !this.isGreetingOwed, "no default membership was sent");
    check(this.bracketOwed.size === 0, "a refresh request was not answered with BoRR");
  }

  private announced(route: Announcement, attributes: string): void {
    const { key, family, nextHop } = route;
    check(has(this.peer.families, family), `family ${String(family)} was not negotiated`);
    if (family === Family.RouteTarget && this.isGreeted()) {
      check(route.nlri === "00", `membership ${route.nlri} to a client`);
      check(this.greetings-- > 0, "the default membership is sent for no reason");
      this.isGreetingOwed = false;
      this.isGreetedOnce = true;
      return;
    }
    const held = { family, nlri: comparableNlri(family, route.nlri), attributes, nextHop };
    if (this.takesPaths(key)) return this.announcedPath(key, held);
    this.agree(this.model.sourceOfBest(key) !== this.peer.index, `its own route ${key}`);
    const expected = this.expected(key);
    if (expected === undefined) this.agree(false, `${key} is announced and should not be there`);
    else
      this.agree(
        isSame(held, expected),
        `${key} is announced as ${show(held)}, not ${show(expected)}`,
      );
    this.hold(key, held);
    this.dueAgain.get(family)?.delete(key);
    const bracket = this.brackets.get(family);
    bracket?.due.delete(key);
    bracket?.unconfirmed.delete(key);
  }

  private hold(key: string, held: Held & { readonly family: Family }): void {
    this.table.set(key, held);
    this.swept.delete(key);
    this.unchecked?.add(key);
    this.noteNews(key);
  }

  /** ADD-PATH: one of the paths it should have, under whatever path id. */
  private announcedPath(key: string, held: Held & { readonly family: Family }): void {
    const expected = this.model.expectedPaths(this.peer, keyIn(key));
    this.agree(
      expected.some((one) => isSame(held, one)),
      `${key} is announced as ${show(held)}, which is none of ${expected.map(showOne).join(", ")}`,
    );
    this.hold(key, held);
    for (const { unconfirmed } of this.brackets.values()) unconfirmed.delete(key);
  }

  /** ADD-PATH: every path once, and nothing else. */
  private checkPaths(names: Iterable<string>): void {
    if (this.peer.takesPaths === undefined) return;
    const keys = new Set([...names].filter((name) => this.takesPaths(name)).map(keyIn));
    const held = new Map<string, Held[]>();
    for (const [name, one] of this.table) {
      const key = keyIn(name);
      if (keys.has(key)) held.set(key, [...(held.get(key) ?? []), one]);
    }
    for (const key of keys) {
      const expected = this.model.expectedPaths(this.peer, key);
      if (expected.some((one) => !isHeld(one))) continue;
      const left = [...(held.get(key) ?? [])];
      for (const one of expected) {
        const at = left.findIndex((other) => isSame(other, one));
        check(at >= 0, `of the paths of ${key} is missing ${showOne(one)}`);
        left.splice(at, 1);
      }
      check(left.length === 0, `too many paths of ${key}: ${left.map(showOne).join(", ")}`);
    }
  }

  private takesPaths(key: string): boolean {
    return this.peer.takesPaths !== undefined && key.startsWith(`${String(Family.Evpn)}:`);
  }

  private withdrawn(key: string): void {
    if (!this.takesPaths(key))
      this.agree(!isHeld(this.expected(key)), `${key} is withdrawn and should stay`);
    const held = this.table.delete(key) || this.swept.delete(key);
    check(held, `${key} is withdrawn and was never announced`);
    this.unchecked?.add(key);
    this.noteNews(key);
    for (const { unconfirmed } of this.brackets.values()) unconfirmed.delete(key);
  }

  private endOfRib(family: Family): void {
    check(has(this.peer.families, family), "End-of-RIB of a family that was not negotiated");
    check(!this.endOfRibs.has(family), `a second End-of-RIB of family ${String(family)}`);
    this.endOfRibs.add(family);
    if (family === Family.RouteTarget && this.isGreeted())
      check(this.isGreetedOnce, "End-of-RIB before the default membership");
    if (isTargeted(family))
      check(this.model.isReleased(this.peer.index), "End-of-RIB before the memberships");
    for (const key of this.dueFirst.get(family) ?? [])
      this.agree(this.table.has(key), `End-of-RIB before ${key}, which was there at the start`);
    this.dueFirst.delete(family);
  }

  private refreshMark(family: Family, subtype: number): void {
    check(this.peer.enhancedRefresh, "BoRR or EoRR without enhanced route refresh");
    check(subtype === 1 || subtype === 2, `ROUTE-REFRESH subtype ${String(subtype)}`);
    if (subtype === 1) {
      check(this.endOfRibs.has(family), "BoRR before End-of-RIB");
      const held = [...this.table].filter(([, one]) => one.family === family);
      const unconfirmed = new Set(held.map(([key]) => key));
      this.brackets.set(family, { due: this.live(family), unconfirmed });
      this.bracketOwed.delete(family);
      return;
    }
    const bracket = this.brackets.get(family);
    check(bracket !== undefined, "EoRR without BoRR");
    for (const key of bracket.due) this.agree(false, `EoRR before ${key}`);
    for (const key of bracket.unconfirmed) {
      this.table.delete(key);
      this.swept.add(key);
      this.unchecked?.add(key);
    }
    this.brackets.delete(family);
  }

  /** In the order of the last news. */
  private noteNews(key: string): void {
    const before = this.news.get(key) ?? 0;
    this.news.delete(key);
    this.news.set(key, before + 1);
  }

  private agree(good: boolean, complaint: string): void {
    check(good || !this.isExact(), complaint);
  }

  /** Clients with route-target constraint get the default membership (RFC 4684 section 3.2). */
  private isGreeted(): boolean {
    return has(this.peer.families, Family.RouteTarget) && this.peer.kind === "client";
  }

  private expected(key: string): Expected {
    return this.model.expected(this.peer, key);
  }

  private live(family: Family): Set<string> {
    const out = new Set<string>();
    if (!has(this.peer.families, family) || this.takesPaths(`${String(family)}:`)) return out;
    for (const key of this.model.keys(family)) if (isHeld(this.expected(key))) out.add(key);
    return out;
  }
}

/** It is certain that the peer is sent it. */
function isHeld(expected: Expected): boolean {
  return choices(expected).every((one) => one !== undefined && !("either" in one));
}

function isSame(held: Held, expected: Expected): boolean {
  return choices(expected).some((one) => {
    if (one === undefined) return false;
    const other = "either" in one ? one.either : one;
    return (
      held.nlri === other.nlri &&
      held.attributes === other.attributes &&
      held.nextHop === other.nextHop
    );
  });
}

function choices(expected: Expected): readonly Firm[] {
  return expected !== undefined && "oneOf" in expected ? expected.oneOf : [expected];
}

function show(expected: Expected): string {
  return choices(expected).map(showOne).join(" or ");
}

function showOne(held: Firm): string {
  if (held === undefined) return "nothing";
  const { nlri, attributes, nextHop } = "either" in held ? held.either : held;
  const text = attributes.length > 400 ? `${attributes.slice(0, 400)}…` : attributes;
  return `{${nlri} via ${nextHop}: ${text}}`;
}
