/** BFD control packets: what is written is read, and whatever else comes is discarded with a reason. */
import { describe, expect, it } from "vitest";
import {
  BfdState,
  decodePacket,
  diagName,
  encodePacket,
  PACKET_LENGTH,
  type BfdPacket,
} from "../../../src/bgp/bfd/packet.js";

const SAMPLE: Omit<BfdPacket, "length"> = {
  diag: 3,
  state: BfdState.Up,
  poll: true,
  final: false,
  independent: true,
  demand: false,
  multiplier: 3,
  myDiscriminator: 0xdeadbeef,
  yourDiscriminator: 0x01020304,
  minTx: 300_000,
  minRx: 150_000,
  minEchoRx: 50_000,
  authenticated: false,
};

describe("a control packet", () => {
  it("has the octets of RFC 5880 section 4.1", () => {
    expect(Buffer.from(encodePacket(SAMPLE)).toString("hex")).toBe(
      "23e80318deadbeef01020304000493e0000249f00000c350",
    );
  });

  it("is read as it was written, flag by flag", () => {
    for (const flag of ["poll", "final", "independent", "demand"] as const) {
      for (const state of Object.values(BfdState)) {
        const packet = { ...SAMPLE, poll: false, independent: false, state, [flag]: true };
        expect(decodePacket(encodePacket(packet))).toEqual({ ...packet, length: PACKET_LENGTH });
      }
    }
  });

  it("may be followed by other octets of the datagram", () => {
    const bytes = Buffer.concat([encodePacket(SAMPLE), Buffer.alloc(9, 0xff)]);
    expect(decodePacket(bytes)).toMatchObject({ length: PACKET_LENGTH });
  });

  const octet = (at: number, value: number) => (bytes: Uint8Array) => {
    bytes[at] = value;
    return bytes;
  };
  it.each([
    ["too short", (bytes: Uint8Array) => bytes.subarray(0, 23), "shorter"],
    ["empty", () => new Uint8Array(0), "shorter"],
    ["of version 0", octet(0, 0x03), "version"],
    ["of version 2", octet(0, 0x43), "version"],
    ["with a length below its size", octet(3, 23), "too small"],
    ["with a length beyond the datagram", octet(3, 25), "beyond"],
    ["with multiplier 0", octet(2, 0), "multiplier 0"],
    ["of a multipoint session", octet(1, 0xe9), "multipoint"],
    ["authenticated without room for it", octet(1, 0xec), "too small"],
    ["without a discriminator of its own", (bytes: Uint8Array) => bytes.fill(0, 4, 8), "my disc"],
    ["Up without ours", (bytes: Uint8Array) => bytes.fill(0, 8, 12), "your discriminator 0"],
  ])("%s is discarded", (_name, damage, why) => {
    expect(decodePacket(damage(encodePacket(SAMPLE)))).toContain(why);
  });

  it("may lack ours while it is Down", () => {
    for (const state of [BfdState.Down, BfdState.AdminDown]) {
      const packet = { ...SAMPLE, state, yourDiscriminator: 0 };
      expect(decodePacket(encodePacket(packet))).toMatchObject({ state, yourDiscriminator: 0 });
    }
  });

  it("of random octets is a packet that obeys the rules, or a reason", () => {
    let seed = 11;
    const below = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;
    let good = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from({ length: below(40) }, () => below(256));
      // Half of them nearly right, so that the later checks are reached.
      if (round % 2 === 0 && bytes.length >= 4) {
        bytes[0] = 0x20 | below(32);
        bytes[3] = below(3) === 0 ? below(256) : bytes.length;
      }
      const packet = decodePacket(bytes);
      if (typeof packet === "string") continue;
      good++;
      expect(packet.length).toBeLessThanOrEqual(bytes.length);
      expect(packet.multiplier).toBeGreaterThan(0);
      expect(packet.myDiscriminator).not.toBe(0);
      if (packet.state > BfdState.Down) expect(packet.yourDiscriminator).not.toBe(0);
    }
    expect(good).toBeGreaterThan(100);
  });

  it("names diagnostics, unknown ones too", () => {
    expect(diagName(1)).toBe("control detection time expired");
    expect(diagName(31)).toBe("diagnostic 31");
  });
});
