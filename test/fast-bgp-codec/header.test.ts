import { describe, expect, it } from "vitest";
import { checkHeader, headerFault } from "../../src/fast-bgp-codec/header.js";
import { KEEPALIVE } from "../../src/fast-bgp-codec/keepalive.js";
import { loadVectors, octets } from "./vectors.js";

function header(length: number, type: number): Uint8Array {
  const bytes = new Uint8Array(19).fill(0xff);
  bytes[16] = length >>> 8;
  bytes[17] = length;
  bytes[18] = type;
  return bytes;
}

function fault(bytes: Uint8Array, most = 4096): string {
  const found = headerFault(bytes, 0, most);
  return found === undefined
    ? "good"
    : `${found.code}/${found.subcode} ${Buffer.from(found.data).toString("hex")}`;
}

describe("RFC 4271 section 6.1", () => {
  it.each([
    ["the shortest OPEN", 29, 1, "good"],
    ["an OPEN too short", 28, 1, "1/2 001c"],
    ["the longest OPEN", 4096, 1, "good"],
    ["the shortest UPDATE", 23, 2, "good"],
    ["an UPDATE too short", 22, 2, "1/2 0016"],
    ["the longest UPDATE", 4096, 2, "good"],
    ["an UPDATE too long", 4097, 2, "1/2 1001"],
    ["the shortest NOTIFICATION", 21, 3, "good"],
    ["a NOTIFICATION too short is not answered", 20, 3, "0/0 "],
    ["a NOTIFICATION too long is not answered", 4097, 3, "0/0 "],
    ["a KEEPALIVE", 19, 4, "good"],
    ["a KEEPALIVE with a body", 20, 4, "1/2 0014"],
    ["a ROUTE-REFRESH", 23, 5, "good"],
    ["a ROUTE-REFRESH too short", 22, 5, "1/2 0016"],
    ["length 18", 18, 4, "1/2 0012"],
    ["length 0", 0, 2, "1/2 0000"],
    ["type 0", 19, 0, "1/3 00"],
    ["type 6", 19, 6, "1/3 06"],
    ["a bad length before an unknown type", 18, 9, "1/2 0012"],
  ])("%s", (_name, length, type, expected) => {
    expect(fault(header(length, type))).toBe(expected);
  });

  it("the marker comes first, whichever octet of it is wrong", () => {
    for (let i = 0; i < 16; i++) {
      for (const value of [0, 0x7f, 0xfe]) {
        const bytes = header(0, 9);
        bytes[i] = value;
        expect(fault(bytes)).toBe("1/1 ");
      }
    }
  });

  it("Extended Message lifts the limit, but not for OPEN and KEEPALIVE (RFC 8654)", () => {
    expect(fault(header(65535, 2), 65535)).toBe("good");
    expect(fault(header(4097, 3), 65535)).toBe("good");
    expect(fault(header(4097, 1), 65535)).toBe("1/2 1001");
    expect(fault(header(4097, 4), 65535)).toBe("1/2 1001");
  });

  it("KEEPALIVE is nineteen octets", () => {
    expect(Buffer.from(KEEPALIVE).toString("hex")).toBe(`${"ff".repeat(16)}001304`);
  });
});

/** The way a session reads: give what has come, take whole messages, keep the rest. */
function read(chunks: readonly Uint8Array[]): string[] {
  const messages: string[] = [];
  let pending = new Uint8Array(0);
  for (const chunk of chunks) {
    pending = new Uint8Array(Buffer.concat([pending, chunk]));
    for (let at = 0; ;) {
      const length = pending.length - at < 19 ? 0 : checkHeader(pending, at, 4096);
      if (length < 0) throw new Error("fault in good input");
      if (length === 0 || at + length > pending.length) {
        pending = pending.slice(at);
        break;
      }
      messages.push(Buffer.from(pending.subarray(at, at + length)).toString("hex"));
      at += length;
    }
  }
  expect(pending).toHaveLength(0);
  return messages;
}

describe("messages cut at awkward places", () => {
  const sample = loadVectors("hand-wellformed").map((vector) => vector.hex);
  it("each message, cut at each of its octets, arrives whole", () => {
    for (const hex of sample) {
      const bytes = octets(hex);
      for (let cut = 0; cut <= bytes.length; cut++) {
        expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual([hex]);
      }
    }
  });
  it("all of them, one octet at a time and all at once", () => {
    const stream = octets(sample.join(""));
    expect(read([stream])).toEqual(sample);
    const bytes = Array.from(stream.subarray(0, 3000), (byte) => new Uint8Array([byte]));
    expect(read([...bytes, stream.subarray(3000)])).toEqual(sample);
  });
});
