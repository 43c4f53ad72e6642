/**
 * One row per path attribute: the rule of `rules.ts` and how its value becomes an object. Codes without
 * a row are opaque.
 */
import { AttributeCode } from "../iana.js";
import { aggregatorCodec, as4AggregatorCodec, type Aggregator } from "./aggregator.js";
import { as4PathCodec, asPathCodec, type AsPathSegment } from "./as-path.js";
import {
  communitiesCodec,
  extendedCommunitiesCodec,
  ipv6ExtendedCommunitiesCodec,
  largeCommunitiesCodec,
} from "./communities.js";
import { mpReachCodec, mpUnreachCodec, type MpReach, type MpUnreach } from "./mp-nlri.js";
import { pmsiTunnelCodec, type PmsiTunnel } from "./pmsi-tunnel.js";
import { attributeRule, type AttributeRule } from "./rules.js";
import {
  hexCodec,
  ipv4Codec,
  ipv4ListCodec,
  numberCodec,
  originCodec,
  presenceCodec,
} from "./scalar.js";
import {
  aigpCodec,
  attrSetCodec,
  bgpLsCodec,
  prefixSidCodec,
  tunnelEncapsulationCodec,
  type AigpTlv,
  type AttrSet,
  type Tlv,
  type Tunnel,
} from "./tlv.js";
import type { ValueCodec } from "./value-codec.js";

/** The type of each attribute's value, by code. */
export interface AttributeValues {
  1: string;
  2: readonly AsPathSegment[];
  3: string;
  4: number;
  5: number;
  6: true;
  7: Aggregator;
  8: readonly string[];
  9: string;
  10: readonly string[];
  14: MpReach;
  15: MpUnreach;
  16: readonly string[];
  17: readonly AsPathSegment[];
  18: Aggregator;
  22: PmsiTunnel;
  23: readonly Tunnel[];
  24: string;
  25: readonly string[];
  26: readonly AigpTlv[];
  29: readonly Tlv[];
  32: readonly string[];
  35: number;
  40: readonly Tlv[];
  128: AttrSet;
}
export type KnownAttribute = keyof AttributeValues;

const A = AttributeCode;
const CODECS: { readonly [C in KnownAttribute]: ValueCodec<AttributeValues[C]> } = {
  [A.Origin]: originCodec,
  [A.AsPath]: asPathCodec,
  [A.NextHop]: ipv4Codec,
  [A.MultiExitDisc]: numberCodec,
  [A.LocalPref]: numberCodec,
  [A.AtomicAggregate]: presenceCodec,
  [A.Aggregator]: aggregatorCodec,
  [A.Communities]: communitiesCodec,
  [A.OriginatorId]: ipv4Codec,
  [A.ClusterList]: ipv4ListCodec,
  [A.MpReachNlri]: mpReachCodec,
  [A.MpUnreachNlri]: mpUnreachCodec,
  [A.ExtendedCommunities]: extendedCommunitiesCodec,
  [A.As4Path]: as4PathCodec,
  [A.As4Aggregator]: as4AggregatorCodec,
  [A.PmsiTunnel]: pmsiTunnelCodec,
  [A.TunnelEncapsulation]: tunnelEncapsulationCodec,
  [A.TrafficEngineering]: hexCodec,
  [A.Ipv6ExtendedCommunities]: ipv6ExtendedCommunitiesCodec,
  [A.Aigp]: aigpCodec,
  [A.BgpLs]: bgpLsCodec,
  [A.LargeCommunity]: largeCommunitiesCodec,
  [A.OnlyToCustomer]: numberCodec,
  [A.PrefixSid]: prefixSidCodec,
  [A.AttrSet]: attrSetCodec,
};

export interface AttributeSpec<T = unknown> extends AttributeRule {
  readonly codec: ValueCodec<T>;
}

const specs = new Map<number, AttributeSpec>();
for (const [key, codec] of Object.entries(CODECS)) {
  const rule = attributeRule(Number(key))!;
  // A row's encoder only ever gets what its own decoder gave, or what a caller says is of that code.
  specs.set(rule.code, { ...rule, codec: codec });
}

/** The row of `code`; undefined for a code we do not know. */
export function attributeSpec(code: number): AttributeSpec | undefined {
  return specs.get(code);
}
