/**
 * Best path as a client of the reflector sees it: one route that wins by each step against one that
 * wins all later steps, and six routes in all 720 orders of arrival (RFC 4271 section 9.1.2.2, RFC
 * 4456 section 9, RFC 9494 section 4.4, RFC 7432 section 15).
 */
import { describe, expect, it } from "vitest";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { asPathValue, Code, put, without, type Attributes } from "../../model/lib/attributes.js";
import { Harness } from "../../model/lib/harness.js";
import { hexOf } from "../../model/lib/hex.js";
import { macIp, NO_ESI, nlriKey, rd } from "../../model/lib/nlri.js";
import { peerSpec, type PeerSpec } from "../../model/lib/peer.js";
import { makeReflector } from "../../model/lib/reflector.js";

interface Shape {
  readonly localPref?: number;
  readonly path?: readonly number[];
  /** An AS_SET behind the path. */
  readonly set?: readonly number[];
  readonly origin?: number;
  readonly med?: number;
  readonly originator?: number;
  readonly clusters?: number;
  readonly sequence?: number;
  readonly sticky?: boolean;
  readonly stale?: boolean;
  readonly esi?: string;
}

const SEGMENT = "00112233445566778899";

/** Two eBGP peers, six clients whose router ids grow with their addresses, and one who listens. */
const LISTENER = 8;
const PEERS: readonly PeerSpec[] = [
  peerSpec(0, { kind: "ebgp", as: 65010 }),
  peerSpec(1, { kind: "ebgp", as: 65020 }),
  ...[2, 3, 4, 5, 6, 7, LISTENER].map((index) => peerSpec(index)),
];

function attributes(shape: Shape, peer: PeerSpec): Attributes {
  const as = [...(peer.kind === "ebgp" ? [peer.as] : []), ...(shape.path ?? [])];
  const segments = [
    ...(as.length > 0 ? [{ type: 2, as }] : []),
    ...(shape.set ? [{ type: 1, as: shape.set }] : []),
  ];
  let out: Attributes = [
    { code: Code.Origin, flags: 0x40, value: hexOf(shape.origin ?? 0, 1) },
    { code: Code.AsPath, flags: 0x40, value: asPathValue(segments) },
    { code: Code.LocalPref, flags: 0x40, value: hexOf(shape.localPref ?? 100, 4) },
  ];
  if (peer.kind === "ebgp") out = without(out, Code.LocalPref);
  if (shape.med !== undefined) out = put(out, Code.Med, 0x80, hexOf(shape.med, 4));
  if (shape.originator !== undefined)
    out = put(out, Code.OriginatorId, 0x80, hexOf(shape.originator, 4));
  if (shape.clusters !== undefined)
    out = put(out, Code.ClusterList, 0x80, "0a700001".repeat(shape.clusters));
  if (shape.stale === true) out = put(out, Code.Communities, 0xc0, "ffff0006");
  if (shape.sequence !== undefined || shape.sticky === true)
    out = put(
      out,
      Code.ExtendedCommunities,
      0xc0,
      `0600${shape.sticky === true ? "01" : "00"}00${hexOf(shape.sequence ?? 0, 4)}`,
    );
  return out;
}

class Contest {
  private readonly harness: Harness;

  constructor(compareMobility = true) {
    this.harness = new Harness(makeReflector, PEERS, compareMobility);
    for (const { index } of PEERS) this.harness.apply({ kind: "up", peer: index });
  }

  /** Announces in this order, a turn of the event loop each, and returns whose route the listener has. */
  winner(entries: readonly (readonly [peer: number, shape: Shape])[]): number | undefined {
    for (const [index, shape] of entries) {
      const peer = PEERS[index] as PeerSpec;
      this.harness.apply({
        kind: "update",
        peer: index,
        shape: 0,
        parts: {
          reach: { family: Family.Evpn, nextHop: hexOf(index, 4), nlri: [route(shape)] },
          attributes: attributes(shape, peer),
        },
      });
      this.harness.apply({ kind: "soon" });
    }
    this.harness.run();
    const held = this.harness.receiver(LISTENER).table.get(nlriKey(Family.Evpn, route({})));
    for (const [index] of entries) {
      const unreach = { family: Family.Evpn, nlri: [route({})] };
      this.harness.apply({ kind: "update", peer: index, shape: 0, parts: { unreach } });
    }
    this.harness.run();
    expect(this.harness.receiver(LISTENER).table.size).toBe(0);
    return held === undefined ? undefined : parseInt(held.nextHop, 16);
  }
}

function route(shape: Shape): string {
  return macIp({ rd: rd(1), mac: "020000000001", esi: shape.esi ?? NO_ESI });
}

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((one, index) =>
    permutations([...list.slice(0, index), ...list.slice(index + 1)]).map((rest) => [one, ...rest]),
  );
}

