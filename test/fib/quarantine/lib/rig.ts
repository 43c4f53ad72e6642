/** A reflector with sessions, a FIB whose quarantines reach it, and receivers that keep what they are sent. */
import type { SessionDown } from "../../../../src/bgp/session/types.js";
import { Family } from "../../../../src/fast-bgp-codec/index.js";
import { Fib } from "../../../../src/fib/fib.js";
import type { FibEvent, FibSettings } from "../../../../src/fib/index.js";
import { Speaker, update, type Line } from "../../../bgp/lib/speaker.js";
import { decodeMessages } from "../../../model/lib/decode.js";
import { FakeSession } from "../../../model/lib/fake.js";
import { EVPN_ONLY, peerSpec, type PeerSpec } from "../../../model/lib/peer.js";
import { addressHex, attributesHex, hex, macIp, settings, type AttrSpec } from "../../lib/route.js";

export const MAC = "02:00:00:00:00:01";

/** One that only receives: keys with next hop and attributes, as they stand after what was sent. */
export class Receiver {
  readonly routes = new Map<string, string>();
  /** Announcements and withdrawals so far. */
  changes = 0;
  readonly session: FakeSession;

  constructor(id: number, over: Partial<PeerSpec>) {
    const spec = peerSpec(id, { families: EVPN_ONLY, ...over });
    const addPath = spec.takesPaths === undefined ? 0 : 1 << Family.Evpn;
    this.session = new FakeSession(
      id,
      spec,
      (buffer) => {
        const messages = decodeMessages(buffer, spec.as4, addPath);
        for (const { received } of messages) {
          if (received.kind === "withdraw") {
            for (const key of received.keys) this.routes.delete(key);
            this.changes += received.keys.length;
          } else if (received.kind === "announce") {
            for (const { key, nlri, nextHop } of received.routes) {
              this.routes.set(key, `${nlri} ${nextHop} ${received.text}`);
            }
            this.changes += received.routes.length;
          }
        }
        return messages.length;
      },
      () => {},
    );
  }

  /** Next hops in hex, of all routes, path ids left out; sorted. */
  get hops(): string[] {
    return [...this.routes.values()].map((text) => text.split(" ")[1]!).sort();
  }

  /** All that it has, without the ids of paths, which are ours to choose. */
  get content(): string[] {
    return [...this.routes].map(([key, text]) => `${key.split("#")[0]} ${text}`).sort();
  }
}

export interface Said {
  readonly mac?: string;
  readonly ip?: string | undefined;
  readonly sequence?: number;
  readonly sticky?: boolean;
  readonly target?: string;
  readonly targets?: readonly string[];
  readonly esi?: string;
  readonly withdraw?: boolean;
  readonly pathId?: number;
  /** Second part of the RD; default 1. */
  readonly rd?: number;
  /** Session that says it; default: the PE's own. */
  readonly via?: number;
}

export class Rig {
  readonly speaker = new Speaker();
  readonly settings: FibSettings;
  fib: Fib;
  private seen = 0;
  private readonly lines = new Map<number, Line>();
  private readonly over: Partial<PeerSpec>;
  private nextReceiver = 1000;

  /** @param over of the PEs' sessions */
  constructor(change: Partial<FibSettings> = {}, over: Partial<PeerSpec> = {}) {
    this.settings = settings(change);
    this.over = over;
    this.fib = this.attach(this.settings);
    this.fib.quarantines.open(this.holds);
  }

  get holds() {
    const { policies } = this.speaker.reflector;
    return {
      setScreen: policies.setScreen.bind(policies),
      reconsider: policies.reconsiderAll.bind(policies),
    };
  }

  attach(change: FibSettings): Fib {
    const { reflector, clock } = this.speaker;
    const fib = new Fib({ table: reflector.table, settings: change, clock });
    reflector.attachReader({
      get position() {
        return fib.position;
      },
      read: (budgetMs) => fib.read(budgetMs),
    });
    return fib;
  }

  /** The session of a PE, up. */
  pe(number: number): Line {
    let line = this.lines.get(number);
    if (line?.session.isOpen !== true) {
      line = this.speaker.up({
        address: `10.9.0.${number}`,
        id: 0x0a090000 + number,
        families: EVPN_ONLY,
        ...this.over,
      });
      this.lines.set(number, line);
    }
    return line;
  }

  down(number: number, down?: SessionDown): this {
    this.lines.get(number)?.down(down);
    return this.run();
  }

  /** What a PE says of a MAC: its routes are of RD 10.0.0.N:1, next hop 10.0.0.N. */
  say(number: number, said: Said = {}): this {
    this.pe(said.via ?? number).say(messageOf(number, said));
    return this;
  }

  run(): this {
    this.speaker.run();
    return this;
  }

  /** Lets time pass, second by second. */
  pass(seconds: number): this {
    for (let n = 0; n < seconds; n++) {
      this.speaker.clock.advance(1000);
      this.speaker.run();
    }
    return this;
  }

  /** Moves the MAC so often between PE 1 and PE 2, 100 ms apart; it begins at 1 and both keep their routes. */
  flap(times: number, from = 0, said: Said = {}): this {
    for (let n = from; n <= from + times; n++) {
      this.say(1 + (n % 2), { sequence: n, ...said }).run();
      this.speaker.clock.advance(100);
    }
    return this.run();
  }

  receiver(over: Partial<PeerSpec> = {}): Receiver {
    const id = this.nextReceiver++;
    const receiver = new Receiver(id, { address: `10.8.0.${id - 999}`, id, ...over });
    this.speaker.reflector.established(receiver.session);
    this.run();
    return receiver;
  }

  /** FIB events since the last call. */
  news(): readonly FibEvent[] {
    this.run();
    const { events } = this.fib.tables;
    const { events: list } = events.read(this.seen, 1_000_000);
    this.seen = events.next;
    return list;
  }

  /** Paths that are held. */
  get held(): number {
    return this.speaker.reflector.table.held;
  }
}

export function messageOf(number: number, said: Said): Uint8Array {
  const { mac = MAC, ip, target = "65000:100", esi, pathId } = said;
  const nlri =
    (pathId === undefined ? "" : hex(pathId, 4)) +
    macIp({ rd: `10.0.0.${number}:${said.rd ?? 1}`, mac, ip, esi, label: 100 });
  if (said.withdraw === true) return update("", attribute(15, `001946${nlri}`));
  const attr: AttrSpec = {
    nextHop: `10.0.0.${number}`,
    targets: said.targets ?? [target],
    sequence: said.sequence,
    sticky: said.sticky,
  };
  const reach = `00194604${addressHex(attr.nextHop)}00${nlri}`;
  return update("", attributesHex(attr) + attribute(14, reach));
}

function attribute(code: number, value: string): string {
  return `90${hex(code, 1)}${hex(value.length / 2, 2)}${value}`;
}

export function hop(number: number): string {
  return addressHex(`10.0.0.${number}`);
}
