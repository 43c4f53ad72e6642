/**
 * Packets built and checked with Node's crypto alone, so that the relay's codec cannot agree with itself: by
 * the load test's own builder.
 */
import { Builder, Code, findAttribute, Hop, Type } from "../../../perf/radius/packets.js";

export { Code, findAttribute, Hop, Type };

export type Value = string | number | Uint8Array;
export type Pairs = readonly (readonly [type: number, value: Value])[];

export const STATIONS: Pairs = [
  [Type.CalledStationId, "02-00-00-00-00-01:corp"],
  [Type.CallingStationId, "02-AA-BB-CC-DD-01"],
];

function put(builder: Builder, pairs: Pairs): void {
  for (const [type, value] of pairs) {
    if (typeof value === "string") builder.text(type, value);
    else if (typeof value === "number") builder.number(type, value);
    else builder.put(type, value);
  }
}

export interface RequestOptions {
  readonly identifier?: number;
  /** The octet its authenticator is filled with. */
  readonly authenticator?: number;
  readonly signed?: boolean;
  /** Message-Authenticator as the last attribute. */
  readonly signedLast?: boolean;
  readonly password?: string;
}

export function ownAccess(hop: Hop, pairs: Pairs, options: RequestOptions = {}): Buffer {
  const builder = new Builder().begin(Code.AccessRequest, options.identifier ?? 1);
  builder.bytes.fill(options.authenticator ?? 7, 4, 20);
  const { signed = true, signedLast = false } = options;
  if (signed && !signedLast) builder.signature();
  put(builder, pairs);
  if (options.password !== undefined) {
    builder.put(
      Type.UserPassword,
      hop.hidePassword(options.password, builder.bytes.subarray(4, 20)),
    );
  }
  if (signed && signedLast) builder.signature();
  const packet = Buffer.from(builder.finish());
  if (signed) hop.signAccess(packet, builder.signatureAt);
  return packet;
}

export function ownAccounting(hop: Hop, pairs: Pairs, identifier = 1): Buffer {
  const builder = new Builder().begin(Code.AccountingRequest, identifier);
  builder.bytes.fill(0, 4, 20);
  put(builder, pairs);
  const packet = Buffer.from(builder.finish());
  hop.signAccounting(packet);
  return packet;
}

/** A home server's answer, with the request's Proxy-States behind `pairs`. */
export function ownAnswerTo(
  hop: Hop,
  request: Uint8Array,
  code: number,
  pairs: Pairs = [],
  signed = code !== Code.AccountingResponse,
): Buffer {
  const builder = new Builder().begin(code, request[1] ?? 0);
  if (signed) builder.signature();
  put(builder, pairs);
  for (let at = 20; at < request.length; at += request[at + 1] ?? 255) {
    if (request[at] === Type.ProxyState) builder.copy(request, at, at + (request[at + 1] ?? 2));
  }
  const packet = Buffer.from(builder.finish());
  hop.signAnswer(packet, builder.signatureAt, request.subarray(4, 20));
  return packet;
}

/** Signed anew after a change, as somebody who has the secret would. */
export function signAgain(hop: Hop, packet: Buffer): void {
  // No relay takes more than 4096 octets, whoever signs them.
  if (packet.length < 20 || packet.length > 4096) return;
  if (packet[0] === Code.AccountingRequest) {
    packet.fill(0, 4, 20);
    hop.signAccounting(packet);
    return;
  }
  const at = findAttribute(packet, Type.MessageAuthenticator);
  if (at === 0 || at + 18 > packet.length) return;
  packet.fill(0, at + 2, at + 18);
  hop.signAccess(packet, at);
}
