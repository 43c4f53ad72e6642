/**
 * Attributes on the wire for each kind of receiver, against the slow ways of the model (RFC 4456
 * section 8, RFC 4271 section 5.1, RFC 6793 section 4.2.2), and their edges by hand.
 */
import { describe, expect, it } from "vitest";
import { AttributeWriter, MOST_ADDED, type Encoding } from "../../../src/bgp/policy/export.js";
import { AttrStore } from "../../../src/bgp/rib/attr-store.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import {
  asPathValue,
  Code,
  find,
  fromEbgp,
  put,
  reflect,
  segmentsOf,
  toEbgp,
  type Attributes,
  type Segment,
} from "../../model/lib/attributes.js";
import { bytesOf, hexOf, numberAt, octetsIn, slice } from "../../model/lib/hex.js";
import { Random } from "../../model/lib/random.js";
import { attribute, IDENTITY } from "../lib/tables.js";

const ORIGINATOR = 0x0a000001;
const HOP = "c0000201";

function encode(attributes: Attributes): string {
  return attributes.map(({ code, flags, value }) => attribute(code, flags, value)).join("");
}

function decode(run: string): Attributes {
  const out = [];
  for (let at = 0; at < octetsIn(run);) {
    const flags = numberAt(run, at, 1);
    const extended = (flags & 0x10) !== 0;
    const length = numberAt(run, at + 2, extended ? 2 : 1);
    // The short form wherever it fits.
    expect(extended).toBe(length > 255);
    const start = at + (extended ? 4 : 3);
    const code = numberAt(run, at + 1, 1);
    out.push({ code, flags: flags & 0xe0, value: slice(run, start, length) });
    at = start + length;
  }
  expect(at(out)).toEqual([...at(out)].sort((a, b) => a - b));
  return out;
}

function at(attributes: Attributes): number[] {
  return attributes.map(({ code }) => code);
}

interface Wanted {
  readonly ebgp?: boolean;
  readonly as4?: boolean;
  readonly fromEbgp?: boolean;
  readonly nextHop?: boolean;
  readonly as?: number;
}

function written(attributes: Attributes, wanted: Wanted): Attributes {
  const attrs = new AttrStore();
  const bytes = bytesOf(HOP + encode(attributes));
  const attr = attrs.intern(Family.Ipv4Unicast, 4, bytes, 0, bytes.length);
  const writer = new AttributeWriter({ ...IDENTITY, as: wanted.as ?? IDENTITY.as });
  const encoding: Encoding = {
    ebgp: wanted.ebgp ?? false,
    as4: wanted.as4 ?? true,
    nextHopSelf: undefined,
  };
  const start = 5;
  const room = 2 * bytes.length + MOST_ADDED;
  const target = new Uint8Array(start + room + 4).fill(0xaa);
  const hopAt = wanted.nextHop === true ? attrs.nextHopStart(attr) : -1;
  const end = writer.write(
    attrs,
    attr,
    encoding,
    wanted.fromEbgp ?? false,
    ORIGINATOR,
    attrs.bytes,
    hopAt,
    target,
    start,
  );
  expect(end).toBeLessThanOrEqual(start + room);
  expect([...target.subarray(0, start), ...target.subarray(end, end + 4)]).toEqual(
    Array(start + 4).fill(0xaa),
  );
  return decode(Buffer.from(target.subarray(start, end)).toString("hex"));
}

/** What the wire has for a 2-octet speaker. */
function twoOctets(attributes: Attributes): Attributes {
  const segments = segmentsOf(find(attributes, Code.AsPath) ?? "");
  const isLarge = (as: number): boolean => as > 0xffff;
  let out = put(attributes, Code.AsPath, 0x40, asPathValue(segments, 2));
  const open = segments.filter(({ type }) => type < 3);
  if (segments.some(({ as }) => as.some(isLarge)) && open.length > 0)
    out = put(out, Code.As4Path, 0xc0, asPathValue(open));
  const aggregator = attributes.find(({ code }) => code === Code.Aggregator);
  if (aggregator !== undefined) {
    const as = numberAt(aggregator.value, 0, 4);
    const short = hexOf(isLarge(as) ? 23_456 : as, 2) + slice(aggregator.value, 4);
    out = put(out, Code.Aggregator, aggregator.flags, short);
    if (isLarge(as)) out = put(out, Code.As4Aggregator, 0xc0, aggregator.value);
  }
  return out;
}

function randomSet(random: Random): Attributes {
  let out: Attributes = [{ code: Code.Origin, flags: 0x40, value: "00" }];
  const as = (): number => random.pick([1, 65_001, 0xffff, 0x10000, 4_200_000_001]);
  const segments: Segment[] = Array.from({ length: random.below(3) }, () => ({
    type: random.pick([2, 2, 2, 1]),
    as: Array.from({ length: random.pick([1, 2, 3, 254, 255]) }, as),
  }));
  out = put(out, Code.AsPath, 0x40, asPathValue(segments));
  const maybe = (code: number, flags: number, value: string): void => {
    if (random.oneIn(2)) out = put(out, code, flags, value);
  };
  maybe(Code.Med, 0x80, "00000005");
  maybe(Code.LocalPref, 0x40, "000000c8");
  maybe(Code.AtomicAggregate, 0x40, "");
  maybe(Code.Aggregator, 0xc0 | random.pick([0, 0x20]), hexOf(as(), 4) + "0a000002");
  maybe(Code.Communities, 0xc0, "fde80001".repeat(random.pick([1, 63, 64, 200])));
  maybe(Code.OriginatorId, 0x80, "0a000009");
  maybe(Code.ClusterList, 0x80, "0a700001".repeat(random.pick([1, 62, 63, 64])));
  maybe(
    Code.ExtendedCommunities,
    0xc0,
    random.pick(["0002fde800000064", "4004fde847c35000"]).repeat(random.pick([1, 32])) +
      random.pick(["", "030c000000000008", "4e00000000000001"]),
  );
  maybe(Code.PmsiTunnel, 0xc0, "00060000640a000001");
  maybe(Code.LargeCommunities, 0xc0, "0000fde80000000100000002");
  maybe(200, 0xe0, "ee".repeat(random.pick([1, 255, 256])));
  return out;
}

