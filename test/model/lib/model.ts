/**
 * The slow, obvious route reflector: plain maps and strings. For every session it says which routes
 * the peer should hold now, octet for octet. Written from the RFCs; see `best-path.ts` and
 * `attributes.ts` for their two larger chapters.
 */
import { FAMILIES, Family } from "../../../src/fast-bgp-codec/family.js";
import {
  attributesText,
  Community,
  fromEbgp,
  hasCommunity,
  importAttributes,
  reflect,
  toEbgp,
  withCommunity,
  type Attributes,
} from "./attributes.js";
import { selectBest, type Candidate } from "./best-path.js";
import { imported, isAccepted, isAcceptedType, isInList, isTargeted } from "./import.js";
import { comparableNlri, nlriKey, routeTypeOf } from "./nlri.js";
import { OWN_ATTRIBUTES, OWN_NEXT_HOP, OwnWishes } from "./own-wishes.js";
import {
  CLUSTER_ID,
  has,
  knowsLongLived,
  optionsOf,
  OWN_AS,
  OWN_ID,
  peerSpec,
  type PeerSpec,
} from "./peer.js";
import { isSameSpeaker, isVouched, keptAfter, type Kept, type Loss } from "./retention.js";
import { asksFor, routeTargets } from "./route-target.js";
import { applyRules } from "./rules.js";
import { messageOctets } from "./wire.js";
import { hexOf, octetsIn } from "./hex.js";

/** What a speaker says in one UPDATE, after the faults in it have been judged. */
export interface Word {
  readonly withdrawn: readonly { readonly family: Family; readonly nlri: string }[];
  readonly announced: readonly {
    readonly family: Family;
    readonly nlri: string;
    readonly nextHop: string;
  }[];
  readonly attributes: Attributes;
  /** Of its EVPN routes (RFC 7911); 0 for none. */
  readonly pathId?: number;
}

/** A route in a peer's table: what the peer must hold, comparable by string equality. */
export interface Held {
  readonly nlri: string;
  readonly attributes: string;
  readonly nextHop: string;
}

/**
 * "either": the message is so near the limit that its exact form decides. "oneOf": it is a matter of
 * timing which of them it is just now.
 */
export type Expected = Firm | { readonly oneOf: readonly Firm[] };
export type Firm = Held | { readonly either: Held } | undefined;

interface Route extends Candidate {
  /** As they came; `attributes` are what import made of them. */
  readonly received: Attributes;
  /** Kept back by import: no candidate. */
  readonly isHeld: boolean;
  /** Kept beyond the restart time (RFC 9494). */
  readonly isLongLived: boolean;
  readonly nextHop: string;
  readonly source: PeerSpec;
  /** Rendered forms by encoding class. */
  readonly rendered: Map<string, Rendered>;
}

interface Rendered {
  readonly held: Held;
  /** Octets of its smallest message, least and most. */
  readonly octets: readonly [number, number];
}

interface RibIn {
  peer: PeerSpec;
  /** By key, with a path id behind it where the peer sends them. */
  readonly routes: Map<string, Route>;
  /** Those of its routes that are memberships; undefined: to be looked up again. */
  memberships: readonly string[] | undefined;
  /** Keys not announced again yet, per family: between BoRR and EoRR, and since a session was lost. */
  readonly stale: Map<Family, Set<string>>;
  readonly refreshing: Set<Family>;
  /** With route-target constraint: the peer has said what it wants, or has had a minute to. */
  released: boolean;
  /** Without a session. */
  away: boolean;
  /** Families whose stale routes are kept since the session before was lost. */
  kept: Map<Family, Kept>;
}

export class Model {
  private readonly sessions = new Map<number, RibIn>();
  /** Which sessions have a route of the key, under which names: to find candidates without walking all. */
  private readonly holders = new Map<string, Map<string, readonly [index: number, name: string]>>();
  private readonly bestOf = new Map<string, Route | undefined>();
  private readonly compareMobility: boolean;
  /** Memberships in the reflector's own name. */
  readonly own = new OwnWishes();

  constructor(compareMobility: boolean) {
    this.compareMobility = compareMobility;
  }

