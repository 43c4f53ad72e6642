/**
 * What a route to inject gets where its order is silent: from its bridge domain, from what PEs do by
 * themselves (RFC 7432 section 7.9, RFC 8365 section 5.1.2), and what follows from its next hop.
 */
import { TunnelType } from "../fast-bgp-codec/index.js";
import { invalid } from "./error.js";
import {
  addressText,
  esiText,
  LABEL_MOST,
  numberOf,
  rdText,
  routeTargetText,
  VNI_MOST,
} from "./fields.js";
import type { RouteSpec } from "./route-spec.js";

/** A bridge domain of the configuration. */
export interface DomainDefaults {
  readonly routeTargets: readonly string[];
  readonly ethernetTag: number | undefined;
  readonly vni: number | undefined;
}

export interface BuildContext {
  readonly as: number;
  /** Undefined for a name that no domain has. */
  domain(name: string): DomainDefaults | undefined;
}

export const NO_ESI = "00:00:00:00:00:00:00:00:00:00";
const MOST_TARGETS = 32;

/** Tunnel types of the encapsulation community by name; those with a VNI in the label field first. */
const ENCAPSULATIONS: Readonly<Record<string, number>> = {
  vxlan: TunnelType.Vxlan,
  nvgre: TunnelType.Nvgre,
  "vxlan-gpe": TunnelType.VxlanGpe,
  geneve: TunnelType.Geneve,
  mpls: TunnelType.Mpls,
};

/** What all types have, worked out. */
export interface Common {
  readonly nextHop: string;
  readonly rd: string;
  readonly routeTargets: readonly string[];
  /** Tunnel type. */
  readonly encapsulation: number;
  readonly encapsulationName: string;
  readonly ethernetTag: number;
  /** The 24 bits of the label field; undefined where nothing says. */
  readonly rawLabel: number | undefined;
  readonly esi: string;
}

export function commonOf(spec: RouteSpec, context: BuildContext): Common {
  if (spec.nextHop === undefined) {
    throw invalid("nextHop is missing: the address of the PE that the route leads to");
  }
  const nextHop = addressText("nextHop", spec.nextHop);
  const domain = spec.domain === undefined ? undefined : domainOf(spec.domain, context);
  if (spec.vni !== undefined && spec.label !== undefined) {
    throw invalid("vni and label are one field; give one of them");
  }
  const name = spec.encapsulation ?? (spec.label === undefined ? "vxlan" : "mpls");
  const encapsulation = ENCAPSULATIONS[name];
  if (encapsulation === undefined || !Object.hasOwn(ENCAPSULATIONS, name)) {
    throw invalid(`encapsulation must be one of: ${Object.keys(ENCAPSULATIONS).join(", ")}`);
  }
  const isMpls = encapsulation === TunnelType.Mpls;
  if (isMpls && spec.vni !== undefined) {
    throw invalid("mpls has labels, not VNIs; give label in place of vni");
  }
  if (!isMpls && spec.label !== undefined) {
    throw invalid(`${name} has VNIs, not labels; give vni in place of label`);
  }
  // A domain speaks of its MACs; a prefix belongs to a VRF, whose VNI is another one.
  const ofDomain = isMpls || spec.type === "prefix" ? undefined : domain?.vni;
  const vni = spec.vni ?? ofDomain;
  if (vni !== undefined) numberOf("vni", vni, VNI_MOST, 1);
  const esi = spec.esi === undefined ? NO_ESI : esiText(spec.esi);
  return {
    nextHop,
    rd: spec.rd === undefined ? rdOf(spec, nextHop, vni, context) : rdText(spec.rd),
    routeTargets: targetsOf(spec, domain, vni, context),
    encapsulation,
    encapsulationName: name,
    ethernetTag: numberOf("ethernetTag", spec.ethernetTag ?? domain?.ethernetTag ?? 0),
    rawLabel: rawLabel("label", vni, spec.label),
    esi,
  };
}

/** The 24 bits of a label field. */
export function rawLabel(
  name: string,
  vni: number | undefined,
  label: number | undefined,
): number | undefined {
  // Bottom of stack is set, as every speaker does.
  if (label !== undefined) return (numberOf(name, label, LABEL_MOST) << 4) | 1;
  return vni;
}

export function needsLabel(common: Common, what: string): number {
  if (common.rawLabel !== undefined) return common.rawLabel;
  throw invalid(
    `${what} needs a vni, or a label under mpls; a domain that has a VNI gives it, too`,
  );
}

function domainOf(name: string, context: BuildContext): DomainDefaults {
  const domain = context.domain(name);
  if (domain !== undefined) return domain;
  throw invalid(
    `there is no domain "${name}" in the configuration (fib.domains, with fib.enabled); give route targets and a VNI instead`,
  );
}

function rdOf(
  spec: RouteSpec,
  nextHop: string,
  vni: number | undefined,
  { as }: BuildContext,
): string {
  const isSegment = spec.type === "es" || spec.perEs === true;
  const number = isSegment ? 0 : (vni ?? spec.ethernetTag ?? 0);
  if (!nextHop.includes(":") && number <= 0xffff) return `${nextHop}:${number}`;
  if (as <= 0xffff && !isSegment) return `${as}:${number}`;
  throw invalid("rd is missing, and none can be made of this next hop and VNI; give one");
}

function targetsOf(
  spec: RouteSpec,
  domain: DomainDefaults | undefined,
  vni: number | undefined,
  { as }: BuildContext,
): readonly string[] {
  const { routeTargets = [] } = spec;
  if (routeTargets.length > MOST_TARGETS) {
    throw invalid(`more than ${MOST_TARGETS} route targets; a route needs a few`);
  }
  if (routeTargets.length > 0) return [...new Set(routeTargets.map(routeTargetText))];
  // An ES route goes by its ES-Import target (RFC 7432 section 8.1.1).
  if (spec.type === "es") return [];
  const ofDomain = spec.type === "prefix" ? [] : (domain?.routeTargets ?? []);
  if (ofDomain.length > 0) return ofDomain;
  if (vni !== undefined && as <= 0xffff && spec.perEs !== true) return [`${as}:${vni}`];
  throw invalid(
    "route targets are missing, and neither a domain nor a VNI gives any: give one of the three",
  );
}
