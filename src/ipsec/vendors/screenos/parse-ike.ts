/** `set ike gateway …`, `set ike p1-proposal …`, `set ike p2-proposal …`. */
import type { SecretWord } from "../text/placeholder.js";
import { WordFault, type WordReader } from "../text/words.js";
import type { GatewayDetail, RemoteEnd, SecurityLevel, Statement } from "./statement.js";

export const LEVELS = ["standard", "compatible", "basic"] as const;
const MOST_PROPOSALS = 4;

export function parseGateway(
  reader: WordReader,
  secretOf: (text: string) => SecretWord,
): Statement | undefined {
  const ikev2 = reader.took("ikev2") !== undefined;
  const name = reader.word("a gateway's name");
  const found = gatewayDetail(reader);
  if (found !== undefined) return { kind: "gateway-detail", name, detail: found };
  const remote = remoteEnd(reader);
  if (remote === undefined) return undefined;
  const mode = reader.took("Main", "Aggressive")?.toLowerCase() as
    "main" | "aggressive" | undefined;
  const localId = reader.took("local-id") === undefined ? undefined : reader.word("a local id");
  const outgoing =
    reader.took("outgoing-interface") === undefined ? undefined : reader.plain("an interface");
  const secret =
    reader.took("preshare") === undefined ? undefined : secretOf(reader.word("a pre-shared key"));
  return {
    kind: "gateway",
    name,
    ikev2,
    remote,
    mode,
    localId,
    outgoing,
    secret,
    ...proposals(reader),
  };
}

function gatewayDetail(reader: WordReader): GatewayDetail | undefined {
  switch (reader.took("nat-traversal", "heartbeat", "dpd", "dpd-liveness")) {
    case "nat-traversal":
      if (reader.took("udp-checksum") !== undefined) return { kind: "udp-checksum" };
      if (reader.took("keepalive-frequency") !== undefined) {
        return { kind: "keepalive", seconds: reader.number("the keepalive frequency", 0, 300) };
      }
      return { kind: "nat-traversal", on: true };
    case "heartbeat":
      reader.expect("hello");
      return { kind: "heartbeat", seconds: reader.number("the heartbeat in seconds", 0, 3600) };
    case "dpd":
    case "dpd-liveness": {
      const which = reader.expect("interval", "retry");
      const value = reader.number(`the ${which}`, 0, 28_800);
      return {
        kind: "dpd",
        interval: which === "interval" ? value : undefined,
        retry: which === "retry" ? value : undefined,
      };
    }
    default:
      return undefined;
  }
}

function remoteEnd(reader: WordReader): RemoteEnd | undefined {
  switch (reader.took("address", "dynamic", "dialup")) {
    case "address": {
      const address = reader.plain("an address or a host name");
      return reader.took("id") === undefined
        ? { kind: "static", address }
        : { kind: "static", address, id: reader.word("the peer's id") };
    }
    case "dynamic":
      return { kind: "dynamic", id: reader.word("the peer's id") };
    case "dialup":
      return { kind: "dialup", user: reader.word("a user or a group") };
    default:
      return undefined;
  }
}

export function proposals(reader: WordReader): {
  readonly proposals: readonly string[];
  readonly level: SecurityLevel | undefined;
} {
  if (reader.took("sec-level") !== undefined) {
    return { proposals: [], level: reader.expect(...LEVELS) as SecurityLevel };
  }
  if (reader.took("proposal") === undefined) return { proposals: [], level: undefined };
  const names = [reader.word("a proposal")];
  while (!reader.done) names.push(reader.word("a proposal"));
  if (names.length > MOST_PROPOSALS) {
    throw new WordFault(`at most ${MOST_PROPOSALS} proposals may stand here, not ${names.length}`);
  }
  return { proposals: names, level: undefined };
}

const SECONDS: Readonly<Record<string, number>> = {
  days: 86_400,
  hours: 3600,
  minutes: 60,
  seconds: 1,
  second: 1,
};

export function parseProposal(kind: "p1-proposal" | "p2-proposal", reader: WordReader): Statement {
  const name = reader.word("a proposal's name");
  const method =
    kind === "p1-proposal"
      ? reader.expect("preshare", "rsa-sig", "dsa-sig", "ecdsa-sig")
      : undefined;
  const group = groupOf(reader.word("a Diffie-Hellman group"), kind);
  reader.expect("esp");
  const encryption = reader.word("an encryption").toLowerCase();
  const hash = reader.word("a hash").toLowerCase();
  const unit = reader.took(...Object.keys(SECONDS));
  const seconds =
    unit === undefined
      ? undefined
      : reader.number("a lifetime", 1, 0xffff_ffff) * (SECONDS[unit] ?? 1);
  const kilobytes =
    kind === "p2-proposal" && reader.took("kbyte", "kbytes") !== undefined
      ? reader.number("a lifetime in kB")
      : undefined;
  return { kind, name, method, group, encryption, hash, seconds, kilobytes };
}

function groupOf(word: string, kind: string): number | undefined {
  if (kind === "p2-proposal" && word === "no-pfs") return undefined;
  const group = /^group(\d{1,2})$/.exec(word)?.[1];
  if (group !== undefined) return Number(group);
  throw new WordFault(`"${word}" is no Diffie-Hellman group; write group2, group14 …`);
}
