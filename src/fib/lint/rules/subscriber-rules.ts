/** Rules about subscribers: what the comparison of MACs with sessions has found, where there is one. */
import { parseMac } from "../../../fast-bgp-codec/index.js";
import type { Fib } from "../../fib.js";
import { placeText } from "../../subscribers/finding.js";
import type { Look, Report, Rule } from "../rule.js";

export const SUBSCRIBER_RULES: readonly Rule[] = [
  {
    id: "mac-without-session",
    severity: "warning",
    meaning: "no subscriber's session stands for a MAC of a domain that is for subscribers only",
    advice:
      "find out what is plugged in there; exempt it in subscribers.domains if it belongs there (docs/radius-fabric.md)",
    look: (fib, report) => found(fib, report, "without-session"),
  },
  {
    id: "mac-away-from-session",
    severity: "error",
    meaning: "a MAC is announced from elsewhere than where its subscriber's access point is",
    advice:
      "somebody may be using the subscriber's MAC; or the map subscribers.access-points is wrong (docs/radius-fabric.md)",
    look: (fib, report) => found(fib, report, "away"),
  },
];

function found(fib: Fib, report: Report, kind: "without-session" | "away"): Look {
  return {
    finish() {
      for (const finding of fib.subscribers?.findings() ?? []) {
        if (finding.kind !== kind || finding.state === "grace") continue;
        const { domain, mac, pe, session, state } = finding;
        const expected = session?.expected;
        const belongs = expected === undefined ? "" : `; its session is at ${placeText(expected)}`;
        const held = state === "held" ? "; its routes are held" : "";
        report.add(`${mac} in ${domain}`, `it is at ${pe}${belongs}${held}`, destOf(fib, finding));
      }
    },
  };
}

/** Its winning route; 0 when there is none that counts. */
function destOf(fib: Fib, { domain, mac }: { domain: string; mac: string }): number {
  const octets = parseMac(mac);
  if (octets === undefined) return 0;
  const { rows } = fib.pages.list({ mac: octets }, 0, 1000);
  const row = rows.find((one) => one.domain === domain);
  return row === undefined ? 0 : fib.macs.candidates.dest(fib.macs.entries.head(row.id));
}
