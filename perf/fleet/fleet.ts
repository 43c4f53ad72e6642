/**
 * All PEs of a run: connects them, keeps them alive, waits until everyone holds what the board
 * expects, and says what is wrong where when that does not happen.
 */
import { Board } from "./board.js";
import { Receiver } from "./receiver.js";
import { PeSession, type SessionOptions } from "./session.js";
import {
  addressText,
  macText,
  NEXT_HOP_BASE,
  packRoute,
  routePeer,
  routeSequence,
  type Universe,
} from "./universe.js";
import { ByteSink, END_OF_RIB, UpdateWriter } from "./wire.js";

export interface FleetOptions {
  readonly host: string;
  readonly port: number;
  /** Address PE 0 binds to, the others follow; undefined binds to none. */
  readonly sourceBase: number | undefined;
  readonly holdTime: number;
  readonly enhancedRefresh: boolean;
  readonly extendedMessage: boolean;
  /** PEs offer route-target memberships (RFC 4684). */
  readonly memberships?: boolean;
  /** Seconds without any progress after which waiting is given up. */
  readonly patienceSeconds: number;
}

/** A run that did not do what it should: the target's fault, or the network's. */
export class ChurnFailure extends Error {}

/** How often waits that no read ends are looked at. */
const TICK_MILLISECONDS = 5;

interface Waiter {
  readonly test: (now: number) => boolean;
  readonly resolve: (now: number) => void;
  readonly reject: (reason: ChurnFailure) => void;
}

export class Fleet {
  readonly universe: Universe;
  readonly board: Board;
  readonly writer: UpdateWriter;
  readonly sessions: PeSession[] = [];
  /** Shown on the progress line. */
  phase = "";
  /** PEs that are away or asleep on purpose: not waited for. */
  readonly absent = new Set<number>();
  private readonly options: FleetOptions;
  private readonly waiters = new Set<Waiter>();
  private incomplete = 0;
  private readonly completeNow: boolean[] = [];
  private failure: ChurnFailure | undefined;
  private keepalive: NodeJS.Timeout | undefined;

  constructor(universe: Universe, options: FleetOptions) {
    this.universe = universe;
    this.options = options;
    this.board = new Board(universe.size, universe.settings.sharedRd, universe.vni);
    this.writer = new UpdateWriter(universe);
    for (let peer = 0; peer < universe.settings.peers; peer++) this.add(peer);
  }

  private add(peer: number): void {
    this.sessions[peer] = this.makeSession(peer, new Receiver(peer, this.board));
    this.completeNow[peer] = true;
  }

  private makeSession(peer: number, receiver: Receiver): PeSession {
    const { sourceBase, ...rest } = this.options;
    const options: SessionOptions = {
      ...rest,
      localAddress: sourceBase === undefined ? undefined : addressText(sourceBase + peer),
      as: this.universe.settings.as,
      routerId: NEXT_HOP_BASE + peer + 1,
    };
    return new PeSession(peer, receiver, options, {
      established: () => this.poke(performance.now()),
      progress: (session, now) => this.progress(session, now),
      lost: (session, reason) => this.fail(new ChurnFailure(`${session.name} lost: ${reason}`)),
    });
  }

  session(peer: number): PeSession {
    const session = this.sessions[peer];
    if (session === undefined) throw new RangeError(`no PE ${peer}`);
    return session;
  }

  get present(): PeSession[] {
    return this.sessions.filter((session) => !this.absent.has(session.peer));
  }

  /** Connects the PEs and waits until all are Established; resolves to the time of the last. */
  async connect(peers: readonly number[], atOnce = 64): Promise<number> {
    this.phase = "connecting";
    this.startKeepalives();
    let next = 0;
    const open = (): void => {
      const started = peers.slice(0, next);
      let waiting = started.filter((peer) => !this.session(peer).established).length;
      while (next < peers.length && waiting < atOnce) {
        this.session(peers[next++] ?? 0).connect();
        waiting++;
      }
    };
    open();
    return this.until((): boolean => {
      if (next < peers.length) open();
      return next >= peers.length && peers.every((peer) => this.session(peer).established);
    });
  }

