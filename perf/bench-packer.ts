/** Adj-RIB-out from the change log to octets, without sockets: `node dist/perf/bench-packer.js [--json]`. */
import { AdjRibOut, type ReceiverOptions } from "../src/bgp/adj-rib-out/adj-rib-out.js";
import { AttrStore } from "../src/bgp/rib/attr-store.js";
import { RouteTable } from "../src/bgp/rib/route-table.js";
import { Sources, SourceKind } from "../src/bgp/rib/sources.js";
import { writeCanonicalAttributes } from "../src/fast-bgp-codec/canonical.js";
import { Family } from "../src/fast-bgp-codec/family.js";
import { NlriScan } from "../src/fast-bgp-codec/nlri-scan.js";
import { UpdateScan } from "../src/fast-bgp-codec/update-scan.js";
import { systemClock } from "../src/util/clock.js";
import { CONTEXT, TableBench, UpdateSet } from "./bench-data.js";

const ROUTES = 50_000;
const ROUNDS = 5;
/** UPDATEs read between two flushes, as under load. */
const UPDATES_PER_FLUSH = 20;

/** Takes everything at once, counts it, keeps nothing. */
class Sink {
  readonly pendingBytes = 0;
  octets = 0;

  sendMany(buffers: readonly Uint8Array[]): void {
    for (const buffer of buffers) this.octets += buffer.length;
  }

  send(bytes: Uint8Array): void {
    this.octets += bytes.length;
  }
}

const bench = new TableBench();
const scan = new UpdateScan();
const nlri = new NlriScan();
const canonical = new Uint8Array(4096);

function round(peers: number, updates: UpdateSet): void {
  const attrs = new AttrStore();
  const sources = new Sources();
  const table = new RouteTable(attrs, sources, true);
  const identity = { as: 65000, routerId: 0x0a6300fe, clusterId: 0x0a6300fe };
  const out = new AdjRibOut(table, identity, systemClock);
  const sinks = Array.from({ length: peers }, () => new Sink());
  const join = (sink: Sink, peer: number): void => {
    const slot = sources.take(SourceKind.Client, peer + 1, `10.0.0.${peer}`, `4${peer}`, 65000);
    const options: ReceiverOptions = {
      slot,
      kind: SourceKind.Client,
      acceptOut: true,
      families: 1 << Family.Evpn,
      evpnTypes: undefined,
      extendedNextHop: 0,
      outlet: sink,
      encoding: { ebgp: false, as4: true, nextHopSelf: undefined },
      extendedMessage: false,
      enhancedRefresh: false,
      greeting: undefined,
    };
    out.add(options);
  };
  const flush = (): void => {
    while (out.run(1000));
  };
  sinks.forEach(join);
  flush();

  // the table's share is taken off: announce first without a flush, then flush what has come
  let flushing = 0n;
  for (let k = 0; k < updates.messages; k++) {
    updates.forEachNlri(k, scan, nlri, () => {});
    canonical.set(updates.bytes.subarray(scan.reachNextHopStart, scan.reachNextHopStart + 4));
    const end = writeCanonicalAttributes(updates.bytes, scan, CONTEXT, canonical, 4);
    const attr = attrs.intern(Family.Evpn, 4, canonical, 0, end);
    const slot = updates.peerOf[k] ?? 0;
    updates.forEachNlri(k, scan, nlri, (each) =>
      table.announce(slot, Family.Evpn, updates.bytes, each, attr, attr),
    );
    attrs.release(attr);
    if (k % UPDATES_PER_FLUSH !== UPDATES_PER_FLUSH - 1) continue;
    const start = process.hrtime.bigint();
    flush();
    flushing += process.hrtime.bigint() - start;
  }
  flush();
  bench.add(`live, per route, to ${peers} sessions`, ROUTES, Number(flushing) / ROUTES);
  const octets = sinks.reduce((sum, sink) => sum + sink.octets, 0);
  if (octets < ROUTES * 39 * (peers - 1)) throw new Error("fewer octets than the routes have");

  const late = new Sink();
  bench.time(`dump for one more session beside ${peers}, per route`, ROUTES, () => {
    join(late, peers);
    flush();
  });
  if (late.octets < ROUTES * 39) throw new Error("the late joiner has not got everything");
  const lost = sources.count(0, Family.Evpn);
  bench.time(`withdraws of a lost peer, per route, to ${peers} sessions`, lost, () => {
    out.remove(0);
    table.removePathsOf(0, ROUTES);
    flush();
  });
}

for (const peers of [8, 52]) {
  const updates = new UpdateSet(peers, ROUTES);
  for (let n = 0; n < ROUNDS; n++) round(peers, updates);
}
bench.print(`adj-RIB-out, ${ROUTES} routes, ${UPDATES_PER_FLUSH} UPDATEs between flushes`);
