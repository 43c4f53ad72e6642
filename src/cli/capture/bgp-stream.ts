/** BGP messages out of a capture, each with its direction, as they became whole. */
import { readCapture } from "./capture-file.js";
import { segmentOf } from "./segment.js";
import type { Segment } from "./segment.js";
import { startsWithMarker, Stream } from "./stream.js";

export interface CapturedMessage {
  readonly time: number | undefined;
  readonly source: string;
  readonly destination: string;
  /** Both directions of a connection share it. */
  readonly connection: string;
  /** True on messages of the end with the smaller name: tells the two directions apart. */
  readonly forward: boolean;
  /** Sent by the machine that captured; undefined where the capture does not say. */
  readonly outgoing: boolean | undefined;
  readonly bytes: Uint8Array;
}

export interface CaptureNotes {
  /** For people: what was passed over, and why. */
  readonly notes: string[];
}

const HEADER = 19;
/** Segments kept behind a gap before it counts as lost. */
const GAP_PATIENCE = 500;

interface Direction {
  readonly stream: Stream;
  pending: Uint8Array;
  /** Not BGP, or broken beyond finding the next message. */
  dead: boolean;
}

export function* readBgpMessages(
  file: Uint8Array,
  report: CaptureNotes,
): Generator<CapturedMessage> {
  const directions = new Map<string, { direction: Direction; example: Segment }>();
  for (const frame of readCapture(file)) {
    const segment = segmentOf(frame);
    if (segment === undefined) continue;
    const key = `${end(segment, "source")} > ${end(segment, "destination")}`;
    let known = directions.get(key);
    if (known === undefined) {
      const direction = { stream: new Stream(), pending: new Uint8Array(0), dead: false };
      known = { direction, example: segment };
      directions.set(key, known);
    }
    for (const run of known.direction.stream.push(segment)) {
      yield* messages(known.direction, run.bytes, { ...segment, time: run.time }, report);
    }
    if (known.direction.stream.waiting > GAP_PATIENCE) {
      yield* skipGaps(key, known.direction, segment, report);
    }
  }
  for (const [key, { direction, example }] of directions) {
    yield* skipGaps(key, direction, example, report);
    if (direction.pending.length > 0 && !direction.dead) {
      report.notes.push(`${key}: ends with ${direction.pending.length} octets of a cut message`);
    }
  }
}

function* skipGaps(
  key: string,
  direction: Direction,
  segment: Segment,
  report: CaptureNotes,
): Generator<CapturedMessage> {
  const lost = (octets: number) => {
    report.notes.push(`${key}: ${octets} octets are missing from the capture`);
    direction.pending = new Uint8Array(0);
  };
  for (const run of direction.stream.finish(lost)) {
    yield* messages(direction, run.bytes, { ...segment, time: run.time }, report);
  }
}

function end(segment: Segment, side: "source" | "destination"): string {
  const address = segment[side];
  const port = side === "source" ? segment.sourcePort : segment.destinationPort;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function* messages(
  direction: Direction,
  bytes: Uint8Array,
  segment: Segment,
  report: CaptureNotes,
): Generator<CapturedMessage> {
  if (direction.dead) return;
  const source = end(segment, "source");
  const destination = end(segment, "destination");
  const forward = source < destination;
  const connection = forward ? `${source} ${destination}` : `${destination} ${source}`;
  const { time, outgoing } = segment;
  const where = { time, source, destination, connection, forward, outgoing };
  let data = bytes;
  if (direction.pending.length > 0) {
    data = new Uint8Array(direction.pending.length + bytes.length);
    data.set(direction.pending);
    data.set(bytes, direction.pending.length);
  }
  let at = 0;
  while (data.length - at >= HEADER) {
    const rest = data.subarray(at);
    const length = new DataView(rest.buffer, rest.byteOffset).getUint16(16);
    if (!startsWithMarker(rest) || length < HEADER) {
      direction.dead = true;
      if (isBgpPort(segment)) {
        // What the receiver would have seen: the decoder says which header error it is.
        yield { ...where, bytes: rest };
        report.notes.push(`${source} > ${destination}: no message boundary any more, rest skipped`);
      }
      return;
    }
    if (length > rest.length) break;
    const message = rest.slice(0, length);
    yield { ...where, bytes: message };
    at += length;
  }
  direction.pending = data.slice(at);
}

function isBgpPort(segment: Segment): boolean {
  return segment.sourcePort === 179 || segment.destinationPort === 179;
}
