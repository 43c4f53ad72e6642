/**
 * The same for people, and for management servers without an API (NG and its heirs in traditional mode): what
 * to make, where to click, which values; every step a box to tick.
 */
import type { ManagedObjects, TunnelSide } from "../../model/index.js";
import { withMask } from "../text/ipv4.js";
import type { RenderReport } from "../rendering.js";
import { endObjects } from "./calls.js";
import { CHECKPOINT } from "./words.js";

export function checklist(
  objects: ManagedObjects,
  sides: readonly TunnelSide[],
  report: RenderReport,
): string[] {
  const steps = [
    ...networkSteps(objects),
    ...gatewaySteps(objects),
    ...sides.flatMap((side) => ikeSteps(side, objects, report)),
    ...ruleSteps(objects, sides),
    `Install the policy package "${objects.package}" on the managed gateway; nothing takes effect before.`,
    "Look at the tunnel's state in the status window, then at the log for key installation.",
  ];
  const width = String(steps.length).length;
  return steps.map((step, index) => `[ ] ${String(index + 1).padStart(width)}. ${step}`);
}

function networkSteps({ networks }: ManagedObjects): string[] {
  return networks.map(({ name, prefix }) => `Network object "${name}": ${withMask(prefix)}.`);
}

function gatewaySteps({ gateways }: ManagedObjects): string[] {
  return gateways.flatMap(
    ({ name, address, interoperable, topology, vpnDomain, subnetKeyExchange }) => [
      interoperable
        ? `Gateway object "${name}" at ${address}: type gateway, interoperable VPN device of another maker.`
        : `Gateway object "${name}" at ${address}: managed here, VPN switched on.`,
      ...topology.map(
        (one) =>
          `"${name}", topology: interface ${one.name} is ${one.side}${one.address === undefined ? "" : `, ${one.address}`}.`,
      ),
      `"${name}", VPN domain: set by hand to "${vpnDomain}".`,
      `"${name}", VPN advanced: key exchange for subnets ${subnetKeyExchange ? "on" : "off"}.`,
    ],
  );
}

function ikeSteps(side: TunnelSide, objects: ManagedObjects, report: RenderReport): string[] {
  const { ike, child, authentication } = side;
  const ends = endObjects(side, objects).map((object) => object?.name ?? "?");
  const [phase1] = ike.proposals;
  const [phase2] = child.proposals;
  if (phase1 === undefined || phase2 === undefined) return [];
  const cipher = word(CHECKPOINT.ikeCiphers[phase1.encryption]);
  const hash = word(CHECKPOINT.integrities[phase1.integrity ?? "sha1"]);
  const group = (CHECKPOINT.groups[phase1.group] ?? "").replace("group-", "group ");
  const secret =
    authentication.kind === "psk"
      ? [
          `"${ends[0] ?? ""}", pre-shared secrets: peer "${ends[1] ?? ""}", ${report.secret(authentication.secret)}.`,
        ]
      : [
          `"${ends[1] ?? ""}": matching criteria of the certificate "${authentication.own.certificate}".`,
        ];
  const pfs =
    phase2.pfs === undefined
      ? "off"
      : (CHECKPOINT.groups[phase2.pfs] ?? "").replace("group-", "group ");
  return [
    ...ends.map(
      (name) =>
        `"${name}", IKE properties: encryption ${cipher}, integrity ${hash}, ${group}, ` +
        `authentication by ${authentication.kind === "psk" ? "pre-shared secret" : "certificate"}.`,
    ),
    ...secret,
    `"${ends[0] ?? ""}", IKE advanced: aggressive mode ${ike.mode === "aggressive" ? "on" : "off"}, ` +
      `renegotiate phase 1 every ${phase1.lifetimeSeconds / 60} minutes, phase 2 every ${child.lifetimeSeconds} seconds.`,
    `Encryption properties of tunnel ${side.tunnel}: ESP, encryption ` +
      `${word(CHECKPOINT.espCiphers[phase2.encryption])}, integrity ` +
      `${phase2.integrity === undefined ? "by the cipher" : word(CHECKPOINT.integrities[phase2.integrity])}, ` +
      `perfect forward secrecy ${pfs}, allowed peer gateway "${ends[1] ?? ""}".`,
  ];
}

function ruleSteps({ rules }: ManagedObjects, sides: readonly TunnelSide[]): string[] {
  return rules.map((rule) => {
    const what = rule.action === "encrypt" && sides.length > 0 ? "encrypt" : rule.action;
    return (
      `Rule ${rule.position} of the rule base, "${rule.name}": source {${rule.sources.join(", ")}}, ` +
      `destination {${rule.destinations.join(", ")}}, service ${rule.service}, action ${what}, ` +
      `track ${rule.track}, peer "${rule.peer}".`
    );
  });
}

/** `3des` as the windows show it. */
function word(text: string | undefined): string {
  return (text ?? "").toUpperCase();
}
