/**
 * A scripted BGP speaker: opens (or accepts) one TCP connection inside a lab's namespace, says OPEN
 * with the capabilities it is told, sends whatever bytes a test gives it, and keeps everything it
 * receives. It obeys no rule a test wants to break.
 */
import type { Socket } from "node:net";
import type { Lab } from "./lab.js";
import type { Capability } from "./messages.js";
import { addPath, KEEPALIVE, message, multiprotocol, notification, open, u32 } from "./messages.js";
import type { WaitOptions } from "./wait.js";
import { waitFor } from "./wait.js";
import { bytesOf, EVPN, Framer, hex, MessageType, messageType, WireTable } from "./wire.js";
import type { WireRoute } from "./wire.js";

export interface SpeakerOptions {
  readonly lab: Lab;
  /** Namespace label. */
  readonly label: string;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly port?: number;
  readonly as?: number;
  /** Default: the local address. */
  readonly routerId?: string;
  readonly holdTime?: number;
  /** Families for the multiprotocol capabilities; EVPN by default. */
  readonly families?: readonly number[];
  /** Families in which it receives several paths of a destination (RFC 7911), if the peer sends them. */
  readonly addPathIn?: readonly number[];
  /** Families in which it sends several paths, each NLRI behind its path id. */
  readonly addPathOut?: readonly number[];
  /** In place of the default list (families, route refresh, 4-octet AS, ADD-PATH). */
  readonly capabilities?: readonly Capability[];
  /** Wait for the peer to connect, instead of connecting. */
  readonly passive?: boolean;
  /** Let the test send OPEN and the first KEEPALIVE. */
  readonly manual?: boolean;
}

export interface Received {
  readonly type: number;
  readonly bytes: Buffer;
  /** performance.now() of its arrival. */
  readonly at: number;
}

export class SpeakerClient {
  readonly options: SpeakerOptions;
  /** Everything received, in order. */
  readonly messages: Received[] = [];
  /** What the peer has announced and not withdrawn. */
  readonly table: WireTable;
  /** The connection's end, from either side. */
  closed = false;
  private readonly socket: Socket;
  private readonly framer = new Framer();
  private readonly timer: NodeJS.Timeout;
  private lastKeepalive = performance.now();

  private constructor(options: SpeakerOptions, socket: Socket) {
    this.options = options;
    this.socket = socket;
    this.table = new WireTable(options.addPathIn);
    socket.on("data", (chunk: Buffer) => {
      for (const each of this.framer.push(chunk)) this.take(each);
    });
    // The relay's answer was read before: it left the stream paused.
    socket.resume();
    // The relay keeps half-open connections open: answer an end with an end.
    socket.on("end", () => {
      this.closed = true;
      socket.end();
    });
    socket.on("close", () => {
      this.closed = true;
      clearInterval(this.timer);
    });
    socket.on("error", () => {
      this.closed = true;
    });
    // A second is a third of the shortest hold time there is.
    this.timer = setInterval(() => {
      if (this.established && performance.now() - this.lastKeepalive >= this.keepaliveEvery()) {
        this.lastKeepalive = performance.now();
        this.send(KEEPALIVE);
      }
    }, 1000);
    this.timer.unref();
  }

  /** Connects and sends OPEN; retries while the other side refuses. */
  static async connect(options: SpeakerOptions): Promise<SpeakerClient> {
    const relay = await options.lab.relay(options.label);
    const target = {
      host: options.remoteAddress,
      port: options.port ?? 179,
      localAddress: options.localAddress,
    };
    const socket = await waitFor(`connection ${options.localAddress} to ${target.host}`, () =>
      relay.connect(target),
    );
    const client = new SpeakerClient(options, socket);
    if (options.manual !== true) client.sendOpen();
    return client;
  }

  /** Takes the next connection that a listener made by `relay.listen` gets, and sends OPEN. */
  static async accept(options: SpeakerOptions): Promise<SpeakerClient> {
    const relay = await options.lab.relay(options.label);
    const { socket } = await relay.accept(options.localAddress, options.port ?? 179);
    const client = new SpeakerClient(options, socket);
    if (options.manual !== true) client.sendOpen();
    return client;
  }

  /** Connected, and Established. */
  static async up(options: SpeakerOptions): Promise<SpeakerClient> {
    const client = await SpeakerClient.connect(options);
    await client.waitEstablished();
    return client;
  }

