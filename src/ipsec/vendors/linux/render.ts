/**
 * A gateway's tunnels as the kernel takes them, in files for `ip -batch`:
 *
 * - fail-closed: protected networks are unreachable unless a better route says otherwise. First of all, and
 *   kept whatever dies;
 * - links: interfaces of route-based tunnels and their routes;
 * - policies: what must be encrypted, and towards whom; without an SA it is not sent;
 * - states: SAs with keys set by hand, for a test or an emergency. An IKE daemon makes them otherwise.
 */
import {
  cipherRow,
  integrityRow,
  type EspProposal,
  type Gateway,
  type TunnelSide,
} from "../../model/index.js";
import { fitAll } from "../capability.js";
import {
  localAddress,
  RenderReport,
  textOf,
  type RenderOrder,
  type Rendering,
} from "../rendering.js";
import { interfaceIds, linkLines, type InterfaceId } from "./links.js";
import { HASH_OCTETS, KEY_OCTETS, LINUX } from "./words.js";

/** Worse than any route that somebody makes, better than none. */
const LAST_METRIC = 4_294_967_294;
const FIRST_SPI = 0x1000;

export function renderLinux(order: RenderOrder): Rendering {
  const report = new RenderReport(order);
  const { gateway } = order;
  const sides = fitAll(order.sides, LINUX, report);
  const ids = interfaceIds(sides);
  const known = sides.flatMap((side, index) => {
    const local = localAddress(side, gateway);
    const remote = side.remote.reach.kind === "static" ? side.remote.reach.address : undefined;
    if (local !== undefined && remote !== undefined) return [{ side, index, local, remote }];
    const message = "the kernel wants both outside addresses, and one is not known";
    report.refuse(side.tunnel, "vendor-address", message, "give the gateway a static address");
    return [];
  });
  const parts = [
    { name: "fail-closed", lines: failClosedLines(sides) },
    { name: "links", lines: linkLines(gateway, sides, ids) },
    { name: "policies", lines: known.flatMap((one) => policyLines(one, ids.get(one.side.tunnel))) },
    {
      name: "states",
      lines: known.flatMap((one) => stateLines(one, ids.get(one.side.tunnel), report)),
    },
  ];
  remarks(gateway, sides, report);
  return report.rendering(
    parts
      .filter(({ lines }) => lines.length > 0)
      .map(({ name, lines }) => ({ name: `${gateway.name}.${name}.ip`, text: textOf(lines) })),
  );
}

function failClosedLines(sides: readonly TunnelSide[]): string[] {
  const prefixes = new Set(
    sides
      .filter(({ failClosed }) => failClosed)
      .flatMap(({ remoteNetworks, remoteVteps }) => [...remoteNetworks, ...remoteVteps]),
  );
  return [...prefixes].map((prefix) => {
    const family = prefix.includes(":") ? "-6 " : "";
    return `${family}route replace unreachable ${prefix} metric ${LAST_METRIC}`;
  });
}

interface Known {
  readonly side: TunnelSide;
  readonly index: number;
  readonly local: string;
  readonly remote: string;
}

function policyLines({ side, index, local, remote }: Known, id: InterfaceId | undefined): string[] {
  const { child, selectors } = side;
  const mark = id === undefined ? "" : ` if_id ${id.id}`;
  const protocol = child.proposals[0]?.protocol ?? "esp";
  const template = (from: string, to: string) =>
    ` tmpl src ${from} dst ${to} proto ${protocol} reqid ${index + 1} mode ${child.mode} level required`;
  return selectors.flatMap((selector) => {
    const far = `${selector.remote}`;
    const [out, back] = [
      match(selector.local, far, selector.protocol, selector.localPort, selector.remotePort),
      match(far, selector.local, selector.protocol, selector.remotePort, selector.localPort),
    ];
    return [
      `xfrm policy add ${out} dir out${mark}${template(local, remote)}`,
      `xfrm policy add ${back} dir in${mark}${template(remote, local)}`,
      `xfrm policy add ${back} dir fwd${mark}${template(remote, local)}`,
    ];
  });
}

