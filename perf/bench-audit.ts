/**
 * What the self-audit of a full table costs, and how long its longest stretch is:
 * `node --expose-gc dist/perf/bench-audit.js [routes [sessions]]`.
 */
import { AdjRibOut } from "../src/bgp/adj-rib-out/adj-rib-out.js";
import { auditRound, collector } from "../src/bgp/audit/round.js";
import type { AuditSubject } from "../src/bgp/audit/index.js";
import { AUDIT_DEFAULTS } from "../src/bgp/audit/settings.js";
import { AttrStore } from "../src/bgp/rib/attr-store.js";
import { RouteTable } from "../src/bgp/rib/route-table.js";
import { Sources, SourceKind } from "../src/bgp/rib/sources.js";
import { writeCanonicalAttributes } from "../src/fast-bgp-codec/canonical.js";
import { FAMILIES, Family } from "../src/fast-bgp-codec/family.js";
import { NlriScan } from "../src/fast-bgp-codec/nlri-scan.js";
import { UpdateScan } from "../src/fast-bgp-codec/update-scan.js";
import { systemClock } from "../src/util/clock.js";
import { CONTEXT, UpdateSet } from "./bench-data.js";

const ROUTES = Number(process.argv[2] ?? 1_000_000);
const SESSIONS = Number(process.argv[3] ?? 52);

const attrs = new AttrStore();
const sources = new Sources();
const table = new RouteTable(attrs, sources, true);
const out = new AdjRibOut(
  table,
  { as: 65000, routerId: 0x0a6300fe, clusterId: 0x0a6300fe },
  systemClock,
);
const outlet = { pendingBytes: 0, sendMany: () => {}, send: () => {} };
const slots = Array.from({ length: SESSIONS }, (_, peer) => {
  const slot = sources.take(SourceKind.Client, peer + 1, `10.0.0.${peer}`, `4${peer}`, 65000);
  out.add({
    slot,
    kind: SourceKind.Client,
    acceptOut: true,
    families: 1 << Family.Evpn,
    evpnTypes: undefined,
    extendedNextHop: 0,
    outlet,
    encoding: { ebgp: false, as4: true, nextHopSelf: undefined },
    extendedMessage: false,
    enhancedRefresh: false,
    greeting: undefined,
  });
  return slot;
});

function announceAll(): void {
  const updates = new UpdateSet(SESSIONS, ROUTES);
  const scan = new UpdateScan();
  const nlri = new NlriScan();
  const canonical = new Uint8Array(4096);
  for (let k = 0; k < updates.messages; k++) {
    updates.forEachNlri(k, scan, nlri, () => {});
    canonical.set(updates.bytes.subarray(scan.reachNextHopStart, scan.reachNextHopStart + 4));
    const end = writeCanonicalAttributes(updates.bytes, scan, CONTEXT, canonical, 4);
    const attr = attrs.intern(Family.Evpn, 4, canonical, 0, end);
    updates.forEachNlri(k, scan, nlri, (each) =>
      table.announce(slots[updates.peerOf[k] ?? 0]!, Family.Evpn, updates.bytes, each, attr, attr),
    );
    attrs.release(attr);
    if (k % 1000 === 0) while (out.run(1000));
  }
  while (out.run(1000));
}

const subject: AuditSubject = {
  table,
  out,
  liveSlots: () => slots,
  knownSlots: () => slots,
  forEachReference: () => {},
  addressOf: (slot) => sources.address[slot]!,
};

/** @param disturb makes every count a suspect half-way, as a moving table does */
function round(name: string, disturb: () => void): void {
  const { findings, find } = collector();
  const pace = { fresh: true, progress: 0 };
  const steps = auditRound(subject, find, pace);
  let longest = 0;
  let disturbed = false;
  const from = performance.now();
  for (;;) {
    const at = performance.now();
    pace.fresh = true;
    const done = steps.next().done === true;
    longest = Math.max(longest, performance.now() - at);
    if (done) break;
    if (disturbed || pace.progress < 0.5) continue;
    disturb();
    disturbed = true;
  }
  const ms = performance.now() - from;
  if (findings.length > 0) throw new Error(findings.join("\n"));
  const seconds = ms / 10 / AUDIT_DEFAULTS.cpuPercent;
  console.log(
    `${name}: ${Math.round(ms)} ms of CPU, longest stretch ${longest.toFixed(1)} ms, ` +
      `a round every ${Math.round(seconds)} s at ${AUDIT_DEFAULTS.cpuPercent} % of a core`,
  );
}

announceAll();
console.log(`${table.pathCount} routes, ${attrs.count} attribute sets, ${SESSIONS} sessions`);
for (let n = 0; n < 3; n++) round("at rest", () => {});
for (let n = 0; n < 3; n++) {
  round("after a change", () => {
    table.remove(
      sources.firstPath[slots[0]! * FAMILIES.length + Family.Evpn]! || table.firstPath(1),
    );
    while (out.run(1000));
  });
}
