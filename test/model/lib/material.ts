/** The stuff operations are made of: peers, keys and attribute sets from pools small enough to collide. */
import type { GracefulRestart } from "../../../src/bgp/session/types.js";
import { FAMILIES, Family } from "../../../src/fast-bgp-codec/family.js";
import { asPathValue, Code, put, type Attributes, type Segment } from "./attributes.js";
import { hexOf, octetsIn } from "./hex.js";
import {
  ethernetAd,
  ethernetSegment,
  evpn,
  imet,
  ipPrefix,
  macIp,
  NO_ESI,
  isVpn,
  prefix,
  rd,
  vpn,
} from "./nlri.js";
import { ALL_FAMILIES, EVPN_ONLY, has, maskOf, OWN_AS, peerSpec, type PeerSpec } from "./peer.js";
import type { Random } from "./random.js";
import { POLICY_NAMES } from "./rules.js";

const CONSTRAINED = maskOf(Family.Evpn, Family.RouteTarget);

/** The capability of RFC 9494, for no family: the peer takes stale routes, and none of its own are kept. */
const LONG_LIVED = { longLived: { families: 0, forwarding: 0, times: [] } };

/** Route targets that routes have. */
const TARGETS = ["0002fde800000064", "0002fde800000065", "0002fde800000066", "0602aabbccddee01"];

/** Two dozen peers of every kind that behaves differently. */
const PLAIN_PEERS: readonly PeerSpec[] = [
  ...[0, 1].map((index) => peerSpec(index)),
  ...[2, 3].map((index) => peerSpec(index, { negotiated: LONG_LIVED })),
  peerSpec(4, { extendedMessage: true }),
  peerSpec(5, { extendedMessage: true, families: ALL_FAMILIES, negotiated: LONG_LIVED }),
  peerSpec(6, { families: ALL_FAMILIES, enhancedRefresh: false }),
  peerSpec(7, { families: ALL_FAMILIES, unknownTypes: true }),
  peerSpec(8, { as4: false, negotiated: LONG_LIVED }),
  peerSpec(9, { as4: false, extendedMessage: true, families: ALL_FAMILIES }),
  peerSpec(10, { typesOut: [2, 3] }),
  peerSpec(11, { typesIn: [1, 2, 3, 4, 5], extendedMessage: true }),
  peerSpec(12, { families: maskOf(Family.Ipv4Unicast, Family.Ipv6Unicast) }),
  peerSpec(13, { kind: "non-client", negotiated: LONG_LIVED }),
  peerSpec(14, { kind: "non-client", extendedMessage: true, unknownTypes: true }),
  peerSpec(15, { kind: "non-client", families: ALL_FAMILIES, as4: false }),
  peerSpec(16, { kind: "non-client", enhancedRefresh: false, allowAsIn: 1 }),
  peerSpec(17, { kind: "ebgp", as: 65101, families: ALL_FAMILIES, negotiated: LONG_LIVED }),
  peerSpec(18, { kind: "ebgp", as: 65102, extendedMessage: true }),
  peerSpec(19, { kind: "ebgp", as: 4_200_000_007 }),
  peerSpec(20, { kind: "ebgp", as: 65101, acceptIn: false }),
  peerSpec(21, { kind: "ebgp", as: 65104, acceptOut: false, as4: false }),
  peerSpec(22, {
    kind: "ebgp",
    as: 65105,
    nextHopSelf: true,
    families: maskOf(Family.Evpn, Family.Ipv4Unicast),
  }),
  peerSpec(23, { families: EVPN_ONLY, enhancedRefresh: false, unknownTypes: true }),
  peerSpec(24, { families: CONSTRAINED, negotiated: LONG_LIVED }),
  peerSpec(25, { families: CONSTRAINED | ALL_FAMILIES, enhancedRefresh: false }),
  peerSpec(26, { kind: "non-client", families: CONSTRAINED, negotiated: LONG_LIVED }),
  peerSpec(27, { kind: "ebgp", as: 65106, families: CONSTRAINED }),
];

/** Peers that may restart: their routes are kept for half a minute, and of some for a while more. */
function restarting(peer: PeerSpec, more: Partial<GracefulRestart> = {}): Partial<PeerSpec> {
  const { families } = peer;
  const base = { restarting: false, notification: false, time: 30, families, forwarding: families };
  return {
    gracefulRestart: { staleTime: 40 },
    negotiated: { ...peer.negotiated, gracefulRestart: { ...base, ...more } },
  };
}

