import { describe, expect, it } from "vitest";
import { writeCanonicalAttributes } from "../../src/fast-bgp-codec/canonical.js";
import {
  AS_PATH,
  CONTEXT,
  LOCAL_PREF,
  MANDATORY,
  NEXT_HOP,
  ORIGIN,
  REACH,
  attribute,
  canonicalOf,
  scanOf,
  update,
} from "./update.js";

/** Segments of 2-octet and 4-octet ASes: type, then ASes. */
function path(width: 2 | 4, ...segments: readonly (readonly [number, ...number[]])[]): string {
  const as = (n: number): string => n.toString(16).padStart(2 * width, "0");
  return segments
    .map(
      ([type, ...asns]) =>
        `0${type}${asns.length.toString(16).padStart(2, "0")}${asns.map(as).join("")}`,
    )
    .join("");
}

describe("order and form (RFC 4271 section 4.3, appendix F.3)", () => {
  it("sorts by type code, whatever the order on the wire", () => {
    const [med, rt] = ["80040400000032", "c010080002fde800000064"];
    const expected = ORIGIN + AS_PATH + med + LOCAL_PREF + rt;
    for (const order of [
      [rt, LOCAL_PREF, med, AS_PATH, ORIGIN],
      [ORIGIN, rt, AS_PATH, LOCAL_PREF, med],
      [ORIGIN, AS_PATH, med, LOCAL_PREF, rt],
    ]) {
      expect(canonicalOf(order.join(""))).toBe(expected);
    }
  });
  it("cuts out NEXT_HOP, MP_REACH_NLRI and MP_UNREACH_NLRI", () => {
    expect(canonicalOf(`${MANDATORY}${NEXT_HOP}800f03001946`)).toBe(MANDATORY);
    const ipv4 = update({ attributes: MANDATORY + NEXT_HOP, nlri: "18cb0071" });
    const target = new Uint8Array(100);
    const end = writeCanonicalAttributes(ipv4, scanOf(ipv4), CONTEXT, target, 0);
    expect(Buffer.from(target.subarray(0, end)).toString("hex")).toBe(MANDATORY);
  });
  it("uses the short length where it fits, the long one where not", () => {
    expect(canonicalOf("5001000100500200005005000400000064")).toBe(MANDATORY);
    const many = "0002fde800000064".repeat(32);
    expect(canonicalOf(MANDATORY + attribute("c0", 16, many))).toBe(`${MANDATORY}d0100100${many}`);
    const few = "0002fde800000064".repeat(31);
    expect(canonicalOf(`${MANDATORY}d01000f8${few}`)).toBe(`${MANDATORY}c010f8${few}`);
  });
  it("clears the low four flag bits", () => {
    expect(canonicalOf("4f0101004a020045050400000064")).toBe(MANDATORY);
  });
  it("is the same for its own output", () => {
    const once = canonicalOf(`${MANDATORY}c06304deadbeefc0080400000001`);
    expect(canonicalOf(once)).toBe(once);
  });
  it("writes at the given place and says when there is no room", () => {
    const bytes = update({ attributes: REACH + MANDATORY });
    const scan = scanOf(bytes);
    const size = MANDATORY.length / 2;
    const target = new Uint8Array(size + 7);
    expect(writeCanonicalAttributes(bytes, scan, CONTEXT, target, 7)).toBe(size + 7);
    expect(Buffer.from(target.subarray(7)).toString("hex")).toBe(MANDATORY);
    expect(writeCanonicalAttributes(bytes, scan, CONTEXT, target, 8)).toBe(-1);
    expect(writeCanonicalAttributes(bytes, scan, CONTEXT, new Uint8Array(0), 0)).toBe(-1);
  });
});

