/**
 * An order to a route: NLRI and attributes as octets, and the order made whole, so that it means the same
 * after a restart with another configuration. Throws `InjectError` with a sentence.
 *
 * RFC 7432 sections 7 and 11, RFC 8365, 8584, 9047, 9135, 9136, 9785; ORIGIN IGP, empty AS_PATH.
 */
import {
  decodeNlri,
  encodeAttributes,
  encodeNlri,
  Family,
  formatNlri,
  labelOf,
  makeAttribute,
  parseIp,
  type DecodedAttribute,
  type EvpnNlri,
  type PmsiTunnel,
} from "../fast-bgp-codec/index.js";
import { communitiesOf } from "./communities.js";
import {
  commonOf,
  needsLabel,
  NO_ESI,
  rawLabel,
  type BuildContext,
  type Common,
} from "./defaults.js";
import { invalid } from "./error.js";
import {
  addressText,
  communityText,
  groupText,
  numberOf,
  prefixText,
  stationText,
  VNI_MOST,
} from "./fields.js";
import { checkMembers, type RouteSpec } from "./route-spec.js";

export interface BuiltRoute {
  readonly family: Family;
  readonly nlri: Uint8Array;
  /** Next hop, then attributes in canonical form. */
  readonly set: Uint8Array;
  readonly nextHopLength: number;
  /** One line, the same for the same key: what the route goes by. */
  readonly key: string;
  /** The order with what it was silent about. */
  readonly spec: RouteSpec;
}

const MAX_ET = 0xffffffff;
const MOST_COMMUNITIES = 64;
const TUNNELS: Readonly<Record<string, number>> = {
  "pim-ssm": 3,
  "pim-sm": 4,
  "pim-bidir": 5,
  "ingress-replication": 6,
};

export function buildRoute(spec: RouteSpec, context: BuildContext): BuiltRoute {
  checkMembers(spec);
  const common = commonOf(spec, context);
  const nlri = nlriOf(spec, common);
  const nextHop = parseIp(common.nextHop)!;
  const attributes = encodeAttributes(attributesOf(spec, common));
  const set = new Uint8Array(nextHop.length + attributes.length);
  set.set(nextHop);
  set.set(attributes, nextHop.length);
  const octets = encodeNlri(Family.Evpn, nlri);
  return {
    family: Family.Evpn,
    nlri: octets,
    set,
    nextHopLength: nextHop.length,
    // Of the octets, so that however it was written it is the text that views have.
    key: formatNlri(Family.Evpn, decodeNlri(Family.Evpn, octets, 0, octets.length)),
    spec: wholeOf(spec, common),
  };
}

function nlriOf(spec: RouteSpec, common: Common): EvpnNlri {
  const { rd, esi, ethernetTag: ethTag } = common;
  switch (spec.type) {
    case "ad": {
      if (esi === NO_ESI) throw invalid("esi is missing: the segment that the route is about");
      if (spec.perEs !== true) {
        const label = labelOf(needsLabel(common, "a route for each EVI"));
        return { type: 1, rd, esi, ethTag, label };
      }
      return { type: 1, rd, esi, ethTag: MAX_ET, label: labelOf(0) };
    }
    case "mac": {
      if (spec.mac === undefined) throw invalid("mac is missing: the MAC address to announce");
      const ip = spec.ip === undefined ? null : addressText("ip", spec.ip);
      const second = secondLabel(spec);
      return {
        type: 2,
        rd,
        esi,
        ethTag,
        macLen: 48,
        mac: stationText("mac", spec.mac),
        ipLen: ip === null ? 0 : ip.includes(":") ? 128 : 32,
        ip,
        label1: labelOf(needsLabel(common, "a MAC")),
        label2: second === undefined ? null : labelOf(second),
      };
    }
    case "imet": {
      const originator = originatorOf(spec, common);
      return { type: 3, rd, ethTag, ipLen: originator.includes(":") ? 128 : 32, originator };
    }
    case "es": {
      if (esi === NO_ESI) throw invalid("esi is missing: the segment that the route is about");
      const originator = originatorOf(spec, common);
      return { type: 4, rd, esi, ipLen: originator.includes(":") ? 128 : 32, originator };
    }
    case "prefix": {
      if (spec.prefix === undefined) throw invalid("prefix is missing, for example 192.0.2.0/24");
      const { address, length } = prefixText(spec.prefix);
      const isV6 = address.includes(":");
      const none = isV6 ? "::" : "0.0.0.0";
      const gateway = spec.gateway === undefined ? none : addressText("gateway", spec.gateway);
      if (gateway.includes(":") !== isV6) {
        throw invalid("gateway and prefix are of one family (RFC 9136 section 3.1)");
      }
      const label = labelOf(needsLabel(common, "a prefix"));
      return { type: 5, rd, esi, ethTag, prefixLen: length, prefix: address, gateway, label };
    }
  }
}

