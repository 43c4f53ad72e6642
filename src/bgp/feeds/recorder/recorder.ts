/**
 * The flight recorder: the last messages of each peer, both directions, so that what went wrong can be
 * looked at and played again. Bounded per peer and in total; a peer's recording outlives its session
 * by a while. OPENs are kept beside the ring, as nothing else can be read without them.
 *
 * No secret comes here: TCP MD5 keys are not in messages.
 */
import { MessageType } from "../../../fast-bgp-codec/iana.js";
import type { Clock, TimerHandle } from "../../../util/clock.js";
import type { MessageTap, TappedSession } from "../../session/types.js";
import type { RecorderView, RecordingFormat, RecordingView } from "../control.js";
import { STATE_NUMBERS } from "../mrt/record.js";
import type { RecorderSettings } from "../settings.js";
import { exportMrt } from "./export-mrt.js";
import { exportPcap } from "./export-pcap.js";
import { Kind, Recording, type RecordedSession } from "./recording.js";

const SWEEP_MS = 30_000;

interface Live {
  readonly recording: Recording;
  readonly session: RecordedSession;
}

export class Recorder implements MessageTap {
  private settings: RecorderSettings;
  private readonly clock: Clock;
  private readonly recordings = new Map<string, Recording>();
  /** By session id. */
  private readonly live = new Map<number, Live>();
  private octets = 0;
  private sweepTimer: TimerHandle | undefined;
  /** The session of the message before: mostly the next one's, too. */
  private lastId = 0;
  private last: Live | undefined;
  private readonly states = new Uint8Array(2);
  private readonly grant = (octets: number): boolean => this.reserve(octets);

  constructor(settings: RecorderSettings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    if (settings.enabled) this.sweepLater();
  }

  /** What was done, a line each. Recordings stay unless their size changes. */
  apply(next: RecorderSettings): string[] {
    const before = this.settings;
    this.settings = next;
    if (JSON.stringify(before) === JSON.stringify(next)) return [];
    const resized = before.octetsPerPeer !== next.octetsPerPeer;
    const smaller = next.octetsTotal < before.octetsTotal;
    if (!next.enabled || resized || smaller) this.clear();
    this.sweepTimer?.cancel();
    if (next.enabled) this.sweepLater();
    return [`recorder ${next.enabled ? "on" : "off"}`];
  }

  stop(): void {
    this.sweepTimer?.cancel();
  }

  received(session: TappedSession, bytes: Uint8Array, start: number, end: number): void {
    const { recording, session: own } = this.of(session);
    const time = this.clock.wall();
    if (bytes[start + 18] === MessageType.Open && own.openReceived === undefined) {
      own.openReceived = recording.keepOpen(bytes.slice(start, end), time);
    } else {
      recording.push(own, Kind.Received, time, bytes, start, end);
    }
  }

  sent(session: TappedSession, bytes: Uint8Array): void {
    const { recording, session: own } = this.of(session);
    const time = this.clock.wall();
    if (bytes[18] === MessageType.Open && own.openSent === undefined) {
      own.openSent = recording.keepOpen(bytes, time);
      return;
    }
    // Of a long run the last messages alone would stay.
    const start = lastMessages(bytes, this.settings.octetsPerPeer / 2);
    recording.push(own, Kind.Sent, time, bytes, start, bytes.length);
  }

  state(session: TappedSession, from: string, to: string): void {
    const { recording, session: own } = this.of(session);
    this.states[0] = STATE_NUMBERS[from] ?? 0;
    this.states[1] = STATE_NUMBERS[to] ?? 0;
    recording.push(own, Kind.State, this.clock.wall(), this.states, 0, 2);
  }

  established(): void {}

  ended(session: TappedSession): void {
    const known = this.live.get(session.id);
    if (known === undefined) return;
    const { recording } = known;
    recording.end(known.session, this.clock.wall());
    // Nothing could be kept of it: what is left is a name.
    if (recording.live === 0 && recording.heldOctets === 0) this.recordings.delete(recording.peer);
    this.live.delete(session.id);
    this.forgetLast();
  }

  view(): RecorderView {
    return {
      enabled: this.settings.enabled,
      peers: this.recordings.size,
      octets: this.octets,
      octetsTotal: this.settings.octetsTotal,
    };
  }

