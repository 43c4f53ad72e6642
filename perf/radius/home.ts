/**
 * A home server that answers at once: what it takes is the generator's time, not the target's. Passwords are
 * not looked at; answers are signed, carry what such answers carry, and give every Proxy-State back.
 */
import { randomBytes } from "node:crypto";
import type { BatchSocket, UdpBatch } from "../../src/util/udp-batch.js";
import { Builder, Code, findAttribute, HEADER, type Hop, Type } from "./packets.js";
import { EAP_DOWN, EAP_ROUNDS, eapPacket, putEap, stateOf } from "./traffic.js";

const MICROSOFT = 311;
const MPPE_SEND_KEY = 16;
const MPPE_RECEIVE_KEY = 17;
const KEY = Buffer.alloc(32, 0x4b);
const BUFFER = 4 << 20;

export class Home {
  readonly sockets: readonly BatchSocket[];
  received = 0;
  private readonly batch: UdpBatch;
  private readonly hop: Hop;
  private readonly builder = new Builder();

  constructor(batch: UdpBatch, hop: Hop, address: string, ports: readonly number[]) {
    this.batch = batch;
    this.hop = hop;
    this.sockets = ports.map((port) =>
      batch.open({ local: { address, port }, peer: undefined, bufferOctets: BUFFER }),
    );
  }

  /** Answers what is there. @returns how many requests */
  turn(): number {
    let answered = 0;
    const { inbox } = this.batch;
    for (const socket of this.sockets) {
      const count = socket.receive();
      for (let i = 0; i < count; i++) {
        const at = inbox.offset(i);
        const answer = this.answer(inbox.bytes.subarray(at, at + inbox.length(i)));
        if (answer !== undefined) socket.send(answer, inbox.sourceName(i));
      }
      if (count > 0) socket.flush();
      answered += Math.max(0, count);
    }
    this.received += answered;
    return answered;
  }

  /** A view, good until the next answer. */
  answer(request: Uint8Array): Buffer | undefined {
    const { builder, hop } = this;
    const authenticator = request.subarray(4, HEADER);
    const identifier = request[1] ?? 0;
    if (request[0] === Code.AccountingRequest) builder.begin(Code.AccountingResponse, identifier);
    else if (request[0] === Code.StatusServer) {
      builder.begin(Code.AccessAccept, identifier).signature();
    } else if (request[0] === Code.AccessRequest) {
      const state = findAttribute(request, Type.State);
      const eap = findAttribute(request, Type.EapMessage);
      const round = state === 0 ? 0 : (request[state + 17] ?? 0);
      if (eap !== 0 && round < EAP_ROUNDS - 1) {
        builder.begin(Code.AccessChallenge, identifier).signature();
        putEap(builder, eapPacket(1, round + 1, EAP_DOWN));
        builder.put(Type.State, stateOf(round + 1));
      } else this.accept(identifier, authenticator, eap !== 0);
    } else return undefined;
    for (let at = HEADER; at + 2 <= request.length; at += request[at + 1] ?? 255) {
      if (request[at] === Type.ProxyState) builder.copy(request, at, at + (request[at + 1] ?? 2));
    }
    const packet = builder.finish();
    hop.signAnswer(packet, builder.signatureAt, authenticator);
    return packet;
  }

  private accept(identifier: number, authenticator: Uint8Array, eap: boolean): void {
    const { builder, hop } = this;
    builder.begin(Code.AccessAccept, identifier).signature();
    if (eap) {
      putEap(builder, eapPacket(3, EAP_ROUNDS, 4));
      const salt = randomBytes(2);
      salt[0] = (salt[0] ?? 0) | 0x80;
      builder.vendor(MICROSOFT, MPPE_SEND_KEY, hop.hideKey(KEY, salt, authenticator));
      builder.vendor(MICROSOFT, MPPE_RECEIVE_KEY, hop.hideKey(KEY, salt, authenticator));
    }
    builder.text(Type.Class, "subscriber-gold").number(Type.SessionTimeout, 86_400);
  }

  close(): void {
    for (const socket of this.sockets) socket.close();
  }
}
