import { expect, test } from "vitest";
import { ControlError } from "../../src/bgp/control.js";
import { LocalControl } from "../../src/bgp/local-control.js";
import type { LocalControlParts } from "../../src/bgp/local-control.js";
import { systemClock } from "../../src/util/clock.js";

test("what is no address is refused in words, before anything is looked up", async () => {
  const control = new LocalControl({ clock: systemClock, peers: {} } as LocalControlParts);
  const refusal = new ControlError("invalid", '"foo" is no IP address; peers go by theirs');
  await expect(control.peer("foo")).rejects.toEqual(refusal);
  await expect(control.resetPeer("foo", "")).rejects.toEqual(refusal);
  await expect(control.shutdownPeer("foo", "")).rejects.toEqual(refusal);
  await expect(control.enablePeer("foo")).rejects.toEqual(refusal);
  await expect(control.softClear("foo", "in")).rejects.toEqual(refusal);
});
