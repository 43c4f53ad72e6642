/**
 * A gateway's tunnels as `swanctl.conf`, for a strongSwan that evpnd does not drive itself. What stands in it is
 * what the live driver would load, so that both behave alike; but the daemon has nobody who starts tunnels, so
 * it starts them itself. Route-based tunnels are told their interface by `if_id`; a second file makes those.
 */
import type { TunnelSide } from "../../model/index.js";
import { planOf, type TunnelPlan } from "../../live/plan.js";
import type { ViciSection } from "../../vici/index.js";
import { fitAll } from "../capability.js";
import { interfaceIds, linkLines, type InterfaceId } from "../linux/links.js";
import { RenderReport, textOf, type RenderOrder, type Rendering } from "../rendering.js";
import { confLines, sectionName } from "./conf.js";
import { strongswanOf } from "./words.js";

export function renderStrongswan(order: RenderOrder): Rendering {
  const report = new RenderReport(order);
  const { gateway } = order;
  const sides = fitAll(order.sides, strongswanOf(gateway), report);
  const ids = interfaceIds(sides);
  const connections: Record<string, ViciSection> = {};
  const secrets: Record<string, ViciSection> = {};
  for (const side of sides) {
    const plan = planOf(side);
    connections[sectionName(side.tunnel)] = connection(side, plan, ids.get(side.tunnel), report);
    Object.assign(secrets, secretSections(plan, report));
  }
  const lines = [
    `# ${gateway.name}: swanctl --load-all --file FILE. In place of <secret:...> comes the secret of that name.`,
    ...confLines({ connections, secrets }),
  ];
  const files = [{ name: `${gateway.name}.swanctl.conf`, text: textOf(lines) }];
  const links = linkLines(gateway, sides, ids);
  if (links.length > 0) files.push({ name: `${gateway.name}.links.ip`, text: textOf(links) });
  remarks(sides, links.length > 0, report);
  return report.rendering(files);
}

function connection(
  side: TunnelSide,
  plan: TunnelPlan,
  id: InterfaceId | undefined,
  report: RenderReport,
): ViciSection {
  const {
    local = {},
    remote = {},
    children = {},
    ...rest
  } = plan.section as Record<string, ViciSection>;
  const more = id === undefined ? {} : { if_id_in: String(id.id), if_id_out: String(id.id) };
  const own = Object.fromEntries(
    plan.children.map(({ name }, index) => [
      sectionName(plan.children.length === 1 ? side.tunnel : `${side.tunnel}-${index + 1}`),
      { ...(children[name] as ViciSection), ...more, ...startAction(side) },
    ]),
  );
  return {
    ...rest,
    local: { ...local, ...certificate(plan, report) },
    remote: { ...remote, ...authorities(plan) },
    children: own,
  };
}

/** Loaded over VICI they start nothing: there evpnd does. */
function startAction({ start }: TunnelSide): ViciSection {
  return start === "start" ? { start_action: "start" } : {};
}

function certificate({ certificates }: TunnelPlan, report: RenderReport): ViciSection {
  if (certificates === undefined) return {};
  const { own, privateKey, authorities: signers, peer } = certificates;
  report.byHand(
    `Put the certificate "${own}" into x509/${fileOf(own)}, its key "${privateKey}" into private/.`,
  );
  for (const name of signers)
    report.byHand(`Put the authority's certificate "${name}" into x509ca/${fileOf(name)}.`);
  if (peer !== undefined)
    report.byHand(`Put the peer's certificate "${peer}" into x509/${fileOf(peer)}.`);
  return { certs: [fileOf(own)] };
}

function authorities({ certificates }: TunnelPlan): ViciSection {
  if (certificates === undefined) return {};
  const { peer, authorities: signers } = certificates;
  return {
    ...(signers.length > 0 && { cacerts: signers.map(fileOf) }),
    ...(peer !== undefined && { certs: [fileOf(peer)] }),
  };
}

function fileOf(name: string): string {
  return `${sectionName(name)}.pem`;
}

function secretSections(
  { tunnel, secrets }: TunnelPlan,
  report: RenderReport,
): Record<string, ViciSection> {
  return Object.fromEntries(
    secrets.map(({ secret, type, owners }) => [
      `${type.toLowerCase()}-${sectionName(tunnel)}`,
      {
        ...Object.fromEntries(owners.map((owner, index) => [`id-${index + 1}`, owner])),
        secret: report.secret(secret),
      },
    ]),
  );
}

function remarks(sides: readonly TunnelSide[], links: boolean, report: RenderReport): void {
  if (links) {
    report.byHand(
      "Make the tunnel interfaces before the daemon starts: ip -batch FILE.links.ip (kernel 4.19 or later).",
    );
    report.byHand(
      "Keep the daemon from routing by itself: charon.install_routes = no in strongswan.conf.",
    );
  }
  if (sides.some(({ failClosed }) => failClosed)) {
    report.byHand(
      "Protected networks must not leave in clear when the daemon is gone: load the fail-closed file of the Linux rendering, too.",
    );
  }
}
