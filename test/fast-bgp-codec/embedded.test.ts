/**
 * BMP and MRT records carry BGP messages and attribute lists; what FRR and GoBGP put there decodes as
 * the vectors say. The wrappers themselves are not the codec's.
 */
import { describe, expect, it } from "vitest";
import { decodeAttributes } from "../../src/fast-bgp-codec/attribute/list.js";
import { decodeMessage, encodeMessage } from "../../src/fast-bgp-codec/message.js";
import { loadVectors, octets } from "./vectors.js";

const MARKER = "ff".repeat(16);

/** The BGP messages inside a record, found by their markers. */
function messagesIn(hex: string): string[] {
  const found: string[] = [];
  for (let at = hex.indexOf(MARKER); at >= 0; at = hex.indexOf(MARKER, at)) {
    if (at % 2 !== 0) {
      at++;
      continue;
    }
    const length = 2 * parseInt(hex.slice(at + 32, at + 36), 16);
    found.push(hex.slice(at, at + length));
    at += length;
  }
  return found;
}

/** Everything below `value` that is a decoded message, in order. */
function decodedIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  if ("message" in value) return [value];
  return Object.values(value).flatMap(decodedIn);
}

/** Without what a monitored route need not have (GoBGP shows own routes without AS_PATH), and the layout. */
function bare(message: object): object {
  return { ...message, layout: undefined, outcome: undefined };
}

describe.each([
  ["captured-bmp", 12, 10],
  ["captured-mrt", 13, 9],
])("%s", (file, vectorCount, messageCount) => {
  const vectors = loadVectors(file);
  it("holds messages that decode as it says, and encode again", () => {
    expect(vectors).toHaveLength(vectorCount);
    let messages = 0;
    for (const vector of vectors) {
      const expected = decodedIn(vector.decoded);
      const hexes = messagesIn(vector.hex);
      expect(hexes, vector.name).toHaveLength(expected.length);
      for (const [i, hex] of hexes.entries()) {
        messages++;
        const message = decodeMessage(octets(hex));
        expect(Buffer.from(encodeMessage(message)).toString("hex")).toBe(hex);
        // Two records hold a malformed list that the reference decoder read beyond its end.
        const short = JSON.stringify(expected[i]).includes('"length":7,"value":["rt:257:0"]');
        if (short) expect(message).toMatchObject({ outcome: { treatment: "treat-as-withdraw" } });
        else expect(bare(message)).toEqual(bare(expected[i]!));
      }
    }
    expect(messages).toBe(messageCount);
  });
});

describe("attribute lists of table dumps (RFC 6396 section 4.3.4)", () => {
  it("decode without the envelope of a message", () => {
    let lists = 0;
    for (const vector of loadVectors("captured-mrt")) {
      const entries = (vector.decoded?.["entries"] ?? []) as { attributesHex: string }[];
      for (const { attributesHex } of entries) {
        lists++;
        const bytes = octets(attributesHex);
        const attributes = decodeAttributes(bytes, 0, bytes.length);
        const octetsSeen = attributes.reduce(
          (sum, a) => sum + a.length! + ((Number(a.flags) & 0x10) !== 0 ? 4 : 3),
          0,
        );
        expect(octetsSeen).toBe(bytes.length);
        // MP_REACH_NLRI is abbreviated there to a next hop: not what a message may hold.
        const odd = attributes.filter((a) => a.malformed === true).map((a) => a.code);
        expect(odd.every((code) => code === 14 || code === 16)).toBe(true);
      }
    }
    expect(lists).toBeGreaterThan(0);
  });
});
