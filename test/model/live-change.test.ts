/** How often something is sent when rules, lists or a session's return change what peers should hold. */
import { beforeEach, describe, expect, it } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { Code, put } from "./lib/attributes.js";
import { Harness } from "./lib/harness.js";
import { nlriKey } from "./lib/nlri.js";
import type { Op } from "./lib/ops.js";
import { EVPN_ONLY, maskOf, peerSpec, type PeerSpec } from "./lib/peer.js";
import { isLiveCount, makeReflector } from "./lib/reflector.js";
import { announce, mac, marked, PLAIN, up } from "./lib/words.js";

const SOURCE = 0;
const LISTENER = 1;
const OTHER = 2;
const CONSTRAINED = 3;
const RESTART = {
  restarting: false,
  notification: false,
  time: 30,
  families: EVPN_ONLY,
  forwarding: EVPN_ONLY,
};
const PEERS: readonly PeerSpec[] = [
  peerSpec(SOURCE, { negotiated: { gracefulRestart: RESTART } }),
  peerSpec(LISTENER),
  peerSpec(OTHER),
  peerSpec(CONSTRAINED, { families: maskOf(Family.Evpn, Family.RouteTarget) }),
];
const TARGET = (number: number): string => `0002fde80000006${String(number)}`;
const to = (number: number): typeof PLAIN =>
  put(PLAIN, Code.ExtendedCommunities, 0xc0, TARGET(number));
const key = (nlri: string): string => nlriKey(Family.Evpn, nlri);

let harness: Harness;

function apply(...ops: readonly Op[]): void {
  for (const op of ops) harness.apply(op);
}

/** What the peer was sent since the last look. */
function news(peer: number): string[] {
  const { news: found } = harness.receiver(peer);
  const keys = [...found.keys()].sort();
  found.clear();
  return keys;
}

function forget(): void {
  harness.settle();
  for (const { index } of PEERS) news(index);
}

function change(peer: number, over: Partial<PeerSpec>): void {
  apply({ kind: "change", peer, over, rest: true });
}

beforeEach(() => {
  harness = new Harness(makeReflector, PEERS, true);
  apply(...PEERS.map(({ index }) => up(index)));
  apply(announce(SOURCE, [mac(1), mac(2)], marked(10)), announce(SOURCE, [mac(3)], marked(20)));
  apply(announce(SOURCE, [mac(4)], to(5)), announce(SOURCE, [mac(5)], to(4)));
  forget();
});

describe("a change costs what it changes:", () => {
  it("import rules that refuse some routes withdraw these, and give them back", () => {
    change(SOURCE, { policy: { importPolicies: ["strict"] } });
    expect(news(LISTENER)).toEqual([mac(1), mac(2)].map(key));
    change(SOURCE, { policy: {} });
    expect(news(LISTENER)).toEqual([mac(1), mac(2)].map(key));
    expect(news(CONSTRAINED)).toEqual([]);
    harness.settle();
  });

  it("export rules of one peer concern that peer, and the routes they change", () => {
    change(LISTENER, { policy: { exportPolicies: ["strip"] } });
    expect(news(LISTENER)).toEqual([key(mac(4))]);
    expect(news(OTHER)).toEqual([]);
    change(LISTENER, { policy: { exportPolicies: ["strip", "strict"] } });
    expect(news(LISTENER)).toEqual([mac(1), mac(2)].map(key));
    harness.settle();
  });

  it("a list of route targets withdraws the others", () => {
    change(LISTENER, { interest: { targets: [TARGET(4), TARGET(5)] } });
    expect(news(LISTENER)).toEqual([mac(1), mac(2), mac(3)].map(key));
    change(LISTENER, { interest: { targets: [TARGET(5)] } });
    expect(news(LISTENER)).toEqual([key(mac(5))]);
    expect(news(OTHER)).toEqual([]);
    harness.settle();
  });

  it("rules that say the same cost nothing", () => {
    change(SOURCE, { policy: { importPolicies: ["narrow"] } });
    forget();
    change(SOURCE, { policy: { importPolicies: ["narrow", "narrow"] } });
    for (const { index } of PEERS) expect(news(index)).toEqual([]);
    harness.settle();
  });

  it("rules of a peer with memberships do not send it the default membership again", () => {
    // The receiving end complains about one that it did not ask for.
    change(CONSTRAINED, { policy: { exportPolicies: ["strip"] } });
    expect(news(CONSTRAINED)).toEqual([]);
    harness.settle();
  });

  it("a restart costs nothing when the peer says the same again, and what it leaves out else", () => {
    apply({ kind: "down", peer: SOURCE, loss: "lost" }, { kind: "tick", milliseconds: 20_000 });
    apply(up(SOURCE), announce(SOURCE, [mac(1), mac(2)], marked(10)));
    apply(announce(SOURCE, [mac(4)], to(5)), announce(SOURCE, [mac(5)], to(4)));
    harness.run();
    expect(news(LISTENER)).toEqual([]);
    apply({ kind: "end-of-rib", peer: SOURCE, family: Family.Evpn });
    harness.run();
    expect(news(LISTENER)).toEqual([key(mac(3))]);
    harness.settle();
    harness.end(isLiveCount);
  });
});
