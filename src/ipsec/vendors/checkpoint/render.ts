/** A gateway's tunnels for a Check Point management server: calls of its API, and a checklist for people. */
import { fitAll } from "../capability.js";
import { RenderReport, textOf, type RenderOrder, type Rendering } from "../rendering.js";
import { apiCalls } from "./calls.js";
import { checklist } from "./checklist.js";
import { objectsFor } from "./objects.js";
import { CHECKPOINT } from "./words.js";

export function renderCheckpoint(order: RenderOrder): Rendering {
  const report = new RenderReport(order);
  const { gateway } = order;
  const sides = fitAll(order.sides, CHECKPOINT, report);
  const objects = objectsFor(gateway, sides, report);
  const calls = apiCalls(objects, sides, report);
  const steps = checklist(objects, sides, report);
  if (gateway.nat.exemptions.length + gateway.nat.overloads.length > 0) {
    report.byHand(
      "Switch translation off inside the VPN community, so that tunnel traffic keeps its addresses.",
    );
  }
  if (gateway.permitIpsec) {
    report.warn(
      undefined,
      "vendor-permit-ipsec",
      "Check Point always asks its rule base about tunnel traffic",
      "the rule of the tunnel permits it; nothing else to do",
    );
  }
  for (const { tunnel, start, ike } of sides) {
    if (start === "start") {
      report.byHand(
        `Make the tunnel ${tunnel} permanent in its community, so that it comes up without traffic.`,
      );
    }
    if (ike.detection.kind === "dpd") {
      report.byHand(
        `Set dead peer detection for the peer of ${tunnel}: tunnel_keepalive_method dpd.`,
      );
    }
  }
  return report.rendering([
    { name: `${gateway.name}.checkpoint.json`, text: `${JSON.stringify(calls, null, 2)}\n` },
    { name: `${gateway.name}.checkpoint.txt`, text: textOf(steps) },
  ]);
}