  /** Returns the keys whose destination changed: of routes kept for the peer's return. */
  up(peer: PeerSpec, now = 0): string[] {
    const released = !has(peer.families, Family.RouteTarget);
    const before = this.sessions.get(peer.index);
    if (before === undefined || !isSameSpeaker(before.peer, peer)) {
      const keys = this.removeAll(peer.index);
      this.sessions.set(peer.index, {
        peer,
        routes: new Map(),
        memberships: undefined,
        stale: new Map(),
        refreshing: new Set(),
        released,
        away: false,
        kept: new Map(),
      });
      return keys;
    }
    Object.assign(before, { released, away: false });
    before.refreshing.clear();
    const keys = this.change(peer.index, peer);
    for (const [family, kept] of before.kept) {
      if (!isVouched(peer, family, kept.phase)) this.sweep(before, family);
      else if (kept.phase === "stale")
        kept.until = now + 1000 * optionsOf(peer).gracefulRestart.staleTime;
    }
    return keys;
  }

  /** Returns the keys whose destination changed. */
  down(index: number, loss: Loss = "hard", now = 0): string[] {
    const ribIn = this.sessions.get(index);
    if (ribIn === undefined || ribIn.away) return [];
    const keys = [...ribIn.routes.keys()];
    const families = [...new Set([...ribIn.routes.values()].map(({ family }) => family))];
    const kept = keptAfter(ribIn.peer, loss, families, ribIn.kept, now);
    if (kept.size === 0) return this.removeAll(index);
    for (const family of families) {
      const earlier = ribIn.kept.get(family);
      const isSecond =
        earlier?.phase === "stale" && !ribIn.peer.negotiated?.gracefulRestart?.notification;
      if (isSecond || !kept.has(family)) {
        for (const key of isSecond && kept.has(family)
          ? (ribIn.stale.get(family) ?? [])
          : keysOf(ribIn, family))
          this.remove(index, key);
      }
      ribIn.stale.set(family, new Set(keysOf(ribIn, family)));
    }
    Object.assign(ribIn, { away: true, kept });
    this.expire(now);
    return keys;
  }

  /** When the next phase of something kept ends. */
  nextExpiry(): number {
    const all = [...this.sessions.values()].flatMap(({ kept }) => [...kept.values()]);
    return Math.min(...all.map(({ until }) => until));
  }

  /** What is kept too long is long-lived, or gone. Returns the keys whose destination changed. */
  expire(now: number): string[] {
    const keys: string[] = [];
    for (const ribIn of [...this.sessions.values()]) {
      for (const [family, kept] of [...ribIn.kept]) {
        if (kept.until > now) continue;
        keys.push(...keysOf(ribIn, family));
        if (ribIn.away && kept.phase === "stale" && kept.longLivedMs > 0) {
          Object.assign(kept, { phase: "long-lived", until: now + kept.longLivedMs });
          this.makeLongLived(ribIn, family);
        } else this.sweep(ribIn, family);
      }
    }
    return keys;
  }

  /** End-of-RIB from the peer: what was kept for it and not said again is gone. */
  endOfRib(index: number, family: Family): string[] {
    const ribIn = this.sessions.get(index);
    if (ribIn?.kept.has(family) !== true) return [];
    const keys = [...(ribIn.stale.get(family) ?? [])];
    this.sweep(ribIn, family);
    return keys;
  }

  /** The peer's options are others. Returns the keys of its own routes: import decides again. */
  change(index: number, peer: PeerSpec): string[] {
    const ribIn = this.sessions.get(index);
    if (ribIn === undefined) return [];
    ribIn.peer = peer;
    for (const [key, route] of [...ribIn.routes]) {
      if (isAccepted(route.received, peer, route.family, route.nlri))
        ribIn.routes.set(
          key,
          routeOf({ ...route, attributes: route.received }, peer, route.isLongLived),
        );
      else this.remove(index, key);
      this.bestOf.delete(keyIn(key));
    }
    return [...ribIn.routes.keys()];
  }

  isUp(index: number): boolean {
    return this.sessions.get(index)?.away === false;
  }

  update(index: number, word: Word): string[] {
    const ribIn = this.sessions.get(index);
    if (ribIn === undefined) return [];
    const { peer } = ribIn;
    const touched: string[] = [];
    const { pathId = 0 } = word;
    for (const { family, nlri } of word.withdrawn) {
      if (!has(peer.families, family)) continue;
      const key = nameOf(family, nlri, pathId);
      this.remove(index, key);
      touched.push(key);
    }
    const attributes = importAttributes(word.attributes, peer.kind !== "ebgp");
    for (const { family, nlri, nextHop } of word.announced) {
      if (!has(peer.families, family) || !isAcceptedType(peer, family, nlri)) continue;
      const key = nameOf(family, nlri, pathId);
      touched.push(key);
      ribIn.stale.get(family)?.delete(key);
      if (!isAccepted(attributes, peer, family, nlri)) {
        this.remove(index, key);
        continue;
      }
      ribIn.routes.set(key, routeOf({ family, nlri, nextHop, attributes, pathId }, peer, false));
      if (family === Family.RouteTarget) ribIn.memberships = undefined;
      const plain = keyIn(key);
      this.bestOf.delete(plain);
      const holders = this.holders.get(plain) ?? new Map<string, readonly [number, string]>();
      this.holders.set(plain, holders.set(`${String(index)} ${key}`, [index, key]));
    }
    return touched;
  }

