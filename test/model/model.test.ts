/** The model by itself, on cases a person can check. */
import { describe, expect, it } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { attributesText, Code, put, toEbgp, type Attributes } from "./lib/attributes.js";
import { selectBest, type Candidate } from "./lib/best-path.js";
import { decodeMessages } from "./lib/decode.js";
import { Generator } from "./lib/generator.js";
import { hexOf } from "./lib/hex.js";
import { PEERS } from "./lib/material.js";
import { Model, type Word } from "./lib/model.js";
import { comparableNlri, ipPrefix, macIp, NO_ESI, nlriKey, prefix, rd } from "./lib/nlri.js";
import { encodeOp, judge } from "./lib/ops.js";
import { CLUSTER_ID, OWN_AS, OWN_ID, peerSpec } from "./lib/peer.js";
import { encodeUpdate, endOfRib, messageOctets } from "./lib/wire.js";

const MAC = "020000000001";
const ROUTE = macIp({ rd: rd(1), mac: MAC });
const KEY = nlriKey(Family.Evpn, ROUTE);
const HOP = "0a000001";
const BASIS: Attributes = [
  { code: Code.Origin, flags: 0x40, value: "00" },
  { code: Code.AsPath, flags: 0x40, value: "" },
  { code: Code.LocalPref, flags: 0x40, value: "00000064" },
];
const EBGP_BASIS = put(BASIS, Code.AsPath, 0x40, "02010000fe4d");

function say(nlri: string, attributes: Attributes = BASIS): Word {
  return { withdrawn: [], announced: [{ family: Family.Evpn, nlri, nextHop: HOP }], attributes };
}

const client = peerSpec(0);
const other = peerSpec(1);
const nonClient = peerSpec(2, { kind: "non-client" });
const nonClient2 = peerSpec(3, { kind: "non-client" });
const ebgp = peerSpec(4, { kind: "ebgp", as: 65101 });
const everybody = [client, other, nonClient, nonClient2, ebgp];

function upModel(): Model {
  const model = new Model(true);
  for (const peer of everybody) model.up(peer);
  return model;
}

function holders(model: Model, key = KEY): number[] {
  return everybody.filter((peer) => model.expected(peer, key) !== undefined).map((p) => p.index);
}

describe("the model", () => {
  it("reflects by the table of RFC 4456 section 6", () => {
    const model = upModel();
    model.update(client.index, say(ROUTE));
    expect(holders(model)).toEqual([1, 2, 3, 4]);
    model.down(client.index);
    expect(holders(model)).toEqual([]);
    model.update(nonClient.index, say(ROUTE));
    expect(holders(model)).toEqual([0, 1, 4]);
    model.down(nonClient.index);
    model.update(ebgp.index, say(ROUTE, EBGP_BASIS));
    expect(holders(model)).toEqual([0, 1, 2, 3]);
  });

  it("adds ORIGINATOR_ID and CLUSTER_LIST between iBGP peers only", () => {
    const model = upModel();
    model.update(client.index, say(ROUTE));
    expect(model.expected(other, KEY)).toEqual({
      nlri: ROUTE,
      nextHop: HOP,
      attributes: "1/40=00 2/40= 5/40=00000064 9/80=0a010001 10/80=0a6300fd",
    });
    expect(model.expected(ebgp, KEY)).toEqual({
      nlri: ROUTE,
      nextHop: HOP,
      attributes: "1/40=00 2/40=02010000fde8",
    });
    model.update(ebgp.index, say(ROUTE, put(EBGP_BASIS, Code.LocalPref, 0x40, "000000c8")));
    model.down(client.index);
    expect(model.expected(other, KEY)).toMatchObject({
      attributes: "1/40=00 2/40=02010000fe4d 5/40=00000064",
    });
  });

  it("takes a looped route for a withdraw of the earlier one", () => {
    for (const looped of [
      put(BASIS, Code.OriginatorId, 0x80, hexOf(OWN_ID, 4)),
      put(BASIS, Code.ClusterList, 0x80, `01020304${hexOf(CLUSTER_ID, 4)}`),
      put(BASIS, Code.AsPath, 0x40, `0201${hexOf(OWN_AS, 4)}`),
    ]) {
      const model = upModel();
      model.update(client.index, say(ROUTE));
      model.update(client.index, say(ROUTE, looped));
      expect(holders(model)).toEqual([]);
      expect(model.routeCount()).toBe(0);
    }
  });

  it("replaces by key: label and ESI of a type 2 route are not in it", () => {
    const model = upModel();
    model.update(client.index, say(ROUTE));
    const moved = macIp({ rd: rd(1), mac: MAC, label: 7, esi: "00112233445566778899" });
    expect(nlriKey(Family.Evpn, moved)).toBe(KEY);
    model.update(client.index, say(moved));
    expect(model.expected(other, KEY)).toMatchObject({ nlri: moved });
    const tagged = macIp({ rd: rd(1), mac: MAC, tag: 5 });
    expect(nlriKey(Family.Evpn, tagged)).not.toBe(KEY);
  });

  it("sweeps what a refreshing peer did not repeat", () => {
    const model = upModel();
    const second = macIp({ rd: rd(1), mac: "020000000002" });
    model.update(client.index, say(ROUTE));
    model.update(client.index, say(second));
    model.refreshBegins(client.index, Family.Evpn);
    model.update(client.index, say(second));
    expect(model.refreshEnds(client.index, Family.Evpn)).toEqual([KEY]);
    expect(model.routeCount()).toBe(1);
  });

  it("masks bits behind a prefix, in the key and in what is sent on", () => {
    expect(nlriKey(Family.Ipv4Unicast, prefix(20, "0a001fff"))).toBe("0:140a0010");
    const dirty = ipPrefix(rd(1), NO_ESI, 0, 24, "0a0001ff", "00000000", 9);
    const clean = ipPrefix(rd(1), NO_ESI, 0, 24, "0a000100", "00000000", 9);
    expect(nlriKey(Family.Evpn, dirty)).toBe(nlriKey(Family.Evpn, clean));
    expect(comparableNlri(Family.Evpn, dirty)).toBe(clean);
  });

  it("withholds what does not fit into a peer's message", () => {
    const model = upModel();
    const far = peerSpec(5, { extendedMessage: true });
    model.up(far);
    model.update(client.index, say(ROUTE, put(BASIS, 202, 0xc0, "ee".repeat(4080))));
    expect(model.expected(other, KEY)).toBeUndefined();
    expect(model.expected(far, KEY)).toBeDefined();
  });

  it("prepends its AS towards eBGP and drops what does not cross an AS", () => {
    const set = put(
      put(EBGP_BASIS, Code.Med, 0x80, "00000005"),
      Code.ExtendedCommunities,
      0xc0,
      "0002fde800000064" + "4004fde847c35000",
    );
    expect(attributesText(toEbgp(set, OWN_AS))).toBe(
      "1/40=00 2/40=02020000fde80000fe4d 16/c0=0002fde800000064",
    );
  });
});