describe("unknown attributes and Partial (RFC 4271 section 5)", () => {
  it("sets Partial on an unknown transitive one and keeps its octets", () => {
    expect(canonicalOf(`${MANDATORY}c06304deadbeef`)).toBe(`${MANDATORY}e06304deadbeef`);
    expect(canonicalOf(`${MANDATORY}f0630004deadbeef`)).toBe(`${MANDATORY}e06304deadbeef`);
  });
  it("drops an unknown non-transitive one", () => {
    expect(canonicalOf(`${MANDATORY}806304deadbeef`)).toBe(MANDATORY);
  });
  it("keeps Partial where someone upstream did not know the attribute, clears it where it means nothing", () => {
    expect(canonicalOf(`${MANDATORY}e0080400000001`)).toBe(`${MANDATORY}e0080400000001`);
    expect(canonicalOf(`${MANDATORY}a0040400000032`.replace("40010100", "60010100"))).toBe(
      `${ORIGIN}${AS_PATH}80040400000032${LOCAL_PREF}`,
    );
  });
  it("keeps the first of a repeated attribute (RFC 7606 section 3 g)", () => {
    expect(canonicalOf(`${MANDATORY}c0630101c0630102`)).toBe(`${MANDATORY}e0630101`);
    expect(canonicalOf(`${MANDATORY}40010102`)).toBe(MANDATORY);
  });
});

describe("attributes that do not cross the border (RFC 7606 sections 7.5, 7.9, 7.10)", () => {
  const internal = `${LOCAL_PREF}80090401020304800a0401020304`;
  it("from an external peer LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST are gone, whatever their length", () => {
    expect(canonicalOf(ORIGIN + AS_PATH + internal, { ibgp: false })).toBe(ORIGIN + AS_PATH);
    expect(canonicalOf(`${ORIGIN}${AS_PATH}40050100800900800a0101`, { ibgp: false })).toBe(
      ORIGIN + AS_PATH,
    );
  });
  it("from an internal peer they stay", () => {
    expect(canonicalOf(ORIGIN + AS_PATH + internal)).toBe(ORIGIN + AS_PATH + internal);
  });
  it("AIGP stays inside, too (RFC 7311 section 3.4)", () => {
    const aigp = "801a0b01000b000000000000004d";
    expect(canonicalOf(MANDATORY + aigp)).toBe(MANDATORY + aigp);
    expect(canonicalOf(ORIGIN + AS_PATH + aigp, { ibgp: false })).toBe(ORIGIN + AS_PATH);
  });
  it("malformed attributes that cost only themselves are gone", () => {
    const bad = ["40060100", "c00706fde8c0000201", "801a021234", "c02804ffffffff"];
    for (const one of bad) expect(canonicalOf(MANDATORY + one), one).toBe(MANDATORY);
  });
});

describe("large communities (RFC 8092 section 3)", () => {
  const community = (n: number): string => `0000fde800000001${n.toString(16).padStart(8, "0")}`;
  it("come once each, the first in place", () => {
    const [a, b, c] = [community(1), community(2), community(3)];
    expect(canonicalOf(`${MANDATORY}${attribute("c0", 32, a + b + a + c + b)}`)).toBe(
      `${MANDATORY}${attribute("c0", 32, a + b + c)}`,
    );
  });
  it("also when there are many", () => {
    const all = Array.from({ length: 2000 }, (_, i) => community(i % 700)).join("");
    const once = Array.from({ length: 700 }, (_, i) => community(i)).join("");
    for (let round = 0; round < 3; round++) {
      expect(canonicalOf(MANDATORY + attribute("c0", 32, all))).toBe(
        MANDATORY + attribute("c0", 32, once),
      );
    }
  });
  it("repetitions can make the long length unnecessary", () => {
    expect(canonicalOf(MANDATORY + attribute("c0", 32, community(1).repeat(40)))).toBe(
      MANDATORY + attribute("c0", 32, community(1)),
    );
  });
});

describe("tunnel encapsulation (RFC 9012 section 13)", () => {
  const good = "0008000c060a00000000" + "0001c0000201";
  const badEndpoint = "0008000b0609" + "000000000001c00002";
  it("loses the tunnel with a malformed egress endpoint and keeps the others", () => {
    expect(canonicalOf(MANDATORY + attribute("c0", 23, badEndpoint + good))).toBe(
      MANDATORY + attribute("c0", 23, good),
    );
  });
  it("keeps unknown tunnels and sub-TLVs", () => {
    const unknown = "03e80006c80003aabbcc";
    expect(canonicalOf(MANDATORY + attribute("c0", 23, unknown))).toBe(
      MANDATORY + attribute("c0", 23, unknown),
    );
  });
});

