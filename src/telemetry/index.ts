/**
 * What evpnd says of itself: the log (pino) and the metrics (Prometheus). In: settings, log calls,
 * `SpeakerControl`. Out: lines on standard output, text for /metrics. Hot modules count in plain
 * numbers; nothing of this folder is on their path. Metrics are listed in `metric-table.ts`.
 */
export { createLog } from "./log.js";
export type { LogHandle, LogSink } from "./log.js";
export { startStallMonitor } from "./event-loop.js";
export type { StallMonitor } from "./event-loop.js";
export { collectMetrics } from "./metrics.js";
export type { ApiStats } from "./metrics.js";
export type { MetricPage, MetricSource } from "./metric-page.js";
export { asmnMetrics } from "./asmn-metrics.js";
export { ipsecMetrics } from "./ipsec-metrics.js";
export { radiusMetrics } from "./radius-metrics.js";
export { subscriberMetrics } from "./subscriber-metrics.js";
export type { LogSettings } from "./settings.js";