function longLived(peer: PeerSpec, time: number): Partial<PeerSpec> {
  const { families } = peer;
  const kept = restarting(peer, { time });
  const times = FAMILIES.map(() => 100);
  return {
    gracefulRestart: {
      ...kept.gracefulRestart,
      longLived: { enabled: true, staleTime: 100, staleTimeMax: 80, partial: false },
    },
    negotiated: { ...kept.negotiated, longLived: { families, forwarding: families, times } },
  };
}

const RESTARTS: Readonly<Record<number, (peer: PeerSpec) => Partial<PeerSpec>>> = {
  0: (peer) => restarting(peer),
  2: (peer) => longLived(peer, 30),
  5: (peer) => longLived(peer, 0),
  6: (peer) => restarting(peer, { notification: true }),
  13: (peer) => longLived(peer, 30),
  15: (peer) => restarting(peer),
  17: (peer) => longLived(peer, 30),
  18: (peer) => restarting(peer),
  24: (peer) => longLived(peer, 30),
  26: (peer) => restarting(peer, { notification: true }),
};

/** Who sends several paths of a destination, and who takes them, up to how many (RFC 7911). */
const PATHS: Readonly<Record<number, Partial<PeerSpec>>> = {
  4: { takesPaths: 2 },
  8: { sendsPaths: true },
  11: { sendsPaths: true, takesPaths: 3 },
  13: { sendsPaths: true },
  14: { takesPaths: 3 },
  18: { takesPaths: 2, sendsPaths: true },
};

/** What some of them are in addition: rules, lists, tenants. */
const EXTRAS: Readonly<Record<number, Partial<PeerSpec>>> = {
  1: { policy: { importPolicies: ["mark", "strict"] } },
  3: { interest: { targets: TARGETS.slice(0, 2) } },
  4: { policy: { exportPolicies: ["strip"] } },
  5: { policy: { importPolicies: ["strip"] } },
  7: { interest: { allowed: [TARGETS[0] as string, TARGETS[2] as string] } },
  9: { policy: { exportPolicies: ["narrow"], exportDefault: "reject" } },
  14: { policy: { importPolicies: ["strict"], exportPolicies: ["mark"] } },
  16: { interest: { targets: TARGETS.slice(2) } },
  18: { policy: { importPolicies: ["mark"] } },
  19: { policy: { exportPolicies: ["strict", "strip"] } },
};

export const PEERS: readonly PeerSpec[] = PLAIN_PEERS.map((peer) => ({
  ...peer,
  ...RESTARTS[peer.index]?.(peer),
  ...PATHS[peer.index],
  ...EXTRAS[peer.index],
}));

/** More than a mask word holds: the same again under other addresses. */
export const MANY_PEERS: readonly PeerSpec[] = [
  ...PEERS,
  ...PEERS.map((peer) => {
    const index = peer.index + PEERS.length;
    return { ...peer, index, address: `10.0.0.${String(index + 1)}`, id: peer.id + PEERS.length };
  }).slice(0, 14),
];

const ESIS = [NO_ESI, NO_ESI, NO_ESI, "00112233445566778899", "01020304050607080900"];
const NO_RD = "00".repeat(8);
const TAGS = [0, 0, 0, 100];
const EVI_RT = "060a0000fde80064";
const IPS = [undefined, undefined, "0a00000a", "20010db8000000000000000000000001"];

export class Material {
  private readonly random: Random;
  /** Makes attribute sets that nobody had before. */
  private fresh = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** RDs 1 to 3 are used by everybody, so that keys meet; the others are each peer's own. */
  private rdOf(peer: number): string {
    return rd(this.random.oneIn(3) ? 100 + peer : 1 + this.random.below(3));
  }

  mac(): string {
    return `02000000000${hexOf(this.random.below(12), 1).slice(1)}`;
  }

