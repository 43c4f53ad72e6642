/** Segments and their designated forwarders in two FIBs: what differs. */
import { formatEsi } from "../../fast-bgp-codec/index.js";
import type { ForwarderView } from "../elections.js";
import type { Fib } from "../fib.js";
import { MOST_SHOWN, type ForwarderChange, type SegmentChange } from "./report.js";

/** Forwarders worked out at once. */
const CHUNK = 16;

export class Forwarders {
  readonly segments: SegmentChange[] = [];
  segmentsChanged = 0;
  readonly forwarders: ForwarderChange[] = [];
  forwardersChanged = 0;
  private readonly live: Fib;
  private readonly fork: Fib;

  constructor(live: Fib, fork: Fib) {
    this.live = live;
    this.fork = fork;
  }

  /** Compares a segment, in steps. */
  *compare(esi: Uint8Array): Generator<void> {
    this.compareSegment(esi);
    const before = new Map<string, ForwarderView>();
    yield* rowsOf(this.live, esi, before);
    const after = new Map<string, ForwarderView>();
    yield* rowsOf(this.fork, esi, after);
    const text = formatEsi(esi, 0);
    for (const domain of [...new Set([...before.keys(), ...after.keys()])].sort()) {
      const [was, is] = [before.get(domain), after.get(domain)];
      // A domain that only MACs attach has nobody who forwards for it.
      if ((was?.perEvi.length ?? 0) === 0 && (is?.perEvi.length ?? 0) === 0) continue;
      if (was?.forwarder === is?.forwarder) continue;
      this.forwardersChanged++;
      if (this.forwarders.length >= MOST_SHOWN) continue;
      this.forwarders.push({
        esi: text,
        domain,
        tag: (is ?? was)!.tag,
        before: was?.forwarder,
        after: is?.forwarder,
        reason: is?.reason ?? "no PE has an A-D route for the domain",
      });
    }
  }

  private compareSegment(esi: Uint8Array): void {
    const before = placesOf(this.live, esi);
    const after = placesOf(this.fork, esi);
    if (before.pes.join() === after.pes.join() && before.mode === after.mode) return;
    this.segmentsChanged++;
    if (this.segments.length >= MOST_SHOWN) return;
    this.segments.push({
      esi: formatEsi(esi, 0),
      modeBefore: before.mode,
      modeAfter: after.mode,
      before: before.pes,
      after: after.pes,
      macs: before.macs,
      onOnePe: before.pes.length > 1 && after.pes.length === 1,
    });
  }
}

function placesOf({ tables, hops }: Fib, esi: Uint8Array) {
  const { segments, pes } = tables;
  const id = segments.find(esi);
  const found: number[] = [];
  for (let at = id === 0 ? 0 : segments.firstPlace(id); at !== 0; at = segments.nextPlace(at)) {
    if (segments.perEsRoutes(at) > 0) found.push(segments.placePe(at));
  }
  found.sort((a, b) => pes.compare(a, b));
  const mode =
    found.length === 0 ? "unknown" : hops.isSingleActive(id) ? "single-active" : "all-active";
  return {
    pes: found.map((pe) => pes.address(pe)),
    mode,
    macs: id === 0 ? 0 : segments.macs(id),
  };
}

/** The segment may go while this pauses: then there are no more rows. */
function* rowsOf(fib: Fib, esi: Uint8Array, out: Map<string, ForwarderView>): Generator<void> {
  let from = 0;
  do {
    const id = fib.tables.segments.find(esi);
    if (id === 0) return;
    const { rows, next } = fib.segments.forwarders(id, from, CHUNK);
    for (const row of rows) out.set(row.domain, row);
    from = next;
    yield;
  } while (from !== 0);
}
