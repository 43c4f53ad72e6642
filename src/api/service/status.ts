/** Summary, statistics, audit, health, readiness, metrics. */
import type { MemoryView } from "../../bgp/control.js";
import { file, unary, type Operation } from "./operation.js";

/** No finding of the audit, and memory not so close to its ceiling that peers are refused. */
function isWell(findings: number, memory: MemoryView | undefined): boolean {
  const { level = "normal" } = memory ?? {};
  return findings === 0 && (level === "normal" || level === "shedding caches");
}

export const STATUS_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetSummary",
    group: "Status",
    summary: "What runs and how much it holds",
    role: "viewer",
    http: { method: "GET", path: "/v1/summary" },
    input: "GetSummaryRequest",
    output: "Summary",
    run: async ({ control, config }) => {
      const pendingConfirm = await Promise.resolve(config?.pending());
      return { ...(await control.summary()), ...(pendingConfirm && { pendingConfirm }) };
    },
  }),
  unary({
    id: "GetStatistics",
    group: "Status",
    summary: "Counters by name, numbers only",
    role: "viewer",
    http: { method: "GET", path: "/v1/stats", body: "counters" },
    input: "GetStatisticsRequest",
    output: "Statistics",
    run: async ({ control }) => ({ counters: await control.stats() }),
  }),
  unary({
    id: "RunAudit",
    group: "Status",
    summary: "A round of the audit, now",
    role: "viewer",
    http: { method: "GET", path: "/v1/audit" },
    input: "RunAuditRequest",
    output: "AuditReport",
    run: ({ control }) => control.audit(),
  }),
  unary({
    id: "GetHealth",
    group: "Status",
    // Answering at all is the proof: the summary comes from the thread that runs BGP.
    summary: "Answers while the thread that runs BGP runs",
    role: "anyone",
    http: { method: "GET", path: "/health" },
    input: "GetHealthRequest",
    output: "Health",
    run: async (backend, _input, { role }) => {
      const { control } = backend;
      const { maintenance, memory } = await control.summary();
      const audit = await control.auditStatus();
      const storage = (await backend.storage?.()) ?? [];
      const stored = storage.every(({ state }) => state !== "unavailable");
      const status = isWell(audit?.findings.length ?? 0, memory) && stored ? "ok" : "alarm";
      if (role === "anyone") return { status };
      return {
        status,
        ...(memory && memory.limit > 0 && { memory }),
        ...(maintenance && { maintenance }),
        ...(storage.length > 0 && { storage }),
        ...(audit && {
          audit: { rounds: audit.rounds, lastRound: audit.lastRound, findings: audit.findings },
        }),
      };
    },
  }),
  unary({
    id: "GetReadiness",
    group: "Status",
    summary: "200 once every port is bound, else 503",
    role: "anyone",
    http: { method: "GET", path: "/ready" },
    input: "GetReadinessRequest",
    output: "Readiness",
    otherStatus: [503],
    status: ({ ready }: { readonly ready: boolean }) => (ready ? 200 : 503),
    run: async ({ control }, _input, { role }) => {
      const { ready, peers, established } = await control.summary();
      return role === "anyone" ? { ready } : { ready, peers, established };
    },
  }),
  unary({
    id: "Ping",
    group: "Status",
    summary: "Nothing, from the API's own thread: for clients that try their credentials",
    role: "viewer",
    http: { method: "GET", path: "/v1/ping" },
    input: "PingRequest",
    output: "PingResponse",
    run: () => Promise.resolve({}),
  }),
  file({
    id: "GetMetrics",
    group: "Status",
    summary: "Prometheus text",
    role: "viewer",
    http: { method: "GET", path: "/metrics" },
    input: "GetStatisticsRequest",
    contentTypes: ["text/plain"],
    httpOnly: true,
    run: async (backend) => {
      const { contentType, text } = await backend.metrics();
      return { contentType, name: undefined, content: text };
    },
  }),
];