function secondLabel(spec: RouteSpec): number | undefined {
  if (spec.l3Vni !== undefined && spec.l3Label !== undefined) {
    throw invalid("l3Vni and l3Label are one field; give one of them");
  }
  if (spec.l3Vni !== undefined) numberOf("l3Vni", spec.l3Vni, VNI_MOST, 1);
  return rawLabel("l3Label", spec.l3Vni, spec.l3Label);
}

function originatorOf(spec: RouteSpec, { nextHop }: Common): string {
  return addressText("originator", spec.originator ?? nextHop);
}

/** Ascending by code, as the table keeps them. */
function attributesOf(spec: RouteSpec, common: Common): DecodedAttribute[] {
  const { communities = [] } = spec;
  if (communities.length > MOST_COMMUNITIES) {
    throw invalid(`more than ${MOST_COMMUNITIES} communities`);
  }
  const extended = communitiesOf(spec, common);
  return [
    makeAttribute(1, "IGP"),
    makeAttribute(2, []),
    makeAttribute(5, numberOf("localPref", spec.localPref ?? 100)),
    ...(communities.length === 0 ? [] : [makeAttribute(8, communities.map(communityText))]),
    ...(extended.length === 0 ? [] : [makeAttribute(16, extended)]),
    ...(spec.type === "imet" ? [makeAttribute(22, tunnelOf(spec, common))] : []),
  ];
}

/** RFC 7432 section 11.2: the next hop is the end of an ingress replication tunnel. */
function tunnelOf(spec: RouteSpec, common: Common): PmsiTunnel {
  const name = spec.tunnel ?? "ingress-replication";
  const tunnelType = Object.hasOwn(TUNNELS, name) ? TUNNELS[name] : undefined;
  if (tunnelType === undefined) {
    throw invalid(`tunnel must be one of: ${Object.keys(TUNNELS).join(", ")}`);
  }
  const isReplicated = name === "ingress-replication";
  const raw = isReplicated ? needsLabel(common, "ingress replication") : (common.rawLabel ?? 0);
  const label = labelOf(raw);
  const { tunnelRoot, tunnelGroup } = spec;
  if (isReplicated) {
    if (tunnelRoot !== undefined || tunnelGroup !== undefined) {
      throw invalid("tunnelRoot and tunnelGroup are of PIM tunnels; leave them out");
    }
    return { flags: 0, tunnelType, label, tunnelId: common.nextHop };
  }
  if (tunnelRoot === undefined || tunnelGroup === undefined) {
    throw invalid(`tunnel ${name} needs tunnelRoot and tunnelGroup`);
  }
  const root = addressText("tunnelRoot", tunnelRoot);
  const group = groupText("tunnelGroup", tunnelGroup);
  if (root.includes(":") !== group.includes(":")) {
    throw invalid("tunnelRoot and tunnelGroup are of one family");
  }
  return { flags: 0, tunnelType, label, tunnelId: [root, group] };
}

/** What the configuration gave is written down: with this alone the same route can be built again. */
function wholeOf(spec: RouteSpec, common: Common): RouteSpec {
  const { rd, routeTargets, ethernetTag, rawLabel: raw, encapsulationName, nextHop } = common;
  const isSegment = spec.type === "es" || spec.perEs === true;
  const whole: RouteSpec = {
    ...spec,
    domain: undefined,
    nextHop,
    rd,
    routeTargets,
    encapsulation: encapsulationName,
    ...(isSegment ? {} : { ethernetTag }),
    ...(isSegment || raw === undefined || spec.label !== undefined ? {} : { vni: raw }),
  };
  return Object.fromEntries(
    Object.entries(whole).filter(([, value]) => value !== undefined),
  ) as unknown as RouteSpec;
}
