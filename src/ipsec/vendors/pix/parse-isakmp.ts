/** `isakmp …`: who may speak IKE with whom, and by which policies. */
import { isIPv4 } from "node:net";
import type { SecretWord } from "../text/placeholder.js";
import { WordFault, type WordReader } from "../text/words.js";
import type { PolicyDetail, Statement } from "./statement.js";

export function parseIsakmp(
  reader: WordReader,
  secretOf: (text: string) => SecretWord,
): Statement | undefined {
  switch (reader.took("enable", "key", "identity", "keepalive", "nat-traversal", "policy")) {
    case "enable":
      return { kind: "isakmp-enable", interface: reader.word("an interface") };
    case "key":
      return key(reader, secretOf);
    case "identity":
      return {
        kind: "isakmp-identity",
        identity: reader.expect("address", "hostname") as "address" | "hostname",
      };
    case "keepalive": {
      const seconds = reader.number("seconds", 10, 3600);
      return {
        kind: "isakmp-keepalive",
        seconds,
        retry: reader.done ? undefined : reader.number("seconds to the next try", 2, 10),
      };
    }
    case "nat-traversal":
      return {
        kind: "isakmp-nat-traversal",
        seconds: reader.done ? undefined : reader.number("seconds between keepalives", 10, 3600),
      };
    case "policy":
      return policy(reader);
    default:
      while (!reader.done) reader.word("");
      return undefined;
  }
}

function key(reader: WordReader, secretOf: (text: string) => SecretWord): Statement {
  const secret = secretOf(reader.word("a pre-shared key"));
  reader.expect("address");
  const peer = reader.word("the peer's address");
  if (!isIPv4(peer)) throw new WordFault(`"${peer}" is no IPv4 address`);
  const mask = reader.took("netmask") === undefined ? "255.255.255.255" : reader.word("a mask");
  while (reader.took("no-xauth", "no-config-mode") !== undefined);
  return { kind: "isakmp-key", secret, peer, mask };
}

function policy(reader: WordReader): Statement {
  const number = reader.number("a policy's number", 1, 65_534);
  return { kind: "isakmp-policy", number, detail: policyDetail(reader) };
}

function policyDetail(reader: WordReader): PolicyDetail {
  switch (reader.expect("authentication", "encryption", "hash", "group", "lifetime")) {
    case "authentication":
      return {
        kind: "authentication",
        method: reader.expect("pre-share", "rsa-sig") as "pre-share" | "rsa-sig",
      };
    case "encryption":
      return {
        kind: "encryption",
        cipher: reader.expect("des", "3des", "aes", "aes-192", "aes-256"),
      };
    case "hash":
      return { kind: "hash", hash: reader.expect("md5", "sha") as "md5" | "sha" };
    case "group":
      return { kind: "group", group: reader.number("a Diffie-Hellman group", 1, 32) };
    default:
      return { kind: "lifetime", seconds: reader.number("a lifetime in seconds", 60, 86_400) };
  }
}
