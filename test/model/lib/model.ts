/**
 * The slow, obvious route reflector: plain maps and strings. For every session it says which routes
 * the peer should hold now, octet for octet. Written from the RFCs; see `best-path.ts` and
 * `attributes.ts` for their two larger chapters.
 */
import { FAMILIES, Family } from "../../../src/fast-bgp-codec/family.js";
import {
  asCount,
  attributesText,
  clusterList,
  Code,
  Community,
  fromEbgp,
  hasCommunity,
  importAttributes,
  numberOf,
  reflect,
  toEbgp,
  type Attributes,
} from "./attributes.js";
import { selectBest, type Candidate } from "./best-path.js";
import { comparableNlri, isVpn, nlriKey, routeTypeOf } from "./nlri.js";
import { OWN_ATTRIBUTES, OWN_NEXT_HOP, OwnWishes } from "./own-wishes.js";
import {
  CLUSTER_ID,
  has,
  knowsLongLived,
  OWN_AS,
  OWN_ID,
  peerSpec,
  type PeerSpec,
} from "./peer.js";
import { asksFor, routeTargets } from "./route-target.js";
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
  readonly peer: PeerSpec;
  readonly routes: Map<string, Route>;
  /** Between BoRR and EoRR: keys not announced again yet, per family. */
  readonly stale: Map<Family, Set<string>>;
  /** With route-target constraint: the peer has said what it wants, or has had a minute to. */
  released: boolean;
}

export class Model {
  private readonly sessions = new Map<number, RibIn>();
  /** Which sessions have a route of the key: only to find candidates without walking all. */
  private readonly holders = new Map<string, Set<number>>();
  private readonly bestOf = new Map<string, Route | undefined>();
  private readonly compareMobility: boolean;
  /** Memberships in the reflector's own name. */
  readonly own = new OwnWishes();

  constructor(compareMobility: boolean) {
    this.compareMobility = compareMobility;
  }

  up(peer: PeerSpec): void {
    const released = !has(peer.families, Family.RouteTarget);
    this.sessions.set(peer.index, { peer, routes: new Map(), stale: new Map(), released });
  }

  /** Returns the keys whose destination changed. */
  down(index: number): string[] {
    const keys = [...(this.sessions.get(index)?.routes.keys() ?? [])];
    for (const key of keys) this.remove(index, key);
    this.sessions.delete(index);
    return keys;
  }

  isUp(index: number): boolean {
    return this.sessions.has(index);
  }

  update(index: number, word: Word): string[] {
    const ribIn = this.sessions.get(index);
    if (ribIn === undefined) return [];
    const { peer } = ribIn;
    const touched: string[] = [];
    for (const { family, nlri } of word.withdrawn) {
      if (!has(peer.families, family)) continue;
      const key = nlriKey(family, nlri);
      this.remove(index, key);
      touched.push(key);
    }
    const attributes = importAttributes(word.attributes, peer.kind !== "ebgp");
    const looped = isLooped(attributes, peer);
    for (const { family, nlri, nextHop } of word.announced) {
      if (!has(peer.families, family) || !isAcceptedType(peer, family, nlri)) continue;
      const key = nlriKey(family, nlri);
      touched.push(key);
      ribIn.stale.get(family)?.delete(key);
      if (looped || (peer.kind === "ebgp" && !peer.acceptIn)) {
        this.remove(index, key);
        continue;
      }
      ribIn.routes.set(key, {
        family,
        nlri,
        nextHop,
        attributes,
        source: peer,
        ibgp: peer.kind !== "ebgp",
        peerId: peer.id,
        peerAddress: peer.address,
        rendered: new Map(),
      });
      this.bestOf.delete(key);
      const holders = this.holders.get(key) ?? new Set();
      this.holders.set(key, holders.add(index));
    }
    return touched;
  }

  /** BoRR from the peer (RFC 7313 section 4). */
  refreshBegins(index: number, family: Family): void {
    const ribIn = this.sessions.get(index);
    if (ribIn === undefined) return;
    const keys = [...ribIn.routes].filter(([, route]) => route.family === family);
    ribIn.stale.set(family, new Set(keys.map(([key]) => key)));
  }

  /** EoRR from the peer: what it did not say again is gone. */
  refreshEnds(index: number, family: Family): string[] {
    const ribIn = this.sessions.get(index);
    const stale = [...(ribIn?.stale.get(family) ?? [])];
    for (const key of stale) this.remove(index, key);
    ribIn?.stale.delete(family);
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
    const sessions = [...this.sessions.values()].map(({ peer }) => peer);
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
    const { held, octets } = render(best, target);
    const [least, most] = octets;
    const limit = target.extendedMessage ? 65535 : 4096;
    if (least > limit) return undefined;
    return most > limit ? { either: held } : held;
  }

