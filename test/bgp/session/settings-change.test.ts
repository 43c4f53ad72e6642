/** What a change of a peer's options costs its session. */
import { expect, it } from "vitest";
import { compareOptions } from "../../../src/bgp/session/settings-change.js";
import { PEER_OPTION_DEFAULTS, type AddPathOption } from "../../../src/bgp/settings.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";

it("resets for the directions of ADD-PATH, and changes its limit live", () => {
  const withPaths = (more: Partial<AddPathOption>) => ({
    ...PEER_OPTION_DEFAULTS,
    addPath: [{ family: Family.Evpn, send: true, receive: false, limit: 4, ...more }],
  });
  const before = withPaths({});
  expect(compareOptions(before, withPaths({ limit: 8 }))).toMatchObject({
    changed: ["addPath"],
    needsReset: false,
    work: true,
  });
  for (const after of [
    withPaths({ receive: true }),
    withPaths({ limit: 8, send: false }),
    withPaths({ family: Family.Ipv4Unicast }),
    PEER_OPTION_DEFAULTS,
  ]) {
    expect(compareOptions(before, after).resetBy).toEqual(["addPath"]);
    expect(compareOptions(after, before).resetBy).toEqual(["addPath"]);
  }
});
