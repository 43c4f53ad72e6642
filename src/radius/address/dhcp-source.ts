/**
 * Addresses of an external DHCP server, asked in the subscriber's name as a relay agent asks (RFC 2131
 * sections 3.1 and 4.4, RFC 3046): discover, offer, request, acknowledgement; renewed at half time, given
 * back when the session is over. Requests are repeated after 1, 2, 4 … seconds.
 */
import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";
import { randomInt } from "node:crypto";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { normalMac } from "../identity.js";
import type { EndReason, Lease, Session } from "../session/session.js";
import type { DhcpAddressSettings } from "../settings.js";
import { decodeDhcp, DhcpType, encodeDhcp } from "./dhcp-message.js";
import type { DhcpOrder, DhcpReply } from "./dhcp-message.js";
import { AddressError } from "./source.js";
import type { AddressSource, Subscriber } from "./source.js";

const FIRST_REPEAT_MS = 1000;
/** A lease without an end, as the message has it. */
const FOREVER = 0xffffffff;

interface Exchange {
  readonly mac: string;
  readonly wanted: readonly number[];
  readonly resolve: (reply: DhcpReply) => void;
  readonly reject: (error: Error) => void;
  timer: TimerHandle;
}

export class DhcpSource implements AddressSource {
  private readonly settings: DhcpAddressSettings;
  private readonly clock: Clock;
  /** Reused: a reload opens the next one beside this. */
  private readonly socket: Socket = createSocket({ type: "udp4", reuseAddr: true });
  /** By transaction id. */
  private readonly exchanges = new Map<number, Exchange>();
  private closed = false;

  private constructor(settings: DhcpAddressSettings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    this.socket.on("message", (bytes, from) => this.receive(bytes, from));
  }

  /** Rejects with the system's error when the relay address cannot be listened on. */
  static async open(settings: DhcpAddressSettings, clock: Clock): Promise<DhcpSource> {
    const source = new DhcpSource(settings, clock);
    const { socket } = source;
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(settings.relayPort, settings.relayAddress, () => {
        socket.off("error", reject);
        // What the kernel says later concerns single messages: those are repeated.
        socket.on("error", () => {});
        resolve();
      });
    });
    return source;
  }

  async acquire({ session }: Subscriber): Promise<Lease> {
    const mac = normalMac(session.mac);
    if (mac === undefined) throw new AddressError(`${session.mac} is no MAC address`);
    const until = this.clock.now() + this.settings.timeoutMs;
    const circuit = circuitOf(session);
    const offer = await this.ask(
      { type: DhcpType.Discover, mac, circuit },
      [DhcpType.Offer],
      until,
    );
    const server = offer.server ?? this.settings.server;
    const request = { type: DhcpType.Request, mac, circuit, requested: offer.address, server };
    const reply = await this.ask(request, [DhcpType.Ack, DhcpType.Nak], until);
    return this.leaseOf(reply, server);
  }

  async renew(session: Session, { address, from }: Lease): Promise<Lease> {
    const until = this.clock.now() + this.settings.timeoutMs;
    const order = {
      type: DhcpType.Request,
      mac: session.mac,
      circuit: circuitOf(session),
      address,
    };
    return this.leaseOf(await this.ask(order, [DhcpType.Ack, DhcpType.Nak], until), from);
  }

  /** Nobody answers to this: it is sent once. */
  release(session: Session, { address, from }: Lease, reason: EndReason): void {
    const { mac } = session;
    const order = { type: DhcpType.Release, mac, address, server: from, message: reason };
    this.send({ ...order, xid: this.freshId() });
  }

  adopt(): void {}

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const { timer, reject } of this.exchanges.values()) {
      timer.cancel();
      reject(new AddressError("the source of addresses is another one now"));
    }
    this.exchanges.clear();
    this.socket.close();
  }

  /** One message and its answer, repeated until the time is over. Rejects with `AddressError`. */
  private ask(
    order: Omit<DhcpOrder, "xid" | "relayAddress">,
    wanted: readonly number[],
    until: number,
  ): Promise<DhcpReply> {
    const xid = this.freshId();
    return new Promise((resolve, reject) => {
      const attempt = (wait: number): void => {
        const left = until - this.clock.now();
        if (left <= 0 || this.closed) {
          this.exchanges.delete(xid);
          reject(new AddressError(`the DHCP server ${this.settings.server} does not answer`));
          return;
        }
        this.send({ ...order, xid });
        const timer = this.clock.setTimer(Math.min(wait, left), () => attempt(2 * wait));
        this.exchanges.set(xid, { mac: order.mac, wanted, resolve, reject, timer });
      };
      attempt(FIRST_REPEAT_MS);
    });
  }

  private receive(bytes: Uint8Array, from: RemoteInfo): void {
    if (from.address !== this.settings.server) return;
    const reply = decodeDhcp(bytes);
    const exchange = reply === undefined ? undefined : this.exchanges.get(reply.xid);
    if (reply === undefined || exchange === undefined) return;
    if (reply.mac !== exchange.mac || !exchange.wanted.includes(reply.type)) return;
    exchange.timer.cancel();
    this.exchanges.delete(reply.xid);
    exchange.resolve(reply);
  }

  private leaseOf(reply: DhcpReply, from: string): Lease {
    if (reply.type === DhcpType.Nak) {
      throw new AddressError(`the DHCP server refuses: ${reply.message ?? "without a reason"}`);
    }
    const { address, leaseTime = FOREVER, renewalTime = Math.floor(leaseTime / 2) } = reply;
    const now = this.clock.wall();
    const ends = leaseTime !== FOREVER;
    return {
      address,
      from,
      until: ends ? now + leaseTime * 1000 : undefined,
      renewAt: ends ? now + Math.min(renewalTime, leaseTime) * 1000 : undefined,
    };
  }

  private send(order: Omit<DhcpOrder, "relayAddress">): void {
    if (this.closed) return;
    const { server, serverPort, relayAddress } = this.settings;
    const bytes = encodeDhcp({ ...order, relayAddress });
    this.socket.send(bytes, serverPort, server, () => {});
  }

  private freshId(): number {
    for (;;) {
      const id = randomInt(2 ** 32);
      if (!this.exchanges.has(id)) return id;
    }
  }
}

/** Where the subscriber is: what a server can choose a subnet or a class by. */
function circuitOf({ accessPoint, ssid }: Session): string {
  return ssid === undefined ? accessPoint : `${accessPoint}:${ssid}`;
}
