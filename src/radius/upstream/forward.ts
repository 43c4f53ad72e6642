/**
 * What leaves for the next hop, made from what came in. Attributes keep their octets and their order;
 * changed are: Message-Authenticator (first, anew), hidden values (hidden for the next hop), our own
 * Proxy-State (last, put on and taken off again), and CHAP-Challenge where the authenticator it stood
 * for is replaced (RFC 2865 section 5.40).
 */
import { readU32, readU8 } from "../../util/bytes.js";
import type { Dictionary } from "../dictionary/dictionary.js";
import {
  requestField,
  signMessage,
  signPacket,
  ZERO_AUTHENTICATOR,
} from "../packet/authenticator.js";
import { Attr, Code, Erx, HEADER, Vendor } from "../packet/iana.js";
import type { Secret } from "../packet/md5.js";
import type { PacketFacts } from "../packet/packet.js";
import { rehide } from "../packet/rehide.js";
import { PacketWriter } from "../packet/writer.js";
import type { UpstreamRequest } from "./upstream.js";

const writer = new PacketWriter();

/** A request as its client sent it, and the secret its answer is made with. */
export interface Incoming {
  readonly packet: Uint8Array;
  readonly facts: PacketFacts;
  readonly secret: Secret;
}

export interface NextHop {
  readonly identifier: number;
  readonly secret: Secret;
  readonly proxyState: Uint8Array;
}

/** @returns the Access-Request to send, or undefined when it no longer fits into 4096 octets */
export function forwardAccess(
  request: UpstreamRequest,
  next: NextHop,
  authenticator: Uint8Array,
  dictionary: Dictionary,
): Uint8Array | undefined {
  const { packet, facts, secret } = request;
  writer.begin(Code.AccessRequest, next.identifier).authenticator(authenticator);
  writer.placeMessageAuthenticator();
  copyWithout(packet, facts.length, facts.messageAuthenticator, 0);
  if (facts.chapPassword !== 0 && facts.chapChallenge === 0) {
    writer.put(Attr.ChapChallenge, packet.subarray(4, HEADER));
  }
  writer.put(Attr.ProxyState, next.proxyState);
  const out = writer.finish();
  if (out === undefined) return undefined;
  if (secret !== undefined && (facts.userPassword !== 0 || facts.vendorOrTunnel)) {
    const from = { secret, authenticator: packet.subarray(4, HEADER) };
    rehide(out, from, { secret: next.secret, authenticator }, dictionary);
  }
  signMessage(out, HEADER, requestField(out), next.secret);
  return out;
}

/** @param relayAddress four octets for ERX Radius-Client-Address, or undefined */
export function forwardAccounting(
  request: UpstreamRequest,
  next: NextHop,
  relayAddress: Uint8Array | undefined,
): Uint8Array | undefined {
  const { packet, facts, delaySeconds } = request;
  writer.begin(Code.AccountingRequest, next.identifier);
  if (delaySeconds > 0) copyDelayed(packet, facts, delaySeconds);
  else copyWithout(packet, facts.length, facts.messageAuthenticator, 0);
  if (relayAddress !== undefined) {
    writer.putVendor(Vendor.Erx, Erx.RadiusClientAddress, relayAddress);
  }
  writer.put(Attr.ProxyState, next.proxyState);
  const out = writer.finish();
  if (out !== undefined) signPacket(out, ZERO_AUTHENTICATOR, next.secret);
  return out;
}

/**
 * The answer for the client, made from the home server's.
 * @param upstreamAuthenticator of the request the home server answered
 * @returns good until the next packet is made; undefined when our Proxy-State is not its last one, or it is too long
 */
export function answerFromHome(
  incoming: Incoming,
  answer: Uint8Array,
  answerFacts: PacketFacts,
  next: Pick<NextHop, "secret" | "proxyState">,
  upstreamAuthenticator: Uint8Array,
  dictionary: Dictionary,
): Uint8Array | undefined {
  if (!ownProxyStateIsLast(answer, answerFacts, next)) return undefined;
  const field = incoming.packet.subarray(4, HEADER);
  writer.begin(readU8(answer, 0), readU8(incoming.packet, 1));
  const signed = answer[0] !== Code.AccountingResponse;
  if (signed) writer.placeMessageAuthenticator();
  copyWithout(
    answer,
    answerFacts.length,
    answerFacts.messageAuthenticator,
    answerFacts.lastProxyState,
  );
  const out = writer.view();
  if (out === undefined) return undefined;
  if (answerFacts.vendorOrTunnel) {
    const from = { secret: next.secret, authenticator: upstreamAuthenticator };
    rehide(out, from, { secret: incoming.secret, authenticator: field }, dictionary);
  }
  if (signed) signMessage(out, HEADER, field, incoming.secret);
  signPacket(out, field, incoming.secret);
  return out;
}

/** An answer carries our own Proxy-State, and nobody's behind it. */
export function ownProxyStateIsLast(
  answer: Uint8Array,
  { lastProxyState }: PacketFacts,
  { proxyState }: Pick<NextHop, "proxyState">,
): boolean {
  if (lastProxyState === 0 || readU8(answer, lastProxyState + 1) - 2 !== proxyState.length)
    return false;
  for (let at = 0; at < proxyState.length; at++) {
    if (answer[lastProxyState + 2 + at] !== proxyState[at]) return false;
  }
  return true;
}

/** All attributes but the Message-Authenticator, Acct-Delay-Time with `seconds` more. */
function copyDelayed(packet: Uint8Array, facts: PacketFacts, seconds: number): void {
  let delay = seconds;
  for (let at = HEADER; at < facts.length; at += readU8(packet, at + 1)) {
    if (at === facts.messageAuthenticator) continue;
    const size = readU8(packet, at + 1);
    if (packet[at] === Attr.AcctDelayTime && size === 6) {
      delay = 0;
      const before = readU32(packet, at + 2);
      writer.putNumber(Attr.AcctDelayTime, Math.min(0xffffffff, before + seconds));
    } else writer.copy(packet, at, at + size);
  }
  if (delay > 0) writer.putNumber(Attr.AcctDelayTime, delay);
}

/** All attributes but up to two, given by offset (0 = none); runs between them are copied whole. */
function copyWithout(packet: Uint8Array, length: number, one: number, other: number): void {
  let start: number = HEADER;
  const cuts = one !== 0 && other !== 0 && other < one ? [other, one] : [one, other];
  for (const cut of cuts) {
    if (cut === 0) continue;
    writer.copy(packet, start, cut);
    start = cut + readU8(packet, cut + 1);
  }
  writer.copy(packet, start, length);
}