  /** A new session for a PE that was away; its table starts empty. */
  replace(peer: number): PeSession {
    const receiver = this.session(peer).receiver;
    receiver.reset();
    const session = this.makeSession(peer, receiver);
    this.sessions[peer] = session;
    return session;
  }

  /** Waits for everyone's End-of-RIB, or `seconds` for targets that send none: start-up timers are over then. */
  async settle(seconds: number): Promise<void> {
    this.phase = "waiting for End-of-RIB";
    const end = performance.now() + seconds * 1000;
    await this.until(
      (now) => now > end || this.present.every((session) => session.receiver.endOfRib),
    );
  }

  /** Call after changing `board.expected`. */
  recount(): void {
    this.incomplete = 0;
    for (const session of this.sessions) {
      session.receiver.recount();
      const complete = session.receiver.complete || this.absent.has(session.peer);
      this.completeNow[session.peer] = complete;
      if (!complete) this.incomplete++;
    }
  }

  /** Call after changing what one PE wants. */
  recountPeer(peer: number): void {
    const session = this.session(peer);
    session.receiver.recount();
    this.progress(session, performance.now());
  }

  /** Changes one expectation while traffic runs; 0 = nobody has the MAC any more. */
  expect(index: number, route: number): void {
    for (const { receiver } of this.sessions) if (receiver.isWrong(index)) receiver.wrong--;
    this.board.expected[index] = route;
    const now = performance.now();
    for (const session of this.sessions) {
      if (session.receiver.isWrong(index)) session.receiver.wrong++;
      this.progress(session, now);
    }
  }

  /** Resolves to the time at which the last receiver became right. */
  async untilComplete(): Promise<number> {
    return this.until(() => this.incomplete === 0);
  }

  /** Time for surplus messages to arrive, then everything must still be right. */
  async verify(seconds = 0.3): Promise<void> {
    this.phase = "verifying";
    await this.sleep(seconds);
    this.recount();
    if (this.incomplete > 0) await this.untilComplete();
    this.checkAltered();
  }

  async sleep(seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000;
    await this.until((now) => now >= end, seconds + this.options.patienceSeconds);
  }

  /**
   * Waits for a condition that reads or time may bring about. Fails when a session is lost, and
   * when nothing has come from the target for the time of `patienceSeconds`.
   */
  async until(test: (now: number) => boolean, patience?: number): Promise<number> {
    const patienceMillis = (patience ?? this.options.patienceSeconds) * 1000;
    let mark = this.bytesRead();
    let last = performance.now();
    let quiet = 0;
    const timer = setInterval(() => {
      const now = performance.now();
      const bytes = this.bytesRead() + this.unsent();
      // a tick that comes late says that we ourselves were kept from reading
      quiet = bytes === mark ? quiet + Math.min(now - last, 10 * TICK_MILLISECONDS) : 0;
      mark = bytes;
      last = now;
      if (quiet > patienceMillis)
        this.fail(
          new ChurnFailure(`no progress for ${patienceMillis / 1000} s. ${this.describe()}`),
        );
      this.poke(now);
    }, TICK_MILLISECONDS);
    try {
      return await new Promise<number>((resolve, reject) => {
        if (this.failure !== undefined) reject(this.failure);
        const waiter = { test, resolve, reject };
        this.waiters.add(waiter);
        this.poke(last);
      });
    } finally {
      clearInterval(timer);
    }
  }

  private progress(session: PeSession, now: number): void {
    const peer = session.peer;
    const complete = session.receiver.complete || this.absent.has(peer);
    if (complete !== this.completeNow[peer]) {
      this.completeNow[peer] = complete;
      this.incomplete += complete ? -1 : 1;
      if (this.incomplete === 0) this.poke(now);
    }
  }

  private poke(now: number): void {
    for (const waiter of this.waiters) {
      if (!waiter.test(now)) continue;
      this.waiters.delete(waiter);
      waiter.resolve(now);
    }
  }

  private fail(failure: ChurnFailure): void {
    this.failure ??= failure;
    for (const waiter of this.waiters) waiter.reject(this.failure);
    this.waiters.clear();
  }

  private bytesRead(): number {
    return this.sessions.reduce((sum, session) => sum + session.bytesRead, 0);
  }

  /** Octets that PEs have handed over and the kernel has not taken. */
  unsent(): number {
    return this.sessions.reduce((sum, session) => sum + session.unsent, 0);
  }

