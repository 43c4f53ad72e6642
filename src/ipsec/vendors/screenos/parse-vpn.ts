/** `set vpn …` and `set vpn-group …`. */
import { splitPrefix } from "../text/ipv4.js";
import { WordFault, type WordReader } from "../text/words.js";
import { proposals } from "./parse-ike.js";
import type { Statement } from "./statement.js";

export function parseVpn(reader: WordReader): Statement | undefined {
  const name = reader.word("a VPN's name");
  const id = reader.took("id") === undefined ? undefined : reader.number("a VPN's id");
  switch (reader.took("gateway", "bind", "monitor", "proxy-id")) {
    case "gateway":
      return vpn(name, reader);
    case "bind": {
      const to = reader.expect("interface", "zone") as "interface" | "zone";
      const target = `the ${to} it is bound to`;
      return {
        kind: "vpn-bind",
        name,
        id,
        to,
        target: to === "zone" ? reader.word(target) : reader.plain(target),
      };
    }
    case "monitor":
      return monitor(name, reader);
    case "proxy-id":
      return proxyId(name, reader);
    default:
      return undefined;
  }
}

function vpn(name: string, reader: WordReader): Statement {
  const gateway = reader.word("a gateway's name");
  let replay: boolean | undefined;
  let mode: "tunnel" | "transport" = "tunnel";
  let idleTime: number | undefined;
  for (;;) {
    const word = reader.took("no-replay", "replay", "tunnel", "transport", "idletime");
    if (word === undefined) break;
    if (word === "no-replay" || word === "replay") replay = word === "replay";
    else if (word === "idletime") idleTime = reader.number("the idle time in minutes");
    else mode = word as "tunnel" | "transport";
  }
  return { kind: "vpn", name, gateway, replay, mode, idleTime, ...proposals(reader) };
}

function monitor(name: string, reader: WordReader): Statement {
  let [source, destination]: (string | undefined)[] = [];
  let [optimized, rekey] = [false, false];
  while (!reader.done) {
    switch (reader.expect("source-interface", "destination-ip", "optimized", "rekey")) {
      case "source-interface":
        source = reader.plain("an interface");
        break;
      case "destination-ip":
        destination = reader.plain("an address");
        break;
      case "optimized":
        optimized = true;
        break;
      default:
        rekey = true;
    }
  }
  return { kind: "vpn-monitor", name, source, destination, optimized, rekey };
}

function proxyId(name: string, reader: WordReader): Statement {
  reader.took("check");
  reader.expect("local-ip");
  const local = prefix(reader);
  reader.expect("remote-ip");
  const remote = prefix(reader);
  return { kind: "vpn-proxy-id", name, local, remote, service: reader.word("a service") };
}

function prefix(reader: WordReader): string {
  const text = reader.word("a network");
  if (splitPrefix(text) !== undefined) return text;
  throw new WordFault(`"${text}" is no IPv4 network; write 192.0.2.0/24`);
}

export function parseVpnGroup(reader: WordReader): Statement | undefined {
  if (reader.took("id") === undefined) return undefined;
  const id = reader.number("a group's id");
  if (reader.took("vpn") === undefined) return undefined;
  const vpnName = reader.word("a VPN's name");
  const weight = reader.took("weight") === undefined ? 0 : reader.number("a weight");
  return { kind: "vpn-group", id, vpn: vpnName, weight };
}
