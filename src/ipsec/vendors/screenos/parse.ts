/**
 * One command of ScreenOS, read from the left. What is no command about tunnels is `undefined` and kept as it
 * is; what is one and cannot be read throws a `WordFault` that says what is wrong with it.
 *
 * Commands: ScreenOS CLI reference 6.0, `set interface`, `set ike`, `set vpn`, `set vpn-group`, `set address`,
 * `set policy`, `set route`.
 */
import { canonicalPrefix, lengthOfMask } from "../../model/range.js";
import { networkOfMask, splitPrefix } from "../text/ipv4.js";
import { secretWord } from "../text/placeholder.js";
import { splitWords, WordFault, WordReader } from "../text/words.js";
import { parseGateway, parseProposal } from "./parse-ike.js";
import { parseVpn, parseVpnGroup } from "./parse-vpn.js";
import type { InterfaceDetail, PolicyDetail, PolicyStatement, Statement } from "./statement.js";

export interface Parsed {
  readonly statement: Statement;
  /** What was not as the gateway takes it, and how it was read. */
  readonly remarks: readonly string[];
}

/** Names that a policy may use, to tell where unquoted names of two words end. */
export type KnownNames = (zone: string) => ReadonlySet<string>;

const NO_NAMES: KnownNames = () => new Set();

export function parseCommand(line: string, names: KnownNames = NO_NAMES): Parsed | undefined {
  const words = splitWords(line);
  if (words === undefined) throw new WordFault("a quote is not closed, or stands within a word");
  const reader = new WordReader(words);
  if (reader.took("exit") !== undefined) return plain({ kind: "exit" }, reader);
  if (reader.took("set") === undefined) return undefined;
  const noun = reader.peek()?.toLowerCase() ?? "";
  const run = Object.hasOwn(NOUNS, noun) ? NOUNS[noun] : undefined;
  if (run === undefined) return undefined;
  reader.word("a noun");
  const parsed = run(reader, names);
  if (parsed !== undefined) reader.end();
  return parsed;
}

type Run = (reader: WordReader, names: KnownNames) => Parsed | undefined;

const NOUNS: Readonly<Record<string, Run>> = {
  interface: (reader) => one(parseInterface(reader)),
  ike: (reader) => {
    const what = reader.took("gateway", "p1-proposal", "p2-proposal");
    if (what === undefined) return undefined;
    return one(
      what === "gateway"
        ? parseGateway(reader, secretWord)
        : parseProposal(what as "p1-proposal" | "p2-proposal", reader),
    );
  },
  vpn: (reader) => one(parseVpn(reader)),
  "vpn-group": (reader) => one(parseVpnGroup(reader)),
  address: parseAddress,
  policy: parsePolicy,
  "src-address": (reader) => detail({ kind: "src-address", name: rest(reader) }),
  "dst-address": (reader) => detail({ kind: "dst-address", name: rest(reader) }),
  service: (reader) =>
    reader.left.length === 1 ? detail({ kind: "service", name: rest(reader) }) : undefined,
  route: (reader) => one(parseRoute(reader)),
};

function one(statement: Statement | undefined): Parsed | undefined {
  return statement === undefined ? undefined : { statement, remarks: [] };
}

function plain(statement: Statement, reader: WordReader): Parsed {
  reader.end();
  return { statement, remarks: [] };
}

function detail(found: PolicyDetail): Parsed {
  return { statement: { kind: "policy-detail", id: undefined, detail: found }, remarks: [] };
}

function parseInterface(reader: WordReader): Statement | undefined {
  const name = reader.plain("an interface");
  const found = interfaceDetail(reader);
  return found === undefined ? undefined : { kind: "interface", name, detail: found };
}

function interfaceDetail(reader: WordReader): InterfaceDetail | undefined {
  switch (reader.took("zone", "ip", "route", "nat", "mtu", "bandwidth", "proxy", "protocol")) {
    case "zone":
      return { kind: "zone", zone: reader.word("a zone") };
    case "route":
      return { kind: "mode", mode: "route" };
    case "nat":
      return { kind: "mode", mode: "nat" };
    case "mtu":
      return { kind: "mtu", mtu: reader.number("the MTU", 576, 9216) };
    case "proxy":
      return reader.took("dns") === undefined ? undefined : { kind: "dns-proxy" };
    case "protocol":
      return reader.took("nhrp") === undefined || reader.took("enable") === undefined
        ? undefined
        : { kind: "nhrp" };
    case "bandwidth":
      return bandwidth(reader);
    case "ip":
      return address(reader);
    default:
      return undefined;
  }
}

function address(reader: WordReader): InterfaceDetail {
  if (reader.took("manageable") !== undefined) return { kind: "manageable" };
  if (reader.took("unnumbered") !== undefined) {
    reader.expect("interface");
    return { kind: "unnumbered", lender: reader.plain("the interface that lends its address") };
  }
  const text = reader.word("an address");
  if (splitPrefix(text) !== undefined) return { kind: "address", address: text };
  const length = reader.done ? undefined : lengthOfMask(reader.word("a mask"));
  if (length === undefined || splitPrefix(`${text}/${length}`) === undefined)
    throw new WordFault(`"${text}" is no address with a mask; write 192.0.2.1/24`);
  return { kind: "address", address: `${text}/${length}` };
}

