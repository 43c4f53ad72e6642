/** Conditions on the route itself, compiled: asked for each route, on its raw octets. */
import { FAMILIES, Family } from "../../../fast-bgp-codec/family.js";
import { readU24, readU32, readU8 } from "../../../util/bytes.js";
import { NO_LABEL } from "./attr-view.js";
import { ABSENT, type NlriView } from "./nlri-view.js";
import { NumberRanges } from "./number-ranges.js";
import { OctetSet } from "./octet-set.js";
import { PrefixSet } from "./prefix-set.js";
import type { MatchSettings } from "./settings.js";

/** @param pmsiLabel of the route's attribute set, NO_LABEL without one */
export type NlriTest = (view: NlriView, pmsiLabel: number) => boolean;

/** Inclusive multicast: its label stands in the PMSI tunnel attribute (RFC 7432 section 11.2, RFC 8365 section 9). */
const IMET = 3;

/** One test for each condition of the match that needs the route; the cheap and telling ones first. */
export function nlriTests(match: MatchSettings): NlriTest[] {
  const tests: NlriTest[] = [];
  const { routeTypes, rds, esis, ethernetTags, macs, hosts, prefixes, vnis, labels } = match;
  if (routeTypes !== undefined) {
    const wanted = new Set(routeTypes);
    tests.push(({ family, type }) => family === Family.Evpn && wanted.has(type));
  }
  if (vnis !== undefined) {
    const set = new NumberRanges(vnis);
    tests.push((view, pmsiLabel) => {
      const label = labelOf(view, pmsiLabel);
      return label !== NO_LABEL && set.has(label);
    });
  }
  if (labels !== undefined) {
    const set = new NumberRanges(labels);
    tests.push((view, pmsiLabel) => {
      const label = labelOf(view, pmsiLabel);
      return label !== NO_LABEL && set.has(label >>> 4);
    });
  }
  if (macs !== undefined) {
    const set = new OctetSet(macs, 6);
    tests.push(({ bytes, mac }) => mac !== ABSENT && set.has(bytes, mac));
  }
  if (rds !== undefined) {
    const set = new OctetSet(rds, 8);
    tests.push(({ bytes, rd }) => rd !== ABSENT && set.has(bytes, rd));
  }
  if (esis !== undefined) {
    const set = new OctetSet(esis, 10);
    tests.push(({ bytes, esi }) => esi !== ABSENT && set.has(bytes, esi));
  }
  if (ethernetTags !== undefined) {
    const set = new NumberRanges(ethernetTags);
    tests.push(({ bytes, tag }) => tag !== ABSENT && set.has(readU32(bytes, tag)));
  }
  if (hosts !== undefined) {
    const set = new PrefixSet(hosts);
    tests.push(
      ({ bytes, host, hostOctets }) =>
        host !== ABSENT && set.has(bytes, host, hostOctets, 8 * hostOctets),
    );
  }
  if (prefixes !== undefined) {
    const set = new PrefixSet(prefixes);
    tests.push(
      ({ bytes, prefix, prefixBits, prefixOctets, prefixPresent }) =>
        prefix !== ABSENT && set.has(bytes, prefix, prefixOctets, prefixBits, prefixPresent),
    );
  }
  return tests;
}

/** Kinds of routes: the EVPN types up to 11, then the other families. */
export const KINDS = 12 + FAMILIES.length;

export function kindOf(family: Family, bytes: Uint8Array, start: number): number {
  if (family !== Family.Evpn) return 12 + family;
  const type = readU8(bytes, start);
  return type < 12 ? type : 0;
}

/**
 * Kinds of routes of which `nlriTests` may hold, a bit each: fewer when a condition names types, or
 * wants a field that others do not have.
 */
export function kindsOf(match: MatchSettings): number {
  let kinds = 2 ** KINDS - 1;
  const { routeTypes } = match;
  if (routeTypes !== undefined) {
    kinds &= routeTypes.reduce((bits, type) => bits | (1 << (type < 12 ? type : 0)), 0);
  }
  if (match.macs !== undefined) kinds &= 1 << 2;
  if (match.esis !== undefined) kinds &= WITH_ESI;
  if (match.ethernetTags !== undefined) kinds &= EVPN;
  if (match.rds !== undefined) kinds &= EVPN | VPN;
  if (match.hosts !== undefined) kinds &= EVPN;
  if (match.vnis !== undefined || match.labels !== undefined) kinds &= LABELLED | VPN;
  if (match.prefixes !== undefined) kinds &= (1 << 5) | ~EVPN;
  return kinds;
}

const EVPN = (1 << 12) - 1;
const VPN = (1 << (12 + Family.Ipv4Vpn)) | (1 << (12 + Family.Ipv6Vpn));
const LABELLED = (1 << 1) | (1 << IMET) | (1 << 2) | (1 << 5);
const WITH_ESI = (1 << 1) | (1 << 2) | (1 << 4) | (1 << 5) | (1 << 7) | (1 << 8);

function labelOf({ bytes, type, label }: NlriView, pmsiLabel: number): number {
  if (label !== ABSENT) return readU24(bytes, label);
  return type === IMET ? pmsiLabel : NO_LABEL;
}
