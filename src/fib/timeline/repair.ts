/**
 * After events were lost: compares all that the FIB holds with what the timeline was told last, and writes what
 * differs, as events of the moment it was found. When it is through, what the timeline has of the present is right
 * again, and a mark says so: only what happened between the loss and the mark is not known.
 *
 * It goes in steps. Each reads some records of the FIB together with the position of its events, has what is
 * below that position written, and so compares two states of the same moment; no event has to wait for it.
 */
import { formatEsi, formatIp, formatMac, parseEsi } from "../../fast-bgp-codec/index.js";
import { firstEntries, prefixRange, type KvRange } from "../../store/index.js";
import { TORN } from "../../util/shared-tables.js";
import type { EventReader } from "../event-reader.js";
import { FibEventKind } from "../event-record.js";
import type { FibReader, ReadFib } from "../fib-reader.js";
import {
  hasAddress,
  hasMac,
  toldAddresses,
  toldMacs,
  toldSegments,
  type ToldPage,
  type ToldState,
} from "../told-states.js";
import { OF_ADDRESS, OF_MAC, type History, type Track } from "./history.js";
import {
  addressStation,
  addressText,
  plainKey,
  Space,
  station as stationOf,
  stationText,
} from "./layout.js";
import { encodeRecord, type StoredEvent } from "./record.js";
import { stateAt } from "./where-was.js";
import type { TimelineWriter } from "./writer.js";

/** Records of one step: a fraction of a millisecond of reading. */
const PIECE = 64;
/** Attempts at one, a millisecond apart. */
const ATTEMPTS = 25;

export interface RepairParts {
  readonly fib: FibReader;
  readonly events: EventReader;
  /** Writes all events below the position, and none beyond; false when it could not, or some were lost. */
  readonly settle: (position: number) => Promise<boolean>;
  readonly wall: () => number;
  /** Gives the writer of the FIB a moment. */
  readonly wait: () => Promise<void>;
}

/** `later`: the FIB's thread is too busy, or events were lost meanwhile; begin again. */
export type RepairStep = "more" | "done" | "later";

type Stage = (history: History, writer: TimelineWriter) => Promise<boolean | undefined>;

export class Repair {
  /** Differences written. */
  found = 0;
  private readonly parts: RepairParts;
  private readonly stages: Stage[];
  /** Where the stage under way goes on: a record of the FIB, a key of the store. */
  private from = 1;
  private after: Uint8Array | undefined;

  constructor(parts: RepairParts) {
    this.parts = parts;
    // Segments first: what is known of a MAC hangs on them.
    this.stages = [
      (history, writer) => this.segments(history, writer),
      (history, writer) => this.goneSegments(history, writer),
      (history, writer) => this.macs(history, writer),
      (history, writer) => this.goneOf(OF_MAC, history, writer),
      (history, writer) => this.addresses(history, writer),
      (history, writer) => this.goneOf(OF_ADDRESS, history, writer),
    ];
  }

  async step(history: History, writer: TimelineWriter): Promise<RepairStep> {
    const [stage] = this.stages;
    if (stage === undefined) return "done";
    const more = await stage(history, writer);
    await writer.flush(false);
    if (more === undefined) return "later";
    if (more) return "more";
    this.stages.shift();
    this.from = 1;
    this.after = undefined;
    return this.stages.length > 0 ? "more" : "done";
  }

  private async segments(history: History, writer: TimelineWriter): Promise<boolean | undefined> {
    const page = await this.page((fib) => toldSegments(fib, this.from, PIECE));
    if (page === undefined) return undefined;
    for (const { esi, pes } of page.rows) {
      for (const [pe, macs] of pes) {
        const key = plainKey(Space.Standing, esi, Buffer.from(pe));
        if ((await history.kv.get(key)) !== undefined) continue;
        this.tell(writer, {
          kind: FibEventKind.SegmentUp,
          to: pe,
          esi: formatEsi(esi, 0),
          count: macs,
        });
      }
    }
    return this.goOn(page);
  }

  private async goneSegments(history: History, writer: TimelineWriter) {
    const rows = await this.stored(history, Space.Standing);
    const told = rows.map(({ key }) => ({
      esi: key.slice(1, 11),
      pe: Buffer.from(key.subarray(11)).toString(),
    }));
    const there = await this.look((fib) =>
      told.map(({ esi, pe }) => {
        const segment = fib.tables.segments.find(esi);
        const [row] = segment === 0 ? [] : toldSegments(fib, segment, 1).rows;
        return row?.pes.has(pe) ?? false;
      }),
    );
    if (there === undefined) return undefined;
    for (const [index, { esi, pe }] of told.entries()) {
      const key = plainKey(Space.Standing, esi, Buffer.from(pe));
      if (there[index] === true || (await history.kv.get(key)) === undefined) continue;
      this.tell(writer, { kind: FibEventKind.SegmentDown, from: pe, esi: formatEsi(esi, 0) });
    }
    return rows.length === PIECE;
  }

