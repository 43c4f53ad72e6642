/**
 * One PE's table, kept in typed arrays, and the reading of UPDATEs into it.
 *
 * A receiver knows at every moment how many MACs differ from what the board expects: each NLRI
 * costs a few array accesses, nothing is allocated, and the run is over when `wrong` is zero
 * everywhere. A MAC has two slots side by side, because with an RD per PE both the old and the new
 * PE's route may be there during a move; a third one at the same time goes to a small map.
 */
import type { Board } from "./board.js";
import { FIRST_VNI, NEXT_HOP_BASE, packRoute, SEQUENCE_BITS } from "./universe.js";

const HEADER = 19;
const ORIGINATOR_ID = 9;
const MP_REACH = 14;
const MP_UNREACH = 15;
const EXTENDED_COMMUNITIES = 16;
/** AFI 25, SAFI 70, and the length of an IPv4 next hop. */
const EVPN_IPV4_NEXT_HOP = (25 << 16) | (70 << 8) | 4;
/** Route type 2 and its length, without and with an IPv4 address. */
const MAC_ONLY = (2 << 8) | 33;
const MAC_AND_IP = (2 << 8) | 37;
/** MAC length 48, and the first two octets of our MACs. */
const OUR_MAC = (48 << 16) | 0x0200;
/** Mobility community: type and subtype (RFC 7432 section 7.7). */
const MOBILITY = 0x0600;
const BASE = NEXT_HOP_BASE + 1;

export class Receiver {
  readonly peer: number;
  /** MACs whose routes here are not exactly the expected ones. */
  wrong = 0;
  updates = 0;
  announced = 0;
  withdrawn = 0;
  /** Announcements of exactly what was here already. */
  repeated = 0;
  /** Withdraws of what was not here. */
  needless = 0;
  /** NLRI whose next hop, label or IP address is not what their PE sent. */
  altered = 0;
  /** NLRI that are none of ours. */
  foreign = 0;
  malformed = 0;
  /** UPDATEs with our own routes. */
  echoed = 0;
  endOfRib = false;
  /** Counts in `Board.reached`. A PE that does not read is not waited for. */
  timed = true;
  /** When set: where in the session's stream each MAC was announced last, 0 = not since it was set. */
  lastSeen: Float64Array | undefined;
  /** By VNI: 1 where it wants the routes; undefined = it wants all. Call `recount` after a change. */
  interest: Uint8Array | undefined;
  /** Called for an announcement of a MAC that was announced before, at `earlier`, since `lastSeen` was set. */
  onRepeat: ((index: number, earlier: number) => void) | undefined;
  /** Octets of the stream before offset 0 of the view that `update` is given. */
  streamBase = 0;
  private readonly board: Board;
  /** Two packed routes per MAC. */
  private readonly slots: Int32Array;
  private readonly more = new Map<string, number>();
  private now = 0;
  private position = 0;

  constructor(peer: number, board: Board) {
    this.peer = peer;
    this.board = board;
    this.slots = new Int32Array(board.expected.length * 2);
  }

  /** Routes in the table. */
  get held(): number {
    let held = this.more.size;
    for (const route of this.slots) if (route !== 0) held++;
    return held;
  }

  get complete(): boolean {
    return this.wrong === 0 && this.more.size === 0;
  }

  /** Forgets everything: the session is a new one. */
  reset(): void {
    this.slots.fill(0);
    this.more.clear();
    this.endOfRib = false;
    this.recount();
  }

  /** Compares the whole table with the board, after its expectations changed. */
  recount(): void {
    let wrong = 0;
    for (let index = 0; index < this.board.expected.length; index++) wrong += this.mismatch(index);
    this.wrong = wrong;
  }

  /** The routes of a MAC here, packed. */
  routesOf(index: number): number[] {
    return [
      ...this.slots.subarray(2 * index, 2 * index + 2).filter((route) => route !== 0),
      ...[...this.more].filter(([key]) => key.startsWith(`${index}/`)).map(([, route]) => route),
    ];
  }

  /** What the board expects here: nothing of the PE's own. */
  expectedOf(index: number): number {
    const expected = this.board.expected[index] ?? 0;
    if (this.interest !== undefined && this.interest[this.board.vni[index] ?? 0] === 0) return 0;
    return expected >>> SEQUENCE_BITS === this.peer + 1 ? 0 : expected;
  }

