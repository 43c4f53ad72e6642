/**
 * Disconnect and CoA on the wire (RFC 5176): a home server's request as its access point gets it, the
 * answer on its way back, and a Disconnect-Request of the relay's own. Values in requests are hidden with
 * an authenticator of zeros, since the real one is a digest over them; in answers with that of the request.
 */
import { readU8 } from "../../util/bytes.js";
import type { Dictionary } from "../dictionary/dictionary.js";
import { signMessage, signPacket, ZERO_AUTHENTICATOR } from "../packet/authenticator.js";
import { Attr, Code, HEADER } from "../packet/iana.js";
import type { Secret } from "../packet/md5.js";
import { valueAt } from "../packet/packet.js";
import type { PacketFacts } from "../packet/packet.js";
import { rehide } from "../packet/rehide.js";
import { PacketWriter } from "../packet/writer.js";
import type { Session } from "../session/session.js";

const writer = new PacketWriter();

export interface Asked {
  readonly packet: Uint8Array;
  readonly facts: PacketFacts;
  /** Of the home server that asks. */
  readonly secret: Secret;
}

export interface ClientHop {
  readonly identifier: number;
  readonly secret: Secret;
  /** Put last and taken off again; undefined: Proxy-States stay here and are put back. */
  readonly proxyState: Uint8Array | undefined;
}

/** @returns undefined when it no longer fits into a packet */
export function forwardRequest(
  { packet, facts, secret }: Asked,
  hop: ClientHop,
  dictionary: Dictionary,
): Uint8Array | undefined {
  writer.begin(readU8(packet, 0), hop.identifier).placeMessageAuthenticator();
  for (const at of attributes(facts.length, packet)) {
    const type = readU8(packet, at);
    if (at === facts.messageAuthenticator) continue;
    if (type === Attr.ProxyState && hop.proxyState === undefined) continue;
    writer.copy(packet, at, at + readU8(packet, at + 1));
  }
  if (hop.proxyState !== undefined) writer.put(Attr.ProxyState, hop.proxyState);
  const out = writer.finish();
  if (out === undefined) return undefined;
  if (facts.vendorOrTunnel) {
    const authenticator = ZERO_AUTHENTICATOR;
    rehide(out, { secret, authenticator }, { secret: hop.secret, authenticator }, dictionary);
  }
  return signed(out, hop.secret);
}

/**
 * @param sent what the access point answers
 * @returns undefined when our Proxy-State is not the last one, or the result is too long
 */
export function answerBack(
  asked: Asked,
  answer: Uint8Array,
  facts: PacketFacts,
  hop: ClientHop,
  sent: Uint8Array,
  dictionary: Dictionary,
): Uint8Array | undefined {
  const own = facts.lastProxyState;
  if (hop.proxyState !== undefined) {
    if (own === 0 || !equal(valueAt(answer, own), hop.proxyState)) return undefined;
  }
  const field = asked.packet.subarray(4, HEADER);
  writer.begin(readU8(answer, 0), readU8(asked.packet, 1)).placeMessageAuthenticator();
  for (const at of attributes(facts.length, answer)) {
    if (at === facts.messageAuthenticator) continue;
    if (hop.proxyState === undefined ? answer[at] === Attr.ProxyState : at === own) continue;
    writer.copy(answer, at, at + readU8(answer, at + 1));
  }
  if (hop.proxyState === undefined) {
    for (const at of attributes(asked.facts.length, asked.packet)) {
      if (asked.packet[at] !== Attr.ProxyState) continue;
      writer.copy(asked.packet, at, at + readU8(asked.packet, at + 1));
    }
  }
  const out = writer.finish();
  if (out === undefined) return undefined;
  if (facts.vendorOrTunnel) {
    const from = { secret: hop.secret, authenticator: sent.subarray(4, HEADER) };
    rehide(out, from, { secret: asked.secret, authenticator: field }, dictionary);
  }
  signMessage(out, HEADER, field, asked.secret);
  signPacket(out, field, asked.secret);
  return out;
}

/** Names the session as its access point knows it, and nothing that one may refuse as not supported. */
export function disconnectRequest(
  session: Session,
  { identifier, secret }: Pick<ClientHop, "identifier" | "secret">,
  wallMs: number,
): Uint8Array | undefined {
  writer.begin(Code.DisconnectRequest, identifier).placeMessageAuthenticator();
  const { userName, acctSessionId, nasIdentifier, nasAddress } = session;
  if (userName !== "") writer.putText(Attr.UserName, userName);
  writer.putText(Attr.CallingStationId, wireMac(session.mac));
  if (acctSessionId !== undefined) writer.putText(Attr.AcctSessionId, acctSessionId);
  if (nasIdentifier !== undefined) writer.putText(Attr.NasIdentifier, nasIdentifier);
  if (nasAddress !== undefined) {
    writer.put(Attr.NasIpAddress, Uint8Array.from(nasAddress.split(".").map(Number)));
  }
  writer.putNumber(Attr.EventTimestamp, Math.floor(wallMs / 1000));
  const out = writer.finish();
  return out === undefined ? undefined : signed(out, secret);
}

/** RFC 3580 section 3.21. */
function wireMac(mac: string): string {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac.toUpperCase().replaceAll(":", "-") : mac;
}

function signed(out: Uint8Array, secret: Secret): Uint8Array {
  signMessage(out, HEADER, ZERO_AUTHENTICATOR, secret);
  signPacket(out, ZERO_AUTHENTICATOR, secret);
  return out;
}

function* attributes(length: number, packet: Uint8Array): Generator<number> {
  for (let at = HEADER; at < length; at += readU8(packet, at + 1)) yield at;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}
