/** evpnctl show peer ADDRESS [advertised|received] */
import { Argument } from "commander";
import type { Command } from "commander";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { limitFields, limitTable } from "./limits-fields.js";
import { restartFields } from "./restart-fields.js";
import { printRoutes } from "./show-routes.js";
import { formatAge, formatFields, formatTable } from "./text.js";
import type { PeerAnswer } from "./wire.js";

export function addShowPeer(show: Command, host: CliHost): void {
  show
    .command("peer")
    .description("one peer in full, or the routes it has from us, or sent us")
    .argument("<address>", "the peer's address")
    .addArgument(new Argument("[table]", "its routes").choices(["advertised", "received"]))
    .action(
      async (address: string, table: string | undefined, _options: object, command: Command) => {
        const client = clientOf(command, host);
        if (table !== undefined) {
          await printRoutes(client, { table, peer: address }, wantsJson(command), host);
          return;
        }
        const peer = await client.get<PeerAnswer>(`/v1/peers/${encodeURIComponent(address)}`);
        if (wantsJson(command)) printJson(host, peer);
        else host.out(formatPeer(peer, host));
      },
    );
}

/** `trusted: proved 3 s ago; acme/pe/pe-1, address-bound`. */
function trustLine({ trust }: PeerAnswer): string | undefined {
  if (trust === undefined) return undefined;
  const { state, reason, effect, spared, subject, binding } = trust;
  const done = spared === undefined ? effect : `${effect}, would ${spared}`;
  const bound = binding === "address" ? "address-bound" : (binding ?? "not bound");
  const who = subject === "" ? "" : `; ${subject}, ${bound}`;
  return `${state} (${done}): ${reason}${who}`;
}

export function formatPeer(peer: PeerAnswer, host: CliHost): string {
  const local =
    peer.localAddress === undefined
      ? undefined
      : `${peer.localAddress} port ${peer.localPort ?? "?"}, the peer's port ${peer.remotePort ?? "?"}`;
  const security = [
    ...(peer.md5 ? ["TCP MD5"] : []),
    ...(peer.tcpAo === undefined ? [] : [`TCP-AO, chain ${peer.tcpAo}`]),
    ...(peer.ttlSecurityHops > 0 ? [`GTSM, ${peer.ttlSecurityHops} hops`] : []),
  ].join(", ");
  const fields = formatFields(
    [
      ["Peer", peer.address + (peer.dynamic ? " (dynamic)" : "")],
      ["Description", peer.description],
      ["Group", peer.group],
      ["Kind", `${peer.kind}, AS ${peer.as ?? "any"}`],
      ["State", stateLine(peer, host.now())],
      ["Why", peer.state === "Established" ? undefined : peer.lastError],
      ["Router id", peer.routerId],
      ["Host name", peer.hostName],
      ["Software", peer.softwareVersion],
      ["Local", local],
      ["Hold time", peer.holdTime === undefined ? undefined : `${peer.holdTime} s`],
      ["Security", security || "none"],
      ["Trust", trustLine(peer)],
      ["BFD", bfdLine(peer, host.now())],
      ["Capabilities", peer.capabilities.join(", ")],
      ...restartFields(peer.restart),
      ["Waiting", `${peer.pendingBytes} octets, ${peer.backlog} changes not read yet`],
      [
        "Slow",
        peer.slow === undefined ? undefined : `for ${formatAge(host.now() - peer.slow.since)}`,
      ],
      ...limitFields(peer.limits),
      ["Faults", faultLine(peer)],
    ],
    host.columns,
  );
  const families = formatTable(
    peer.families,
    [
      { title: "Family", value: (row) => row.family },
      { title: "Accepted", value: (row) => String(row.accepted), right: true },
      { title: "Advertised", value: (row) => String(row.advertised), right: true },
      { title: "End-of-RIB", value: endOfRib },
    ],
    host.columns,
  );
  const kinds = Object.keys(peer.messages.in);
  const messages = formatTable(
    kinds,
    [
      { title: "Messages", value: (kind) => kind },
      { title: "In", value: (kind) => String(peer.messages.in[kind] ?? 0), right: true },
      { title: "Out", value: (kind) => String(peer.messages.out[kind] ?? 0), right: true },
    ],
    host.columns,
  );
  const limits = limitTable(peer.limits, host.columns);
  return [fields, ...(peer.families.length > 0 ? [families] : []), ...limits, messages].join("\n");
}

function stateLine(peer: PeerAnswer, now: number): string {
  const state = peer.adminDown ? `${peer.state} (administratively shut down)` : peer.state;
  return `${state} for ${formatAge(now - peer.since)}, established ${peer.establishedCount === 1 ? "once" : `${peer.establishedCount} times`}`;
}

function bfdLine({ bfd }: PeerAnswer, now: number): string | undefined {
  if (bfd === undefined) return undefined;
  const why = bfd.state === "Up" || bfd.diag === "none" ? "" : ` (${bfd.diag})`;
  return `${bfd.state} for ${formatAge(now - bfd.since)}${why}`;
}

function endOfRib(row: PeerAnswer["families"][number]): string {
  const sides = [
    ...(row.endOfRibReceived ? ["received"] : []),
    ...(row.endOfRibSent ? ["sent"] : []),
  ];
  return sides.join(", ") || "not yet";
}

function faultLine(peer: PeerAnswer): string {
  const seen = Object.entries(peer.faults).filter(([, count]) => count > 0);
  return seen.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}
