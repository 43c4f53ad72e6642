import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PacketFramer } from "../../../src/radius/radsec/framer.js";

/** A packet of a length, filled with its number. */
function packet(length: number, fill: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(fill);
  bytes[0] = 1;
  bytes[2] = length >> 8;
  bytes[3] = length & 255;
  return bytes;
}

function run(chunks: readonly Uint8Array[]): { packets: Uint8Array[]; fine: boolean } {
  const framer = new PacketFramer();
  const packets: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (!framer.push(chunk, (one) => packets.push(one) > 0)) return { packets, fine: false };
  }
  return { packets, fine: true };
}

const lengths = fc.array(fc.integer({ min: 20, max: 4096 }), { minLength: 1, maxLength: 6 });

describe("packets out of a stream", () => {
  test("RAD-60: cut at every octet, the same packets come out", () => {
    const all = Buffer.concat([packet(20, 7), packet(300, 8), packet(21, 9)]);
    for (let cut = 0; cut <= all.length; cut++) {
      const { packets, fine } = run([all.subarray(0, cut), all.subarray(cut)]);
      expect(fine).toBe(true);
      expect(packets.map(({ length }) => length)).toEqual([20, 300, 21]);
      expect(Buffer.concat(packets).equals(all)).toBe(true);
    }
  });

  test("RAD-60: cut anywhere, packets of any length come out whole and in order", () => {
    fc.assert(
      fc.property(lengths, fc.array(fc.nat(9000), { maxLength: 12 }), (sizes, cuts) => {
        const all = Buffer.concat(sizes.map((size, index) => packet(size, index + 1)));
        const places = [0, ...cuts.map((cut) => cut % (all.length + 1)), all.length];
        places.sort((a, b) => a - b);
        const chunks = places.slice(1).map((end, i) => all.subarray(places[i], end));
        const { packets, fine } = run(chunks);
        expect(fine).toBe(true);
        expect(packets.map(({ length }) => length)).toEqual(sizes);
        expect(Buffer.concat(packets).equals(all)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("RAD-60, RAD-64: a length below 20 or above 4096 ends the stream, wherever it is cut", () => {
    for (const length of [0, 1, 3, 19, 4097, 5000, 65_535]) {
      const head = Uint8Array.of(1, 2, length >> 8, length & 255);
      const good = packet(20, 5);
      const all = Buffer.concat([good, head, new Uint8Array(30)]);
      for (let cut = 0; cut <= all.length; cut++) {
        const { packets, fine } = run([all.subarray(0, cut), all.subarray(cut)]);
        expect(fine).toBe(false);
        expect(packets).toHaveLength(1);
      }
    }
  });

  test("RAD-64: random octets never throw, and never make a packet of a wrong length", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 20 }), (chunks) => {
        const framer = new PacketFramer();
        for (const chunk of chunks) {
          const fine = framer.push(chunk, (one) => {
            expect(one.length).toBe((one[2]! << 8) | one[3]!);
            return true;
          });
          expect(framer.waiting).toBeLessThanOrEqual(4096);
          if (!fine) return;
        }
      }),
      { numRuns: 500 },
    );
  });

  test("packets are copies: what the socket does with its buffer later does not matter", () => {
    const chunk = Buffer.from(packet(20, 7));
    const { packets } = run([chunk]);
    chunk.fill(0);
    expect(packets[0]?.[19]).toBe(7);
  });

  test("who wants no more gets no more", () => {
    const framer = new PacketFramer();
    let count = 0;
    framer.push(Buffer.concat([packet(20, 1), packet(20, 2)]), () => ++count < 1);
    expect(count).toBe(1);
  });
});
