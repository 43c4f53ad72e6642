/** Network order against DataView, at every offset of a small buffer, and reads past the end. */
import { describe, expect, it } from "vitest";
import {
  copyBytes,
  equalBytes,
  fromHex,
  readI32,
  readU16,
  readU24,
  readU32,
  readU8,
  toHex,
  writeU16,
  writeU24,
  writeU32,
} from "../../src/util/bytes.js";

const bytes = Uint8Array.from([0x80, 0xff, 0x00, 0x7f, 0xfe, 0x01, 0xc3]);
const view = new DataView(bytes.buffer);

describe("reading", () => {
  it("is big-endian at any offset", () => {
    for (let at = 0; at + 4 <= bytes.length; at++) {
      expect(readU8(bytes, at)).toBe(view.getUint8(at));
      expect(readU16(bytes, at)).toBe(view.getUint16(at));
      expect(readU24(bytes, at)).toBe(view.getUint32(at) >>> 8);
      expect(readU32(bytes, at)).toBe(view.getUint32(at));
      expect(readI32(bytes, at)).toBe(view.getInt32(at));
    }
  });

  it("gives 0 for octets past the end", () => {
    expect(readU8(bytes, 7)).toBe(0);
    expect(readU16(bytes, 6)).toBe(0xc300);
    expect(readU24(bytes, 6)).toBe(0xc30000);
    expect(readU32(bytes, 6)).toBe(0xc3000000);
    expect(readU32(bytes, 100)).toBe(0);
  });
});

describe("writing", () => {
  it("is what is read again, and touches nothing beside", () => {
    for (const value of [0, 1, 0x7f, 0x80, 0xff, 0x1234, 0x8000, 0xffff, 0xfffffe, 0xffffffff]) {
      for (let at = 1; at < 4; at++) {
        for (const [octets, write, read] of [
          [2, writeU16, readU16],
          [3, writeU24, readU24],
          [4, writeU32, readU32],
        ] as const) {
          const target = new Uint8Array(9).fill(0xaa);
          write(target, at, value);
          expect(read(target, at)).toBe(value % 256 ** octets);
          expect([target[at - 1], target[at + octets]]).toEqual([0xaa, 0xaa]);
        }
      }
    }
  });
});

describe("runs", () => {
  it("are copied to where they are asked for, and the end is returned", () => {
    const target = new Uint8Array(6);
    expect(copyBytes(bytes, 1, 4, target, 2)).toBe(5);
    expect([...target]).toEqual([0, 0, 0xff, 0x00, 0x7f, 0]);
    expect(copyBytes(bytes, 4, 4, target, 3)).toBe(3);
  });

  it("are equal up to their length only", () => {
    const other = Uint8Array.from([0xff, 0x00, 0x7f, 0xfd]);
    expect(equalBytes(bytes, 1, other, 0, 3)).toBe(true);
    expect(equalBytes(bytes, 1, other, 0, 4)).toBe(false);
    expect(equalBytes(bytes, 0, other, 0, 0)).toBe(true);
    // Past both ends nothing equals nothing.
    expect(equalBytes(bytes, 6, other, 3, 1)).toBe(false);
  });

  it("are hex and back, and bad hex is undefined", () => {
    expect(toHex(bytes)).toBe("80ff007ffe01c3");
    expect(toHex(bytes, 2, 4)).toBe("007f");
    expect(toHex(bytes.subarray(3), 1)).toBe("fe01c3");
    expect(toHex(bytes, 4, 2)).toBe("");
    expect(fromHex("80FF007ffe01c3")).toEqual(bytes);
    expect(fromHex("")).toEqual(new Uint8Array(0));
    for (const bad of ["0", "0g", "zz", " 0", "0x"]) expect(fromHex(bad)).toBeUndefined();
  });
});
