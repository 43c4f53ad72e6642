/** Break-glass: named, signed, ending, once. */
import { expect, test } from "vitest";
import { BreakGlassChecker, signBreakGlass } from "../../../src/asmn/protocol/index.js";
import type { BreakGlass } from "../../../src/asmn/protocol/index.js";
import { DAY, fullRing, GLASS, START, testKey, VERDICT } from "./lib/keys.js";

const GRANT: Omit<BreakGlass, "issuer"> = {
  secEm: "em1",
  audience: "rr1",
  serial: 1,
  operator: "mary",
  why: "the Sec-EM burns",
  tenant: "red",
  vnf: "edge",
  instance: undefined,
  address: "192.0.2.1",
  notBefore: START,
  notAfter: START + 3_600_000,
};

function outcome(
  changes: Partial<BreakGlass> = {},
  wall = START + 1000,
  key = GLASS,
  checker = new BreakGlassChecker("rr1", fullRing()),
): string {
  const result = checker.accept(signBreakGlass({ ...GRANT, ...changes }, key), wall);
  return result.ok
    ? `${result.value.remainingMs / 1000} s for ${result.value.grant.operator}`
    : result.reason;
}

test("ASM-81: it is signed by a certified key, names who and why, and ends by itself", () => {
  expect(outcome()).toBe("3599 s for mary");
  expect(outcome({}, START + 3_600_000)).toBe("expired");
  expect(outcome({}, START - 301_000)).toBe("future");
  expect(outcome({ notAfter: START + DAY + 1 })).toBe("limit");
  expect(outcome({ audience: "rr2" })).toBe("audience");
  expect(outcome({}, START, testKey("mallory"))).toBe("issuer");
  // The key of verdicts is not one for this.
  expect(outcome({}, START, VERDICT)).toBe("issuer");
});

test("ASM-81: each is taken once by a gate, also over a restart", () => {
  const checker = new BreakGlassChecker("rr1", fullRing());
  expect(outcome({}, START, GLASS, checker)).toBe("3600 s for mary");
  expect(outcome({}, START, GLASS, checker)).toBe("serial");
  const restarted = new BreakGlassChecker("rr1", fullRing(), checker.usedGlasses());
  expect(outcome({}, START, GLASS, restarted)).toBe("serial");
  expect(outcome({ serial: 2 }, START, GLASS, restarted)).toBe("3600 s for mary");
});
