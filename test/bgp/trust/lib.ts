/** A VNF whose routes need trust, beside a listener, in a reflector that a test holds in its hand. */
import { expect } from "vitest";
import { RouteExplainer } from "../../../src/bgp/route-explain.js";
import type { RouteExplanation } from "../../../src/bgp/policy-view.js";
import { PEER_OPTION_DEFAULTS } from "../../../src/bgp/settings.js";
import { encodeEndOfRib } from "../../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { maskOf } from "../../model/lib/peer.js";
import { guard, required } from "../lib/gatekeeper.js";
import { evpnUpdate, Speaker, type Line } from "../lib/speaker.js";
import { mac } from "../lib/tables.js";

export const END = encodeEndOfRib(Family.Evpn);
export const VNF = "10.0.0.66";
export const RTC = maskOf(Family.Evpn, Family.RouteTarget);
export const own = mac(1);
export const others = mac(2);

/** A VNF that needs trust, and a listener with a route of its own. */
export function bench(state: "trusted" | "untrusted" | "unknown" = "unknown", over = {}) {
  const speaker = new Speaker();
  const guarded = guard(speaker, (address) =>
    address === VNF ? { ...PEER_OPTION_DEFAULTS, trust: required() } : undefined,
  );
  guarded.gate.states.set(VNF, state);
  const listener = speaker.up();
  listener.say(evpnUpdate([others]));
  const vnf = speaker.up({ address: VNF, id: 66, trust: required(), ...over });
  vnf.say(evpnUpdate([own]));
  vnf.say(END);
  speaker.run();
  const clean = (): void => expect(speaker.reflector.audit()).toEqual([]);
  const set = (next: "trusted" | "untrusted" | "stale"): void => {
    guarded.gate.set(VNF, next);
    speaker.run();
  };
  return { speaker, ...guarded, listener, vnf, clean, set };
}

export const kinds = (line: Line): string[] => line.take().map(({ kind }) => kind);

export function explain(speaker: Speaker, wanted = {}): RouteExplanation {
  let found: RouteExplanation | undefined;
  const job = new RouteExplainer(speaker.reflector, { table: "all", ...wanted }, (one) => {
    found = one;
  });
  while (!job.step());
  return found!;
}