  evpnNlri(peer: number): string {
    const { random } = this;
    const own = this.rdOf(peer);
    const ip = hexOf(0x0a000000 + random.below(3), 4);
    const small = (): string => hexOf(random.below(3), 4);
    switch (
      random.weighted([
        [70, 2],
        [6, 1],
        [6, 3],
        [4, 4],
        [6, 5],
        [8, 6],
      ] as const)
    ) {
      case 1:
        return ethernetAd(
          own,
          random.pick(ESIS.slice(2)),
          random.pick([0, 100, 0xffffffff]),
          random.below(2),
        );
      case 2:
        return this.macIpNlri(own, this.mac());
      case 3:
        return imet(own, random.pick(TAGS), random.oneIn(4) ? "20010db8".padEnd(32, "0") : ip);
      case 4:
        return ethernetSegment(own, random.pick(ESIS.slice(2)), ip);
      case 5:
        return random.oneIn(3)
          ? ipPrefix(
              own,
              NO_ESI,
              0,
              64,
              "20010db8".padEnd(32, "0"),
              "00".repeat(16),
              random.below(2),
            )
          : ipPrefix(
              own,
              random.pick(ESIS),
              0,
              24,
              hexOf(0x0a640000 + random.below(3) * 256, 4),
              "00000000",
              random.below(2),
            );
      default:
        return this.rareNlri(own, small());
    }
  }

  /** Types 6 to 11, and types nobody has heard of. */
  private rareNlri(own: string, varying: string): string {
    const { random } = this;
    const group = `20${varying}20e0000101200a000001`;
    const flags = hexOf(1 + random.below(3), 1);
    const esi = "00112233445566778899";
    switch (random.below(7)) {
      case 0:
        return evpn(6, `${own}00000000${group}${flags}`);
      case 1:
        return evpn(7, `${own}${esi}00000000${group}${flags}`);
      case 2:
        return evpn(8, `${own}${esi}00000000${group}${hexOf(random.below(2), 4)}0a${flags}`);
      case 3:
        return evpn(9, `00010a000001000100000000${varying}00000001`);
      case 4:
        return evpn(10, `00010a000001000100000000${group}`);
      case 5:
        return evpn(11, `${imet(own, 0, "0a000001")}20${varying}`);
      default:
        return evpn(40 + random.below(2), `${own}${varying}`);
    }
  }

  macIpNlri(own: string, mac: string): string {
    const { random } = this;
    const ip = random.pick(IPS);
    return macIp({
      rd: own,
      mac,
      tag: random.pick(TAGS),
      esi: random.pick(ESIS),
      label: random.pick([100, 100, 200]),
      ...(ip === undefined ? {} : { ip }),
      ...(random.oneIn(4) ? { label2: 5000 } : {}),
    });
  }

  /** From everything to one target; host bits mean nothing, and neither does the origin AS. */
  membership(): string {
    const { random } = this;
    const origin = hexOf(random.pick([65000, 65000, 65001]), 4);
    const bits = random.weighted([
      [10, 96],
      [2, 95],
      [1, 93],
      [1, 64],
      [1, 61],
      [1, 32],
      [1, 0],
    ]);
    // An EVI-RT may be asked for, and is never found.
    const target = random.oneIn(12) ? EVI_RT : this.target();
    return prefix(bits, origin + target);
  }

  private target(): string {
    const number = this.random.below(4);
    return this.random.weighted([
      [6, `0002fde8${hexOf(100 + number, 4)}`],
      [1, `01020a000001${hexOf(number, 2)}`],
      [1, `02020000fde8${hexOf(number, 2)}`],
      [2, `0602aabbccddee${hexOf(number, 1)}`],
    ]);
  }

  /** A peer that may restart comes back: as it was, without its forwarding, or as one that keeps nothing. */
  comeback({ negotiated = {} }: PeerSpec): Partial<PeerSpec> {
    const { gracefulRestart, longLived: lasting } = negotiated;
    if (gracefulRestart === undefined || !this.random.oneIn(3)) return {};
    if (this.random.oneIn(3)) return { negotiated: {} };
    return {
      negotiated: {
        gracefulRestart: { ...gracefulRestart, forwarding: 0 },
        ...(lasting === undefined ? {} : { longLived: { ...lasting, forwarding: 0 } }),
      },
    };
  }

