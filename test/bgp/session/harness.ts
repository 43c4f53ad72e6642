/** In-memory connections, a clock that tests turn, and a sink that writes down what it is told. */
import type { Clock } from "../../../src/util/clock.js";
import type { DecodeFault } from "../../../src/fast-bgp-codec/fault.js";
import type { Log } from "../../../src/util/log.js";
import {
  PEER_OPTION_DEFAULTS,
  SPEAKER_DEFAULTS,
  type DynamicRange,
  type PeerOptions,
  type SpeakerSettings,
} from "../../../src/bgp/settings.js";
import { PeerTable } from "../../../src/bgp/session/peer-table.js";
import type {
  Connection,
  Dialer,
  EstablishedSession,
  ReflectorSink,
  SessionDown,
} from "../../../src/bgp/session/types.js";

/** Time stands still until `advance`; what is due runs in order of time. */
export class FakeClock implements Clock {
  private time = 1000;
  private order = 0;
  private timers: { at: number; order: number; run: () => void; live: boolean }[] = [];
  private polls: (() => void)[] = [];

  now(): number {
    return this.time;
  }

  wall(): number {
    return 1_700_000_000_000 + this.time;
  }

  setTimer(milliseconds: number, run: () => void): { cancel(): void } {
    const timer = { at: this.time + milliseconds, order: this.order++, run, live: true };
    this.timers.push(timer);
    return { cancel: () => (timer.live = false) };
  }

  /** What `afterPoll` of the wheel does: runs once the poll phase (delivery) is over. */
  readonly afterPoll = (check: () => void): void => {
    this.polls.push(check);
  };

  get pendingTimers(): number {
    return this.timers.filter((timer) => timer.live).length;
  }

  /** A poll phase delivers what is readable, then the checks run. */
  poll(deliver: () => void): void {
    deliver();
    const checks = this.polls;
    this.polls = [];
    for (const check of checks) check();
    if (checks.length > 0) deliver();
  }

  /** Turns the loop normally: each due timer at its time, a poll phase after each. */
  advance(milliseconds: number, deliver: () => void): void {
    const end = this.time + milliseconds;
    this.poll(deliver);
    for (;;) {
      const next = this.earliest(end);
      if (next === undefined) break;
      this.time = Math.max(this.time, next.at);
      this.fire(next);
      this.poll(deliver);
    }
    this.time = end;
  }

  /** The loop stands for this long: then everything due runs at once, before any poll phase. */
  stall(milliseconds: number): void {
    this.time += milliseconds;
    for (;;) {
      const next = this.earliest(this.time);
      if (next === undefined) return;
      this.fire(next);
    }
  }

  /** Time passes inside one turn: no timer runs. */
  jump(milliseconds: number): void {
    this.time += milliseconds;
  }

  private earliest(end: number): (typeof this.timers)[number] | undefined {
    let best: (typeof this.timers)[number] | undefined;
    for (const timer of this.timers) {
      if (!timer.live || timer.at > end) continue;
      if (
        best === undefined ||
        timer.at < best.at ||
        (timer.at === best.at && timer.order < best.order)
      ) {
        best = timer;
      }
    }
    return best;
  }

  private fire(timer: (typeof this.timers)[number]): void {
    timer.live = false;
    this.timers = this.timers.filter((other) => other.live);
    timer.run();
  }
}

/** One end of a pipe. What is written waits in the other end until `deliver`. */
export class MemoryConnection implements Connection {
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly localPort = 179;
  readonly remotePort = 179;
  readonly initiator: "local" | "remote";
  onBytes: Connection["onBytes"] = (_bytes, start, end) => end - start;
  onClosed: Connection["onClosed"] = () => {};
  onDrain: Connection["onDrain"] = () => {};
  other!: MemoryConnection;
  /** Received, not read yet. */
  inbox: Buffer = Buffer.alloc(0);
  paused = true;
  /** We closed. */
  closed = false;
  /** The other side closed and we have not heard yet. */
  eof = false;
  rekey?: (password: string) => boolean;
  signed: boolean | undefined;
  /** Nothing written reaches the peer: it stopped reading. */
  blocked = false;
  private stuck: Buffer[] = [];
  private taken = 0;

