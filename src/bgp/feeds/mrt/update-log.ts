/**
 * Messages and state changes of all sessions as BGP4MP_ET records (RFC 6396 section 4.4, RFC 8050), in
 * files that are rotated by time and by size.
 */
import { FAMILIES, familyOf } from "../../../fast-bgp-codec/family.js";
import { MessageType } from "../../../fast-bgp-codec/iana.js";
import { writeU16 } from "../../../util/bytes.js";
import type { Clock, TimerHandle } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import type { MessageTap, TappedSession } from "../../session/types.js";
import type { MrtFileView } from "../control.js";
import type { MrtUpdatesSettings } from "../settings.js";
import { FileSink } from "./file-sink.js";
import {
  beginBgp4mp,
  Bgp4mp,
  endBgp4mp,
  familyOfUpdate,
  messageSubtype,
  MOST_FRONT,
  STATE_NUMBERS,
  type MrtSession,
} from "./record.js";
import { waitForDisk } from "./patience.js";

export class UpdateLog implements MessageTap {
  readonly settings: MrtUpdatesSettings;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly sink: FileSink;
  private rotateTimer: TimerHandle | undefined;
  /** Octets of records since the last rotation. */
  private octets = 0;

  constructor(settings: MrtUpdatesSettings, clock: Clock, log: Log) {
    this.settings = settings;
    this.clock = clock;
    this.log = log;
    this.sink = new FileSink(settings, clock, log);
    this.armRotation();
  }

  received(session: TappedSession, bytes: Uint8Array, start: number, end: number): void {
    this.message(session, bytes, start, end, false);
  }

  sent(session: TappedSession, bytes: Uint8Array): void {
    if (this.settings.direction !== "both") return;
    for (let at = 0; at < bytes.length;) {
      const end = at + ((bytes[at + 16]! << 8) | bytes[at + 17]!);
      this.message(session, bytes, at, end, true);
      at = end;
    }
  }

  state(session: TappedSession, from: string, to: string): void {
    const room = this.sink.room(MOST_FRONT + 4);
    if (room === undefined) return;
    const { bytes, at } = room;
    const subtype = Bgp4mp.StateChangeAs4;
    const p = beginBgp4mp(bytes, at, this.clock.wall(), subtype, mrtSession(session));
    writeU16(bytes, p, STATE_NUMBERS[from] ?? 0);
    writeU16(bytes, p + 2, STATE_NUMBERS[to] ?? 0);
    endBgp4mp(bytes, at, p + 4);
    this.sink.finishRecord(p + 4);
  }

  established(): void {}
  ended(): void {}

  /** Finishes the file under way. */
  async stop(): Promise<void> {
    this.rotateTimer?.cancel();
    await waitForDisk(this.sink.finishFile(), this.clock, this.log, this.settings.directory);
  }

  /** Ends the file under way now and begins another; its name, undefined when it has no record. */
  rotate(): Promise<string | undefined> {
    this.rotateTimer?.cancel();
    this.armRotation();
    this.octets = 0;
    return this.sink.finishFile();
  }

  view(): MrtFileView {
    return this.sink.view();
  }

  private message(
    session: TappedSession,
    bytes: Uint8Array,
    start: number,
    end: number,
    local: boolean,
  ): void {
    const length = end - start;
    const room = this.sink.room(MOST_FRONT + length);
    if (room === undefined) return;
    const about = mrtSession(session);
    const subtype = messageSubtype(about.as4, local, hasPathIds(session, bytes, start, end, local));
    const p = beginBgp4mp(room.bytes, room.at, this.clock.wall(), subtype, about);
    room.bytes.set(bytes.subarray(start, end), p);
    endBgp4mp(room.bytes, room.at, p + length);
    this.sink.finishRecord(p + length);
    const { rotateOctets } = this.settings;
    this.octets += p + length - room.at;
    if (rotateOctets > 0 && this.octets >= rotateOctets) void this.rotate();
  }

  /** On multiples of the interval since 1970, so that the files of several evpnd match. */
  private armRotation(): void {
    const interval = this.settings.rotateSeconds * 1000;
    if (interval === 0) return;
    const wait = interval - (this.clock.wall() % interval);
    this.rotateTimer = this.clock.setTimer(wait, () => void this.rotate());
  }
}

export function mrtSession(session: TappedSession): MrtSession {
  const { agreed, localAs, peerAddress, connection } = session;
  return {
    peerAs: agreed?.peerAs ?? 0,
    localAs,
    peerAddress,
    localAddress: connection.localAddress,
    as4: agreed?.as4 ?? true,
  };
}

/** Whether the message is an UPDATE of a family with ADD-PATH in that direction. */
export function hasPathIds(
  session: TappedSession,
  bytes: Uint8Array,
  start: number,
  end: number,
  local: boolean,
): boolean {
  const mask = local ? session.agreed?.addPathOut : session.agreed?.addPathIn;
  if (mask === undefined || mask === 0 || bytes[start + 18] !== MessageType.Update) return false;
  const code = familyOfUpdate(bytes, start, end);
  const family = familyOf(code >>> 8, code & 255);
  return family !== undefined && (mask & (1 << FAMILIES[family]!.family)) !== 0;
}