  /** The whole table the session's peer should hold. */
  table(target: PeerSpec): Map<string, Exclude<Expected, undefined>> {
    const out = new Map<string, Exclude<Expected, undefined>>();
    for (const key of new Set([...this.holders.keys(), ...this.own.keys()])) {
      const expected = this.expected(target, key);
      if (expected !== undefined) out.set(key, expected);
    }
    return out;
  }

  private isWanted(route: Route, target: PeerSpec): boolean {
    if (!isTargeted(route.family) || !has(target.families, Family.RouteTarget)) return true;
    const ribIn = this.sessions.get(target.index);
    if (ribIn === undefined || !ribIn.released) return false;
    const targets = routeTargets(route.attributes);
    return [...ribIn.routes.values()].some(
      (one) => one.family === Family.RouteTarget && asksFor(one.nlri, targets),
    );
  }

  private best(key: string): Route | undefined {
    if (!this.bestOf.has(key)) {
      this.bestOf.set(key, this.choose(key, []));
    }
    return this.bestOf.get(key);
  }

  private choose(key: string, more: readonly Route[]): Route | undefined {
    const candidates = [...(this.holders.get(key) ?? [])]
      .map((index) => this.sessions.get(index)?.routes.get(key))
      .filter((route) => route !== undefined);
    const all = [...candidates, ...more];
    const heard = key.startsWith(`${String(Family.RouteTarget)}:`) ? clientsFirst(all) : all;
    return selectBest(heard, this.compareMobility);
  }

  private remove(index: number, key: string): void {
    const ribIn = this.sessions.get(index);
    const route = ribIn?.routes.get(key);
    if (ribIn === undefined || route === undefined) return;
    ribIn.routes.delete(key);
    ribIn.stale.get(route.family)?.delete(key);
    this.bestOf.delete(key);
    const holders = this.holders.get(key);
    holders?.delete(index);
    if (holders?.size === 0) {
      this.holders.delete(key);
      this.bestOf.delete(key);
    }
  }
}

/** What the reflector wants itself is like a route from outside: it goes to all who are told memberships. */
const OWN_SOURCE = peerSpec(-1, { kind: "ebgp", as: OWN_AS, id: OWN_ID });

function ownRoute(key: string): Route {
  return {
    family: Family.RouteTarget,
    nlri: key.slice(key.indexOf(":") + 1),
    nextHop: OWN_NEXT_HOP,
    attributes: OWN_ATTRIBUTES,
    source: OWN_SOURCE,
    ibgp: false,
    peerId: OWN_ID,
    peerAddress: "10.99.0.254",
    rendered: new Map(),
  };
}

/** Families whose routes carry route targets. */
export function isTargeted(family: Family): boolean {
  return family === Family.Evpn || isVpn(family);
}

/** RFC 4456 section 8, RFC 4271 section 9.1.2: such a route is no candidate, and replaces the earlier one. */
function isLooped(attributes: Attributes, peer: PeerSpec): boolean {
  if (asCount(attributes, OWN_AS) > peer.allowAsIn) return true;
  return (
    numberOf(attributes, Code.OriginatorId) === OWN_ID ||
    clusterList(attributes).includes(CLUSTER_ID)
  );
}

function isAcceptedType(peer: PeerSpec, family: Family, nlri: string): boolean {
  if (family !== Family.Evpn) return true;
  const type = routeTypeOf(nlri);
  if (type === 0 || type > 11) return peer.unknownTypes;
  return peer.typesIn?.includes(type) ?? true;
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

function render(route: Route, target: PeerSpec): Rendered {
  const kind =
    target.kind === "ebgp"
      ? `ebgp${target.nextHopSelf ? " self" : ""}`
      : route.source.kind === "ebgp"
        ? "from-ebgp"
        : "reflected";
  const form = `${kind} ${String(target.as4)}`;
  const known = route.rendered.get(form);
  if (known !== undefined) return known;
  const list =
    target.kind === "ebgp"
      ? toEbgp(route.attributes, OWN_AS)
      : route.source.kind === "ebgp"
        ? fromEbgp(route.attributes)
        : reflect(route.attributes, route.source.id, CLUSTER_ID);
  const self = target.kind === "ebgp" && target.nextHopSelf && !isTargeted(route.family);
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
