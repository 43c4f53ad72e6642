import { describe, expect, it } from "vitest";
import { capability, type Capability } from "../../src/fast-bgp-codec/capability.js";
import { isFault } from "../../src/fast-bgp-codec/fault.js";
import { decodeOpen, encodeOpen, openAs, type Open } from "../../src/fast-bgp-codec/open.js";
import { octets } from "./vectors.js";

const BASE: Open = { version: 4, myAs: 65000, holdTime: 90, bgpId: "192.0.2.1", capabilities: [] };

/** An OPEN around the hex of its optional parameters, with the length octets in front. */
function open(parameters: string): Uint8Array {
  const body = `04fde8005ac0000201${parameters}`;
  return octets(
    `${"ff".repeat(16)}${(19 + body.length / 2).toString(16).padStart(4, "0")}01${body}`,
  );
}

function decode(bytes: Uint8Array): Open {
  const result = decodeOpen(bytes, 0, bytes.length);
  if (isFault(result)) throw new Error(result.detail);
  return result;
}

function fault(bytes: Uint8Array): string {
  const result = decodeOpen(bytes, 0, bytes.length);
  return isFault(result) ? `${result.code}/${result.subcode}` : "good";
}

const ALL: readonly Capability[] = [
  capability.multiprotocol(25, 70),
  capability.routeRefresh(),
  capability.extendedNextHop([{ afi: 1, safi: 1, nextHopAfi: 2 }]),
  capability.extendedMessage(),
  capability.role(3),
  capability.gracefulRestart({
    restartState: true,
    notification: true,
    restartTime: 4095,
    families: [{ afi: 25, safi: 70, forwarding: 1 }],
  }),
  capability.fourOctetAs(4200000001),
  capability.addPath([{ afi: 25, safi: 70, sendReceive: 3 }]),
  capability.enhancedRouteRefresh(),
  capability.longLivedGracefulRestart([{ afi: 25, safi: 70, forwarding: 1, staleTime: 16777215 }]),
  capability.fqdn("pe1", "lab.example"),
  capability.softwareVersion("evpnd/0.1.0"),
  { code: 200, name: "unknown", length: 2, hex: "dead" },
];

describe("capabilities", () => {
  it.each(ALL.map((item) => [item.name, item] as const))("%s both ways", (_name, item) => {
    const copy = decode(encodeOpen({ ...BASE, capabilities: [item] }));
    expect(copy.capabilities).toEqual([item]);
  });
  it("all of them in one parameter, in order", () => {
    const bytes = encodeOpen({ ...BASE, capabilities: ALL });
    expect(decode(bytes)).toEqual({ ...BASE, capabilities: ALL });
    expect(openAs(decode(bytes))).toBe(4200000001);
    expect(openAs(BASE)).toBe(65000);
  });
  it("texts are cut at whole characters", () => {
    const name = decode(
      encodeOpen({ ...BASE, capabilities: [capability.fqdn("д".repeat(40), "")] }),
    ).capabilities[0]!;
    expect(name).toMatchObject({ name: "fqdn", hostname: "д".repeat(32) });
  });
  it.each([
    ["multiprotocol", "010400190146", "multiprotocol"],
    ["graceful restart", "400630780019467f", "graceful-restart"],
  ])(
    "%s with reserved bits set counts, and keeps them (RFC 4760, RFC 4724)",
    (_what, hex, name) => {
      const size = (hex.length / 2).toString(16).padStart(2, "0");
      const bytes = open(`${(hex.length / 2 + 2).toString(16).padStart(2, "0")}02${size}${hex}`);
      const decoded = decode(bytes);
      expect(decoded.capabilities).toEqual([
        expect.objectContaining({ name, exact: hex.slice(4) }),
      ]);
      expect(Buffer.from(encodeOpen(decoded)).equals(bytes)).toBe(true);
    },
  );
  it.each([
    ["multiprotocol of 3 octets", "0103001946"],
    ["route refresh with a value", "020100"],
    ["graceful restart of 3 octets", "4003000000"],
    ["AS of 2 octets", "4102fde8"],
    ["ADD-PATH of 5 octets", "45050019460100"],
    ["host name that overruns", "4903057065"],
    ["host name that is not UTF-8", "490501ff02c328"],
    ["version that is too short", "4b020561"],
  ])("%s is kept as hex, not refused (RFC 5492 section 3)", (_name, hex) => {
    const size = (hex.length / 2).toString(16).padStart(2, "0");
    const bytes = open(`${(hex.length / 2 + 2).toString(16).padStart(2, "0")}02${size}${hex}`);
    const decoded = decode(bytes);
    expect(decoded.capabilities).toEqual([
      {
        code: parseInt(hex.slice(0, 2), 16),
        name: "unknown",
        length: hex.length / 2 - 2,
        hex: hex.slice(4),
      },
    ]);
    expect(Buffer.from(encodeOpen(decoded)).equals(bytes)).toBe(true);
  });
});