  isWrong(index: number): boolean {
    return this.mismatch(index) === 1;
  }

  /** Reads the UPDATE in `view[start, end)`, received at `now` (milliseconds). */
  update(view: DataView, start: number, end: number, now: number): void {
    this.updates++;
    this.now = now;
    this.position = this.streamBase + start;
    let at = start + HEADER + 4 + view.getUint16(start + HEADER);
    const attributesEnd = at <= end ? at + view.getUint16(at - 2) : Infinity;
    let reach = 0;
    let reachEnd = 0;
    let unreach = 0;
    let unreachEnd = 0;
    let sequence = 0;
    let echo = false;
    while (at + 3 <= attributesEnd && attributesEnd <= end) {
      const flagsAndCode = view.getUint16(at);
      const extended = (flagsAndCode & 0x1000) !== 0;
      const value = at + (extended ? 4 : 3);
      const next = value + (extended ? view.getUint16(at + 2) : view.getUint8(at + 2));
      if (next > attributesEnd) break;
      switch (flagsAndCode & 0xff) {
        case MP_REACH:
          reach = value;
          reachEnd = next;
          break;
        case EXTENDED_COMMUNITIES:
          for (let each = value; each + 8 <= next; each += 8)
            if (view.getUint16(each) === MOBILITY) sequence = view.getUint32(each + 4);
          break;
        case MP_UNREACH:
          unreach = value;
          unreachEnd = next;
          break;
        case ORIGINATOR_ID:
          echo = view.getUint32(value) === BASE + this.peer;
          break;
        default:
      }
      at = next;
    }
    if (at !== attributesEnd) {
      this.malformed++;
      return;
    }
    if (unreach !== 0) this.unreach(view, unreach, unreachEnd, reach === 0);
    if (reach !== 0 && echo) this.echo(view, reach, reachEnd);
    else if (reach !== 0) this.reach(view, reach, reachEnd, sequence);
  }

  /** Announcements. The straight way through a route of ours is written out: it runs millions of times a second. */
  private reach(view: DataView, start: number, end: number, sequence: number): void {
    if (view.getUint32(start) !== EVPN_IPV4_NEXT_HOP) {
      if (view.getUint16(start) === 25) this.altered++;
      return;
    }
    const { slots, peer: self } = this;
    const { expected, left, sharedRd } = this.board;
    const nextHop = view.getUint32(start + 4);
    const route = packRoute(nextHop - BASE, sequence);
    const plain =
      this.lastSeen === undefined &&
      this.interest === undefined &&
      this.more.size === 0 &&
      !sharedRd;
    let at = start + 9;
    while (at < end) {
      const kind = view.getUint16(at);
      const next = at + 2 + (kind & 0xff);
      if (next > end || !isOurs(view, at, kind, expected.length)) {
        this.foreign++;
      } else if (
        (!sharedRd && view.getUint32(at + 4) !== nextHop) ||
        !isPeer(nextHop - BASE) ||
        !intact(view, at, kind)
      ) {
        this.altered++;
      } else {
        const index = view.getUint32(at + 27);
        const slot = 2 * index;
        if (plain && slots[slot + 1] === 0 && slots[slot] === 0) {
          // nothing here yet: it becomes right, or it was right to have nothing
          this.announced++;
          slots[slot] = route;
          const wanted = expected[index]!;
          if (wanted === 0 || wanted >>> SEQUENCE_BITS === self + 1) {
            this.wrong++;
          } else if (wanted === route) {
            this.wrong--;
            if (left[index] !== 0 && this.timed) this.board.reached(index, this.now);
          }
        } else {
          this.announce(index, route);
        }
      }
      at = next;
    }
  }

  private unreach(view: DataView, start: number, end: number, alone: boolean): void {
    if (view.getUint16(start) !== 25) return;
    const size = this.board.expected.length;
    let at = start + 3;
    if (at === end && alone) this.endOfRib = true;
    while (at < end) {
      const kind = view.getUint16(at);
      const next = at + 2 + (kind & 0xff);
      if (next > end || !isOurs(view, at, kind, size)) this.foreign++;
      else this.withdraw(view.getUint32(at + 27), view.getUint32(at + 4) - BASE);
      at = next;
    }
  }

