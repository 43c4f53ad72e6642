/** Orders to routes: what each type is on the wire, what is filled in, and what is refused with which words. */
import { describe, expect, it } from "vitest";
import {
  decodeAttributes,
  decodeNlri,
  encodeMessage,
  Family,
  findAttribute,
  makeAttribute,
} from "../../src/fast-bgp-codec/index.js";
import { buildRoute } from "../../src/inject/build.js";
import { InjectError } from "../../src/inject/error.js";
import type { RouteSpec } from "../../src/inject/index.js";
import { queryRoutes } from "../../src/bgp/route-query.js";
import { Speaker } from "../bgp/lib/speaker.js";
import { CONTEXT, MAC } from "./lib.js";

const ESI = "00:11:22:33:44:55:66:77:88:99";

function decoded(spec: RouteSpec) {
  const route = buildRoute(spec, CONTEXT);
  const { nlri, set, nextHopLength } = route;
  const attributes = decodeAttributes(set, nextHopLength, set.length);
  return {
    key: route.key,
    spec: route.spec,
    nlri: decodeNlri(Family.Evpn, nlri, 0, nlri.length) as unknown as Record<string, unknown>,
    hop: Buffer.from(set.subarray(0, nextHopLength)).toString("hex"),
    codes: attributes.map(({ code }) => code),
    extended: findAttribute(attributes, 16) ?? [],
    pmsi: findAttribute(attributes, 22),
    attributes,
  };
}

function refusal(spec: RouteSpec): string {
  try {
    buildRoute(spec, CONTEXT);
  } catch (error) {
    expect(error).toBeInstanceOf(InjectError);
    return (error as InjectError).message;
  }
  throw new Error("it was taken");
}

const EVERY: readonly RouteSpec[] = [
  { ...MAC, ip: "10.1.0.1", l3Vni: 5000, routerMac: "0200.0000.0001", communities: ["65000:1"] },
  { ...MAC, vni: undefined, label: 77, domain: "red", sticky: false, sequence: 9 },
  { type: "imet", nextHop: "10.0.0.1", domain: "red" },
  {
    type: "imet",
    nextHop: "2001:db8::1",
    vni: 100,
    rd: "10.0.0.1:5",
    tunnel: "pim-sm",
    tunnelRoot: "10.0.0.9",
    tunnelGroup: "239.1.1.1",
  },
  { type: "es", nextHop: "10.0.0.1", esi: ESI, dfAlgorithm: "highest-preference", dfPreference: 7 },
  { type: "ad", nextHop: "10.0.0.1", esi: ESI, perEs: true, domain: "red", singleActive: true },
  { type: "ad", nextHop: "10.0.0.1", esi: ESI, domain: "red", ethernetTag: 3 },
  {
    type: "prefix",
    nextHop: "10.0.0.1",
    prefix: "2001:db8::/48",
    vni: 5000,
    routerMac: "02:00:00:00:00:01",
    gateway: "2001:db8::9",
  },
];

