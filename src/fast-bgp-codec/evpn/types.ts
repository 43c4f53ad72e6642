/** Decoded EVPN NLRI in the field names of evpnctl and the API. One interface per route type, in its own file. */
import type { EthernetAd } from "./ethernet-ad.js";
import type { EthernetSegment } from "./ethernet-segment.js";
import type { Imet } from "./imet.js";
import type { IpPrefix } from "./ip-prefix.js";
import type { LeaveSynch } from "./leave-synch.js";
import type { MacIp } from "./mac-ip.js";
import type { MembershipReportSynch } from "./membership-report-synch.js";
import type { PerRegionIPmsi } from "./per-region-i-pmsi.js";
import type { SPmsi } from "./s-pmsi.js";
import type { Smet } from "./smet.js";

/** An EVPN NLRI of a type we do not know, its body in hex. */
export interface OpaqueNlri {
  readonly type: number;
  readonly length?: number;
  readonly opaque: string;
}

/** An EVPN NLRI of a known type whose body does not fit it, in hex. */
export interface MalformedNlri {
  readonly type: number;
  readonly length?: number;
  readonly malformed: string;
}

/** Leaf auto-discovery, route type 11: here and not in its own file, because it holds any other. */
export interface LeafAd {
  readonly type: 11;
  readonly length?: number;
  /** The route it answers. */
  readonly routeKey: EvpnNlri;
  readonly originator: string;
}

export type KnownEvpnNlri =
  | EthernetAd
  | MacIp
  | Imet
  | EthernetSegment
  | IpPrefix
  | Smet
  | MembershipReportSynch
  | LeaveSynch
  | PerRegionIPmsi
  | SPmsi
  | LeafAd;

export type EvpnNlri = KnownEvpnNlri | OpaqueNlri | MalformedNlri;
