import { expect, test } from "vitest";
import { isHard, wrapHardReset } from "../../../src/bgp/session/hard-reset.js";
import { describeEnd } from "../../../src/bgp/session/session-end.js";

test("decisions and limits are hard, accidents are not (RFC 8538 section 5.1)", () => {
  const hard = [1, 2, 3, 4, 9];
  for (let subcode = 0; subcode <= 10; subcode++) {
    expect(isHard(6, subcode)).toBe(hard.includes(subcode));
  }
  for (const code of [1, 2, 3, 4, 5, 7, 8]) expect(isHard(code, 2)).toBe(false);
});

test("a hard reset holds the whole NOTIFICATION, and none another", () => {
  const wrapped = wrapHardReset({ code: 6, subcode: 2, data: Uint8Array.of(1, 65) });
  expect(wrapped).toEqual({ code: 6, subcode: 9, data: Uint8Array.of(6, 2, 1, 65) });
  expect(wrapHardReset(wrapped)).toEqual(wrapped);
});

test("the end of a session is known by what the hard reset wraps", () => {
  const cause = { reason: "notification-received", detail: "" };
  const told = (subcode: number, ...data: number[]) => ({
    code: 6,
    subcode,
    data: Uint8Array.from(data),
    fromPeer: true,
  });
  expect(describeEnd(cause, told(9, 6, 4))).toMatchObject({ code: 6, subcode: 4, hard: true });
  expect(describeEnd(cause, told(9))).toMatchObject({ code: 6, subcode: 9, hard: true });
  // The peer knows itself what it means in notification mode.
  expect(describeEnd(cause, told(2))).toMatchObject({ code: 6, subcode: 2, hard: false });
  const ours = { code: 6, subcode: 3, data: new Uint8Array(0), fromPeer: false };
  expect(describeEnd(cause, ours)).toMatchObject({ subcode: 3, hard: true });
});