  /** Other options for a live peer, of those that a reload changes without a new session. */
  change(peer: PeerSpec): Partial<PeerSpec> {
    const { random } = this;
    const names = (): string[] => random.shuffle(POLICY_NAMES).slice(0, random.below(3));
    const fallback = (): "accept" | "reject" => (random.oneIn(6) ? "reject" : "accept");
    const targets = (): string[] | undefined =>
      random.oneIn(2) ? undefined : random.shuffle(TARGETS).slice(0, 1 + random.below(3));
    const types = random.oneIn(2) ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 40, 41] : [2, 3];
    const isEbgp = peer.kind === "ebgp";
    return random.weighted<() => Partial<PeerSpec>>([
      [
        4,
        () => ({
          policy: {
            importPolicies: names(),
            exportPolicies: names(),
            importDefault: fallback(),
            exportDefault: fallback(),
          },
        }),
      ],
      [4, () => ({ interest: { targets: targets(), allowed: targets() } })],
      [1, () => ({ typesOut: types })],
      [
        2,
        () =>
          isEbgp
            ? {
                acceptOut: random.oneIn(2),
                ...(has(peer.families, Family.RouteTarget) ? {} : { nextHopSelf: random.oneIn(2) }),
              }
            : { kind: random.pick(["client", "non-client"]) },
      ],
    ])();
  }

  /** Whose labels differ from time to time, and in number. */
  private vpnNlri(family: Family): string {
    const { random } = this;
    const labels = random.pick([[0x641], [0x641], [0x651], [0x640, 0x651], [0x800000]]);
    const prefixes: readonly (readonly [bits: number, ip: string])[] =
      family === Family.Ipv4Vpn
        ? [
            [32, hexOf(0x0a000000 + random.below(3), 4)],
            [24, "0a000000"],
            [20, "0a001f00"],
            [21, "0a001800"],
            [0, ""],
          ]
        : [
            [128, `20010db8${hexOf(random.below(3), 12)}`],
            [44, "20010db8000f"],
            [24, "0a0000"],
          ];
    const [bits, ip] = random.pick(prefixes);
    return vpn(labels, rd(1 + random.below(2)), bits, ip);
  }

  prefixNlri(family: Family): string {
    const { random } = this;
    if (family === Family.RouteTarget) return this.membership();
    if (isVpn(family)) return this.vpnNlri(family);
    if (family === Family.Ipv4Unicast) {
      const bits = random.pick([32, 24, 20, 0]);
      // Below the prefix's end the octets may hold anything.
      const address = hexOf(0x0a000000 + random.below(4) * 0x10000 + random.below(16), 4);
      return prefix(bits, bits === 20 ? address.slice(0, 4) + "1f00" : address);
    }
    // Of the shorter ones some have the octets of an IPv4 prefix.
    if (random.oneIn(3)) return random.pick(["00", "180a0000", "180a0100"]);
    const bits = random.pick([128, 64, 44]);
    return prefix(bits, `20010db8${hexOf(random.below(3), 2)}`.padEnd(32, "f"));
  }

  nextHop(family: Family): string {
    const v4 = hexOf(0x0a0a0001 + this.random.below(3), 4);
    const v6 = `20010db8${"0".repeat(22)}${hexOf(1 + this.random.below(2), 1)}`;
    if (family === Family.Ipv4Unicast) return v4;
    if (family === Family.Ipv4Vpn) return NO_RD + (this.random.oneIn(8) ? v6 : v4);
    if (family === Family.Ipv6Vpn) return NO_RD + v6;
    if (family === Family.Ipv6Unicast)
      return this.random.oneIn(3) ? `${v6}fe80${"0".repeat(26)}01` : v6;
    return this.random.oneIn(5) ? v6 : v4;
  }

  /** A well-formed set as the peer may send it. */
  attributes(peer: PeerSpec): Attributes {
    const { random } = this;
    let out: Attributes = [
      {
        code: Code.Origin,
        flags: 0x40,
        value: hexOf(
          random.weighted([
            [8, 0],
            [1, 1],
            [1, 2],
          ]),
          1,
        ),
      },
      { code: Code.AsPath, flags: 0x40, value: asPathValue(this.asPath(peer)) },
    ];
    const put_ = (code: number, flags: number, value: string): void => {
      out = put(out, code, flags, value);
    };
    if (peer.kind !== "ebgp" || random.oneIn(4))
      put_(Code.LocalPref, 0x40, hexOf(random.pick([100, 100, 100, 100, 200, 50]), 4));
    if (random.oneIn(3)) put_(Code.Med, 0x80, hexOf(random.pick([0, 10, 20]), 4));
    if (random.oneIn(4)) put_(Code.Communities, 0xc0, this.communities());
    if (random.oneIn(5)) put_(Code.OriginatorId, 0x80, hexOf(0x0a010001 + random.below(6), 4));
    if (random.oneIn(5)) put_(Code.ClusterList, 0x80, "0a700001".repeat(1 + random.below(3)));
    if (!random.oneIn(8)) put_(Code.ExtendedCommunities, 0xc0, this.extended());
    if (random.oneIn(10)) put_(Code.AtomicAggregate, 0x40, "");
    if (random.oneIn(10))
      put_(Code.Aggregator, 0xc0, hexOf(random.pick([65001, 4_200_000_001]), 4) + "0a000001");
    if (random.oneIn(10)) {
      const large = (n: number): string => hexOf(65000, 4) + hexOf(n, 4) + hexOf(1, 4);
      put_(Code.LargeCommunities, 0xc0, large(1) + large(random.below(3)) + large(2));
    }
    if (random.oneIn(8)) put_(Code.PmsiTunnel, 0xc0, "00060000640a000001");
    if (random.oneIn(10)) put_(200, random.pick([0xc0, 0xe0]), hexOf(random.below(3), 4));
    if (random.oneIn(12)) put_(201, 0x80, hexOf(random.below(3), 2));
    return out;
  }

  /** A set so large that not everybody can be sent it; the source can just send it. */
  hugeAttributes(peer: PeerSpec): Attributes {
    const limit = peer.extendedMessage ? 65535 : 4096;
    const basis = put(this.attributes(peer), Code.LocalPref, 0x40, "00000064");
    const used = basis.reduce((sum, one) => sum + octetsIn(one.value) + 7, 0);
    const target =
      peer.extendedMessage && !this.random.oneIn(30) ? 3900 + this.random.below(600) : limit - 150;
    const pad = Math.max(4, target - used - this.random.below(100));
    return put(basis, 202, 0xc0, hexOf(++this.fresh, 4) + "ee".repeat(pad));
  }

  withSequence(attributes: Attributes, sequence: number, sticky: boolean): Attributes {
    const value = `0600${sticky ? "01" : "00"}00${hexOf(sequence, 4)}`;
    return put(attributes, Code.ExtendedCommunities, 0xc0, `0002fde800000064${value}`);
  }

  withOwnAs(attributes: Attributes, peer: PeerSpec): Attributes {
    const as = [...(peer.kind === "ebgp" ? [peer.as] : []), 65010, OWN_AS];
    return put(attributes, Code.AsPath, 0x40, asPathValue([{ type: 2, as }]));
  }

  private asPath(peer: PeerSpec): Segment[] {
    const { random } = this;
    const tail = random.weighted<number[]>([
      [6, []],
      [2, [65010]],
      [2, [65010, 65020]],
      [1, [65020]],
      [1, [4_200_000_001, 65010]],
    ]);
    const as = peer.kind === "ebgp" ? [peer.as, ...tail] : tail;
    const out: Segment[] = as.length === 0 ? [] : [{ type: 2, as }];
    return as.length > 0 && random.oneIn(6) ? [...out, { type: 1, as: [65030, 65031] }] : out;
  }

  private communities(): string {
    const own = hexOf(65000, 2) + hexOf(++this.fresh & 0xffff, 2);
    const wellKnown = this.random.weighted([
      [12, ""],
      [1, "ffffff01"],
      [1, "ffffff02"],
      [1, "ffffff03"],
      [2, "ffff0006"],
      [2, "ffff0000"],
    ]);
    return own + wellKnown;
  }

  private extended(): string {
    const { random } = this;
    const list = random.oneIn(8) ? [] : [this.target()];
    if (random.oneIn(5)) list.push(this.target());
    // EVI-RT looks like a route target and is none (RFC 9251 section 9.5).
    if (random.oneIn(8) || list.length === 0) list.push(EVI_RT);
    if (random.oneIn(2)) list.push("030c000000000008");
    if (random.oneIn(6)) list.push("4004fde847c35000");
    if (random.oneIn(6)) list.push("4e00000000000001");
    if (random.oneIn(3))
      list.push(`0600${random.oneIn(8) ? "01" : "00"}00${hexOf(this.sequence(), 4)}`);
    return list.join("");
  }

  private sequence(): number {
    return this.random.pick([0, 1, 1, 2, 2, 3, 4, 0x10000, 0xfffffffe, 0xffff0000]);
  }
}