function match(
  from: string,
  to: string,
  protocol: number,
  fromPort: number,
  toPort: number,
): string {
  const parts = [`src ${from} dst ${to}`];
  if (protocol !== 0) parts.push(`proto ${protocol}`);
  if (fromPort !== 0) parts.push(`sport ${fromPort}`);
  if (toPort !== 0) parts.push(`dport ${toPort}`);
  return parts.join(" ");
}

function stateLines(
  { side, index, local, remote }: Known,
  id: InterfaceId | undefined,
  report: RenderReport,
): string[] {
  const [proposal] = side.child.proposals;
  if (proposal === undefined) return [];
  const mark = id === undefined ? "" : ` if_id ${id.id}`;
  const spi = FIRST_SPI + 2 * index;
  // Both ends count alike: what the first end sends has the even number.
  const own = side.end === 0 ? spi : spi + 1;
  const far = side.end === 0 ? spi + 1 : spi;
  return [
    { from: local, to: remote, spi: own },
    { from: remote, to: local, spi: far },
  ].map(
    ({ from, to, spi: number }) =>
      `xfrm state add src ${from} dst ${to} proto ${proposal.protocol} spi 0x${number.toString(16)}` +
      ` reqid ${index + 1} mode ${side.child.mode}${replay(side, proposal)}${mark}` +
      keys(side.tunnel, number, proposal, report),
  );
}

/** Beyond 32 packets, and with extended numbers, the kernel wants the larger form. */
function replay({ child }: TunnelSide, { esn }: EspProposal): string {
  const { replayWindow } = child;
  if (esn) return ` replay-window ${Math.max(1, replayWindow)} flag esn`;
  return replayWindow === 0 ? "" : ` replay-window ${replayWindow}`;
}

function keys(tunnel: string, spi: number, proposal: EspProposal, report: RenderReport): string {
  const { encryption, integrity, protocol } = proposal;
  const key = (octets: number, what: string) =>
    report.secret(`${tunnel}-${spi.toString(16)}-${what}-${octets * 8}-bit`);
  const cipher = LINUX.espCiphers[encryption] ?? "";
  if (cipherRow(encryption).aead) {
    return ` aead ${cipher} ${key(KEY_OCTETS[encryption] ?? 0, "aead")} 128`;
  }
  const parts: string[] = [];
  if (integrity !== undefined) {
    const { icv } = integrityRow(integrity);
    const name = LINUX.integrities[integrity] ?? "";
    parts.push(` auth-trunc ${name} ${key(HASH_OCTETS[integrity] ?? 0, "auth")} ${icv * 8}`);
  }
  if (protocol === "esp") {
    const octets = KEY_OCTETS[encryption] ?? 0;
    parts.push(` enc ${cipher} ${octets === 0 ? '""' : key(octets, "enc")}`);
  }
  return parts.join("");
}

function remarks(gateway: Gateway, sides: readonly TunnelSide[], report: RenderReport): void {
  report.byHand(
    "Load the files in this order: fail-closed, links, policies; ip -batch FILE. An IKE daemon makes the states.",
  );
  report.byHand(
    "The states file is for keys set by hand (0x…, random, one for each direction): no rekeying and no forward secrecy, so for tests and emergencies alone.",
  );
  for (const { tunnel, failClosed } of sides) {
    if (failClosed) continue;
    const message = "nothing keeps the tunnel's networks from leaving in clear when it is down";
    report.warn(tunnel, "vendor-fail-open", message, "switch fail-closed on");
  }
  if (gateway.policies.length > 0 || gateway.nat.overloads.length > 0) {
    report.byHand(
      "Policies between zones and translation are the packet filter's matter: write them for nftables.",
    );
  }
}
