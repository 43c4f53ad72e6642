/**
 * Routes gathered by stream and attributes, so that a collector gets few, full messages. Everything
 * added says what is so at this moment: withdrawals go out first, and an announcement added beside a
 * withdrawal of the same route is the newer word.
 */
import type { Family } from "../../../fast-bgp-codec/family.js";
import type { RouteTable } from "../../rib/index.js";
import type { NlriRun, UpdateWriter } from "../update-writer.js";
import { BmpType, MONITORING_HEADER, writePeerHeader, type Stamp } from "./message.js";
import type { Stream } from "./monitored-peer.js";
import type { Output } from "./output.js";

/** A route's attributes as its receiver was sent them, MP_REACH_NLRI aside. */
export interface EncodedSet {
  readonly family: Family;
  readonly attributes: Uint8Array;
  readonly nextHop: Uint8Array;
}

interface Gathered {
  readonly stored: Map<number, NlriRun[]>;
  readonly encoded: Map<string, { readonly set: EncodedSet; readonly nlri: NlriRun[] }>;
  readonly withdrawn: Map<Family, NlriRun[]>;
  /** Seconds of the newest change among them. */
  newest: number;
}

export class RouteBatch {
  /** Routes gathered since the last flush. */
  size = 0;
  private readonly table: RouteTable;
  private readonly writer: UpdateWriter;
  private readonly streams = new Map<Stream, Gathered>();

  constructor(table: RouteTable, writer: UpdateWriter) {
    this.table = table;
    this.writer = writer;
  }

  /**
   * @param attr the stored set to announce the path with: the received one, or the effective one
   * @param pathId what it goes out with where the stream has path ids
   */
  announce(
    stream: Stream,
    attr: number,
    path: number,
    pathId: number = this.table.pathId(path),
  ): void {
    const gathered = this.of(stream);
    let run = gathered.stored.get(attr);
    if (run === undefined) gathered.stored.set(attr, (run = []));
    run.push(this.nlriOf(path, pathId));
    gathered.newest = Math.max(gathered.newest, this.table.pathChanged(path));
  }

  announceEncoded(stream: Stream, set: EncodedSet, path: number, pathId: number): void {
    const gathered = this.of(stream);
    const key = `${set.family} ${latin(set.nextHop)} ${latin(set.attributes)}`;
    let entry = gathered.encoded.get(key);
    if (entry === undefined) gathered.encoded.set(key, (entry = { set, nlri: [] }));
    entry.nlri.push(this.nlriOf(path, pathId));
    gathered.newest = Math.max(gathered.newest, this.table.pathChanged(path));
  }

  withdrawPath(stream: Stream, family: Family, path: number): void {
    this.withdraw(stream, family, this.nlriOf(path, this.table.pathId(path)));
  }

  withdraw(stream: Stream, family: Family, nlri: NlriRun): void {
    const { withdrawn } = this.of(stream);
    let run = withdrawn.get(family);
    if (run === undefined) withdrawn.set(family, (run = []));
    run.push(nlri);
  }

  private nlriOf(path: number, pathId: number): NlriRun {
    const { table } = this;
    return {
      bytes: table.nlriBytes,
      start: table.pathNlri(path),
      length: table.pathNlriLength(path),
      pathId,
    };
  }

  private of(stream: Stream): Gathered {
    this.size++;
    let gathered = this.streams.get(stream);
    if (gathered === undefined) {
      gathered = { stored: new Map(), encoded: new Map(), withdrawn: new Map(), newest: 0 };
      this.streams.set(stream, gathered);
    }
    return gathered;
  }

  /**
   * Writes what was gathered.
   * @param stamp when it happened; undefined: when the routes changed last
   */
  flush(out: Output, stamp: Stamp | undefined): void {
    const { writer } = this;
    for (const [stream, { stored, encoded, withdrawn, newest }] of this.streams) {
      const at = stamp ?? { seconds: newest, micros: 0 };
      const pathIds = (family: Family) => (stream.addPath & (1 << family)) !== 0;
      for (const [family, nlri] of withdrawn) {
        write(
          out,
          stream,
          at,
          nlri.length,
          4096,
          (bytes, start, next) =>
            writer.withdraw(bytes, start, family, nlri, next, pathIds(family)),
          writer,
        );
      }
      for (const [attr, nlri] of stored) {
        writer.useStored(this.table.attrs, attr);
        const ids = pathIds(this.table.attrs.family(attr));
        write(
          out,
          stream,
          at,
          nlri.length,
          writer.limit,
          (bytes, start, next) => writer.announce(bytes, start, nlri, next, ids),
          writer,
        );
      }
      for (const { set, nlri } of encoded.values()) {
        writer.useEncoded(set.family, set.attributes, set.nextHop);
        const ids = pathIds(set.family);
        write(
          out,
          stream,
          at,
          nlri.length,
          writer.limit,
          (bytes, start, next) => writer.announce(bytes, start, nlri, next, ids),
          writer,
        );
      }
    }
    this.streams.clear();
    this.size = 0;
  }
}

/** Messages until all NLRI are written, each behind its BMP headers. */
function write(
  out: Output,
  stream: Stream,
  stamp: Stamp,
  count: number,
  limit: number,
  fill: (bytes: Uint8Array, at: number, next: number) => number,
  writer: UpdateWriter,
): void {
  for (let next = 0; next < count;) {
    const { bytes, at } = out.room(MONITORING_HEADER + limit);
    next = fill(bytes, at + MONITORING_HEADER, next);
    const length = writer.end - at;
    writePeerHeader(bytes, at, BmpType.RouteMonitoring, length, stream.peer, stream.flags, stamp);
    out.finish(writer.end);
  }
}

/** One whole BGP message in Route Monitoring. */
export function writeMonitoring(
  out: Output,
  stream: Stream,
  stamp: Stamp,
  bytes: Uint8Array,
  start: number,
  length: number,
): void {
  const room = out.room(MONITORING_HEADER + length);
  const whole = MONITORING_HEADER + length;
  const { peer, flags } = stream;
  writePeerHeader(room.bytes, room.at, BmpType.RouteMonitoring, whole, peer, flags, stamp);
  room.bytes.set(bytes.subarray(start, start + length), room.at + MONITORING_HEADER);
  out.finish(room.at + whole);
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
