/** Metrics of RADIUS over TLS, Disconnect and CoA: some for each tenant, however many connect. */
import type { DynamicRow, RadsecRow } from "../radius/index.js";
import { labelText, type MetricPage } from "./metric-page.js";

export function addRadiusDoors(
  page: MetricPage,
  tls: readonly RadsecRow[],
  dynamic: readonly DynamicRow[],
): void {
  for (const { tenant, connections, counters } of tls) {
    page.add("radius_tls_connections", labelText({ tenant }), connections.length);
    for (const [outcome, count] of [
      ["accepted", counters.accepted],
      ["handshake-failed", counters.handshakesFailed],
      ["unauthorised", counters.unauthorised],
      ["over-limit", counters.overLimit],
    ] as const) {
      page.add("radius_tls_connections_total", labelText({ tenant, outcome }), count);
    }
  }
  for (const { tenant, counters } of dynamic) {
    const { acks, naks, refused, duplicates, cachedAnswers, stale, dropped } = counters;
    const { badAuthenticators, malformed, unknown, unexpected } = counters;
    for (const [outcome, count] of [
      ["ack", acks],
      ["nak", naks],
      ["refused", refused],
      ["duplicate", duplicates],
      ["cached-answer", cachedAnswers],
      ["stale", stale],
      ["dropped", dropped],
      ["bad-authenticator", badAuthenticators],
      ["malformed", malformed],
      ["unknown", unknown],
      ["unexpected", unexpected],
    ] as const) {
      page.add("radius_dynamic_packets_total", labelText({ tenant, outcome }), count);
    }
    page.add("radius_dynamic_pending", labelText({ tenant }), counters.pending);
  }
}
