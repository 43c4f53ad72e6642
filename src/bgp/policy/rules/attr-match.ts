/** Conditions on an attribute set, compiled: asked once per policy and set, whatever the number of routes. */
import { readU32, readU8 } from "../../../util/bytes.js";
import { isRouteTarget } from "../../../fast-bgp-codec/values/extended-community.js";
import { AsPathPattern } from "../../../fast-bgp-codec/as-path-pattern.js";
import type { AttrView } from "./attr-view.js";
import { NumberRanges } from "./number-ranges.js";
import { OctetSet } from "./octet-set.js";
import { PrefixSet } from "./prefix-set.js";
import type { MatchSettings, NumberRange } from "./settings.js";

export type AttrTest = (view: AttrView) => boolean;

const COMMUNITY = 4;
const EXTENDED = 8;
const LARGE = 12;

/** One test for each condition of the match that an attribute set can answer; none for conditions on the route. */
export function attrTests(match: MatchSettings): AttrTest[] {
  const tests: AttrTest[] = [];
  const { families, nextHops, asPathPatterns } = match;
  if (families !== undefined) {
    const mask = families.reduce<number>((bits, family) => bits | (1 << family), 0);
    tests.push((view) => (mask & (1 << view.family)) !== 0);
  }
  addCommunityTests(match, tests);
  if (nextHops !== undefined) {
    const set = new PrefixSet(nextHops);
    tests.push((view) => hasNextHop(view, set));
  }
  addNumberTests(match, tests);
  addPathTests(match, tests);
  if (asPathPatterns !== undefined) {
    const patterns = asPathPatterns.map((text) => new AsPathPattern(text));
    tests.push(({ bytes, pathStart, pathEnd }) =>
      patterns.some((pattern) => pattern.matches(bytes, pathStart, pathEnd)),
    );
  }
  return tests;
}

function addCommunityTests(match: MatchSettings, tests: AttrTest[]): void {
  const { communities, extendedCommunities, largeCommunities, routeTargets } = match;
  if (communities !== undefined) {
    const set = new OctetSet(communities, COMMUNITY);
    tests.push((view) => set.hasAny(view.bytes, view.communitiesStart, view.communitiesEnd));
  }
  if (extendedCommunities !== undefined) {
    const set = new OctetSet(extendedCommunities, EXTENDED);
    tests.push((view) => set.hasAny(view.bytes, view.extendedStart, view.extendedEnd));
  }
  if (largeCommunities !== undefined) {
    const set = new OctetSet(largeCommunities, LARGE);
    tests.push((view) => set.hasAny(view.bytes, view.largeStart, view.largeEnd));
  }
  if (routeTargets !== undefined) {
    const set = new OctetSet(routeTargets, EXTENDED);
    tests.push(({ bytes, extendedStart, extendedEnd }) => {
      for (let at = extendedStart; at + EXTENDED <= extendedEnd; at += EXTENDED) {
        if (isRouteTarget(bytes, at) && set.has(bytes, at)) return true;
      }
      return false;
    });
  }
}

/** VPN next hops have a route distinguisher of zeros in front; IPv6 ones may have a link-local address behind. */
function hasNextHop(view: AttrView, set: PrefixSet): boolean {
  switch (view.nextHopLength) {
    case 4:
      return set.has(view.bytes, view.nextHopStart, 4, 32);
    case 12:
      return set.has(view.bytes, view.nextHopStart + 8, 4, 32);
    case 16:
    case 32:
      return set.has(view.bytes, view.nextHopStart, 16, 128);
    case 24:
    case 48:
      return set.has(view.bytes, view.nextHopStart + 8, 16, 128);
    default:
      return false;
  }
}

function addNumberTests(match: MatchSettings, tests: AttrTest[]): void {
  const add = (ranges: readonly NumberRange[] | undefined, read: (view: AttrView) => number) => {
    if (ranges === undefined) return;
    const set = new NumberRanges(ranges);
    tests.push((view) => set.has(read(view)));
  };
  add(match.localPreference, (view) => view.attrs!.localPref(view.attr));
  add(match.med, (view) => view.attrs!.med(view.attr));
  add(match.mobilitySequence, (view) => view.attrs!.sequence(view.attr));
  add(match.asPathLength, (view) => view.attrs!.asPathLength(view.attr));
}

/** An empty path has neither an origin nor a neighbour: its route is ours, or of our own AS. */
function addPathTests(match: MatchSettings, tests: AttrTest[]): void {
  const { asPathContains, asPathNeighbor, asPathOrigin } = match;
  if (asPathContains !== undefined) {
    const set = new NumberRanges(asPathContains);
    tests.push(({ bytes, pathStart, pathEnd }) => {
      for (let at = pathStart; at + 2 <= pathEnd;) {
        const next = at + 2 + 4 * readU8(bytes, at + 1);
        for (let as = at + 2; as < next; as += 4) if (set.has(readU32(bytes, as))) return true;
        at = next;
      }
      return false;
    });
  }
  if (asPathNeighbor !== undefined) {
    const set = new NumberRanges(asPathNeighbor);
    tests.push(({ attrs, attr }) => {
      const as = attrs!.neighborAs(attr);
      return as !== 0 && set.has(as);
    });
  }
  if (asPathOrigin !== undefined) {
    const set = new NumberRanges(asPathOrigin);
    tests.push(({ bytes, pathStart, pathEnd }) => {
      const origin = originOf(bytes, pathStart, pathEnd);
      return origin >= 0 && set.has(origin);
    });
  }
}

/** Last AS of the path; -1 when it is empty or ends in a set. */
function originOf(bytes: Uint8Array, start: number, end: number): number {
  let origin = -1;
  for (let at = start; at + 2 <= end;) {
    const type = readU8(bytes, at);
    const next = at + 2 + 4 * readU8(bytes, at + 1);
    if (type === 2 && next > at + 2) origin = readU32(bytes, next - 4);
    else if (type === 1) origin = -1;
    at = next;
  }
  return origin;
}
