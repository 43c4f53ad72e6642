/** A relay printed as configuration lines, in the order in which an edge router prints them. */
import { DEFAULT_PORTS, DEFAULT_ROUTER, type LineRouter, type RelayKind } from "./model.js";

const KINDS: readonly RelayKind[] = ["authentication", "accounting"];

/** @param say what is printed in a secret's place */
export function formatLines(
  routers: readonly LineRouter[],
  say: (secret: string) => string,
): string {
  const lines: string[] = [];
  for (const { name, relays, servers } of routers) {
    if (name !== DEFAULT_ROUTER || routers.length > 1) lines.push(`virtual-router ${name}`);
    for (const { kind, address, secret, port, disconnect } of servers) {
      lines.push(`radius ${kind} server ${address}`);
      if (port !== undefined && port !== DEFAULT_PORTS[kind]) lines.push(` udp-port ${port}`);
      if (secret !== undefined) lines.push(` key ${say(secret)}`);
      if (disconnect) lines.push(" subscriber disconnect");
    }
    for (const kind of KINDS) {
      const relay = relays.get(kind);
      if (relay === undefined) continue;
      lines.push(`radius relay ${kind} server`);
      for (const { address, mask, secret } of relay.keys) {
        lines.push(` key ${address} ${mask} ${say(secret)}`);
      }
      lines.push(` udp-port ${relay.port ?? DEFAULT_PORTS[kind]}`);
    }
    lines.push("!");
  }
  return lines.map((line) => `${line}\n`).join("");
}