  /**
   * Our own routes, sent back to us: FRR does so, and a PE ignores them by their ORIGINATOR_ID
   * (RFC 4456 section 8). With a shared RD they replace another PE's route of the same NLRI.
   */
  private echo(view: DataView, start: number, end: number): void {
    this.echoed++;
    if (!this.board.sharedRd) return;
    let at = start + 5 + view.getUint8(start + 3);
    while (at < end) {
      const kind = view.getUint16(at);
      const next = at + 2 + (kind & 0xff);
      if (next <= end && isOurs(view, at, kind, this.board.expected.length)) {
        const index = view.getUint32(at + 27);
        if (this.slots[2 * index] !== 0) this.withdraw(index, 0);
      }
      at = next;
    }
  }

  private announce(index: number, route: number): void {
    this.announced++;
    if (this.lastSeen !== undefined) this.note(index, this.lastSeen);
    const { slots, more } = this;
    const slot = 2 * index;
    const owner = route >>> SEQUENCE_BITS;
    const first = slots[slot]!;
    const second = slots[slot + 1]!;
    const key = more.size === 0 ? "" : `${index}/${owner}`;
    if (first === route || second === route || (key !== "" && more.get(key) === route)) {
      this.repeated++;
      return;
    }
    const before = this.mismatch(index);
    if (this.board.sharedRd || first >>> SEQUENCE_BITS === owner) slots[slot] = route;
    else if (second >>> SEQUENCE_BITS === owner) slots[slot + 1] = route;
    else if (key !== "" && more.has(key)) more.set(key, route);
    else if (first === 0) slots[slot] = route;
    else if (second === 0) slots[slot + 1] = route;
    else more.set(`${index}/${owner}`, route);
    this.wrong += this.mismatch(index) - before;
    if (this.board.left[index] !== 0 && this.timed && this.board.expected[index] === route)
      this.board.reached(index, this.now);
  }

  private withdraw(index: number, peer: number): void {
    this.withdrawn++;
    const { slots, more } = this;
    const slot = 2 * index;
    const before = this.mismatch(index);
    const first = slots[slot]!;
    if (first !== 0 && (this.board.sharedRd || first >>> SEQUENCE_BITS === peer + 1))
      slots[slot] = 0;
    else if (slots[slot + 1]! >>> SEQUENCE_BITS === peer + 1) slots[slot + 1] = 0;
    else if (more.size === 0 || !more.delete(`${index}/${peer + 1}`)) this.needless++;
    if (more.size > 0) this.promote(index);
    this.wrong += this.mismatch(index) - before;
  }

  /** Moves a third route of the MAC into a slot that has become free. */
  private promote(index: number): void {
    const slots = this.slots.subarray(2 * index, 2 * index + 2);
    for (const [key, route] of this.more) {
      if (!key.startsWith(`${index}/`)) continue;
      const free = slots.indexOf(0);
      if (free < 0) return;
      slots[free] = route;
      this.more.delete(key);
    }
  }

  /** 1 when the two slots are not exactly what is expected here, else 0. */
  private mismatch(index: number): number {
    const expected = this.expectedOf(index);
    const first = this.slots[2 * index]!;
    const second = this.slots[2 * index + 1]!;
    if (first === expected && second === 0) return 0;
    return second === expected && first === 0 ? 0 : 1;
  }

  private note(index: number, lastSeen: Float64Array): void {
    const earlier = lastSeen[index]!;
    lastSeen[index] = this.position;
    if (earlier > 0) this.onRepeat?.(index, earlier);
  }
}

function isPeer(peer: number): boolean {
  return peer >= 0 && peer < 2047;
}

/** A type 2 NLRI with one of our MACs. */
function isOurs(view: DataView, at: number, kind: number, size: number): boolean {
  return (
    (kind === MAC_AND_IP || kind === MAC_ONLY) &&
    view.getUint32(at + 23) << 8 === OUR_MAC << 8 &&
    view.getUint32(at + 27) < size
  );
}

/** Label, RD number and IP address of one route belong together: each was made from the index or the VNI. */
function intact(view: DataView, at: number, kind: number): boolean {
  const vni = FIRST_VNI + view.getUint16(at + 8);
  if (kind === MAC_ONLY) return view.getUint32(at + 31) === vni;
  return (
    // the low octet of each word is the first of what follows: shifted out
    view.getUint32(at + 31) === ((32 << 24) | (10 << 16) | view.getUint16(at + 28)) &&
    (view.getUint32(at + 35) & 0xffffff) === vni &&
    view.getUint8(at + 35) === view.getUint8(at + 30)
  );
}
