/**
 * The registries of IANA that this codec knows, each with its page. What is listed here and not
 * decoded elsewhere is kept as it is.
 */

/** https://www.iana.org/assignments/bgp-parameters: BGP Message Types */
export const MessageType = {
  /** RFC 4271 */
  Open: 1,
  Update: 2,
  Notification: 3,
  Keepalive: 4,
  /** RFC 2918 */
  RouteRefresh: 5,
} as const;

/** https://www.iana.org/assignments/bgp-parameters: BGP Path Attributes */
export const AttributeCode = {
  /** RFC 4271 */
  Origin: 1,
  AsPath: 2,
  NextHop: 3,
  MultiExitDisc: 4,
  LocalPref: 5,
  AtomicAggregate: 6,
  Aggregator: 7,
  /** RFC 1997 */
  Communities: 8,
  /** RFC 4456 */
  OriginatorId: 9,
  ClusterList: 10,
  // 11 DPA, 12 ADVERTISER, 13 RCID_PATH: deprecated, opaque here
  /** RFC 4760 */
  MpReachNlri: 14,
  MpUnreachNlri: 15,
  /** RFC 4360 */
  ExtendedCommunities: 16,
  /** RFC 6793 */
  As4Path: 17,
  As4Aggregator: 18,
  // 19 SSA, 20 Connector, 21 AS_PATHLIMIT: deprecated, opaque here
  /** RFC 6514 */
  PmsiTunnel: 22,
  /** RFC 9012 */
  TunnelEncapsulation: 23,
  /** RFC 5543 */
  TrafficEngineering: 24,
  /** RFC 5701 */
  Ipv6ExtendedCommunities: 25,
  /** RFC 7311 */
  Aigp: 26,
  // 27 PE Distinguisher Labels: opaque here
  /** RFC 9552 */
  BgpLs: 29,
  /** RFC 8092 */
  LargeCommunity: 32,
  // 33 BGPsec_Path: opaque here
  /** RFC 9234 */
  OnlyToCustomer: 35,
  // 36 D-PATH (draft): opaque here
  /** RFC 8669 */
  PrefixSid: 40,
  /** RFC 6368 */
  AttrSet: 128,
} as const;

/** Attribute flags, RFC 4271 section 4.3. */
export const AttributeFlag = {
  Optional: 0x80,
  Transitive: 0x40,
  Partial: 0x20,
  ExtendedLength: 0x10,
} as const;

/** https://www.iana.org/assignments/bgp-parameters: BGP Error (Notification) Codes */
export const NOTIFICATION_CODES: Readonly<Record<number, string>> = {
  1: "Message Header Error",
  2: "OPEN Message Error",
  3: "UPDATE Message Error",
  4: "Hold Timer Expired",
  5: "Finite State Machine Error",
  6: "Cease",
  7: "ROUTE-REFRESH Message Error",
  8: "Send Hold Timer Expired",
};

/** https://www.iana.org/assignments/bgp-parameters: BGP Error Subcodes, by code. */
export const NOTIFICATION_SUBCODES: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  1: { 1: "Connection Not Synchronized", 2: "Bad Message Length", 3: "Bad Message Type" },
  2: {
    1: "Unsupported Version Number",
    2: "Bad Peer AS",
    3: "Bad BGP Identifier",
    4: "Unsupported Optional Parameter",
    5: "Authentication Failure (deprecated)",
    6: "Unacceptable Hold Time",
    7: "Unsupported Capability",
    11: "Role Mismatch",
  },
  3: {
    1: "Malformed Attribute List",
    2: "Unrecognized Well-known Attribute",
    3: "Missing Well-known Attribute",
    4: "Attribute Flags Error",
    5: "Attribute Length Error",
    6: "Invalid ORIGIN Attribute",
    7: "AS Routing Loop (deprecated)",
    8: "Invalid NEXT_HOP Attribute",
    9: "Optional Attribute Error",
    10: "Invalid Network Field",
    11: "Malformed AS_PATH",
  },
  5: {
    1: "Unexpected Message in OpenSent",
    2: "Unexpected Message in OpenConfirm",
    3: "Unexpected Message in Established",
  },
  6: {
    1: "Maximum Number of Prefixes Reached",
    2: "Administrative Shutdown",
    3: "Peer De-configured",
    4: "Administrative Reset",
    5: "Connection Rejected",
    6: "Other Configuration Change",
    7: "Connection Collision Resolution",
    8: "Out of Resources",
    9: "Hard Reset",
    10: "BFD Down",
  },
  7: { 1: "Invalid Message Length" },
};

/** Cease subcodes by name (RFC 4486, RFC 8538, RFC 9384). */
export const Cease = {
  MaximumPrefixes: 1,
  AdministrativeShutdown: 2,
  PeerDeconfigured: 3,
  AdministrativeReset: 4,
  ConnectionRejected: 5,
  ConfigurationChange: 6,
  Collision: 7,
  OutOfResources: 8,
  HardReset: 9,
  BfdDown: 10,
} as const;

/** https://www.iana.org/assignments/capability-codes */
export const CapabilityCode = {
  /** RFC 4760 */
  Multiprotocol: 1,
  /** RFC 2918 */
  RouteRefresh: 2,
  // 3 ORF (RFC 5291): kept as hex
  /** RFC 8950 */
  ExtendedNextHop: 5,
  /** RFC 8654 */
  ExtendedMessage: 6,
  /** RFC 9234 */
  BgpRole: 9,
  /** RFC 4724, RFC 8538 */
  GracefulRestart: 64,
  /** RFC 6793 */
  FourOctetAs: 65,
  // 67 dynamic capability (draft): kept as hex
  /** RFC 7911 */
  AddPath: 69,
  /** RFC 7313 */
  EnhancedRouteRefresh: 70,
  /** RFC 9494 */
  LongLivedGracefulRestart: 71,
  /** draft-walton-bgp-hostname-capability */
  Fqdn: 73,
  /** draft-abraitis-bgp-version-capability */
  SoftwareVersion: 75,
  // 76 paths limit (draft): kept as hex
  /** Before RFC 2918 */
  RouteRefreshOld: 128,
} as const;

/** https://www.iana.org/assignments/evpn: EVPN Route Types */
export const EvpnRouteType = {
  /** RFC 7432 */
  EthernetAd: 1,
  MacIp: 2,
  Imet: 3,
  EthernetSegment: 4,
  /** RFC 9136 */
  IpPrefix: 5,
  /** RFC 9251 */
  Smet: 6,
  MembershipReportSynch: 7,
  LeaveSynch: 8,
  /** RFC 9572 */
  PerRegionIPmsi: 9,
  SPmsi: 10,
  LeafAd: 11,
} as const;

/** https://www.iana.org/assignments/bgp-tunnel-encapsulation: Tunnel Types */
export const TunnelType = {
  L2tpv3: 1,
  Gre: 2,
  IpInIp: 7,
  Vxlan: 8,
  Nvgre: 9,
  Mpls: 10,
  MplsInGre: 11,
  VxlanGpe: 12,
  MplsInUdp: 13,
  Geneve: 19,
} as const;

/** https://www.iana.org/assignments/bgp-parameters: P-Multicast Service Interface Tunnel Types */
export const PmsiTunnelType = {
  /** RFC 6514 */
  None: 0,
  RsvpTeP2mp: 1,
  MldpP2mp: 2,
  PimSsm: 3,
  PimSm: 4,
  PimBidir: 5,
  IngressReplication: 6,
  MldpMp2mp: 7,
  // 8 transport tunnel, 10 assisted replication (RFC 9574), 11 BIER (RFC 8556), 12 and 13 SR P2MP
} as const;
