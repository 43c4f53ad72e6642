/**
 * One PE's table, kept in typed arrays, and the reading of UPDATEs into it.
 *
 * A receiver knows at every moment how many MACs differ from what the board expects: each NLRI
 * costs a few array accesses, nothing is allocated, and the run is over when `wrong` is zero
 * everywhere. A MAC has two slots, because with an RD per PE both the old and the new PE's route
 * may be there during a move; a third one at the same time goes to a small map.
 */
import { readU16, readU24, readU32, readU8 } from "../../src/util/bytes.js";
import type { Board } from "./board.js";
import { FIRST_VNI, NEXT_HOP_BASE, packRoute, SEQUENCE_BITS } from "./universe.js";

const HEADER = 19;
const ORIGINATOR_ID = 9;
const MP_REACH = 14;
const MP_UNREACH = 15;
const EXTENDED_COMMUNITIES = 16;
const AFI_SAFI_EVPN = (25 << 8) | 70;

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
  /** Receives are counted by `Board.reached`. A PE that does not read is not waited for. */
  timed = true;
  /** When set, announcements per MAC since then, at most 255. */
  tally: Uint8Array | undefined;
  /** Called for an announcement whose tally was not 0 before. */
  onTallyRepeat: ((index: number) => void) | undefined;
  private readonly board: Board;
  private readonly first: Int32Array;
  private readonly second: Int32Array;
  private readonly more = new Map<string, number>();
  private readonly base = NEXT_HOP_BASE + 1;
  private now = 0;

  constructor(peer: number, board: Board) {
    this.peer = peer;
    this.board = board;
    this.first = new Int32Array(board.expected.length);
    this.second = new Int32Array(board.expected.length);
  }

  /** Routes in the table. */
  get held(): number {
    let held = this.more.size;
    for (const route of this.first) if (route !== 0) held++;
    for (const route of this.second) if (route !== 0) held++;
    return held;
  }

  get complete(): boolean {
    return this.wrong === 0 && this.more.size === 0;
  }

  /** Forgets everything: the session is a new one. */
  reset(): void {
    this.first.fill(0);
    this.second.fill(0);
    this.more.clear();
    this.endOfRib = false;
    this.recount();
  }

  /** Compares the whole table with the board, after its expectations changed. */
  recount(): void {
    let wrong = 0;
    for (let index = 0; index < this.first.length; index++) wrong += this.mismatch(index);
    this.wrong = wrong;
  }

  /** The routes of a MAC here, packed. */
  routesOf(index: number): number[] {
    return [
      ...[this.first[index] ?? 0, this.second[index] ?? 0].filter((route) => route !== 0),
      ...[...this.more].filter(([key]) => Number(key.split("/")[0]) === index).map(([, route]) => route),
    ];
  }

  /** What the board expects here: nothing of the PE's own. */
  expectedOf(index: number): number {
    const expected = this.board.expected[index] ?? 0;
    return expected >>> SEQUENCE_BITS === this.peer + 1 ? 0 : expected;
  }

  isWrong(index: number): boolean {
    return this.mismatch(index) === 1;
  }

  /** Reads the UPDATE in `bytes[start, end)`, received at `now` (milliseconds). */
  update(bytes: Uint8Array, start: number, end: number, now: number): void {
    this.updates++;
    this.now = now;
    const withdrawnLength = readU16(bytes, start + HEADER);
    let at = start + HEADER + 4 + withdrawnLength;
    const attributesEnd = at + readU16(bytes, at - 2);
    if (attributesEnd > end) {
      this.malformed++;
      return;
    }
    let reach = 0;
    let reachEnd = 0;
    let unreach = 0;
    let unreachEnd = 0;
    let sequence = 0;
    let echo = false;
    while (at + 3 <= attributesEnd) {
      const code = readU8(bytes, at + 1);
      const extended = (readU8(bytes, at) & 0x10) !== 0;
      const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
      at += extended ? 4 : 3;
      if (code === MP_REACH) {
        reach = at;
        reachEnd = at + length;
      } else if (code === EXTENDED_COMMUNITIES) {
        sequence = mobilitySequence(bytes, at, at + length);
      } else if (code === MP_UNREACH) {
        unreach = at;
        unreachEnd = at + length;
      } else if (code === ORIGINATOR_ID) {
        echo = readU32(bytes, at) === this.base + this.peer;
      }
      at += length;
    }
    if (at !== attributesEnd) {
      this.malformed++;
      return;
    }
    if (unreach !== 0) this.unreach(bytes, unreach, unreachEnd, reach === 0);
    if (reach !== 0 && echo) this.echo(bytes, reach, reachEnd);
    else if (reach !== 0) this.reach(bytes, reach, reachEnd, sequence);
  }

  /**
   * Our own routes, sent back to us: FRR does so, and a PE ignores them by their ORIGINATOR_ID
   * (RFC 4456 section 8). With a shared RD they replace another PE's route of the same NLRI.
   */
  private echo(bytes: Uint8Array, start: number, end: number): void {
    this.echoed++;
    if (!this.board.sharedRd) return;
    let at = start + 5 + readU8(bytes, start + 3);
    while (at < end) {
      const next = at + 2 + readU8(bytes, at + 1);
      if (this.peerOfNlri(bytes, at, next) !== FOREIGN && next <= end) {
        const index = readU32(bytes, at + 27);
        if (this.first[index] !== 0) this.withdraw(index, 0);
      }
      at = next;
    }
  }

  private reach(bytes: Uint8Array, start: number, end: number, sequence: number): void {
    if (readU24(bytes, start) !== AFI_SAFI_EVPN) return;
    const nextHopLength = readU8(bytes, start + 3);
    const nextHop = nextHopLength === 4 ? readU32(bytes, start + 4) - this.base : -1;
    const route = packRoute(nextHop, sequence);
    const shared = this.board.sharedRd;
    let at = start + 5 + nextHopLength;
    while (at < end) {
      const next = at + 2 + readU8(bytes, at + 1);
      const peer = this.peerOfNlri(bytes, at, next);
      if (peer === FOREIGN || next > end) {
        this.foreign++;
      } else if ((peer !== nextHop && !shared) || nextHop < 0 || !intact(bytes, at)) {
        this.altered++;
      } else {
        this.announce(readU32(bytes, at + 27), route);
      }
      at = next;
    }
  }

  private unreach(bytes: Uint8Array, start: number, end: number, alone: boolean): void {
    if (readU24(bytes, start) !== AFI_SAFI_EVPN) return;
    let at = start + 3;
    if (at === end && alone) this.endOfRib = true;
    while (at < end) {
      const next = at + 2 + readU8(bytes, at + 1);
      const peer = this.peerOfNlri(bytes, at, next);
      if (peer === FOREIGN || next > end) this.foreign++;
      else this.withdraw(readU32(bytes, at + 27), peer);
      at = next;
    }
  }

  /** The PE whose RD the NLRI carries (any number below 0 with a shared RD), or FOREIGN. */
  private peerOfNlri(bytes: Uint8Array, at: number, next: number): number {
    if (
      readU8(bytes, at) !== 2 ||
      next - at < 35 ||
      readU16(bytes, at + 25) !== 0x0200 ||
      readU32(bytes, at + 27) >= this.first.length
    )
      return FOREIGN;
    if (this.board.sharedRd) return 0;
    const peer = readU32(bytes, at + 4) - this.base;
    return peer >= 0 && peer < 2047 ? peer : FOREIGN;
  }

  private announce(index: number, route: number): void {
    this.announced++;
    if (this.tally !== undefined) this.count(index, this.tally);
    const first = this.first[index] ?? 0;
    if (first === route) {
      this.repeated++;
      return;
    }
    const before = this.mismatch(index);
    if (first === 0 && this.second[index] === 0 && this.more.size === 0) {
      this.first[index] = route;
    } else if (this.board.sharedRd || first >>> SEQUENCE_BITS === route >>> SEQUENCE_BITS) {
      this.first[index] = route;
    } else if (!this.announceBeside(index, route, first)) {
      return;
    }
    this.wrong += this.mismatch(index) - before;
    if (this.timed && this.board.left[index] !== 0 && this.board.expected[index] === route)
      this.board.reached(index, this.now);
  }

  /** Another PE's route is in the first slot. False when exactly this one was here already. */
  private announceBeside(index: number, route: number, first: number): boolean {
    const second = this.second[index] ?? 0;
    if (second === route) {
      this.repeated++;
      return false;
    }
    const key = `${index}/${route >>> SEQUENCE_BITS}`;
    const more = this.more.size === 0 ? undefined : this.more.get(key);
    if (more === route) this.repeated++;
    if (second !== 0 && second >>> SEQUENCE_BITS === route >>> SEQUENCE_BITS)
      this.second[index] = route;
    else if (more !== undefined) this.more.set(key, route);
    else if (first === 0) this.first[index] = route;
    else if (second === 0) this.second[index] = route;
    else this.more.set(key, route);
    return more !== route;
  }

  private withdraw(index: number, peer: number): void {
    this.withdrawn++;
    const before = this.mismatch(index);
    const shared = this.board.sharedRd;
    const first = this.first[index] ?? 0;
    const second = this.second[index] ?? 0;
    if (first !== 0 && (shared || first >>> SEQUENCE_BITS === peer + 1)) this.first[index] = 0;
    else if (second !== 0 && second >>> SEQUENCE_BITS === peer + 1) this.second[index] = 0;
    else if (!this.more.delete(`${index}/${peer + 1}`)) this.needless++;
    if (this.more.size > 0) this.promote(index);
    this.wrong += this.mismatch(index) - before;
  }

  /** Moves a third route of the MAC into a slot that has become free. */
  private promote(index: number): void {
    for (const [key, route] of this.more) {
      if (!key.startsWith(`${index}/`)) continue;
      const slot = this.first[index] === 0 ? this.first : this.second;
      if (slot[index] !== 0) return;
      slot[index] = route;
      this.more.delete(key);
    }
  }

  /** 1 when the two slots are not exactly what is expected here, else 0. */
  private mismatch(index: number): number {
    const wanted = this.board.expected[index]!;
    const expected = wanted >>> SEQUENCE_BITS === this.peer + 1 ? 0 : wanted;
    const first = this.first[index]!;
    const second = this.second[index]!;
    if (first === expected && second === 0) return 0;
    return second === expected && first === 0 ? 0 : 1;
  }

  private count(index: number, tally: Uint8Array): void {
    const seen = tally[index] ?? 0;
    if (seen < 255) tally[index] = seen + 1;
    if (seen > 0) this.onTallyRepeat?.(index);
  }
}

const FOREIGN = -1;

/** Label, RD number and IP address of one route belong together: each was made from the index or the VNI. */
function intact(bytes: Uint8Array, at: number): boolean {
  const ipBits = readU8(bytes, at + 31);
  const vni = FIRST_VNI + readU16(bytes, at + 8);
  if (ipBits === 0) return readU24(bytes, at + 32) === vni;
  return (
    ipBits === 32 &&
    readU24(bytes, at + 33) === readU24(bytes, at + 28) &&
    readU24(bytes, at + 36) === vni
  );
}

/** Sequence of the MAC mobility community (RFC 7432 section 7.7), 0 when there is none. */
function mobilitySequence(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at + 8 <= end; at += 8)
    if (readU16(bytes, at) === 0x0600) return readU32(bytes, at + 4);
  return 0;
}