  views(): RecordingView[] {
    return [...this.recordings.values()].map((recording) => {
      let messages = 0;
      let newest: number | undefined;
      let oldest: number | undefined;
      for (const event of recording.events(this.from)) {
        if (event.kind !== "state") messages += countMessages(event.bytes);
        oldest ??= event.time;
        newest = event.time;
      }
      return {
        peer: recording.peer,
        established: recording.live > 0,
        sessions: recording.sessions.length,
        messages,
        octets: recording.ring.usedBytes,
        oldest,
        newest,
        overwritten: recording.ring.lost,
      };
    });
  }

  /** The recording of a peer as a file's octets; undefined when there is none. */
  export(peer: string, format: RecordingFormat): Uint8Array | undefined {
    const recording = this.recordings.get(peer);
    if (recording === undefined) return undefined;
    return format === "pcap"
      ? exportPcap([recording], this.from)
      : exportMrt([recording], this.from);
  }

  /** All peers together, in order of time. */
  exportAll(format: RecordingFormat): Uint8Array {
    const all = [...this.recordings.values()];
    return format === "pcap" ? exportPcap(all, this.from) : exportMrt(all, this.from);
  }

  private get from(): number {
    return this.clock.wall() - this.settings.maxAge * 1000;
  }

  private of(session: TappedSession): Live {
    if (this.last !== undefined && this.lastId === session.id) return this.last;
    const known = this.live.get(session.id) ?? this.begin(session);
    this.lastId = session.id;
    this.last = known;
    return known;
  }

  private begin(session: TappedSession): Live {
    const now = this.clock.wall();
    const { peerAddress } = session;
    let recording = this.recordings.get(peerAddress);
    if (recording === undefined) {
      recording = new Recording(peerAddress, this.settings.octetsPerPeer, this.grant, now);
      this.recordings.set(peerAddress, recording);
    }
    const own = recording.begin(session, now);
    // A session that was there before the recorder was switched on.
    const { openSent, openReceived } = session;
    if (openSent !== undefined && openReceived !== undefined) {
      own.openSent = recording.keepOpen(openSent, now);
      own.openReceived = recording.keepOpen(openReceived, now);
    }
    const live = { recording, session: own };
    this.live.set(session.id, live);
    return live;
  }

  private reserve(octets: number): boolean {
    while (this.octets + octets > this.settings.octetsTotal) if (!this.dropQuietest()) return false;
    this.octets += octets;
    return true;
  }

  /** The recording of the peer that is gone for longest makes room. */
  private dropQuietest(): boolean {
    let quietest: Recording | undefined;
    for (const recording of this.recordings.values()) {
      if (recording.live > 0) continue;
      if (quietest === undefined || recording.quietSince < quietest.quietSince) {
        quietest = recording;
      }
    }
    if (quietest === undefined) return false;
    this.drop(quietest);
    return true;
  }

  private drop(recording: Recording): void {
    this.octets -= recording.heldOctets;
    this.recordings.delete(recording.peer);
  }

  /** Forgets what was recorded; recording goes on. */
  clear(): void {
    this.recordings.clear();
    this.live.clear();
    this.octets = 0;
    this.forgetLast();
  }

  private forgetLast(): void {
    this.lastId = 0;
    this.last = undefined;
  }

  private sweepLater(): void {
    this.sweepTimer = this.clock.setTimer(SWEEP_MS, () => {
      const now = this.clock.wall();
      for (const recording of [...this.recordings.values()]) {
        recording.ring.dropBefore(this.from);
        const quiet = recording.live === 0 ? now - recording.quietSince : 0;
        if (quiet > this.settings.keepAfterDown * 1000) this.drop(recording);
      }
      this.sweepLater();
    });
  }
}

/** Where the last whole messages of a run begin that fit into `most` octets. */
function lastMessages(bytes: Uint8Array, most: number): number {
  let at = 0;
  while (bytes.length - at > most) {
    const next = at + ((bytes[at + 16]! << 8) | bytes[at + 17]!);
    if (next >= bytes.length) break;
    at = next;
  }
  return at;
}

function countMessages(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) at += (bytes[at + 16]! << 8) | bytes[at + 17]!;
  return count;
}
