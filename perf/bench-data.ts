/** What the micro-benches have in common: UPDATEs as a PE sends them, timing of tables, output. */
import { Family } from "../src/fast-bgp-codec/family.js";
import type { NlriScan } from "../src/fast-bgp-codec/nlri-scan.js";
import { scanNlri } from "../src/fast-bgp-codec/nlri-scan.js";
import type { UpdateScan } from "../src/fast-bgp-codec/update-scan.js";
import { scanUpdate, type DecodeContext } from "../src/fast-bgp-codec/update-scan.js";
import { median } from "./fleet/statistics.js";
import { Universe } from "./fleet/universe.js";
import { ByteSink, UpdateWriter } from "./fleet/wire.js";
import { formatNumber, formatTable } from "./report.js";

export const CONTEXT: DecodeContext = {
  as4: true,
  ibgp: true,
  peerAs: 0,
  families: 1 << Family.Evpn,
  addPath: 0,
  malformedNlri: "drop",
};

/** The UPDATEs with which `peers` PEs announce `routes` MAC/IP routes, ten to a message. */
export class UpdateSet {
  readonly universe: Universe;
  readonly writer: UpdateWriter;
  readonly bytes: Uint8Array;
  /** Start of each message, and the end of the last. */
  readonly bounds: number[] = [];
  /** PE by message. */
  readonly peerOf: number[] = [];

  constructor(peers: number, routes: number, vnis = 100) {
    this.universe = new Universe({
      peers,
      routes,
      senders: 0,
      vnis,
      nlriPerUpdate: 10,
      attrSets: 1,
      macIpShare: 1,
      sharedRd: false,
      as: 65000,
    });
    this.writer = new UpdateWriter(this.universe);
    const sink = new ByteSink();
    for (let peer = 0; peer < peers; peer++) {
      const from = sink.length;
      this.writer.announceAll(sink, peer, this.universe.homeOf(peer));
      const view = new DataView(sink.bytes.buffer);
      for (let at = from; at < sink.length; at += view.getUint16(at + 16)) {
        this.bounds.push(at);
        this.peerOf.push(peer);
      }
    }
    this.bounds.push(sink.length);
    this.bytes = sink.take();
  }

  get messages(): number {
    return this.peerOf.length;
  }

  /** Scans message `k` and calls `visit` for every NLRI of its MP_REACH_NLRI; the scan is reused. */
  forEachNlri(k: number, scan: UpdateScan, nlri: NlriScan, visit: (nlri: NlriScan) => void): void {
    scanUpdate(this.bytes, this.bounds[k] ?? 0, this.bounds[k + 1] ?? 0, CONTEXT, scan);
    for (let at = scan.reachStart; at < scan.reachEnd;) {
      at = scanNlri(Family.Evpn, this.bytes, at, scan.reachEnd, false, nlri);
      if (at < 0) throw new Error("the writer's own NLRI does not parse");
      visit(nlri);
    }
  }
}

export interface Timing {
  readonly name: string;
  /** Things done in one run. */
  readonly operations: number;
  /** Nanoseconds per operation, a value a round. */
  readonly nanoseconds: readonly number[];
}

/** Tables are timed over whole runs: a nanosecond bench would measure the processor's cache. */
export class TableBench {
  private readonly samples = new Map<string, { operations: number; nanoseconds: number[] }>();

  time(name: string, operations: number, work: () => void): void {
    const start = process.hrtime.bigint();
    work();
    this.add(name, operations, Number(process.hrtime.bigint() - start) / operations);
  }

  /** A round's nanoseconds per operation, measured by the caller. */
  add(name: string, operations: number, nanoseconds: number): void {
    const entry = this.samples.get(name) ?? { operations, nanoseconds: [] };
    entry.nanoseconds.push(nanoseconds);
    this.samples.set(name, entry);
  }

  /** A table, or with `--json` a line per case. */
  print(title: string): void {
    const rows = [["ns per operation", "median", "least", "most", "operations"]];
    for (const [name, { operations, nanoseconds }] of this.samples) {
      const timing: Timing = { name, operations, nanoseconds };
      if (process.argv.includes("--json")) console.log(JSON.stringify({ bench: title, ...timing }));
      rows.push([
        name,
        formatNumber(median(nanoseconds)),
        formatNumber(Math.min(...nanoseconds)),
        formatNumber(Math.max(...nanoseconds)),
        String(operations),
      ]);
    }
    if (!process.argv.includes("--json")) console.log(`${title}\n${formatTable(rows)}`);
  }
}