  constructor(local: string, remote: string, initiator: "local" | "remote") {
    this.localAddress = local;
    this.remoteAddress = remote;
    this.initiator = initiator;
  }

  get pendingBytes(): number {
    return this.stuck.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  get bytesAccepted(): number {
    return this.taken;
  }

  write(bytes: Uint8Array): void {
    if (this.closed) return;
    this.stuck.push(Buffer.from(bytes));
    this.flush();
  }

  writeMany(buffers: readonly Uint8Array[]): void {
    for (const bytes of buffers) this.write(bytes);
  }

  flush(): void {
    if (this.blocked) return;
    for (const bytes of this.stuck) {
      this.taken += bytes.length;
      if (!this.other.closed) this.other.inbox = Buffer.concat([this.other.inbox, bytes]);
    }
    this.stuck = [];
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(_lingerMs: number, done?: () => void): void {
    this.flush();
    this.destroy();
    done?.();
  }

  destroy(): void {
    this.closed = true;
    this.other.eof = true;
  }

  /** Reads what is there, as a poll phase would. True when something happened. */
  poll(): boolean {
    if (this.closed || this.paused) return false;
    if (this.inbox.length > 0) {
      const bytes = this.inbox;
      this.inbox = Buffer.alloc(0);
      const used = this.onBytes(bytes, 0, bytes.length);
      const rest = bytes.subarray(used);
      this.inbox = Buffer.concat([rest, this.inbox]);
      if (used > 0) return true;
    }
    if (!this.eof) return false;
    this.closed = true;
    this.onClosed(undefined);
    return true;
  }
}

/** A network of tables by address: dials become connections when `settle` runs. */
export class Network {
  readonly clock = new FakeClock();
  readonly connections: MemoryConnection[] = [];
  /** Address to whoever accepts there. */
  readonly listeners = new Map<string, (connection: Connection) => void>();
  private dials: { run: () => void; live: boolean }[] = [];

  readonly deliver = (): void => {
    for (let busy = true; busy;) {
      busy = false;
      if (this.dial()) busy = true;
      for (const connection of [...this.connections]) if (connection.poll()) busy = true;
    }
  };

  /** Completes the dials under way. */
  dial(): boolean {
    const { dials } = this;
    this.dials = [];
    for (const dial of dials) if (dial.live) dial.run();
    return dials.length > 0;
  }

  advance(milliseconds: number): void {
    this.clock.advance(milliseconds, this.deliver);
  }

  /** Both ends, `local` having opened it. */
  pair(local: string, remote: string): [MemoryConnection, MemoryConnection] {
    const a = new MemoryConnection(local, remote, "local");
    const b = new MemoryConnection(remote, local, "remote");
    a.other = b;
    b.other = a;
    this.connections.push(a, b);
    return [a, b];
  }

  dialer(from: string): Dialer {
    return {
      dial: (target, connected, failed) => {
        const dial = {
          live: true,
          run: () => {
            const accept = this.listeners.get(target.address);
            if (accept === undefined) {
              return failed(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
            }
            const [ours, theirs] = this.pair(from, target.address);
            accept(theirs);
            connected(ours);
          },
        };
        this.dials.push(dial);
        return { cancel: () => (dial.live = false) };
      },
    };
  }
}

export interface Recorded {
  readonly kind: "established" | "update" | "refresh" | "drained" | "closed";
  readonly session: EstablishedSession;
  readonly hex?: string;
  readonly detail?: SessionDown;
  readonly refresh?: readonly [number, number];
}

export class RecordingSink implements ReflectorSink {
  readonly events: Recorded[] = [];
  /** What `update` answers. */
  fault: DecodeFault | undefined;
  /** Addresses whose routes are kept for their return. */
  readonly retained = new Set<string>();

  /** Addresses whose kept routes somebody has given up. */
  readonly abandoned: string[] = [];

  abandon(address: string): void {
    this.abandoned.push(address);
  }

  retains(address: string): boolean {
    return this.retained.has(address);
  }

  established(session: EstablishedSession): void {
    this.events.push({ kind: "established", session });
  }

  update(
    session: EstablishedSession,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): DecodeFault | undefined {
    const hex = Buffer.from(bytes.subarray(start, end)).toString("hex");
    this.events.push({ kind: "update", session, hex });
    return this.fault;
  }

  routeRefresh(session: EstablishedSession, family: number, subtype: number): void {
    this.events.push({ kind: "refresh", session, refresh: [family, subtype] });
  }

  drained(session: EstablishedSession): void {
    this.events.push({ kind: "drained", session });
  }

  closed(session: EstablishedSession, detail: SessionDown): void {
    this.events.push({ kind: "closed", session, detail });
  }

  kinds(): string[] {
    return this.events.map((event) => event.kind);
  }
}

export class LogLines implements Log {
  readonly lines: { level: string; fields: object; message: string }[] = [];
  debug = (fields: object, message: string): void => this.add("debug", fields, message);
  info = (fields: object, message: string): void => this.add("info", fields, message);
  warn = (fields: object, message: string): void => this.add("warn", fields, message);
  error = (fields: object, message: string): void => this.add("error", fields, message);

  get text(): string {
    return this.lines
      .map((line) => `${line.level} ${line.message} ${JSON.stringify(line.fields)}`)
      .join("\n");
  }

  private add(level: string, fields: object, message: string): void {
    this.lines.push({ level, fields, message });
  }
}

const OPTIONS: PeerOptions = {
  ...PEER_OPTION_DEFAULTS,
  peerAs: 65000,
  extendedMessage: false,
  prefixLimitRestart: 60,
};

export function peerOptions(changes: Partial<PeerOptions> = {}): PeerOptions {
  return { ...OPTIONS, ...changes };
}

export function peer(
  address: string,
  changes: Partial<PeerOptions> = {},
): PeerOptions & { address: string } {
  return { ...peerOptions(changes), address };
}

export function range(prefix: string, changes: Partial<DynamicRange> = {}): DynamicRange {
  return {
    ...peerOptions({ peerAs: undefined }),
    maxPeers: 0,
    allow: [],
    deny: [],
    ...changes,
    prefix,
  };
}

export function settings(changes: Partial<SpeakerSettings> = {}): SpeakerSettings {
  return {
    ...SPEAKER_DEFAULTS,
    as: 65000,
    routerId: "10.0.0.1",
    clusterId: "10.0.0.1",
    ...changes,
  };
}

export interface Node {
  readonly table: PeerTable;
  readonly sink: RecordingSink;
  readonly log: LogLines;
  readonly address: string;
}

/** A table at an address of the network, not started. */
export function node(
  network: Network,
  address: string,
  own: SpeakerSettings,
  gap?: (options: PeerOptions) => string | undefined,
  dialer = network.dialer(address),
): Node {
  const sink = new RecordingSink();
  const log = new LogLines();
  const table = new PeerTable({
    settings: own,
    dialer,
    sink,
    log,
    clock: network.clock,
    random: () => 1,
    afterPoll: network.clock.afterPoll,
    ...(gap === undefined ? {} : { gap }),
  });
  network.listeners.set(address, (connection) => table.accept(connection));
  return { table, sink, log, address };
}

/** A peer whose every octet the test writes. */
export class RawPeer {
  /** Our end of the wire; the table has the other. */
  readonly wire: MemoryConnection;
  private readonly network: Network;

  constructor(network: Network, to: Node, from: string) {
    this.network = network;
    const [ours, theirs] = network.pair(from, to.address);
    this.wire = ours;
    to.table.accept(theirs);
    network.advance(0);
  }

  send(bytes: Uint8Array): void {
    this.wire.write(bytes);
    this.network.advance(0);
  }

  /** Whole messages received since the last look, in hex without marker. */
  received(): string[] {
    const messages: string[] = [];
    let bytes = this.wire.inbox;
    while (bytes.length >= 19) {
      const length = bytes.readUInt16BE(16);
      messages.push(bytes.subarray(18, length).toString("hex"));
      bytes = bytes.subarray(length);
    }
    this.wire.inbox = Buffer.alloc(0);
    return messages;
  }

  /** Code, subcode and data of the NOTIFICATION among what was received. */
  notification(): string | undefined {
    const hex = this.received().find((message) => message.startsWith("03"));
    if (hex === undefined) return undefined;
    const [code, subcode] = [parseInt(hex.slice(2, 4), 16), parseInt(hex.slice(4, 6), 16)];
    return `${code}/${subcode}${hex.length > 6 ? ` ${hex.slice(6)}` : ""}`;
  }
}
