/** Answers of the relay's own. */
import { readU8 } from "../../util/bytes.js";
import { signMessage, signPacket } from "../packet/authenticator.js";
import { Attr, Code, HEADER } from "../packet/iana.js";
import type { Secret } from "../packet/md5.js";
import type { PacketFacts } from "../packet/packet.js";
import { PacketWriter } from "../packet/writer.js";

const writer = new PacketWriter();

export interface Answerable {
  readonly packet: Uint8Array;
  readonly facts: PacketFacts;
  readonly secret: Secret;
}

/** Proxy-States of the request go back, in order (RFC 2865 section 5.33). */
export function ownAnswer(
  request: Answerable,
  code: number,
  attributes: readonly (readonly [type: number, value: Uint8Array])[] = [],
): Uint8Array | undefined {
  const { packet, facts, secret } = request;
  const field = packet.subarray(4, HEADER);
  const signed = code !== Code.AccountingResponse || packet[0] === Code.StatusServer;
  writer.begin(code, readU8(packet, 1));
  if (signed) writer.placeMessageAuthenticator();
  for (const [type, value] of attributes) writer.put(type, value);
  for (let at = HEADER; at < facts.length; at += readU8(packet, at + 1)) {
    if (packet[at] === Attr.ProxyState) writer.copy(packet, at, at + readU8(packet, at + 1));
  }
  const out = writer.finish();
  if (out === undefined) return undefined;
  if (signed) signMessage(out, HEADER, field, secret);
  signPacket(out, field, secret);
  return out;
}
