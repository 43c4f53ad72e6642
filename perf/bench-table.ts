/** Attribute store and route table under the operations of a reflector: `node dist/perf/bench-table.js [--json]`. */
import { AttrStore } from "../src/bgp/rib/attr-store.js";
import { RouteTable } from "../src/bgp/rib/route-table.js";
import { Sources, SourceKind } from "../src/bgp/rib/sources.js";
import { writeCanonicalAttributes } from "../src/fast-bgp-codec/canonical.js";
import { Family } from "../src/fast-bgp-codec/family.js";
import { NlriScan } from "../src/fast-bgp-codec/nlri-scan.js";
import { UpdateScan } from "../src/fast-bgp-codec/update-scan.js";
import { CONTEXT, TableBench, UpdateSet } from "./bench-data.js";

const PEERS = 8;
const ROUTES = 200_000;
const ROUNDS = 5;

const updates = new UpdateSet(PEERS, ROUTES);
const scan = new UpdateScan();
const nlri = new NlriScan();
const canonical = new Uint8Array(4096);
const bench = new TableBench();

function round(): void {
  const attrs = new AttrStore();
  const sources = new Sources();
  const table = new RouteTable(attrs, sources, true);
  for (let peer = 0; peer < PEERS; peer++)
    sources.take(SourceKind.Client, peer + 1, `10.0.0.${peer}`, `4${peer}`, 65000);

  /** Message `k`'s attribute set, with a reference that the caller gives back. */
  const intern = (k: number): number => {
    updates.forEachNlri(k, scan, nlri, () => {});
    canonical.set(updates.bytes.subarray(scan.reachNextHopStart, scan.reachNextHopStart + 4));
    const end = writeCanonicalAttributes(updates.bytes, scan, CONTEXT, canonical, 4);
    return attrs.intern(Family.Evpn, 4, canonical, 0, end);
  };
  /** Every route of every message, for the PE `shift` further than the one that sent it. */
  const announceAll = (shift: number): void => {
    for (let k = 0; k < updates.messages; k++) {
      const attr = intern(k);
      const slot = ((updates.peerOf[k] ?? 0) + shift) % PEERS;
      updates.forEachNlri(k, scan, nlri, (each) =>
        table.announce(slot, Family.Evpn, updates.bytes, each, attr, attr),
      );
      attrs.release(attr);
    }
  };

  bench.time("scan, canonical form, intern, per UPDATE", updates.messages, () => {
    for (let k = 0; k < updates.messages; k++) attrs.release(intern(k));
  });
  bench.time("announce, new destination", ROUTES, () => announceAll(0));
  bench.time("announce, nothing changed", ROUTES, () => announceAll(0));
  bench.time("announce, second path (best path runs)", ROUTES, () => announceAll(1));
  bench.time("find", ROUTES, () => {
    for (let k = 0; k < updates.messages; k++)
      updates.forEachNlri(k, scan, nlri, (each) => {
        if (table.find(Family.Evpn, updates.bytes, each) === 0) throw new Error("route not found");
      });
  });
  bench.time("withdraw, a path is left", ROUTES, () => {
    for (let k = 0; k < updates.messages; k++) {
      const slot = updates.peerOf[k] ?? 0;
      updates.forEachNlri(k, scan, nlri, (each) =>
        table.withdraw(slot, Family.Evpn, updates.bytes, each),
      );
    }
  });
  bench.time("a lost peer's paths, the last ones", ROUTES, () => {
    for (let slot = 0; slot < PEERS; slot++) table.removePathsOf(slot, ROUTES);
  });
  if (table.pathCount !== 0 || attrs.count !== 0)
    throw new Error(`${table.pathCount} paths and ${attrs.count} attribute sets are left over`);
  bench.time("log trimmed", ROUTES, () => table.releaseUpTo(table.log.tail));
}

for (let n = 0; n < ROUNDS; n++) round();
bench.print(`table, ${ROUTES} routes of ${PEERS} PEs`);
