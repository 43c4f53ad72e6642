/** Designated forwarders by the worked rules of RFC 7432 section 8.5, RFC 8584 and RFC 9785. */
import { describe, expect, it } from "vitest";
import { parseIp } from "../../src/fast-bgp-codec/index.js";
import { electForwarder, hrwWeight, type DfCandidate } from "../../src/fib/index.js";

const ESI = Buffer.from("00112233445566778899", "hex");
const AC_DF = 0x4000;
const DONT_PREEMPT = 0x8000;

function pe(address: string, change: Partial<DfCandidate> = {}): DfCandidate {
  return {
    address: parseIp(address)!,
    algorithm: 0,
    bitmap: 0,
    preference: 0,
    perEs: true,
    perEvi: true,
    ...change,
  };
}

/** RFC 8584 section 3.2, with numbers as large as it takes, and a CRC-32 bit by bit. */
function weightByTheBook(address: string, tag: number): number {
  const key = Buffer.alloc(14);
  key.writeUInt32BE(tag, 0);
  key.set(ESI, 4);
  let crc = 0xffffffffn;
  for (const octet of key) {
    crc ^= BigInt(octet);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ ((crc & 1n) === 1n ? 0xedb88320n : 0n);
  }
  const digest = (crc ^ 0xffffffffn) & 0x7fffffffn;
  const octets = parseIp(address)!;
  const server = BigInt(Buffer.from(octets.slice(-4)).readUInt32BE(0)) & 0x7fffffffn;
  const inner = (1103515245n * server + 12345n) ^ digest;
  return Number((1103515245n * inner + 12345n) % 2n ** 31n);
}

describe("the designated forwarder", () => {
  it("by default is the PE of ordinal V mod N, PEs by ascending address", () => {
    const three = [pe("10.0.0.30"), pe("10.0.0.4"), pe("10.0.0.200")];
    // Ascending: .4, .30, .200.
    expect([99, 100, 101].map((tag) => electForwarder(three, ESI, tag).winner)).toEqual([1, 0, 2]);
    const result = electForwarder(three, ESI, 100);
    expect(result).toMatchObject({ algorithm: 0, order: [0, 2, 1], disagree: false });
    expect(result.reason).toBe("100 modulo 3 PEs is ordinal 1");
  });

  it("by HRW has the highest weight, and another PE's end moves only its own tags", () => {
    const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::4"];
    for (const address of addresses) {
      for (const tag of [0, 1, 100, 4094, 0xffffff]) {
        expect(hrwWeight(parseIp(address)!, ESI, tag)).toBe(weightByTheBook(address, tag));
      }
    }
    const all = addresses.map((address) => pe(address, { algorithm: 1 }));
    const without = all.slice(1);
    for (let tag = 1; tag < 200; tag++) {
      const { winner } = electForwarder(all, ESI, tag);
      const weights = addresses.map((address) => weightByTheBook(address, tag));
      expect(weights[winner]).toBe(Math.max(...weights));
      if (winner > 0) expect(electForwarder(without, ESI, tag).winner).toBe(winner - 1);
    }
  });

  it("by preference is the highest or the lowest; then don't-preempt, then the lowest address", () => {
    const highest = { algorithm: 2 };
    const three = [
      pe("10.0.0.1", { ...highest, preference: 100 }),
      pe("10.0.0.2", { ...highest, preference: 200 }),
      pe("10.0.0.3", { ...highest, preference: 200, bitmap: DONT_PREEMPT }),
    ];
    expect(electForwarder(three, ESI, 5)).toMatchObject({ winner: 2, order: [2, 1, 0] });
    expect(electForwarder(three, ESI, 5).reason).toContain("don't-preempt");
    expect(electForwarder(three.slice(0, 2), ESI, 5).reason).toBe("highest preference 200");
    const lowest = three.map((one) => ({ ...one, algorithm: 3 }));
    expect(electForwarder(lowest, ESI, 5)).toMatchObject({ winner: 0, algorithm: 3 });
    const equal = [pe("2001:db8::1", highest), pe("10.0.0.9", highest), pe("10.0.0.8", highest)];
    expect(electForwarder(equal, ESI, 5)).toMatchObject({ order: [2, 1, 0] });
  });

  it("falls back to the default when the PEs do not agree, and tells what each would do", () => {
    const mixed = [pe("10.0.0.1", { algorithm: 2, preference: 9 }), pe("10.0.0.2")];
    const result = electForwarder(mixed, ESI, 1);
    expect(result).toMatchObject({ algorithm: 0, disagree: true, winner: 1 });
    expect(result.reason).toContain("different algorithms");
    expect(electForwarder(mixed, ESI, 1, mixed[0]).winner).toBe(0);
    const capabilities = [pe("10.0.0.1", { bitmap: AC_DF }), pe("10.0.0.2")];
    expect(electForwarder(capabilities, ESI, 1)).toMatchObject({ disagree: true, acDf: false });
    const unknown = [pe("10.0.0.1", { algorithm: 9 }), pe("10.0.0.2", { algorithm: 9 })];
    expect(electForwarder(unknown, ESI, 1)).toMatchObject({ algorithm: 0, winner: 1 });
  });

  it("under AC-DF leaves out PEs without A-D routes", () => {
    const three = [
      pe("10.0.0.1", { bitmap: AC_DF, perEs: false }),
      pe("10.0.0.2", { bitmap: AC_DF, perEvi: false }),
      pe("10.0.0.3", { bitmap: AC_DF }),
    ];
    expect(electForwarder(three, ESI, 0)).toMatchObject({ winner: 2, order: [2], acDf: true });
    const without = three.map((one) => ({ ...one, bitmap: 0 }));
    expect(electForwarder(without, ESI, 0)).toMatchObject({ winner: 0, order: [0, 1, 2] });
  });

  it("is nobody when nobody stands", () => {
    expect(electForwarder([], ESI, 1)).toMatchObject({ winner: -1, reason: "no candidate" });
    const gone = [pe("10.0.0.1", { bitmap: AC_DF, perEs: false })];
    expect(electForwarder(gone, ESI, 1).winner).toBe(-1);
  });
});