describe("2-octet speakers (RFC 6793 section 4.2.3)", () => {
  const merge = (asPath: string, as4Path: string, more = ""): string => {
    const as4 = as4Path === "" ? "" : attribute("c0", 17, as4Path);
    const written = canonicalOf(ORIGIN + attribute("40", 2, asPath) + LOCAL_PREF + more + as4, {
      as4: false,
    });
    return written.replace(ORIGIN, "").replace(LOCAL_PREF, "");
  };
  const result = (...segments: readonly (readonly [number, ...number[]])[]): string =>
    attribute("40", 2, path(4, ...segments));

  it("widens AS_PATH where there is no AS4_PATH", () => {
    expect(merge(path(2, [2, 65001, 65002], [1, 65003, 65004]), "")).toBe(
      result([2, 65001, 65002], [1, 65003, 65004]),
    );
    expect(merge("", "")).toBe(AS_PATH);
  });
  it("prepends what AS_PATH has more", () => {
    expect(merge(path(2, [2, 65001, 23456, 65003]), path(4, [2, 4200000001, 65003]))).toBe(
      result([2, 65001, 4200000001, 65003]),
    );
  });
  it("takes AS4_PATH alone when both are equally long", () => {
    expect(merge(path(2, [2, 23456, 23456]), path(4, [2, 4200000001, 4200000002]))).toBe(
      result([2, 4200000001, 4200000002]),
    );
  });
  it("ignores an AS4_PATH that is longer", () => {
    expect(merge(path(2, [2, 23456]), path(4, [2, 4200000001, 65003]))).toBe(result([2, 23456]));
  });
  it("counts a set as one and takes it whole", () => {
    expect(
      merge(path(2, [1, 65001, 65002], [2, 65003, 23456]), path(4, [2, 65003, 4200000001])),
    ).toBe(result([1, 65001, 65002], [2, 65003, 4200000001]));
    expect(merge(path(2, [2, 65001], [1, 1, 2, 3]), path(4, [1, 7, 8]))).toBe(
      result([2, 65001], [1, 7, 8]),
    );
  });
  it("keeps leading and adjacent confederation segments of AS_PATH", () => {
    expect(
      merge(path(2, [3, 64512, 64513], [2, 65001, 23456]), path(4, [2, 65001, 4200000001])),
    ).toBe(result([3, 64512, 64513], [2, 65001, 4200000001]));
    expect(merge(path(2, [2, 65001], [3, 64512], [2, 23456]), path(4, [2, 4200000001]))).toBe(
      result([2, 65001], [3, 64512], [2, 4200000001]),
    );
  });
  it("drops confederation segments of AS4_PATH (section 6)", () => {
    expect(merge(path(2, [2, 65001, 23456]), path(4, [3, 64512], [2, 65001, 4200000001]))).toBe(
      result([2, 65001, 4200000001]),
    );
  });
  it("does not join sequences to more than 255 ASes", () => {
    const long = Array.from({ length: 255 }, (_, i) => i + 1);
    expect(merge(path(2, [2, 65001], [2, ...long]), path(4, [2, ...long]))).toBe(
      result([2, 65001], [2, ...long]),
    );
  });
  it("takes AS4_AGGREGATOR for AS_TRANS", () => {
    const merged = merge(
      path(2, [2, 65001, 23456]),
      path(4, [2, 65001, 4200000001]),
      "c007065ba0c0000203" + "c01208fa56ea09c0000203",
    );
    expect(merged).toBe(result([2, 65001, 4200000001]) + "c00708fa56ea09c0000203");
  });
  it("an AGGREGATOR of another AS makes both AS4 attributes void", () => {
    const merged = merge(
      path(2, [2, 65001, 23456]),
      path(4, [2, 65001, 4200000001]),
      "c00706fde9c0000203" + "c01208fa56ea09c0000203",
    );
    expect(merged).toBe(`${result([2, 65001, 23456])}c007080000fde9c0000203`);
  });
  it("a malformed AS4_PATH is as good as none", () => {
    expect(merge(path(2, [2, 65001, 23456]), "0202000000010000")).toBe(result([2, 65001, 23456]));
  });
  it("AS4 attributes from a 4-octet speaker are dropped (section 6)", () => {
    expect(
      canonicalOf(`${MANDATORY}${attribute("c0", 17, path(4, [2, 65001]))}c012080000fde9c0000201`),
    ).toBe(MANDATORY);
  });
});