describe("attributes on the wire", () => {
  it("are what the model says, for every kind of source and receiver", () => {
    const random = new Random(1);
    for (let n = 0; n < 3000; n++) {
      const set = randomSet(random);
      const ebgp = random.oneIn(2);
      const external = random.oneIn(2);
      const as4 = random.oneIn(2);
      const nextHop = random.oneIn(2);
      const input = external
        ? set.filter(({ code }) => ![5, 9, 10].includes(code))
        : put(set, Code.LocalPref, 0x40, "000000c8");
      let expected: Attributes;
      if (ebgp) expected = toEbgp(input, IDENTITY.as);
      else if (external) expected = fromEbgp(input);
      else expected = reflect(input, ORIGINATOR, IDENTITY.clusterId);
      if (!as4) expected = twoOctets(expected);
      if (nextHop) expected = put(expected, Code.NextHop, 0x40, HOP);
      expect(written(input, { ebgp, as4, nextHop, fromEbgp: external })).toEqual(expected);
    }
  });
});

describe("at the edges", () => {
  const basis: Attributes = [
    { code: Code.Origin, flags: 0x40, value: "00" },
    { code: Code.AsPath, flags: 0x40, value: "" },
    { code: Code.LocalPref, flags: 0x40, value: "00000064" },
  ];
  const withPath = (...segments: readonly Segment[]): Attributes =>
    put(basis, Code.AsPath, 0x40, asPathValue(segments));

  it("a segment of 255 ASes gets a new one in front of it", () => {
    const full = Array<number>(255).fill(65_001);
    const out = written(withPath({ type: 2, as: full }), { ebgp: true });
    expect(segmentsOf(find(out, Code.AsPath)!)).toEqual([
      { type: 2, as: [IDENTITY.as] },
      { type: 2, as: full },
    ]);
    const room = written(withPath({ type: 2, as: full.slice(1) }), { ebgp: true });
    expect(segmentsOf(find(room, Code.AsPath)!)[0]!.as).toHaveLength(255);
  });

  it("a set in front, or nothing, gets a sequence in front of it", () => {
    const out = written(withPath({ type: 1, as: [1, 2] }), { ebgp: true });
    expect(find(out, Code.AsPath)).toBe(`0201${hexOf(IDENTITY.as, 4)}01020000000100000002`);
    expect(find(written(basis, { ebgp: true }), Code.AsPath)).toBe(`0201${hexOf(65_000, 4)}`);
  });

  it("an own AS of four octets makes AS4_PATH for an external 2-octet speaker", () => {
    const out = written(withPath({ type: 2, as: [7] }), {
      ebgp: true,
      as4: false,
      as: 4_200_000_000,
    });
    expect(find(out, Code.AsPath)).toBe("02025ba00007");
    expect(find(out, Code.As4Path)).toBe(asPathValue([{ type: 2, as: [4_200_000_000, 7] }]));
  });

  it("confederation segments stay out of AS4_PATH, which goes when nothing else is left", () => {
    const both = written(withPath({ type: 3, as: [70_000] }, { type: 2, as: [80_000] }), {
      as4: false,
    });
    expect(find(both, Code.As4Path)).toBe(asPathValue([{ type: 2, as: [80_000] }]));
    const only = written(withPath({ type: 3, as: [70_000] }), { as4: false });
    expect(find(only, Code.AsPath)).toBe("03015ba0");
    expect(find(only, Code.As4Path)).toBeUndefined();
  });

  it("CLUSTER_LIST grows past 255 octets, and past them", () => {
    for (const ids of [1, 62, 63, 64, 1000]) {
      const set = put(basis, Code.ClusterList, 0x80, "0a700001".repeat(ids));
      const list = find(written(set, {}), Code.ClusterList);
      expect(list).toBe(hexOf(IDENTITY.clusterId, 4) + "0a700001".repeat(ids));
    }
  });

  it("what an external peer must not see goes: communities that are not transitive, of both kinds", () => {
    const set = put(
      put(
        put(basis, Code.ExtendedCommunities, 0xc0, "4004fde847c350000002fde800000064"),
        25,
        0xc0,
        `4002${"00".repeat(18)}0002${"11".repeat(18)}`,
      ),
      26,
      0x80,
      "01000b0000000000000064",
    );
    const out = written(set, { ebgp: true });
    expect(find(out, Code.ExtendedCommunities)).toBe("0002fde800000064");
    expect(find(out, 25)).toBe(`0002${"11".repeat(18)}`);
    expect(at(out)).toEqual([1, 2, 16, 25]);
    const bare = put(
      put(basis, Code.ExtendedCommunities, 0xc0, "4004fde847c35000"),
      25,
      0xe0,
      `4002${"00".repeat(18)}`,
    );
    expect(at(written(bare, { ebgp: true }))).toEqual([1, 2]);
    expect(find(written(bare, {}), 25)).toBeDefined();
  });

  it("NEXT_HOP stands at its place with any neighbours", () => {
    const alone = written([], { nextHop: true, fromEbgp: true });
    expect(at(alone)).toEqual([Code.NextHop, Code.LocalPref]);
    expect(at(written(basis, { nextHop: true }))).toEqual([1, 2, 3, 5, 9, 10]);
  });
});
