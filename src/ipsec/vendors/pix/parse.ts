/**
 * One command of PIX OS 6.2. `undefined`: no command about tunnels, kept as it is; a `WordFault`: one that
 * cannot be read, and why. The forms of 7.x with `crypto isakmp` in front are taken, too.
 *
 * PIX Firewall command reference 6.2: access-list, crypto ipsec, crypto map, isakmp, nat, sysopt.
 */
import { isIPv4 } from "node:net";
import { lengthOfMask } from "../../model/range.js";
import { networkOfMask } from "../text/ipv4.js";
import { secretWord } from "../text/placeholder.js";
import { WordFault, WordReader } from "../text/words.js";
import { parseIsakmp } from "./parse-isakmp.js";
import type { MapDetail, Statement } from "./statement.js";

export function parseCommand(line: string): Statement | undefined {
  const words = line.split(" ").filter((word) => word !== "");
  const reader = new WordReader(words.map((text) => ({ text, quoted: false })));
  const noun = reader.peek() ?? "";
  const run = Object.hasOwn(COMMANDS, noun) ? COMMANDS[noun] : undefined;
  if (run === undefined) return undefined;
  reader.word("a command");
  const statement = run(reader);
  if (statement !== undefined) reader.end();
  return statement;
}

type Run = (reader: WordReader) => Statement | undefined;

const COMMANDS: Readonly<Record<string, Run>> = {
  nameif: (reader) => {
    const hardware = reader.word("an interface");
    const name = reader.word("its name");
    const level = /^security(\d{1,3})$/.exec(reader.word("its security level"))?.[1];
    if (level === undefined) throw new WordFault("the security level is written as security100");
    return { kind: "nameif", hardware, name, level: Number(level) };
  },
  hostname: (reader) => ({ kind: "hostname", name: reader.word("a name") }),
  mtu: (reader) => ({
    kind: "mtu",
    interface: reader.word("an interface"),
    mtu: reader.number("the MTU", 64, 65_535),
  }),
  ip: (reader) => {
    if (reader.took("address") === undefined) return undefined;
    const name = reader.word("an interface");
    const address = reader.word("an address");
    if (!isIPv4(address)) return skip(reader);
    const mask = reader.word("a mask");
    const length = lengthOfMask(mask);
    if (length === undefined) throw new WordFault(`"${mask}" is no mask`);
    return { kind: "address", interface: name, address: `${address}/${length}` };
  },
  "access-list": parseAccess,
  global: (reader) => {
    const name = inParentheses(reader);
    const pool = reader.number("a pool's number");
    const to = reader.left.join(" ");
    while (!reader.done) reader.word("");
    return { kind: "global", interface: name, pool, to };
  },
  nat: parseNat,
  route: (reader) => {
    const name = reader.word("an interface");
    const prefix = network(reader);
    const gateway = reader.word("a gateway");
    return {
      kind: "route",
      interface: name,
      prefix,
      gateway,
      metric: reader.done ? 1 : reader.number("a metric", 1, 255),
    };
  },
  sysopt: (reader) =>
    reader.took("connection") !== undefined &&
    reader.took("permit-ipsec", "permit-vpn") !== undefined
      ? { kind: "permit-ipsec" }
      : skip(reader),
  isakmp: (reader) => parseIsakmp(reader, secretWord),
  crypto: (reader) => {
    switch (reader.took("ipsec", "map", "isakmp")) {
      case "ipsec":
        return parseIpsec(reader);
      case "map":
        return parseMap(reader);
      case "isakmp":
        return parseIsakmp(reader, secretWord);
      default:
        return skip(reader);
    }
  },
};

function skip(reader: WordReader): undefined {
  while (!reader.done) reader.word("");
  return undefined;
}

function inParentheses(reader: WordReader): string {
  const name = /^\(([^()]+)\)$/.exec(reader.word("an interface"))?.[1];
  if (name === undefined) throw new WordFault("the interface is written in parentheses: (inside)");
  return name;
}

/** `192.0.2.0 255.255.255.0`, `host 192.0.2.1`, `any`. */
function network(reader: WordReader): string {
  if (reader.took("any") !== undefined) return "0.0.0.0/0";
  const one = reader.took("host") !== undefined;
  const address = reader.word("a network");
  const mask = one ? "255.255.255.255" : reader.word("a mask");
  // The default route and `nat … 0 0` may be short.
  const found = networkOfMask(
    address === "0" ? "0.0.0.0" : address,
    mask === "0" ? "0.0.0.0" : mask,
  );
  if (found === undefined)
    throw new WordFault(`"${address} ${mask}" is no IPv4 network with its mask`);
  return found;
}

