/**
 * The clients: a window of requests under way, each answer checked and followed by the slot's next request.
 * Closed loop with a full window, or paced: so many a second, as long as there are free slots.
 */
import type { BatchSocket, UdpBatch, UdpEndpoint } from "../../src/util/udp-batch.js";
import { Histogram } from "../fleet/statistics.js";
import { HEADER, type Hop } from "./packets.js";
import { identifierOf, portOf, slotOf, SLOTS_PER_PORT, type Traffic } from "./traffic.js";

export interface Pace {
  /** Requests a second; 0 = as fast as answers come. */
  readonly rate: number;
  /** Unanswered ones are sent again after a second; else they are lost after two. */
  readonly repeats: boolean;
}

const REPEAT_MILLISECONDS = 1000;
const LOST_MILLISECONDS = 2000;
const REPEATS_MAX = 5;
/** One in so many answers has its Message-Authenticator checked too. */
const SIGNED_SAMPLE = 32;
const BUFFER = 4 << 20;

export class AccessPoints {
  readonly latency = new Histogram();
  sent = 0;
  answered = 0;
  repeated = 0;
  lost = 0;
  /** Answers that are wrong in any way. */
  wrong = 0;
  private readonly batch: UdpBatch;
  private readonly hop: Hop;
  private readonly traffic: Traffic;
  private readonly pace: Pace;
  private readonly sockets: readonly BatchSocket[];
  private readonly turns: Uint32Array;
  private readonly busy: Uint8Array;
  private readonly sentAt: Float64Array;
  private readonly firstSentAt: Float64Array;
  private readonly repeats: Uint8Array;
  private limit = 0;
  private startedAt = 0;
  private lookedAt = 0;
  private nextSlot = 0;

  constructor(batch: UdpBatch, target: UdpEndpoint, traffic: Traffic, hop: Hop, pace: Pace) {
    this.batch = batch;
    this.hop = hop;
    this.traffic = traffic;
    this.pace = pace;
    const ports = Math.ceil(traffic.slots / SLOTS_PER_PORT);
    const local = { address: target.address, port: 0 };
    this.sockets = Array.from({ length: ports }, () =>
      batch.open({ local, peer: target, bufferOctets: BUFFER }),
    );
    this.turns = new Uint32Array(traffic.slots);
    this.busy = new Uint8Array(traffic.slots);
    this.sentAt = new Float64Array(traffic.slots);
    this.firstSentAt = new Float64Array(traffic.slots);
    this.repeats = new Uint8Array(traffic.slots);
  }

  /** So many requests more; counters and latencies start anew. */
  begin(requests: number, now: number): void {
    this.latency.clear();
    this.sent = this.answered = this.repeated = this.lost = this.wrong = 0;
    this.limit = requests;
    this.startedAt = this.lookedAt = now;
  }

  get done(): boolean {
    return this.answered + this.lost >= this.limit;
  }

  /** Reads answers, sends what is due. @returns whether anything happened */
  turn(now: number): boolean {
    const before = this.answered + this.sent;
    for (let port = 0; port < this.sockets.length; port++) this.read(port, now);
    if (now - this.lookedAt > 100) this.look(now);
    this.fill(now);
    for (const socket of this.sockets) socket.flush();
    return this.answered + this.sent !== before;
  }

  close(): void {
    for (const socket of this.sockets) socket.close();
  }

  private read(port: number, now: number): void {
    const socket = this.sockets[port];
    const { inbox } = this.batch;
    const count = socket?.receive() ?? 0;
    for (let i = 0; i < count; i++) {
      const at = inbox.offset(i);
      this.take(port, inbox.bytes.subarray(at, at + inbox.length(i)), now);
    }
  }

  private take(port: number, answer: Uint8Array, now: number): void {
    const slot = slotOf(port, answer[1] ?? 0);
    const turn = this.turns[slot] ?? 0;
    // A second answer to a request that was sent twice is no fault.
    if (this.busy[slot] !== 1 || identifierOf(slot, turn) !== answer[1]) return;
    const authenticator = this.traffic.request(slot, turn).subarray(4, HEADER);
    const good =
      this.hop.answerFits(answer, authenticator) &&
      (this.traffic.kind === "accounting" ||
        this.answered % SIGNED_SAMPLE !== 0 ||
        this.hop.answerIsSigned(answer, authenticator));
    if (!good) {
      this.wrong++;
      return;
    }
    this.answered++;
    this.latency.recordMillis(now - (this.firstSentAt[slot] ?? now));
    this.release(slot);
  }

  private release(slot: number): void {
    this.busy[slot] = 0;
    this.turns[slot] = (this.turns[slot] ?? 0) + 1;
  }

  private look(now: number): void {
    this.lookedAt = now;
    for (let slot = 0; slot < this.busy.length; slot++) {
      if (this.busy[slot] !== 1) continue;
      const age = now - (this.sentAt[slot] ?? now);
      const again = this.pace.repeats && (this.repeats[slot] ?? 0) < REPEATS_MAX;
      if (again && age >= REPEAT_MILLISECONDS) {
        this.repeats[slot] = (this.repeats[slot] ?? 0) + 1;
        this.repeated++;
        this.transmit(slot, now);
      } else if (age >= LOST_MILLISECONDS) {
        this.lost++;
        this.release(slot);
      }
    }
  }

  private fill(now: number): void {
    const { rate } = this.pace;
    const due =
      rate === 0
        ? this.limit
        : Math.min(this.limit, Math.floor(((now - this.startedAt) * rate) / 1000));
    const { slots } = this.traffic;
    for (let looked = 0; looked < slots && this.sent < due; looked++) {
      const slot = this.nextSlot;
      this.nextSlot = slot + 1 === slots ? 0 : slot + 1;
      if (this.busy[slot] === 1) continue;
      this.busy[slot] = 1;
      this.repeats[slot] = 0;
      this.firstSentAt[slot] = now;
      this.sent++;
      this.transmit(slot, now);
    }
  }

  private transmit(slot: number, now: number): void {
    this.sentAt[slot] = now;
    this.sockets[portOf(slot)]?.send(this.traffic.request(slot, this.turns[slot] ?? 0));
  }
}