describe("the model's mobility rule", () => {
  const from = (
    id: number,
    sequence: number | undefined,
    over: Partial<Candidate> = {},
  ): Candidate => ({
    family: Family.Evpn,
    nlri: ROUTE,
    attributes:
      sequence === undefined
        ? BASIS
        : put(BASIS, Code.ExtendedCommunities, 0xc0, `06000000${hexOf(sequence, 4)}`),
    ibgp: true,
    peerId: id,
    peerAddress: `10.0.0.${String(id)}`,
    pathId: 0,
    ...over,
  });

  it("prefers the higher sequence, before everything ordinary", () => {
    const high = from(9, 2);
    expect(selectBest([from(1, 1), high, from(2, undefined)], true)).toBe(high);
    const low = from(1, 1);
    expect(selectBest([low, from(9, 2)], false)).toBe(low);
  });

  it("does not compare copies of one originator's word", () => {
    const stale = from(9, 5, {
      attributes: put(from(9, 5).attributes, Code.OriginatorId, 0x80, hexOf(1, 4)),
    });
    const fresh = from(1, 3);
    expect(selectBest([stale, { ...fresh, peerAddress: "10.0.0.1" }], true)).toMatchObject(fresh);
  });

  it("does not compare within a segment", () => {
    const nlri = macIp({ rd: rd(1), mac: MAC, esi: "00112233445566778899" });
    const one = from(1, 1, { nlri });
    expect(selectBest([from(2, 7, { nlri }), one], true)).toBe(one);
  });

  it("ranks small numbers above large ones when both are there", () => {
    const wrapped = from(9, 1);
    expect(selectBest([from(1, 0xffffffff), wrapped, from(2, 0x10000)], true)).toBe(wrapped);
    const large = from(9, 0xffffffff);
    expect(selectBest([from(1, undefined), large], true)).toBe(large);
  });

  it("lets sticky win over any sequence", () => {
    const sticky = from(9, 0, {
      attributes: put(BASIS, Code.ExtendedCommunities, 0xc0, "0600010000000000"),
    });
    expect(selectBest([from(1, 9), sticky], true)).toBe(sticky);
  });
});

describe("the model's messages", () => {
  it("are read back as they were meant, in every shape and AS width", () => {
    const attributes = put(
      put(BASIS, Code.AsPath, 0x40, "0202fa56ea010000fde9"),
      Code.Aggregator,
      0xc0,
      "fa56ea010a000001",
    );
    for (const as4 of [true, false]) {
      const parts = {
        reach: { family: Family.Evpn, nextHop: HOP, nlri: [ROUTE, ROUTE] },
        attributes,
      };
      const bytes = encodeUpdate(parts, as4, 0);
      const [message] = decodeMessages(bytes, as4);
      expect(message?.received).toMatchObject({
        kind: "announce",
        text: attributesText(attributes),
        routes: [{ key: KEY }, { key: KEY }],
      });
      const [least] = messageOctets(Family.Evpn, ROUTE, HOP, attributes, as4);
      expect(
        encodeUpdate({ ...parts, reach: { ...parts.reach, nlri: [ROUTE] } }, as4, 0),
      ).toHaveLength(least);
    }
    expect(endOfRib(Family.Ipv4Unicast)).toHaveLength(23);
    expect(endOfRib(Family.Evpn)).toHaveLength(29);
  });

  it("stay within what their peers may send, whatever is made up", () => {
    for (const op of new Generator(5, PEERS).make(3000)) {
      if (op.kind !== "update") continue;
      const peer = PEERS[op.peer];
      if (peer === undefined) throw new Error("no such peer");
      judge(op, peer);
      expect(encodeOp(op, peer).length).toBeLessThanOrEqual(peer.extendedMessage ? 65535 : 4096);
    }
  });
});
