/** Conditions on the route itself, compiled: asked for each route, on its raw octets. */
import { FAMILIES, Family } from "../../../fast-bgp-codec/family.js";
import { readU24, readU32, readU8 } from "../../../util/bytes.js";
import { NO_LABEL } from "./attr-view.js";
import { ABSENT, type NlriView } from "./nlri-view.js";
import { NumberRanges } from "./number-ranges.js";
import { OctetSet } from "./octet-set.js";
import { PrefixSet } from "./prefix-set.js";
import type { MatchSettings } from "./settings.js";

/** What a test looks at. */
const Field = {
  RouteType: 0,
  Vni: 1,
  Label: 2,
  Mac: 3,
  Rd: 4,
  Esi: 5,
  EthernetTag: 6,
  Host: 7,
  Prefix: 8,
} as const;
type Field = (typeof Field)[keyof typeof Field];

/** What a field is compared with: one of them counts. */
interface Operands {
  readonly types?: readonly number[] | undefined;
  readonly ranges?: NumberRanges | undefined;
  readonly octets?: OctetSet | undefined;
  readonly prefixes?: PrefixSet | undefined;
}

const NO_RANGES = new NumberRanges([]);
const NO_OCTETS = new OctetSet([], 6);
const NO_PREFIXES = new PrefixSet([]);

/** Inclusive multicast: its label stands in the PMSI tunnel attribute (RFC 7432 section 11.2, RFC 8365 section 9). */
const IMET = 3;

/** One condition on a route. A class and not a closure for each kind: asked for every route, it is compiled into who asks. */
export class NlriTest {
  private readonly field: Field;
  private readonly types: readonly number[];
  private readonly ranges: NumberRanges;
  private readonly octets: OctetSet;
  private readonly prefixes: PrefixSet;

  constructor(field: Field, operands: Operands) {
    this.field = field;
    this.types = operands.types ?? [];
    this.ranges = operands.ranges ?? NO_RANGES;
    this.octets = operands.octets ?? NO_OCTETS;
    this.prefixes = operands.prefixes ?? NO_PREFIXES;
  }

  /** @param pmsiLabel of the route's attribute set, NO_LABEL without one */
  holds(view: NlriView, pmsiLabel: number): boolean {
    const { bytes } = view;
    switch (this.field) {
      case Field.RouteType:
        return view.family === Family.Evpn && this.types.includes(view.type);
      case Field.Vni: {
        const label = labelOf(view, pmsiLabel);
        return label !== NO_LABEL && this.ranges.has(label);
      }
      case Field.Label: {
        const label = labelOf(view, pmsiLabel);
        return label !== NO_LABEL && this.ranges.has(label >>> 4);
      }
      case Field.Mac:
        return view.mac !== ABSENT && this.octets.has(bytes, view.mac);
      case Field.Rd:
        return view.rd !== ABSENT && this.octets.has(bytes, view.rd);
      case Field.Esi:
        return view.esi !== ABSENT && this.octets.has(bytes, view.esi);
      case Field.EthernetTag:
        return view.tag !== ABSENT && this.ranges.has(readU32(bytes, view.tag));
      case Field.Host: {
        const { host, hostOctets } = view;
        return host !== ABSENT && this.prefixes.has(bytes, host, hostOctets, 8 * hostOctets);
      }
      case Field.Prefix: {
        const { prefix, prefixBits, prefixOctets, prefixPresent } = view;
        if (prefix === ABSENT) return false;
        return this.prefixes.has(bytes, prefix, prefixOctets, prefixBits, prefixPresent);
      }
    }
  }
}

/** One test for each condition of the match that needs the route; the cheap and telling ones first. */
export function nlriTests(match: MatchSettings): NlriTest[] {
  const tests: NlriTest[] = [];
  const add = (field: Field, operands: Operands): void => {
    tests.push(new NlriTest(field, operands));
  };
  const { routeTypes, rds, esis, ethernetTags, macs, hosts, prefixes, vnis, labels } = match;
  if (routeTypes !== undefined) add(Field.RouteType, { types: routeTypes });
  if (vnis !== undefined) add(Field.Vni, { ranges: new NumberRanges(vnis) });
  if (labels !== undefined) add(Field.Label, { ranges: new NumberRanges(labels) });
  if (macs !== undefined) add(Field.Mac, { octets: new OctetSet(macs, 6) });
  if (rds !== undefined) add(Field.Rd, { octets: new OctetSet(rds, 8) });
  if (esis !== undefined) add(Field.Esi, { octets: new OctetSet(esis, 10) });
  if (ethernetTags !== undefined) {
    add(Field.EthernetTag, { ranges: new NumberRanges(ethernetTags) });
  }
  if (hosts !== undefined) add(Field.Host, { prefixes: new PrefixSet(hosts) });
  if (prefixes !== undefined) add(Field.Prefix, { prefixes: new PrefixSet(prefixes) });
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
