/**
 * MAC moves, and the pace at which they happen.
 *
 * A move of MAC m from PE a to PE b is what EVPN PEs send (RFC 7432 section 15): b announces its own
 * route for m with the mobility sequence one higher, a withdraws its route. Both go out at once,
 * each in an UPDATE of its own; a does not wait until it has heard of b. With an RD per PE these are
 * two NLRI; with `sharedRd` it is one NLRI that changes hands.
 */
import type { Fleet } from "./fleet.js";
import { packRoute, routePeer, routeSequence } from "./universe.js";
import { ByteSink } from "./wire.js";

export class Mover {
  /** Moves whose predecessor of the same MAC had not reached everyone yet: not timed any more. */
  superseded = 0;
  moves = 0;
  private readonly fleet: Fleet;
  /** MACs move between the first `movers` PEs. */
  private readonly movers: number;
  private readonly sinks: ByteSink[];
  private readonly one = new Int32Array(1);
  private readonly batch: number[] = [];

  constructor(fleet: Fleet, movers: number) {
    this.fleet = fleet;
    this.movers = movers;
    this.sinks = fleet.sessions.map(() => new ByteSink());
  }

  /** Writes the move into the PEs' buffers and tells the MAC's new route. `step` picks the new PE. */
  move(index: number, step: number, community = 0): number {
    const route = this.fleet.board.expected[index] ?? 0;
    const from = routePeer(route);
    const to = (from + 1 + (step % (this.movers - 1))) % this.movers;
    const sequence = routeSequence(route) + 1;
    this.announce(index, to, sequence, community);
    this.withdraw(index, from);
    this.moves++;
    return packRoute(to, sequence);
  }

  /** A MAC seen for the first time, or again after it was withdrawn. */
  announce(index: number, peer: number, sequence: number, community = 0): void {
    const { writer, board } = this.fleet;
    this.one[0] = index;
    writer.announce(this.sink(peer), peer, sequence, this.one, 0, 1, community);
    if (board.left[index] !== 0) this.superseded++;
    this.batch.push(index);
  }

  withdraw(index: number, peer: number): void {
    this.one[0] = index;
    this.fleet.writer.withdraw(this.sink(peer), peer, this.one, 0, 1);
  }

  /** What was written since the last time, per PE. */
  take(): { peer: number; bytes: Uint8Array }[] {
    this.batch.length = 0;
    return this.sinks
      .map((sink, peer) => ({ peer, bytes: sink.take() }))
      .filter(({ bytes }) => bytes.length > 0);
  }

  /** Sends what was written and starts the clock of its MACs, each of which `receivers` PEs must learn. */
  sendTimed(receivers: number): void {
    const { board } = this.fleet;
    const now = performance.now();
    for (const index of this.batch) {
      board.left[index] = receivers;
      board.sentAt[index] = now;
    }
    for (const { peer, bytes } of this.take()) this.fleet.session(peer).write(bytes);
  }

  private sink(peer: number): ByteSink {
    const sink = this.sinks[peer];
    if (sink === undefined) throw new RangeError(`no PE ${peer}`);
    return sink;
  }
}

/**
 * Every index below `size` once, in an order in which neighbours are `streams` apart: with a stream
 * per PE each move concerns another PE than the one before, as in a fabric, and the receivers' own
 * tables are still walked in a way that processor caches can follow.
 */
export function interleaved(size: number, streams: number): Int32Array {
  const order = new Int32Array(size);
  const rows = Math.ceil(size / streams);
  let k = 0;
  for (let row = 0; row < rows; row++)
    for (let index = row; index < size; index += rows) order[k++] = index;
  return order;
}

/**
 * Calls `due(count)` about each millisecond with the number of events that have come due, `rate`
 * a second, until `seconds` have passed or `stopped()`. Late ticks catch up; no event is dropped.
 */
export async function pace(
  rate: number,
  seconds: number,
  due: (count: number) => void,
  wait: (test: (now: number) => boolean) => Promise<number>,
): Promise<void> {
  const start = performance.now();
  const total = Math.round(rate * seconds);
  let done = 0;
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    const passed = Math.floor(((performance.now() - start) / 1000) * rate);
    const count = Math.min(passed, total) - done;
    if (count > 0) due(count);
    done += Math.max(0, count);
    if (done < total) timer = setTimeout(tick, 1);
  };
  tick();
  try {
    await wait(() => done >= total);
  } finally {
    clearTimeout(timer);
  }
}
