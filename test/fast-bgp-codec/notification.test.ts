import { describe, expect, it } from "vitest";
import {
  decodeNotification,
  describeNotification,
  encodeNotification,
  shutdownData,
  shutdownText,
} from "../../src/fast-bgp-codec/notification.js";
import { octets } from "./vectors.js";

const cease = (
  subcode: number,
  data: Uint8Array = new Uint8Array(0),
): { code: number; subcode: number; data: Uint8Array } => ({ code: 6, subcode, data });

describe("NOTIFICATION (RFC 4271 section 4.5)", () => {
  it("both ways", () => {
    const bytes = encodeNotification({ code: 3, subcode: 6, data: octets("40010105") });
    expect(Buffer.from(bytes).toString("hex")).toBe(`${"ff".repeat(16)}001903${"0306"}40010105`);
    expect(decodeNotification(bytes, 0, bytes.length)).toEqual({
      code: 3,
      subcode: 6,
      data: octets("40010105"),
    });
  });
  it("cuts data that no message can hold", () => {
    expect(encodeNotification({ code: 3, subcode: 1, data: new Uint8Array(70000) })).toHaveLength(
      4096,
    );
  });
  it.each([
    [{ code: 4, subcode: 0, data: new Uint8Array(0) }, "4/0 Hold Timer Expired"],
    [
      { code: 3, subcode: 6, data: octets("40010105") },
      "3/6 UPDATE Message Error, Invalid ORIGIN Attribute [40010105]",
    ],
    [{ code: 99, subcode: 1, data: new Uint8Array(0) }, "99/1 Unknown"],
    [cease(2, shutdownData("maintenance")), '6/2 Cease, Administrative Shutdown: "maintenance"'],
    [
      cease(9, octets("060204646f776e")),
      '6/9 Cease, Hard Reset (6/2 Cease, Administrative Shutdown: "down")',
    ],
    [cease(9, octets("0609060906")), "6/9 Cease, Hard Reset (6/9 Cease, Hard Reset)"],
    [cease(2, octets("02c328")), "6/2 Cease, Administrative Shutdown [02c328]"],
    [cease(2, octets("05616263")), "6/2 Cease, Administrative Shutdown [05616263]"],
  ])("%j reads %s", (notification, text) => {
    expect(describeNotification(notification)).toBe(text);
  });
});

describe("shutdown communication (RFC 9003)", () => {
  it("both ways, in any script", () => {
    for (const text of ["", "maintenance", "обслуживание", "停止 🛠"]) {
      expect(shutdownText(cease(2, shutdownData(text)))).toBe(text);
    }
  });
  it("is at most 128 octets unless asked, and never ends inside a character", () => {
    expect(shutdownData("x".repeat(300))).toHaveLength(129);
    expect(shutdownData("x".repeat(300), 255)).toHaveLength(256);
    expect(shutdownData("x".repeat(600), 999)).toHaveLength(256);
    expect(shutdownText(cease(4, shutdownData("ж".repeat(80), 127)))).toBe("ж".repeat(63));
  });
  it("leaves NUL out", () => {
    expect(shutdownText(cease(2, shutdownData("a\0b")))).toBe("ab");
  });
  it("cannot move a terminal's cursor or forge a line", () => {
    const text = describeNotification(cease(2, shutdownData('\u001b[2J\r\n"x\u202e\u2028\\')));
    expect(text).toBe(
      '6/2 Cease, Administrative Shutdown: "\\u{1b}[2J\\u{d}\\u{a}\\u{22}x\\u{202e}\\u{2028}\\u{5c}"',
    );
  });
  it("belongs to subcodes 2 and 4 only", () => {
    expect(shutdownText(cease(3, shutdownData("text")))).toBeUndefined();
    expect(shutdownText(cease(2))).toBeUndefined();
  });
});
