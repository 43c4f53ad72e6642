/** Packets as clients and home servers build them, for tests without daemons. */
import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";
import { requestField, signMessage, signPacket } from "../../../src/radius/packet/authenticator.js";
import { ZERO_AUTHENTICATOR } from "../../../src/radius/packet/authenticator.js";
import { hidePassword } from "../../../src/radius/packet/hiding.js";
import { Attr, Code } from "../../../src/radius/packet/iana.js";
import { Secret } from "../../../src/radius/packet/md5.js";
import { attributesOf } from "../../../src/radius/packet/packet.js";
import { PacketWriter } from "../../../src/radius/packet/writer.js";

export type Pair = readonly [type: number, value: string | number | Uint8Array];

export const STATION: readonly Pair[] = [
  [Attr.CalledStationId, "02-00-00-00-00-01:corp"],
  [Attr.CallingStationId, "02-AA-BB-CC-DD-01"],
];

function put(writer: PacketWriter, pairs: readonly Pair[]): void {
  for (const [type, value] of pairs) {
    if (typeof value === "string") writer.putText(type, value);
    else if (typeof value === "number") writer.putNumber(type, value);
    else writer.put(type, value);
  }
}

function finished(writer: PacketWriter): Uint8Array {
  const packet = writer.finish();
  if (packet === undefined) throw new Error("the test's packet is too long");
  return packet;
}

export interface AccessOptions {
  readonly identifier?: number;
  readonly authenticator?: number;
  readonly signed?: boolean;
  readonly password?: string;
}

export function accessRequest(
  pairs: readonly Pair[],
  secretText: string,
  options: AccessOptions = {},
): Uint8Array {
  const secret = new Secret(secretText);
  const authenticator = new Uint8Array(16).fill(options.authenticator ?? 7);
  const writer = new PacketWriter().begin(Code.AccessRequest, options.identifier ?? 1);
  writer.authenticator(authenticator);
  if (options.signed !== false) writer.placeMessageAuthenticator();
  put(writer, pairs);
  if (options.password !== undefined) {
    const plain = new TextEncoder().encode(options.password);
    writer.put(Attr.UserPassword, hidePassword(plain, secret, authenticator));
  }
  const packet = finished(writer);
  if (options.signed !== false) signMessage(packet, 20, requestField(packet), secret);
  return packet;
}

export function accountingRequest(pairs: readonly Pair[], secret: string, identifier = 1) {
  const writer = new PacketWriter().begin(Code.AccountingRequest, identifier);
  put(writer, pairs);
  const packet = finished(writer);
  signPacket(packet, ZERO_AUTHENTICATOR, new Secret(secret));
  return packet;
}

/** A home server's answer, with the request's Proxy-States. */
export function responseTo(
  request: Uint8Array,
  code: number,
  pairs: readonly Pair[],
  secretText: string,
  options: { readonly signed?: boolean; readonly proxyStates?: boolean } = {},
): Uint8Array {
  const secret = new Secret(secretText);
  const field = request.subarray(4, 20);
  const writer = new PacketWriter().begin(code, request[1] ?? 0);
  if (options.signed !== false) writer.placeMessageAuthenticator();
  put(writer, pairs);
  if (options.proxyStates !== false) {
    for (const { type, value } of attributesOf(request)) {
      if (type === Attr.ProxyState) writer.put(type, value);
    }
  }
  const packet = finished(writer);
  if (options.signed !== false) signMessage(packet, 20, field, secret);
  signPacket(packet, field, secret);
  return packet;
}

/** A UDP end that keeps what it gets. */
export class Endpoint {
  readonly received: Uint8Array[] = [];
  private readonly socket: Socket;
  private waiting: (() => void)[] = [];
  onPacket: (bytes: Uint8Array, from: RemoteInfo) => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("message", (bytes, from) => {
      this.received.push(bytes);
      this.onPacket(bytes, from);
      for (const wake of this.waiting.splice(0)) wake();
    });
  }

  static open(address = "127.0.0.1"): Promise<Endpoint> {
    // What a test sends at once is not lost here.
    const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
    return new Promise((resolve) => socket.bind(0, address, () => resolve(new Endpoint(socket))));
  }

  get port(): number {
    return this.socket.address().port;
  }

  send(bytes: Uint8Array, port: number, address = "127.0.0.1"): void {
    this.socket.send(bytes, port, address);
  }

  /** The nth packet, counted from 0, as soon as it is there. */
  async packet(index: number): Promise<Uint8Array> {
    for (;;) {
      const packet = this.received[index];
      if (packet !== undefined) return packet;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  close(): void {
    this.socket.close();
  }

  /** Its port is free when this resolves. */
  closed(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }
}
