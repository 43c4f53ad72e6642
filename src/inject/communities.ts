/** Extended communities of a route to inject, in the text form of the codec. */
import { TunnelType } from "../fast-bgp-codec/index.js";
import type { Common } from "./defaults.js";
import { invalid } from "./error.js";
import { LABEL_MOST, macText, numberOf, stationText } from "./fields.js";
import type { RouteSpec } from "./route-spec.js";

const ALGORITHMS: Readonly<Record<string, number>> = {
  modulo: 0,
  hrw: 1,
  "highest-preference": 2,
  "lowest-preference": 3,
};
/** Bits of the DF election community's bitmap (RFC 8584 section 2.2, RFC 9785 section 3). */
const DONT_PREEMPT = 0x8000;
const AC_INFLUENCED = 0x4000;
const PREFERENCE = 32767;

export function communitiesOf(spec: RouteSpec, common: Common): string[] {
  const list = common.routeTargets.map((target) => `rt:${target}`);
  switch (spec.type) {
    case "mac":
      return [...list, ...encapsulation(common), ...ofMac(spec)];
    case "ad":
      return [
        ...list,
        ...(spec.perEs === true ? esiLabel(spec, common) : encapsulation(common, spec)),
      ];
    case "es":
      return [...list, ...ofSegment(spec, common)];
    case "prefix":
      return [...list, ...encapsulation(common), ...routerMac(spec)];
    case "imet":
      return [...list, ...encapsulation(common)];
  }
}

/** None under MPLS, which is what a route without one means (RFC 8365 section 5.1.3). */
function encapsulation(common: Common, spec?: RouteSpec): string[] {
  if (spec?.esiLabel !== undefined || spec?.singleActive !== undefined) {
    throw invalid("esiLabel and singleActive are of the whole segment; say perEs: true");
  }
  const type = common.encapsulation;
  return type === TunnelType.Mpls ? [] : [`encapsulation:${type}`];
}

function ofMac(spec: RouteSpec): string[] {
  const { sticky = true, defaultGateway = false } = spec;
  const sequence = numberOf("sequence", spec.sequence ?? 0);
  const flags =
    (spec.router === true ? 1 : 0) |
    (spec.override === true ? 2 : 0) |
    (spec.immutable === true ? 8 : 0);
  const flagsText = `0x${flags.toString(16).padStart(2, "0")}`;
  return [
    ...(defaultGateway ? ["default-gateway"] : []),
    ...(sticky || sequence > 0 ? [`mac-mobility:sticky=${sticky ? 1 : 0}:seq=${sequence}`] : []),
    ...routerMac(spec),
    ...(flags === 0 ? [] : [`arp-nd:R=0:O=0:I=0:flags=${flagsText}`]),
  ];
}

function routerMac(spec: RouteSpec): string[] {
  if (spec.routerMac === undefined) return [];
  return [`router-mac:${stationText("routerMac", spec.routerMac)}`];
}

/** RFC 7432 section 7.5: under MPLS the label stands in the high 20 bits; under VXLAN it is 0. */
function esiLabel(spec: RouteSpec, common: Common): string[] {
  const label = numberOf("esiLabel", spec.esiLabel ?? 0, LABEL_MOST);
  const isMpls = common.encapsulation === TunnelType.Mpls;
  if (label !== 0 && !isMpls) {
    throw invalid("esiLabel is an MPLS label; say encapsulation: mpls, or leave it out");
  }
  const raw = (label === 0 ? 0 : (label << 4) | 1).toString(16).padStart(6, "0");
  const active = spec.singleActive === true ? 1 : 0;
  return [
    ...(isMpls ? [] : [`encapsulation:${common.encapsulation}`]),
    `esi-label:single-active=${active}:raw=${raw}`,
  ];
}

function ofSegment(spec: RouteSpec, { esi }: Common): string[] {
  const target = macText("esImport", spec.esImport ?? esi.slice(3, 20));
  const { dfAlgorithm, dfPreference, dfAcInfluenced, dfDontPreempt } = spec;
  const list = [`es-import:${target}`];
  const names = [dfAlgorithm, dfPreference, dfAcInfluenced, dfDontPreempt];
  if (names.every((one) => one === undefined)) return list;
  const name = dfAlgorithm ?? "modulo";
  const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
  if (algorithm === undefined) {
    throw invalid(`dfAlgorithm must be one of: ${Object.keys(ALGORITHMS).join(", ")}`);
  }
  const prefers = algorithm >= 2;
  if (!prefers && (dfPreference !== undefined || dfDontPreempt === true)) {
    throw invalid("dfPreference and dfDontPreempt need a preference algorithm (RFC 9785)");
  }
  const preference = prefers ? numberOf("dfPreference", dfPreference ?? PREFERENCE, 0xffff) : 0;
  const bitmap =
    (dfDontPreempt === true ? DONT_PREEMPT : 0) | (dfAcInfluenced === true ? AC_INFLUENCED : 0);
  const bits = `0x${bitmap.toString(16).padStart(4, "0")}`;
  return [...list, `df-election:alg=${algorithm}:bitmap=${bits}:pref=${preference}`];
}
