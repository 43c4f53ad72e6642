/** A reflector with sessions in a test's hand, message by message. */
import { Reflector, type ReflectorOptions } from "../../../src/bgp/reflector.js";
import type { SessionDown } from "../../../src/bgp/session/types.js";
import type { DecodeFault } from "../../../src/fast-bgp-codec/fault.js";
import { silentLog } from "../../../src/util/log.js";
import { decodeMessages, type Received } from "../../model/lib/decode.js";
import { FakeClock, FakeSession, SoonQueue } from "../../model/lib/fake.js";
import { bytesOf, hexOf, octetsIn } from "../../model/lib/hex.js";
import { nlriKey, splitNlri } from "../../model/lib/nlri.js";
import { peerSpec, type PeerSpec } from "../../model/lib/peer.js";
import { attribute, IDENTITY, PLAIN } from "./tables.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";

const MARKER = "ff".repeat(16);

export function update(withdrawn: string, attributes: string, nlri = ""): Uint8Array {
  const body =
    hexOf(octetsIn(withdrawn), 2) + withdrawn + hexOf(octetsIn(attributes), 2) + attributes + nlri;
  return bytesOf(`${MARKER}${hexOf(19 + octetsIn(body), 2)}02${body}`);
}

/** UPDATE with EVPN routes. */
export function evpnUpdate(nlri: readonly string[], attributes = PLAIN): Uint8Array {
  return update("", attributes + attribute(14, 0x80, `001946040a00000100${nlri.join("")}`));
}

export function evpnWithdraw(nlri: readonly string[]): Uint8Array {
  return update("", attribute(15, 0x80, `001946${nlri.join("")}`));
}

export class Line {
  readonly session: FakeSession;
  readonly resets: string[] = [];
  private readonly buffers: Uint8Array[] = [];
  private readonly reflector: Reflector;

  constructor(reflector: Reflector, id: number, spec: PeerSpec) {
    this.reflector = reflector;
    this.session = new FakeSession(
      id,
      spec,
      (buffer) => {
        this.buffers.push(buffer);
        return decodeMessages(buffer, spec.as4, this.session.negotiated.addPathOut).length;
      },
      (why) => {
        this.resets.push(why);
        this.down();
      },
    );
  }

  say(message: Uint8Array): DecodeFault | undefined {
    return this.reflector.update(this.session, message, 0, message.length);
  }

  down(down: SessionDown = { reason: "tcp", detail: "" }): void {
    if (!this.session.isOpen) return;
    this.session.isOpen = false;
    this.reflector.closed(this.session, down);
  }

  take(): Received[] {
    return this.buffers
      .splice(0)
      .flatMap((buffer) => {
        const { as4, addPathOut } = this.session.negotiated;
        return decodeMessages(buffer, as4, addPathOut);
      })
      .map((message) => message.received);
  }

  takeKeys(): string[] {
    return this.take().flatMap((received) => {
      if (received.kind === "announce") return received.routes.map((route) => `+${route.key}`);
      return received.kind === "withdraw" ? received.keys.map((key) => `-${key}`) : [];
    });
  }
}

export class Speaker {
  readonly clock = new FakeClock();
  readonly queue = new SoonQueue();
  readonly reflector: Reflector;
  private sessions = 0;

  constructor(over: Partial<ReflectorOptions> = {}) {
    this.reflector = new Reflector({
      ...IDENTITY,
      compareMobility: true,
      flushIntervalMs: 1,
      log: silentLog,
      clock: this.clock,
      soon: this.queue.soon,
      ...over,
    });
  }

  up(over: Partial<PeerSpec> = {}): Line {
    const line = this.make(over);
    this.reflector.established(line.session);
    return line;
  }

  /** A session that the reflector does not know yet. */
  make(over: Partial<PeerSpec> = {}): Line {
    const id = ++this.sessions;
    return new Line(this.reflector, id, peerSpec(id, over));
  }

  /** Until nothing is queued or due. */
  run(): void {
    for (let turns = 0, quiet = 0; quiet < 3; turns++) {
      if (turns > 10_000) throw new Error("the reflector never comes to rest");
      if (this.queue.length > 0) {
        this.queue.runOnce();
        quiet = 0;
      } else {
        this.clock.advance(2);
        quiet++;
      }
    }
  }
}

/** Keys of a run of EVPN NLRI. */
export function keysOf(run: string): string[] {
  return (splitNlri(Family.Evpn, run) ?? []).map((one) => nlriKey(Family.Evpn, one));
}