function parseAccess(reader: WordReader): Statement | undefined {
  const list = reader.word("a list's name");
  reader.took("extended");
  const action = reader.took("permit", "deny");
  if (action === undefined) return skip(reader);
  const protocol = reader.word("a protocol").toLowerCase();
  const source = network(reader);
  // Ports: no list for a tunnel has them.
  if (/^(eq|lt|gt|neq|range)$/.test(reader.peek() ?? "")) return skip(reader);
  const destination = network(reader);
  if (!reader.done) return skip(reader);
  return {
    kind: "access-list",
    list,
    action: action as "permit" | "deny",
    protocol,
    source,
    destination,
  };
}

function parseNat(reader: WordReader): Statement | undefined {
  const name = inParentheses(reader);
  const pool = reader.number("a pool's number");
  if (reader.took("access-list") !== undefined) {
    const list = reader.word("a list's name");
    return pool === 0 ? { kind: "nat-exempt", interface: name, list } : skip(reader);
  }
  const prefix = network(reader);
  // Connection and embryonic limits; 0 0 = none.
  const limits = reader.left.join(" ");
  if (limits !== "" && limits !== "0 0" && limits !== "0") return skip(reader);
  skip(reader);
  return { kind: "nat", interface: name, pool, network: prefix };
}

function parseIpsec(reader: WordReader): Statement | undefined {
  if (reader.took("transform-set") !== undefined) {
    const name = reader.word("a transform set's name");
    if (reader.took("mode") !== undefined) {
      reader.expect("transport");
      return { kind: "transform-mode", name };
    }
    const transforms = [reader.word("a transform")];
    while (!reader.done) transforms.push(reader.word("a transform"));
    return { kind: "transform-set", name, transforms: transforms.join(" ").toLowerCase() };
  }
  if (reader.took("security-association") === undefined) return skip(reader);
  reader.expect("lifetime");
  return { kind: "ipsec-lifetime", ...lifetime(reader) };
}

function lifetime(reader: WordReader) {
  let [seconds, kilobytes]: (number | undefined)[] = [];
  while (!reader.done) {
    if (reader.expect("seconds", "kilobytes") === "seconds")
      seconds = reader.number("seconds", 120);
    else kilobytes = reader.number("kilobytes", 2560);
  }
  if (seconds === undefined && kilobytes === undefined)
    throw new WordFault("a lifetime is missing");
  return { seconds, kilobytes };
}

function parseMap(reader: WordReader): Statement | undefined {
  const map = reader.word("a crypto map's name");
  if (reader.took("interface") !== undefined) {
    return { kind: "map-interface", map, interface: reader.word("an interface") };
  }
  if (reader.took("client") !== undefined) return skip(reader);
  const sequence = reader.number("a sequence number", 1, 65_535);
  const detail = mapDetail(reader);
  return detail === undefined ? skip(reader) : { kind: "map", map, sequence, detail };
}

/** An address, or a name of the gateway's own list of names. */
function host(text: string): string {
  if (isIPv4(text) || /^[A-Za-z][A-Za-z0-9._-]*$/.test(text)) return text;
  throw new WordFault(`"${text}" is no IPv4 address and no host name`);
}

function mapDetail(reader: WordReader): MapDetail | undefined {
  const type = reader.took("ipsec-isakmp", "ipsec-manual");
  if (type !== undefined) {
    if (reader.took("dynamic") !== undefined) return undefined;
    return { kind: "type", type: type as "ipsec-isakmp" | "ipsec-manual" };
  }
  if (reader.expect("match", "set") === "match") {
    reader.expect("address");
    return { kind: "match", list: reader.word("an access list") };
  }
  switch (reader.expect("peer", "transform-set", "pfs", "security-association", "session-key")) {
    case "peer":
      return { kind: "peer", peer: host(reader.word("the peer's address")) };
    case "transform-set": {
      const names = [reader.word("a transform set")];
      while (!reader.done) names.push(reader.word("a transform set"));
      return { kind: "transform-set", names };
    }
    case "pfs": {
      const group = reader.done ? "group1" : reader.word("a group");
      const number = /^group(\d{1,2})$/.exec(group)?.[1];
      if (number === undefined) throw new WordFault(`"${group}" is no group; write group2`);
      return { kind: "pfs", group: Number(number) };
    }
    case "security-association":
      reader.expect("lifetime");
      return { kind: "lifetime", ...lifetime(reader) };
    default:
      return undefined;
  }
}
