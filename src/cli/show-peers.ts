/** evpnctl show peers */
import type { Command } from "commander";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { clean, formatAge, formatTable } from "./text.js";
import type { PeerAnswer } from "./wire.js";

export function addShowPeers(show: Command, host: CliHost): void {
  show
    .command("peers")
    .description("every peer, one line each")
    .action(async (_options, command: Command) => {
      const { peers } = await clientOf(command, host).get<{ peers: PeerAnswer[] }>("/v1/peers");
      if (wantsJson(command)) printJson(host, peers);
      else host.out(formatPeers(peers, host));
    });
}

export function formatPeers(peers: readonly PeerAnswer[], host: CliHost): string {
  if (peers.length === 0) {
    return "No peer yet. Dynamic peers appear when they connect; README.md shows how.\n";
  }
  const sum = (peer: PeerAnswer, field: "accepted" | "advertised") =>
    String(peer.families.reduce((total, family) => total + family[field], 0));
  const table = formatTable(
    peers,
    [
      { title: "Peer", value: (peer) => peer.address },
      { title: "AS", value: (peer) => String(peer.as ?? "any"), right: true },
      { title: "Kind", value: (peer) => peer.kind },
      { title: "State", value: (peer) => (peer.adminDown ? "Shutdown" : peer.state) },
      { title: "Since", value: (peer) => formatAge(host.now() - peer.since), right: true },
      { title: "In", value: (peer) => sum(peer, "accepted"), right: true },
      { title: "Out", value: (peer) => sum(peer, "advertised"), right: true },
      { title: "Name", value: (peer) => peer.description || (peer.hostName ?? ""), flexible: true },
    ],
    host.columns,
  );
  const troubled = peers.filter(
    (peer) => peer.state !== "Established" && peer.lastError !== undefined,
  );
  const notes = [
    ...troubled.map((peer) => `${peer.address}: ${clean(peer.lastError ?? "")}\n`),
    ...peers.flatMap(({ address, slow }) =>
      slow === undefined ? [] : [`${address}: slow for ${formatAge(host.now() - slow.since)}\n`],
    ),
  ];
  return notes.length === 0 ? table : `${table}\n${notes.join("")}`;
}