  /** BoRR from the peer; before the End-of-RIB of a restart it means nothing (RFC 7313 section 4). */
  refreshBegins(index: number, family: Family): void {
    const ribIn = this.sessions.get(index);
    if (ribIn === undefined || ribIn.kept.has(family)) return;
    ribIn.refreshing.add(family);
    ribIn.stale.set(family, new Set(keysOf(ribIn, family)));
  }

  /** EoRR from the peer: what it did not say again is gone. */
  refreshEnds(index: number, family: Family): string[] {
    const ribIn = this.sessions.get(index);
    if (ribIn?.refreshing.delete(family) !== true) return [];
    const stale = [...(ribIn.stale.get(family) ?? [])];
    this.sweep(ribIn, family);
    return stale;
  }

  /** The peer's End-of-RIB of memberships, or the end of the wait for it (RFC 4684 section 6). */
  release(index: number): void {
    const ribIn = this.sessions.get(index);
    if (ribIn !== undefined) ribIn.released = true;
  }

  isReleased(index: number): boolean {
    return this.sessions.get(index)?.released === true;
  }

  /** Every key of the families with route targets: what a change of interest concerns. */
  targetedKeys(): string[] {
    return FAMILIES.filter(({ family }) => isTargeted(family)).flatMap(({ family }) =>
      this.keys(family),
    );
  }

  allKeys(): ReadonlySet<string> {
    return new Set([...this.holders.keys(), ...this.own.keys()]);
  }

  /** Every key of a family. */
  keys(family: Family): string[] {
    return [...this.holders.keys(), ...this.own.keys()].filter((key) =>
      key.startsWith(`${String(family)}:`),
    );
  }

  routeCount(): number {
    let count = 0;
    for (const { routes } of this.sessions.values()) count += routes.size;
    return count;
  }

  /** Undefined also when it is a matter of timing. */
  sourceOfBest(key: string): number | undefined {
    return this.own.presenceOf(key) === "absent" ? this.best(key)?.source.index : undefined;
  }

  /** Sessions, or what they want, changed: what the reflector wants itself. Returns the keys concerned. */
  renewOwn(nowMs: number): string[] {
    const here = [...this.sessions.values()].filter(({ away }) => !away);
    const sessions = here.map(({ peer }) => peer);
    return this.own.renew(sessions, nowMs);
  }

  /** What the session's peer should hold under the key. */
  expected(target: PeerSpec, key: string): Expected {
    if (!key.startsWith(`${String(Family.RouteTarget)}:`))
      return this.expectedOf(target, this.best(key));
    const presence = this.own.presenceOf(key);
    if (presence === "absent") return this.expectedOf(target, this.best(key));
    const withOwn = this.expectedOf(target, this.choose(key, [ownRoute(key)]));
    if (presence === "firm") return withOwn;
    return { oneOf: [withOwn, this.expectedOf(target, this.best(key))] };
  }

  private expectedOf(target: PeerSpec, best: Route | undefined): Firm {
    if (best === undefined || best.source.index === target.index) return undefined;
    if (!mayGo(best, target) || !this.isWanted(best, target)) return undefined;
    const { exportPolicies = [], exportDefault = "accept" } = target.policy ?? {};
    const exported = applyRules(exportPolicies, exportDefault, best);
    if (exported === undefined) return undefined;
    const rules = `${exportDefault} ${exportPolicies.join(" ")}`;
    const { held, octets } = render(best, exported, rules, target);
    const [least, most] = octets;
    const limit = target.extendedMessage ? 65535 : 4096;
    if (least > limit) return undefined;
    return most > limit ? { either: held } : held;
  }

  /** The whole table the session's peer should hold. */
  table(target: PeerSpec): Map<string, Exclude<Expected, undefined>> {
    const out = new Map<string, Exclude<Expected, undefined>>();
    for (const key of this.allKeys()) {
      const expected = this.expected(target, key);
      if (expected !== undefined) out.set(key, expected);
    }
    return out;
  }