  private async macs(history: History, writer: TimelineWriter): Promise<boolean | undefined> {
    const page = await this.page((fib) => toldMacs(fib, this.from, PIECE));
    if (page === undefined) return undefined;
    for (const row of page.rows) {
      const station = stationOf(row.mac, cut(row.domain));
      const was = (await history.present(station))?.event;
      if (was !== undefined && isSame(was, row) && (await this.isKnown(history, station, row))) {
        continue;
      }
      const kind =
        was === undefined
          ? FibEventKind.Learn
          : was.to === row.to
            ? FibEventKind.Update
            : FibEventKind.Move;
      const from = kind === FibEventKind.Move ? was?.to : undefined;
      this.tell(writer, { ...eventOf(row), kind, from }, station);
    }
    return this.goOn(page);
  }

  private async addresses(history: History, writer: TimelineWriter): Promise<boolean | undefined> {
    const page = await this.page((fib) => toldAddresses(fib, this.from, PIECE));
    if (page === undefined) return undefined;
    for (const row of page.rows) {
      const domain = cut(row.domain);
      const address = addressStation(row.ip, Buffer.from(domain));
      const was = (await history.present(address, OF_ADDRESS))?.event;
      if (was?.mac === formatMac(row.mac, 0)) continue;
      const kind = was === undefined ? FibEventKind.IpLearn : FibEventKind.IpMove;
      const ip = formatIp(row.ip, 0, row.ip.length);
      const event = { ...eventOf(row), kind, from: was?.mac, ip };
      this.tell(writer, event, stationOf(row.mac, domain), address);
    }
    return this.goOn(page);
  }

  /** What the timeline has, and the FIB has not. */
  private async goneOf(track: Track, history: History, writer: TimelineWriter) {
    const rows = await this.stored(history, track.now);
    const told = rows.map(({ key }) => track.stationAt(key, 1).slice());
    const there = await this.look((fib) => told.map((one) => isThere(fib, track, one)));
    if (there === undefined) return undefined;
    for (const [index, one] of told.entries()) {
      const was = there[index] === true ? undefined : (await history.present(one, track))?.event;
      if (was === undefined) continue;
      if (track === OF_MAC) {
        this.tell(
          writer,
          { ...was, kind: FibEventKind.Withdraw, to: undefined, from: was.to },
          one,
        );
        continue;
      }
      const mac = Buffer.from((was.mac ?? "").replaceAll(":", ""), "hex");
      const event = { ...was, kind: FibEventKind.IpWithdraw, from: undefined };
      this.tell(writer, event, stationOf(mac, addressText(one).domain), one);
    }
    return rows.length === PIECE;
  }

  /** On a segment routes go without events of their own: what was told may not say any more where it is. */
  private async isKnown(history: History, station: Uint8Array, row: ToldState): Promise<boolean> {
    if (row.esi === undefined) return true;
    const { state, pe, certain } = await stateAt(history, station, this.parts.wall());
    return state === "present" && certain && pe === row.to;
  }

  private tell(
    writer: TimelineWriter,
    event: Partial<StoredEvent> & Pick<StoredEvent, "kind">,
    station?: Uint8Array,
    address?: Uint8Array,
  ): void {
    this.found++;
    writer.tell(this.parts.wall(), event.kind, encodeRecord(event), station, address);
  }

  private goOn({ next }: ToldPage<unknown>): boolean {
    this.from = next;
    return next !== 0;
  }

  private page<T>(run: (fib: ReadFib) => ToldPage<T>): Promise<ToldPage<T> | undefined> {
    return this.look(run);
  }

  /** What the FIB says, and the store has then all that was told before it. */
  private async look<T>(run: (fib: ReadFib) => T): Promise<T | undefined> {
    const { fib, events, settle, wait } = this.parts;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const seen = fib.look((all) => ({ value: run(all), position: events.next }));
      if (seen !== TORN) return (await settle(seen.position)) ? seen.value : undefined;
      fib.wantPause();
      await wait();
    }
    return undefined;
  }

  /** Rows of the store behind those of the step before. */
  private async stored({ kv }: History, space: Space) {
    const range = prefixRange(plainKey(space));
    const left: KvRange =
      this.after === undefined
        ? range
        : { ...range, from: Buffer.concat([this.after, Uint8Array.of(0)]) };
    const rows = await firstEntries(kv, left, PIECE);
    this.after = rows.at(-1)?.key.slice() ?? this.after;
    return rows;
  }
}

function isThere(fib: ReadFib, track: Track, one: Uint8Array): boolean {
  if (track === OF_MAC) return hasMac(fib, stationText(one).domain, one);
  return hasAddress(fib, addressText(one).domain, one.subarray(1, 1 + one[0]!));
}

function isSame(was: StoredEvent, row: ToldState): boolean {
  const esi = was.esi === undefined ? undefined : parseEsi(was.esi);
  const [ours, theirs] = [esi, row.esi].map((one) => Buffer.from(one ?? []).toString("hex"));
  return (
    was.to === row.to &&
    was.sequence === row.sequence &&
    was.label === row.label &&
    was.vni === row.vni &&
    ours === theirs
  );
}

function eventOf({ mac, domain, to, esi, sequence, label, vni }: ToldState) {
  return {
    mac: formatMac(mac, 0),
    domain: cut(domain),
    to,
    esi: esi === undefined ? undefined : formatEsi(esi, 0),
    sequence,
    label,
    vni,
  };
}

/** As `names.ts` cuts it. */
function cut(domain: string): string {
  return Buffer.from(domain).subarray(0, 255).toString();
}