describe("optional parameters (RFC 4271 section 6.2, RFC 9072)", () => {
  it.each([
    ["none", "00", "good"],
    ["length too long", "01", "2/0"],
    ["length too short", "0002020200", "2/0"],
    ["parameter cut off", "0102", "2/0"],
    ["parameter overruns", "02020100".slice(0, 6) + "05", "2/0"],
    ["capability cut off", "03020102", "2/0"],
    ["authentication", "03010100", "2/4"],
    ["255 as a second parameter", "0702020200ff0100", "2/4"],
    ["extended", "ffff0005020002" + "0200", "good"],
    ["extended with another first octet", "01ff0005020002" + "0200", "good"],
    ["extended with first octet 0", "00ff0005020002" + "0200", "good"],
    ["extended, total wrong", "ffff0006020002" + "0200", "2/0"],
    ["extended, parameter cut off", "ffff00020200", "2/0"],
    ["extended, empty", "ffff0000", "good"],
  ])("%s", (_name, hex, expected) => {
    expect(fault(open(hex))).toBe(expected);
  });
  it("turns to the extended form only when 255 octets do not suffice", () => {
    const many = Array.from({ length: 40 }, (_, i) => capability.multiprotocol(i + 1, 1));
    const long = encodeOpen({ ...BASE, capabilities: many.concat(many) });
    expect(decode(long).extendedOptParams).toBe(true);
    expect(decode(long).capabilities).toHaveLength(80);
    expect(decode(encodeOpen({ ...BASE, capabilities: many })).extendedOptParams).toBeUndefined();
  });
  it("keeps the sender's layout", () => {
    const bytes = open("080202020002024600");
    expect(decode(bytes).layout).toEqual({ parameters: [1, 1] });
    expect(Buffer.from(encodeOpen(decode(bytes))).equals(bytes)).toBe(true);
    const empty = open("020200");
    expect(decode(empty).layout).toEqual({ parameters: [0] });
    expect(Buffer.from(encodeOpen(decode(empty))).equals(empty)).toBe(true);
  });
  it("more than 4096 octets is a bug of ours", () => {
    const huge = Array.from({ length: 900 }, (_, i) => capability.multiprotocol(i, 1));
    expect(() => encodeOpen({ ...BASE, capabilities: huge })).toThrow(RangeError);
  });
});

describe("errors of an OPEN (RFC 4271 section 6.2)", () => {
  const encode = (change: Partial<Open>): string => fault(encodeOpen({ ...BASE, ...change }));
  it("in the order version, parameters, AS, identifier, hold time, roles", () => {
    expect(encode({})).toBe("good");
    expect(encode({ version: 3, holdTime: 1, myAs: 0 })).toBe("2/1");
    expect(encode({ myAs: 0, bgpId: "0.0.0.0" })).toBe("2/2");
    expect(encode({ capabilities: [capability.fourOctetAs(0)] })).toBe("2/2");
    expect(encode({ bgpId: "0.0.0.0", holdTime: 2 })).toBe("2/3");
    expect([0, 1, 2, 3].map((holdTime) => encode({ holdTime }))).toEqual([
      "good",
      "2/6",
      "2/6",
      "good",
    ]);
    expect(encode({ capabilities: [capability.role(0), capability.role(3)] })).toBe("2/11");
    expect(encode({ capabilities: [capability.role(3), capability.role(3)] })).toBe("good");
  });
});
