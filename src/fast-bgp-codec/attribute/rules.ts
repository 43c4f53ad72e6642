/**
 * What RFC 4271 and RFC 7606 demand of each path attribute, a row each. The scan of the hot path
 * reads them as arrays by type code; the object layer reads the rows.
 */
import { AttributeCode } from "../iana.js";
import { Severity } from "../fault.js";

export interface AttributeRule {
  readonly code: number;
  readonly name: string;
  /** Optional and Transitive bits it must have. */
  readonly flags: number;
  /** What a malformed one costs (RFC 7606 section 7). */
  readonly onError: Severity;
  /** UPDATE error subcode for a bad value, were it to reset the session; a bad length has 5. */
  readonly subcode: number;
  /** Length in octets: from `min` to `max` (255: any), a multiple of `step`. */
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Where the cost of an error stands. */
  readonly spec: string;
}

/** In `max`: no upper limit. */
export const RULE_MAX_ANY = 255;
const ANY = RULE_MAX_ANY;
const { AttributeDiscard: DISCARD, TreatAsWithdraw: WITHDRAW, SessionReset: RESET } = Severity;

function row(
  code: number,
  name: string,
  flags: number,
  onError: Severity,
  subcode: number,
  [min, max, step]: readonly [number, number, number],
  spec: string,
): AttributeRule {
  return { code, name, flags, onError, subcode, min, max, step, spec };
}

const A = AttributeCode;
// prettier-ignore
export const ATTRIBUTE_RULES: readonly AttributeRule[] = [
  row(A.Origin,                  "ORIGIN",               0x40, WITHDRAW, 6,  [1, 1, 1],     "RFC 7606 section 7.1"),
  row(A.AsPath,                  "AS_PATH",              0x40, WITHDRAW, 11, [0, ANY, 1],   "RFC 7606 section 7.2"),
  row(A.NextHop,                 "NEXT_HOP",             0x40, WITHDRAW, 8,  [4, 4, 1],     "RFC 7606 section 7.3"),
  row(A.MultiExitDisc,           "MULTI_EXIT_DISC",      0x80, WITHDRAW, 9,  [4, 4, 1],     "RFC 7606 section 7.4"),
  row(A.LocalPref,               "LOCAL_PREF",           0x40, WITHDRAW, 5,  [4, 4, 1],     "RFC 7606 section 7.5"),
  row(A.AtomicAggregate,         "ATOMIC_AGGREGATE",     0x40, DISCARD,  5,  [0, 0, 1],     "RFC 7606 section 7.6"),
  row(A.Aggregator,              "AGGREGATOR",           0xc0, DISCARD,  9,  [6, 8, 2],     "RFC 7606 section 7.7"),
  row(A.Communities,             "COMMUNITIES",          0xc0, WITHDRAW, 9,  [4, ANY, 4],   "RFC 7606 section 7.8"),
  row(A.OriginatorId,            "ORIGINATOR_ID",        0x80, WITHDRAW, 9,  [4, 4, 1],     "RFC 7606 section 7.9"),
  row(A.ClusterList,             "CLUSTER_LIST",         0x80, WITHDRAW, 9,  [4, ANY, 4],   "RFC 7606 section 7.10"),
  row(A.MpReachNlri,             "MP_REACH_NLRI",        0x80, RESET,    9,  [5, ANY, 1],   "RFC 7606 sections 5.3 and 7.11"),
  row(A.MpUnreachNlri,           "MP_UNREACH_NLRI",      0x80, RESET,    9,  [3, ANY, 1],   "RFC 7606 sections 5.3 and 7.12"),
  row(A.ExtendedCommunities,     "EXTENDED_COMMUNITIES", 0xc0, WITHDRAW, 9,  [8, ANY, 8],   "RFC 7606 section 7.14"),
  row(A.As4Path,                 "AS4_PATH",             0xc0, DISCARD,  9,  [6, ANY, 2],   "RFC 6793 section 6"),
  row(A.As4Aggregator,           "AS4_AGGREGATOR",       0xc0, DISCARD,  9,  [8, 8, 1],     "RFC 6793 section 6"),
  row(A.PmsiTunnel,              "PMSI_TUNNEL",          0xc0, WITHDRAW, 9,  [5, ANY, 1],   "RFC 6514 section 5"),
  row(A.TunnelEncapsulation,     "TUNNEL_ENCAPSULATION", 0xc0, WITHDRAW, 9,  [4, ANY, 1],   "RFC 9012 section 13"),
  row(A.TrafficEngineering,      "TRAFFIC_ENGINEERING",  0x80, WITHDRAW, 9,  [1, ANY, 1],   "RFC 7606 section 7.13"),
  row(A.Ipv6ExtendedCommunities, "IPV6_EXT_COMMUNITIES", 0xc0, WITHDRAW, 9,  [20, ANY, 20], "RFC 7606 section 7.15"),
  row(A.Aigp,                    "AIGP",                 0x80, DISCARD,  9,  [3, ANY, 1],   "RFC 7311 section 3"),
  row(A.BgpLs,                   "BGP_LS",               0x80, DISCARD,  9,  [0, ANY, 1],   "RFC 9552 section 8.2.2"),
  row(A.LargeCommunity,          "LARGE_COMMUNITY",      0xc0, WITHDRAW, 9,  [12, ANY, 12], "RFC 8092 section 6"),
  row(A.OnlyToCustomer,          "ONLY_TO_CUSTOMER",     0xc0, WITHDRAW, 9,  [4, 4, 1],     "RFC 9234 section 5"),
  row(A.PrefixSid,               "PREFIX_SID",           0xc0, DISCARD,  9,  [3, ANY, 1],   "RFC 8669 section 6"),
  row(A.AttrSet,                 "ATTR_SET",             0xc0, WITHDRAW, 9,  [4, ANY, 1],   "RFC 7606 section 7.16"),
];

/** By type code; undefined for a code we do not know. */
const byCode: (AttributeRule | undefined)[] = new Array<AttributeRule | undefined>(256).fill(
  undefined,
);
/** By type code, for the scan. Flags 0: unknown. */
export const RULE_FLAGS = new Uint8Array(256);
export const RULE_MIN = new Uint8Array(256);
export const RULE_MAX = new Uint8Array(256);
export const RULE_STEP = new Uint8Array(256).fill(1);
for (const rule of ATTRIBUTE_RULES) {
  byCode[rule.code] = rule;
  RULE_FLAGS[rule.code] = rule.flags;
  RULE_MIN[rule.code] = rule.min;
  RULE_MAX[rule.code] = rule.max;
  RULE_STEP[rule.code] = rule.step;
}

export function attributeRule(code: number): AttributeRule | undefined {
  return byCode[code];
}

/** The registered name, or UNKNOWN. */
export function attributeName(code: number): string {
  return byCode[code]?.name ?? "UNKNOWN";
}
