import { describe, expect, test } from "vitest";
import { AcceptGate } from "../../../src/bgp/session/accept-gate.js";
import { DynamicRanges } from "../../../src/bgp/session/dynamic-ranges.js";
import { FakeClock, range } from "./harness.js";

const KNOWN = "10.0.0.1";

function gate(rate: number) {
  const clock = new FakeClock();
  const made = new AcceptGate(clock, rate, (address) => address !== "192.0.2.1");
  const knock = (times: number, from = KNOWN): string =>
    Array.from({ length: times }, () => made.judge(from))
      .map((verdict) => verdict[0])
      .join("");
  return { clock, made, knock };
}

describe("who connects too often", () => {
  test("has five seconds' worth at once, then the rate", () => {
    const { clock, knock } = gate(2);
    expect(knock(11)).toBe("kkkkkkkkkkt");
    clock.advance(1000, () => {});
    expect(knock(3)).toBe("kkt");
    clock.advance(60_000, () => {});
    expect(knock(11)).toBe("kkkkkkkkkkt");
  });

  test("takes nothing from others, and a rate of 0 is none", () => {
    const { made, knock } = gate(1);
    expect(knock(6)).toBe("kkkkkt");
    expect(knock(1, "10.0.0.2")).toBe("k");
    made.rate = 0;
    expect(knock(100)).toBe("k".repeat(100));
  });

  test("is forgotten when thousands of others came since: memory is bounded", () => {
    const { knock } = gate(1);
    expect(knock(6)).toBe("kkkkkt");
    for (let i = 0; i < 4096; i++) knock(1, `10.1.${i >> 8}.${i & 255}`);
    expect(knock(1)).toBe("k");
  });
});

test("a stranger is one whatever the rate", () => {
  expect(gate(0).knock(2, "192.0.2.1")).toBe("ss");
});

describe("accept lists of a range", () => {
  const found = (ranges: DynamicRanges, address: string): string =>
    ranges.find(address)?.prefix ?? "stranger";

  test("deny beats allow, and what is neither is a stranger", () => {
    const ranges = new DynamicRanges([
      range("10.0.0.0/8", {
        allow: ["10.1.0.0/16", "10.2.0.0/16"],
        deny: ["10.1.9.0/24", "10.2.0.7/32"],
      }),
    ]);
    expect(found(ranges, "10.1.0.1")).toBe("10.0.0.0/8");
    expect(found(ranges, "10.2.0.6")).toBe("10.0.0.0/8");
    for (const address of ["10.1.9.1", "10.2.0.7", "10.3.0.1", "11.0.0.1"]) {
      expect(found(ranges, address)).toBe("stranger");
    }
  });

  test("what the longest range denies no wider one lets in", () => {
    const ranges = new DynamicRanges([
      range("0.0.0.0/0"),
      range("10.0.0.0/8", { deny: ["10.9.0.0/16"] }),
    ]);
    expect(found(ranges, "10.9.0.1")).toBe("stranger");
    expect(found(ranges, "10.8.0.1")).toBe("10.0.0.0/8");
    expect(found(ranges, "11.0.0.1")).toBe("0.0.0.0/0");
  });
});