describe("a route to inject", () => {
  it("is a sticky MAC with what follows from the VNI", () => {
    const { nlri, hop, codes, extended, key } = decoded({ ...MAC, ip: "10.1.0.1" });
    expect(key).toBe("2:10.0.0.1:100::0::52:54:00:00:00:01::10.1.0.1");
    expect(nlri).toMatchObject({ rd: "1:10.0.0.1:100", mac: "52:54:00:00:00:01", label2: null });
    expect(nlri["label1"]).toMatchObject({ vni24: 100 });
    expect(hop).toBe("0a000001");
    expect(codes).toEqual([1, 2, 5, 16]);
    expect(extended).toEqual(["rt:65000:100", "encapsulation:8", "mac-mobility:sticky=1:seq=0"]);
  });

  it("takes route targets, VNI and tag of its domain", () => {
    const red = decoded({ type: "mac", nextHop: "10.0.0.1", domain: "red", mac: MAC.mac });
    expect(red.extended.slice(0, 2)).toEqual(["rt:65000:100", "rt:65000:7"]);
    expect(red.nlri["label1"]).toMatchObject({ vni24: 100 });
    const bundle = decoded({ ...MAC, domain: "bundle", vni: 9 });
    expect(bundle.nlri).toMatchObject({ ethTag: 5, rd: "1:10.0.0.1:9" });
    expect(bundle.extended[0]).toBe("rt:65000:300");
  });

  it("carries second label, router's MAC, gateway and ARP/ND flags when told", () => {
    const { nlri, extended } = decoded({
      ...MAC,
      ip: "2001:db8::5",
      l3Vni: 5000,
      routerMac: "0200.0000.0001",
      sticky: false,
      sequence: 3,
      defaultGateway: true,
      router: true,
      immutable: true,
    });
    expect(nlri["label2"]).toMatchObject({ vni24: 5000 });
    expect(extended.slice(2)).toEqual([
      "default-gateway",
      "mac-mobility:sticky=0:seq=3",
      "router-mac:02:00:00:00:00:01",
      "arp-nd:R=1:O=0:I=1:flags=0x09",
    ]);
  });

  it("has an MPLS label in the high 20 bits and no encapsulation", () => {
    const { nlri, extended } = decoded({ ...MAC, vni: undefined, label: 77, domain: "red" });
    expect(nlri["label1"]).toMatchObject({ mpls20: 77, bos: 1 });
    expect(extended.some((text) => text.startsWith("encapsulation"))).toBe(false);
  });

  it("is a type 3 with its PMSI tunnel", () => {
    const { nlri, pmsi, key } = decoded({ type: "imet", nextHop: "10.0.0.1", domain: "red" });
    expect(key).toBe("3:10.0.0.1:100::0::10.0.0.1");
    expect(nlri["originator"]).toBe("10.0.0.1");
    expect(pmsi).toMatchObject({ tunnelType: 6, tunnelId: "10.0.0.1", label: { vni24: 100 } });
    const pim = decoded(EVERY[3]!);
    expect(pim.pmsi).toMatchObject({ tunnelType: 4, tunnelId: ["10.0.0.9", "239.1.1.1"] });
  });

  it("is a type 4 with ES-Import of the ESI and the election", () => {
    const { nlri, extended, key } = decoded(EVERY[4]!);
    expect(key).toBe("4:10.0.0.1:0::00112233445566778899:10.0.0.1");
    expect(nlri["originator"]).toBe("10.0.0.1");
    expect(extended).toEqual([
      "es-import:11:22:33:44:55:66",
      "df-election:alg=2:bitmap=0x0000:pref=7",
    ]);
    const plain = decoded({ type: "es", nextHop: "10.0.0.1", esi: ESI });
    expect(plain.extended).toEqual(["es-import:11:22:33:44:55:66"]);
    const both = { ...EVERY[4]!, dfAcInfluenced: true, dfDontPreempt: true };
    expect(decoded(both).extended[1]).toBe("df-election:alg=2:bitmap=0xc000:pref=7");
  });

  it("is a type 1 for the segment or for an EVI", () => {
    const whole = decoded(EVERY[5]!);
    expect(whole.nlri).toMatchObject({ rd: "1:10.0.0.1:0", ethTag: 0xffffffff });
    expect(whole.extended.at(-1)).toBe("esi-label:single-active=1:raw=000000");
    const mpls = { ...EVERY[5]!, encapsulation: "mpls", esiLabel: 16 };
    expect(decoded(mpls).extended.at(-1)).toBe("esi-label:single-active=1:raw=000101");
    const evi = decoded(EVERY[6]!);
    expect(evi.nlri).toMatchObject({ rd: "1:10.0.0.1:100", ethTag: 3, label: { vni24: 100 } });
  });

  it("is a prefix of a VRF", () => {
    const { nlri, extended, key } = decoded(EVERY[7]!);
    expect(key).toBe("5:10.0.0.1:5000::0::2001:db8::::48");
    expect(nlri).toMatchObject({ prefixLen: 48, gateway: "2001:db8::9", label: { vni24: 5000 } });
    expect(extended).toEqual(["rt:65000:5000", "encapsulation:8", "router-mac:02:00:00:00:00:01"]);
  });

  it("is the same when built from what it was made to, without the configuration", () => {
    const bare = { as: 1, domain: () => undefined };
    for (const spec of EVERY) {
      const first = buildRoute(spec, CONTEXT);
      const again = buildRoute(first.spec, bare);
      expect(Buffer.from(again.nlri).toString("hex")).toBe(Buffer.from(first.nlri).toString("hex"));
      expect(Buffer.from(again.set).toString("hex")).toBe(Buffer.from(first.set).toString("hex"));
      expect(again.spec).toEqual(first.spec);
    }
  });

  it("has attributes in the form that the table keeps of a peer's", () => {
    const speaker = new Speaker();
    const source = speaker.reflector.localRoutes.source(() => "local");
    const peer = speaker.up();
    for (const spec of EVERY) {
      const { nlri, set, nextHopLength } = buildRoute(spec, CONTEXT);
      source.announce(Family.Evpn, nlri, nlri.length, 0, set, set.length, nextHopLength);
      const attributes = decodeAttributes(set, nextHopLength, set.length, { exact: true });
      const reach = makeAttribute(14, {
        afi: 25,
        safi: 70,
        nextHop: spec.nextHop!,
        nlri: [decodeNlri(Family.Evpn, nlri, 0, nlri.length)],
      });
      peer.say(encodeMessage({ message: "UPDATE", attributes: [reach, ...attributes] }));
    }
    const { routes } = queryRoutes(speaker.reflector, { table: "all" }, undefined, () => 0);
    expect(routes).toHaveLength(2 * EVERY.length);
    const bySource = (own: boolean) =>
      routes.filter(({ peer: from }) => (from === "local") === own).map((r) => r.attributesHex);
    expect(bySource(true).sort()).toEqual(bySource(false).sort());
  });

  it.each<[RouteSpec, RegExp]>([
    [{ ...MAC, nextHop: undefined }, /nextHop is missing/],
    [{ ...MAC, nextHop: "10.0.0" }, /nextHop "10.0.0" is no IP address/],
    [{ ...MAC, nextHop: "239.1.1.1" }, /no address of one machine/],
    [{ ...MAC, mac: "01:00:5e:00:00:01" }, /a group or nobody's/],
    [{ ...MAC, mac: "xyz" }, /no MAC address; write/],
    [{ ...MAC, mac: undefined }, /mac is missing/],
    [{ ...MAC, vni: undefined, routeTargets: ["65000:1"] }, /a MAC needs a vni/],
    [{ ...MAC, vni: undefined }, /route targets are missing/],
    [{ ...MAC, vni: 0x1000000 }, /vni 16777216 is out of range/],
    [{ ...MAC, vni: 100, label: 5 }, /one field; give one/],
    [{ ...MAC, vni: 70000, nextHop: "10.0.0.1", rd: "nonsense" }, /no route distinguisher/],
    [{ ...MAC, domain: "blue" }, /there is no domain "blue"/],
    [{ ...MAC, encapsulation: "toString" }, /encapsulation must be one of/],
    [{ ...MAC, encapsulation: "mpls" }, /mpls has labels/],
    [{ ...MAC, routeTargets: ["x"] }, /route target "x"/],
    [{ ...MAC, communities: ["x"] }, /community "x"/],
    [{ ...MAC, esi: "00" }, /no ESI; write its ten octets/],
    [{ ...MAC, prefix: "10.0.0.0/8" }, /a route of type "mac" has no prefix/],
    [{ ...MAC, type: "vlan" as "mac" }, /type must be one of/],
    [{ ...MAC, sequence: -1 }, /sequence -1 is out of range/],
    [{ type: "es", nextHop: "10.0.0.1" }, /esi is missing/],
    [{ type: "es", nextHop: "2001:db8::1", esi: ESI }, /rd is missing/],
    [{ type: "es", nextHop: "10.0.0.1", esi: ESI, dfPreference: 1 }, /need a preference algorithm/],
    [{ type: "ad", nextHop: "10.0.0.1", esi: ESI, perEs: true, vni: 5 }, /has no vni/],
    [{ type: "ad", nextHop: "10.0.0.1", esi: ESI, vni: 5, singleActive: true }, /say perEs/],
    [{ type: "prefix", nextHop: "10.0.0.1", vni: 5, prefix: "10.0.0.1/8" }, /behind its length/],
    [{ type: "prefix", nextHop: "10.0.0.1", vni: 5, prefix: "10.0.0.0/33" }, /prefix .* is none/],
    [
      { type: "prefix", nextHop: "10.0.0.1", vni: 5, prefix: "10.0.0.0/8", gateway: "::1" },
      /of one family/,
    ],
    [{ type: "imet", nextHop: "10.0.0.1", vni: 5, tunnel: "pim-sm" }, /needs tunnelRoot/],
  ])("is refused: %j", (spec, words) => {
    expect(refusal(spec)).toMatch(words);
  });
});