  private isWanted(route: Route, target: PeerSpec): boolean {
    if (!isTargeted(route.family)) return true;
    const { targets: list, allowed } = target.interest ?? {};
    const own = routeTargets(route.attributes);
    if (!isInList(own, list) || !isInList(own, allowed)) return false;
    if (!has(target.families, Family.RouteTarget)) return true;
    const ribIn = this.sessions.get(target.index);
    if (ribIn === undefined || !ribIn.released) return false;
    ribIn.memberships ??= [...ribIn.routes.values()]
      .filter(({ family }) => family === Family.RouteTarget)
      .map(({ nlri }) => nlri);
    return ribIn.memberships.some((one) => asksFor(one, own));
  }

  private best(key: string): Route | undefined {
    if (!this.bestOf.has(key)) {
      this.bestOf.set(key, this.choose(key, []));
    }
    return this.bestOf.get(key);
  }

  private choose(key: string, more: readonly Route[]): Route | undefined {
    const all = [...this.candidates(key), ...more];
    const heard = key.startsWith(`${String(Family.RouteTarget)}:`) ? clientsFirst(all) : all;
    return selectBest(heard, this.compareMobility);
  }

  private candidates(key: string): Route[] {
    return [...(this.holders.get(key)?.values() ?? [])]
      .map(([index, name]) => this.sessions.get(index)?.routes.get(name))
      .filter((route) => route !== undefined)
      .filter((route) => !route.isHeld);
  }

  /** Of a session with ADD-PATH: all paths it should hold under the key, the best first. */
  expectedPaths(target: PeerSpec, key: string): Firm[] {
    const out: Firm[] = [];
    const left = this.candidates(key);
    while (left.length > 0 && out.length < (target.takesPaths ?? 1)) {
      const best = selectBest(left, this.compareMobility) as Route;
      left.splice(left.indexOf(best), 1);
      const expected = this.expectedOf(target, best);
      if (expected !== undefined) out.push(expected);
    }
    return out;
  }

  private makeLongLived(ribIn: RibIn, family: Family): void {
    const { peer, routes } = ribIn;
    for (const key of [...(ribIn.stale.get(family) ?? [])]) {
      const route = routes.get(key);
      if (route === undefined) continue;
      if (hasCommunity(route.received, Community.NoLlgr)) this.remove(peer.index, key);
      else routes.set(key, routeOf({ ...route, attributes: route.received }, peer, true));
      this.bestOf.delete(keyIn(key));
    }
  }

  /** What is stale still is gone, and nothing is kept any more. */
  private sweep(ribIn: RibIn, family: Family): void {
    for (const key of [...(ribIn.stale.get(family) ?? [])]) this.remove(ribIn.peer.index, key);
    ribIn.stale.delete(family);
    ribIn.kept.delete(family);
    if (ribIn.away && ribIn.kept.size === 0) this.removeAll(ribIn.peer.index);
  }

  private removeAll(index: number): string[] {
    const keys = [...(this.sessions.get(index)?.routes.keys() ?? [])];
    for (const key of keys) this.remove(index, key);
    this.sessions.delete(index);
    return keys;
  }

  private remove(index: number, key: string): void {
    const ribIn = this.sessions.get(index);
    const route = ribIn?.routes.get(key);
    if (ribIn === undefined || route === undefined) return;
    ribIn.routes.delete(key);
    if (route.family === Family.RouteTarget) ribIn.memberships = undefined;
    ribIn.stale.get(route.family)?.delete(key);
    const plain = keyIn(key);
    this.bestOf.delete(plain);
    const holders = this.holders.get(plain);
    holders?.delete(`${String(index)} ${key}`);
    if (holders?.size === 0) this.holders.delete(plain);
  }
}

/** What the reflector wants itself is like a route from outside: it goes to all who are told memberships. */
const OWN_SOURCE = peerSpec(-1, { kind: "ebgp", as: OWN_AS, id: OWN_ID });

function ownRoute(key: string): Route {
  return {
    family: Family.RouteTarget,
    nlri: key.slice(key.indexOf(":") + 1),
    nextHop: OWN_NEXT_HOP,
    received: OWN_ATTRIBUTES,
    attributes: OWN_ATTRIBUTES,
    isHeld: false,
    isLongLived: false,
    source: OWN_SOURCE,
    ibgp: false,
    peerId: OWN_ID,
    peerAddress: "10.99.0.254",
    pathId: 0,
    rendered: new Map(),
  };
}