function bandwidth(reader: WordReader): InterfaceDetail {
  let [egressMax, egressGuaranteed, ingressMax] = [0, 0, 0];
  while (!reader.done) {
    if (reader.expect("egress", "ingress") === "ingress") {
      reader.expect("mbw");
      ingressMax = reader.number("a bandwidth in kbit/s");
      continue;
    }
    for (let which = reader.expect("gbw", "mbw"); ; which = reader.expect("gbw", "mbw")) {
      const value = reader.number("a bandwidth in kbit/s");
      if (which === "gbw") egressGuaranteed = value;
      else egressMax = value;
      if (reader.peek() !== "gbw" && reader.peek() !== "mbw") break;
    }
  }
  return { kind: "bandwidth", egressMax, egressGuaranteed, ingressMax };
}

/** `set address ZONE NAME PREFIX`; a name of several words without quotes is read, and remarked upon. */
function parseAddress(reader: WordReader): Parsed {
  const zone = reader.word("a zone");
  const words = reader.left;
  const last = words.at(-1) ?? "";
  const single = splitPrefix(last);
  const base = single?.address ?? words.at(-2) ?? "";
  const prefix = single === undefined ? networkOfMask(base, last) : canonicalPrefix(last);
  const name = words.slice(0, single === undefined ? -2 : -1);
  if (prefix === undefined || name.length === 0) {
    throw new WordFault(
      'the entry wants a name and an IPv4 network, as in "branch" 192.0.2.0 255.255.255.0' +
        " (host names and comments are not taken)",
    );
  }
  while (!reader.done) reader.word("");
  const remarks: string[] = [];
  if (name.length > 1) {
    remarks.push(
      `the name "${name.join(" ")}" has ${name.length} words and wants quotes; it is read as one name`,
    );
  }
  if (prefix.split("/")[0] !== base)
    remarks.push(`${base} has bits behind the mask; read as ${prefix}`);
  return { statement: { kind: "address", zone, name: name.join(" "), prefix }, remarks };
}

const ACTIONS = ["permit", "deny", "reject", "tunnel"] as const;

function parsePolicy(reader: WordReader, names: KnownNames): Parsed | undefined {
  if (reader.took("global") !== undefined) return undefined;
  const id =
    reader.took("id") === undefined ? undefined : reader.number("a policy's id", 0, 65_535);
  if (id !== undefined && reader.done) return one({ kind: "policy-context", id });
  if (id !== undefined && reader.took("disable") !== undefined) {
    return one({ kind: "policy-detail", id, detail: { kind: "disable" } });
  }
  const name = reader.took("name") === undefined ? undefined : reader.word("a policy's name");
  reader.expect("from");
  const from = reader.word("a zone");
  reader.expect("to");
  const to = reader.word("a zone");
  const { parts, remark } = selectors(reader, names(from), names(to));
  const [source = "", destination = "", service = ""] = parts;
  const action = reader.expect(...ACTIONS) as PolicyStatement["action"];
  if (action === "tunnel") reader.expect("vpn");
  const vpn = action === "tunnel" ? reader.word("a VPN") : undefined;
  let log = false;
  while (!reader.done) {
    if (reader.took("log") === undefined) break;
    log = true;
  }
  return {
    statement: {
      kind: "policy",
      id,
      name,
      from,
      to,
      source,
      destination,
      service,
      action,
      vpn,
      log,
    },
    remarks: remark === undefined ? [] : [remark],
  };
}

/** Source, destination and service; more than three words are names without quotes. */
function selectors(
  reader: WordReader,
  sources: ReadonlySet<string>,
  destinations: ReadonlySet<string>,
): { readonly parts: readonly string[]; readonly remark?: string } {
  const words: string[] = [];
  while (!reader.done && !/^(permit|deny|reject|nat|tunnel)$/i.test(reader.peek() ?? "")) {
    words.push(reader.word("an address"));
  }
  if (words.length === 3) return { parts: words };
  const is = (book: ReadonlySet<string>, name: string) => /^any$/i.test(name) || book.has(name);
  for (let first = 1; first < words.length - 1; first += 1) {
    const source = words.slice(0, first).join(" ");
    const destination = words.slice(first, -1).join(" ");
    if (!is(sources, source) || !is(destinations, destination)) continue;
    const remark = `a name of several words wants quotes; read as "${source}" to "${destination}"`;
    return { parts: [source, destination, words.at(-1) ?? ""], remark };
  }
  throw new WordFault(
    `a source, a destination and a service are expected, not "${words.join(" ")}"; ` +
      "put names of several words into quotes",
  );
}

function parseRoute(reader: WordReader): Statement | undefined {
  const text = reader.word("a network");
  if (splitPrefix(text) === undefined) return undefined;
  let [through, gateway]: (string | undefined)[] = [];
  for (
    let word = reader.took("interface", "gateway");
    word !== undefined;
    word = reader.took("interface", "gateway")
  ) {
    const value = reader.plain(word);
    if (word === "interface") through = value;
    else gateway = value;
  }
  return { kind: "route", prefix: text, interface: through, gateway };
}

function rest(reader: WordReader): string {
  const name = reader.left.join(" ");
  while (!reader.done) reader.word("");
  if (name === "") throw new WordFault("a name is missing at the end");
  return name;
}