  /** The peer has answered OPEN with OPEN and KEEPALIVE. */
  get established(): boolean {
    return !this.closed && this.has(MessageType.Open) && this.has(MessageType.Keepalive);
  }

  get opened(): Buffer | undefined {
    return this.messages.find(({ type }) => type === MessageType.Open)?.bytes;
  }

  /** Hex of the NOTIFICATION's code, subcode and data. */
  get notification(): string | undefined {
    const found = this.messages.find(({ type }) => type === MessageType.Notification);
    return found && hex(found.bytes.subarray(19));
  }

  get updates(): Buffer[] {
    return this.messages
      .filter(({ type }) => type === MessageType.Update)
      .map(({ bytes }) => bytes);
  }

  send(...bytes: readonly Uint8Array[]): void {
    if (!this.closed) this.socket.write(Buffer.concat(bytes));
  }

  /** Any message, from hex as in the vectors. */
  sendHex(...messages: readonly string[]): void {
    this.send(...messages.map((each) => bytesOf(each)));
  }

  sendOpen(holdTime = this.options.holdTime ?? 90): void {
    const { as = 65000, routerId = this.options.localAddress, families = [EVPN] } = this.options;
    const capabilities = this.options.capabilities ?? [
      ...families.map(multiprotocol),
      [2, ""],
      [65, u32(as)],
      ...this.addPathCapability(),
    ];
    this.send(open({ as, holdTime, routerId, capabilities }));
  }

  async waitEstablished(options?: WaitOptions): Promise<void> {
    await waitFor(
      `${this.options.localAddress} to be Established`,
      () => {
        if (this.closed) throw new Error(`closed, NOTIFICATION ${this.notification ?? "none"}`);
        return this.established;
      },
      options,
    );
  }

  /** The route with this NLRI's key, once it is there. */
  waitRoute(family: number, nlri: string, options?: WaitOptions): Promise<WireRoute> {
    return waitFor(
      `${this.options.localAddress} to have ${nlri}`,
      () => this.table.get(family, nlri),
      options,
    );
  }

  async waitNoRoute(family: number, nlri: string, options?: WaitOptions): Promise<void> {
    const gone = (): boolean => this.table.get(family, nlri) === undefined;
    await waitFor(`${this.options.localAddress} to lose ${nlri}`, gone, options);
  }

  async waitSize(routes: number, options?: WaitOptions): Promise<void> {
    await waitFor(
      `${this.options.localAddress} to have ${String(routes)} routes`,
      () => {
        if (this.table.size !== routes) throw new Error(`has ${String(this.table.size)}`);
        return true;
      },
      options,
    );
  }

  /** The NOTIFICATION, in hex, once the peer has sent it and closed. */
  async waitNotification(options?: WaitOptions): Promise<string> {
    await waitFor(`${this.options.localAddress} to be closed`, () => this.closed, options);
    return this.notification ?? "";
  }

  /** Cease, administrative shutdown, and the end of the connection. */
  close(): void {
    this.send(notification(6, 2));
    this.socket.end();
    this.closed = true;
  }

  /** The end without a word. */
  drop(): void {
    this.closed = true;
    this.socket.destroy();
  }

  /** Stop and go on reading: a slow peer. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  private addPathCapability(): Capability[] {
    const { addPathIn = [], addPathOut = [] } = this.options;
    const tuples = [...new Set([...addPathIn, ...addPathOut])].map((family) =>
      addPath(family, addPathIn.includes(family), addPathOut.includes(family)),
    );
    return tuples.length === 0 ? [] : [[69, tuples.join("")]];
  }

  /** A third of the smaller hold time of both sides, in milliseconds. */
  private keepaliveEvery(): number {
    const theirs = this.opened?.readUInt16BE(22) ?? 90;
    return (Math.min(this.options.holdTime ?? 90, theirs) * 1000) / 3;
  }

  private has(type: number): boolean {
    return this.messages.some((each) => each.type === type);
  }

  private take(bytes: Buffer): void {
    const type = messageType(bytes);
    this.messages.push({ type, bytes, at: performance.now() });
    if (type === MessageType.Open && this.options.manual !== true) this.send(message(4, ""));
    if (type === MessageType.Update) this.table.apply(bytes);
  }
}