  private startKeepalives(): void {
    if (this.keepalive !== undefined || this.options.holdTime === 0) return;
    const interval = (Math.max(3, this.options.holdTime) * 1000) / 3;
    let negotiated = interval;
    const tick = (): void => {
      const now = performance.now();
      for (const session of this.sessions) {
        session.tick(now, !this.absent.has(session.peer));
        if (session.established && session.holdTime > 0)
          negotiated = Math.min(negotiated, (session.holdTime * 1000) / 3);
      }
      this.keepalive = setTimeout(tick, negotiated);
    };
    this.keepalive = setTimeout(tick, 1000);
  }

  /** The initial table of a PE as octets, End-of-RIB last, and the board told of it. Call `recount` after the last one. */
  initialTable(peer: number): Uint8Array {
    const indexes = this.universe.homeOf(peer);
    const sink = new ByteSink(65536 + indexes.length * 64);
    this.writer.announceAll(sink, peer, indexes);
    sink.append(END_OF_RIB);
    for (const index of indexes) this.board.expected[index] = packRoute(peer, 0);
    return sink.bytes.subarray(0, sink.length);
  }

  /** Announces everybody's initial table and waits until all have it. Gives milliseconds from the first octet to the last receiver. */
  async announceTables(peers: readonly number[]): Promise<number> {
    const tables = peers.map((peer) => this.initialTable(peer));
    this.recount();
    this.phase = "announcing the tables";
    const start = performance.now();
    peers.forEach((peer, at) => this.session(peer).write(tables[at] ?? END_OF_RIB));
    return (await this.untilComplete()) - start;
  }

  /** MACs not right yet, over all receivers. */
  get outstanding(): number {
    return this.present.reduce((sum, session) => sum + session.receiver.wrong, 0);
  }

  total(field: "announced" | "withdrawn" | "updates" | "repeated" | "needless"): number {
    return this.sessions.reduce((sum, session) => sum + session.receiver[field], 0);
  }

  private checkAltered(): void {
    for (const { name, receiver } of this.sessions) {
      const { altered, malformed } = receiver;
      if (altered + malformed > 0)
        this.fail(
          new ChurnFailure(
            `${name} got ${altered} NLRI with a next hop, label or IP address that is not their PE's, and ${malformed} UPDATEs that cannot be parsed`,
          ),
        );
    }
    if (this.failure !== undefined) throw this.failure;
  }

  /** What is wrong, at the first receivers where something is. */
  describe(): string {
    const lines: string[] = [];
    for (const session of this.present) {
      if (!session.established) lines.push(`${session.name} is not Established.`);
      else if (!session.receiver.complete)
        lines.push(describeReceiver(session, this.universe.size));
      else if (session.receiver.altered > 0)
        lines.push(`${session.name} got ${session.receiver.altered} altered NLRI.`);
    }
    const shown = lines.slice(0, 5);
    if (lines.length > shown.length) shown.push(`And ${lines.length - shown.length} more PEs.`);
    return shown.length === 0 ? "Every receiver is right." : shown.join(" ");
  }

  /** Ends all sessions with Cease. */
  async close(): Promise<void> {
    clearTimeout(this.keepalive);
    for (const session of this.sessions) session.close("cease");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function describeReceiver({ name, receiver }: PeSession, size: number): string {
  let missing = 0;
  let surplus = 0;
  let different = 0;
  const examples: string[] = [];
  for (let index = 0; index < size; index++) {
    if (!receiver.isWrong(index)) continue;
    const expected = receiver.expectedOf(index);
    const held = receiver.routesOf(index);
    if (held.length === 0) missing++;
    else if (expected === 0 || held.includes(expected)) surplus++;
    else different++;
    if (examples.length < 2)
      examples.push(
        `${macText(index)} should be ${routeText(expected)} and is ${held.map(routeText).join(" and ") || "not there"}`,
      );
  }
  return `${name}: ${missing} MACs missing, ${surplus} with a route left over, ${different} with the wrong next hop or sequence (${receiver.altered} altered NLRI); e.g. ${examples.join("; ")}.`;
}

function routeText(route: number): string {
  return route === 0 ? "absent" : `at PE ${routePeer(route)} with sequence ${routeSequence(route)}`;
}