/** The route as import leaves it: rules first, then a tenant's targets and GRACEFUL_SHUTDOWN. */
function routeOf(
  said: Pick<Route, "family" | "nlri" | "nextHop" | "attributes" | "pathId">,
  peer: PeerSpec,
  isLongLived: boolean,
): Route {
  const { family, nlri, nextHop, attributes, pathId } = said;
  const effective = imported(said, peer);
  const list = effective ?? attributes;
  return {
    family,
    nlri,
    nextHop,
    received: attributes,
    attributes: isLongLived ? withCommunity(list, Community.LlgrStale) : list,
    isHeld: effective === undefined,
    isLongLived,
    source: peer,
    ibgp: peer.kind !== "ebgp",
    peerId: peer.id,
    peerAddress: peer.address,
    pathId,
    rendered: new Map(),
  };
}

/** The key, with the path id behind it if there is one: only EVPN routes have them here. */
function nameOf(family: Family, nlri: string, pathId: number): string {
  const key = nlriKey(family, nlri);
  return pathId === 0 || family !== Family.Evpn ? key : `${key}#${String(pathId)}`;
}

/** The key alone. */
export function keyIn(name: string): string {
  const at = name.indexOf("#");
  return at < 0 ? name : name.slice(0, at);
}

function keysOf(ribIn: RibIn, family: Family): string[] {
  return [...ribIn.routes].filter(([, route]) => route.family === family).map(([key]) => key);
}

/** Who gets a best path: the table of RFC 4456, after communities and the peer's own limits. */
function mayGo(route: Route, target: PeerSpec): boolean {
  const { source, attributes } = route;
  if (!has(target.families, route.family)) return false;
  // Nobody here has said that it takes an IPv6 next hop for IPv4 (RFC 8950).
  if (route.family === Family.Ipv4Vpn && octetsIn(route.nextHop) !== 12) return false;
  if (hasCommunity(attributes, Community.NoAdvertise)) return false;
  // RFC 9494 section 4.3: only to those who know what it means.
  if (hasCommunity(attributes, Community.LlgrStale) && !knowsLongLived(target)) return false;
  if (route.family === Family.Evpn && target.typesOut?.includes(routeTypeOf(route.nlri)) === false)
    return false;
  if (target.kind === "ebgp") {
    if (hasCommunity(attributes, Community.NoExport)) return false;
    if (hasCommunity(attributes, Community.NoExportSubconfed)) return false;
    return target.acceptOut;
  }
  // A client is told once that everything is wanted, instead of who wants what.
  if (route.family === Family.RouteTarget && target.kind === "client") return false;
  return source.kind !== "non-client" || target.kind === "client";
}

/** Other reflectors must hear of a client's membership (RFC 4684 section 3.2 ii), if it is not stale. */
function clientsFirst(candidates: readonly Route[]): readonly Route[] {
  const fresh = candidates.filter((one) => !hasCommunity(one.attributes, Community.LlgrStale));
  const left = fresh.length > 0 ? fresh : candidates;
  const near = left.filter((one) => one.source.kind !== "non-client");
  return near.length > 0 ? near : left;
}

function render(route: Route, attributes: Attributes, rules: string, target: PeerSpec): Rendered {
  const kind =
    target.kind === "ebgp"
      ? `ebgp${target.nextHopSelf ? " self" : ""}`
      : route.source.kind === "ebgp"
        ? "from-ebgp"
        : "reflected";
  const form = `${kind} ${String(target.as4)} ${rules}`;
  const known = route.rendered.get(form);
  if (known !== undefined) return known;
  const list =
    target.kind === "ebgp"
      ? toEbgp(attributes, OWN_AS)
      : route.source.kind === "ebgp"
        ? fromEbgp(attributes)
        : reflect(attributes, route.source.id, CLUSTER_ID);
  const self = target.kind === "ebgp" && target.nextHopSelf && route.family === Family.Ipv4Unicast;
  const held: Held = {
    nlri: comparableNlri(route.family, route.nlri),
    attributes: attributesText(list),
    nextHop: self ? LOCAL_ADDRESS_HEX : route.nextHop,
  };
  const octets = messageOctets(route.family, held.nlri, held.nextHop, list, target.as4);
  const out = { held, octets };
  route.rendered.set(form, out);
  return out;
}

/** The reflector's end of every connection of a model run. */
export const LOCAL_ADDRESS = "10.99.0.254";
const LOCAL_ADDRESS_HEX = hexOf(0x0a6300fe, 4);
