/** Metrics of the trust checks: Sec-EM, gate and gateway of this daemon. */
import type { AsmnControl } from "../asmn/index.js";
import { labelText, type MetricSource } from "./metric-page.js";

/** As the Sec-EM counts them, by the names of the metrics. */
const COUNTERS: Readonly<Record<string, string>> = {
  connections: "accepted",
  connectionsRefused: "over_limit",
  handshakesFailed: "handshake_failed",
};
const PROOFS: Readonly<Record<string, string>> = {
  enrolments: "enrolled",
  enrolmentsRefused: "enrolment_refused",
  renewals: "renewed",
  renewalsRefused: "renewal_refused",
  renewalsResumed: "resumed",
  chainsStale: "out_of_sync",
  clones: "clone",
  revocations: "revoked",
  badFrames: "bad_frame",
  storageFaults: "storage",
};

/** Undefined while they are off: then there are no samples. */
export function asmnMetrics(control: () => AsmnControl | undefined): MetricSource {
  return async (page) => {
    const status = await control()
      ?.status()
      .catch(() => undefined);
    if (status === undefined) return;
    const { secEm, gate, gateway } = status;
    if (secEm !== undefined) {
      for (const [state, count] of Object.entries(secEm.instances)) {
        page.add("asmn_instances", labelText({ state }), count);
      }
      const counters: Readonly<Record<string, number>> = { ...secEm.counters };
      for (const [name, outcome] of Object.entries(COUNTERS)) {
        page.add("asmn_connections_total", labelText({ outcome }), counters[name] ?? 0);
      }
      for (const [name, outcome] of Object.entries(PROOFS)) {
        page.add("asmn_proofs_total", labelText({ outcome }), counters[name] ?? 0);
      }
      page.add("asmn_verdicts_total", "", secEm.counters.verdicts);
      page.add("asmn_feeds", "", secEm.feeds.length);
      page.add("asmn_alarms", labelText({ part: "sec-em" }), secEm.alarms.length);
    }
    if (gate !== undefined) {
      page.add("asmn_gate_trusted", "", gate.trusted);
      page.add("asmn_gate_grace", "", gate.inGrace ? 1 : 0);
      page.add("asmn_gate_break_glass", "", gate.breakGlass.length);
      for (const source of gate.sources) {
        const labels = labelText({ source: source.name });
        page.add("asmn_gate_source_up", labels, source.state === "alive" ? 1 : 0);
        page.add("asmn_gate_refused_total", labels, source.refused);
      }
    }
    if (gateway !== undefined) {
      page.add("asmn_gateway_enforcing", "", gateway.state === "enforcing" ? 1 : 0);
      page.add("asmn_gateway_open", "", gateway.open);
      page.add("asmn_gateway_break_glass", "", gateway.breakGlass.length);
      page.add("asmn_gateway_repairs_total", "", gateway.repairs);
      page.add("asmn_gateway_catalog_version", "", gateway.catalog?.version ?? 0);
      for (const [what, { packets, octets }] of Object.entries(gateway.counters)) {
        page.add("asmn_gateway_packets_total", labelText({ what }), packets);
        page.add("asmn_gateway_octets_total", labelText({ what }), octets);
      }
      const alarms = gateway.alarms.filter(({ until }) => until === undefined).length;
      page.add("asmn_alarms", labelText({ part: "gateway" }), alarms + gateway.problems.length);
    }
  };
}
