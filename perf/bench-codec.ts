/** The hot half of the codec, message by message: `node dist/perf/bench-codec.js [--json]`. */
import { bench, do_not_optimize, run } from "mitata";
import { writeCanonicalAttributes } from "../src/fast-bgp-codec/canonical.js";
import { Family } from "../src/fast-bgp-codec/family.js";
import { NlriScan, scanNlri } from "../src/fast-bgp-codec/nlri-scan.js";
import { scanUpdate, UpdateScan } from "../src/fast-bgp-codec/update-scan.js";
import { CONTEXT, UpdateSet } from "./bench-data.js";

const updates = new UpdateSet(8, 20_000);
const scan = new UpdateScan();
const nlri = new NlriScan();
const target = new Uint8Array(4096);
let k = 0;

/** The next message, round and round: not always the same octets. */
function nextMessage(): void {
  k = (k + 1) % updates.messages;
  scanUpdate(updates.bytes, updates.bounds[k] ?? 0, updates.bounds[k + 1] ?? 0, CONTEXT, scan);
}

bench("scanUpdate, one UPDATE of 10 NLRI", () => {
  nextMessage();
  do_not_optimize(scan.reachEnd);
});

bench("scanUpdate and scanNlri of its 10 NLRI", () => {
  nextMessage();
  for (let at = scan.reachStart; at < scan.reachEnd;)
    at = scanNlri(Family.Evpn, updates.bytes, at, scan.reachEnd, false, nlri);
  do_not_optimize(nlri.keyStart);
});

bench("scanUpdate and writeCanonicalAttributes", () => {
  nextMessage();
  do_not_optimize(writeCanonicalAttributes(updates.bytes, scan, CONTEXT, target, 0));
});

await run(process.argv.includes("--json") ? { format: { json: { samples: false } } } : {});