/** Peer 5 has the better route by the step; peer 2 wins every step behind it. */
const STEPS: readonly (readonly [
  step: string,
  better: readonly [number, Shape],
  worse: readonly [number, Shape],
])[] = [
  [
    "LLGR_STALE loses, even when sticky",
    [5, { localPref: 50, path: [1], origin: 2 }],
    [2, { stale: true, sticky: true, sequence: 9, localPref: 200 }],
  ],
  ["sticky MAC", [5, { sticky: true, localPref: 50 }], [2, { sequence: 9, localPref: 200 }]],
  ["higher sequence", [5, { sequence: 1, localPref: 50, path: [1] }], [2, { localPref: 200 }]],
  [
    "sequence after its wrap",
    [5, { sequence: 1, localPref: 50 }],
    [2, { sequence: 0xffffffff, localPref: 200 }],
  ],
  [
    "large sequence over none: absent never counts as wrapped",
    [5, { sequence: 0xffffffff, localPref: 50 }],
    [2, { localPref: 200 }],
  ],
  ["LOCAL_PREF", [5, { localPref: 101, path: [1, 2], origin: 2 }], [2, {}]],
  ["AS_PATH length", [5, { path: [1], origin: 2, med: 9 }], [2, { path: [1, 2] }]],
  ["an AS_SET counts one", [5, { path: [1], set: [3, 4, 5], origin: 2 }], [2, { path: [1, 2, 3] }]],
  ["ORIGIN", [5, { path: [1], origin: 1, med: 9 }], [2, { path: [1], origin: 2 }]],
  ["MED of one neighbouring AS", [5, { path: [1], med: 4 }], [2, { path: [1], med: 5 }]],
  ["a missing MED is 0", [5, { path: [1] }], [2, { path: [1], med: 1 }]],
  ["MED of two neighbouring ASes decides nothing", [2, { path: [1], med: 9 }], [5, { path: [2] }]],
  ["eBGP over iBGP", [1, {}], [2, { path: [65020], originator: 1 }]],
  ["ORIGINATOR_ID in place of the router id", [5, { originator: 1, clusters: 3 }], [2, {}]],
  ["router id", [2, { clusters: 3 }], [5, {}]],
  ["CLUSTER_LIST length", [5, { originator: 7, clusters: 1 }], [2, { originator: 7, clusters: 2 }]],
  [
    "peer address, as a number",
    // 10.0.0.6 and 10.0.0.3
    [2, { originator: 7, clusters: 1 }],
    [5, { originator: 7, clusters: 1 }],
  ],
  [
    "copies of one originator are not compared by sequence",
    [2, { originator: 7, sequence: 1 }],
    [5, { originator: 7, sequence: 2 }],
  ],
  [
    "routes of one segment are not compared by sequence",
    [2, { esi: SEGMENT, sequence: 1 }],
    [5, { esi: SEGMENT, sequence: 2 }],
  ],
];

describe("best path", () => {
  const contest = new Contest();
  for (const [step, better, worse] of STEPS) {
    it(`decides by ${step}`, () => {
      expect(contest.winner([better, worse])).toBe(better[0]);
      expect(contest.winner([worse, better])).toBe(better[0]);
      // A third that cannot win: two alone are compared in a way of their own.
      const third: [number, Shape] = [7, { stale: true, localPref: 1, path: [9, 9, 9, 9, 9] }];
      for (const order of permutations([better, worse, third]))
        expect(contest.winner(order)).toBe(better[0]);
    });
  }

  it("leaves sequences alone when told so", () => {
    const plain = new Contest(false);
    for (const pair of permutations<[number, Shape]>([
      [2, {}],
      [5, { sequence: 3 }],
    ]))
      expect(plain.winner(pair)).toBe(2);
  });

  it("has one winner in all 720 orders, with MEDs of three neighbouring ASes", () => {
    // 3 and 4 lose to 2 and 7 by MED inside their ASes; 5 is left over the others by its originator.
    const six: [number, Shape][] = [
      [2, { path: [10, 1], med: 5, originator: 60 }],
      [3, { path: [10, 2], med: 6, originator: 10 }],
      [4, { path: [20, 1], med: 9, originator: 20 }],
      [5, { path: [30, 1], med: 99, originator: 30 }],
      [6, { path: [30, 2], med: 99, originator: 40 }],
      [7, { path: [20, 2], med: 8, originator: 50 }],
    ];
    for (const order of permutations(six)) expect(contest.winner(order)).toBe(5);
  });

  it("has one winner in all 720 orders, with eBGP, ties and an LLGR_STALE route", () => {
    const six: [number, Shape][] = [
      [0, { stale: true }],
      [1, { path: [1, 1] }],
      [2, { path: [1, 1, 1], clusters: 2, originator: 9 }],
      [3, { path: [1, 1, 1], clusters: 1, originator: 9 }],
      [4, { path: [1, 1, 1], clusters: 1, originator: 9, med: 3 }],
      [5, { path: [1, 1, 1], origin: 1 }],
    ];
    for (const order of permutations(six)) expect(contest.winner(order)).toBe(1);
  });

  it("has one winner in all 720 orders, with a MAC on the move and stale copies of it", () => {
    // Originators: 2, 70 (three copies), 80, 90. The word of 70 is its ordinary best, sequence 3 of
    // peer 3, not the copy with 8; 80 with 5 outranks it; 90 with 4 is outranked too.
    const six: [number, Shape][] = [
      [2, {}],
      [3, { originator: 70, sequence: 3, localPref: 300 }],
      [4, { originator: 70, sequence: 8 }],
      [5, { originator: 70, sequence: 4 }],
      [6, { originator: 80, sequence: 5, localPref: 50 }],
      [7, { originator: 90, sequence: 4, localPref: 400 }],
    ];
    for (const order of permutations(six)) expect(contest.winner(order)).toBe(6);
  });
});
