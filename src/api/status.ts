/** Summary, statistics, audit, health, readiness, metrics. */
import type { FastifyInstance } from "fastify";
import type { MemoryView } from "../bgp/control.js";
import type { HttpBackend } from "./backend.js";
import { noQuerySchema } from "./query.js";

export function addStatusRoutes(server: FastifyInstance, backend: HttpBackend): void {
  const { control } = backend;
  const schema = { querystring: noQuerySchema };

  server.get("/v1/summary", { schema }, async () => {
    const pendingConfirm = backend.config?.pending();
    return { ...(await control.summary()), ...(pendingConfirm && { pendingConfirm }) };
  });
  server.get("/v1/stats", { schema }, () => control.stats());
  server.get("/v1/audit", { schema }, () => control.audit());

  // Answering at all is the proof: this runs on the thread that runs BGP.
  server.get("/health", { schema }, async () => {
    const { maintenance, memory } = await control.summary();
    const audit = await control.auditStatus();
    return {
      status: isWell(audit?.findings.length ?? 0, memory) ? "ok" : "alarm",
      ...(memory && memory.limit > 0 && { memory }),
      ...(maintenance && { maintenance }),
      ...(audit && {
        audit: { rounds: audit.rounds, lastRound: audit.lastRound, findings: audit.findings },
      }),
    };
  });

  server.get("/ready", { schema }, async (_request, reply) => {
    const { ready, peers, established } = await control.summary();
    return reply.code(ready ? 200 : 503).send({ ready, peers, established });
  });

  server.get("/metrics", { schema }, async (_request, reply) => {
    const { contentType, text } = await backend.metrics();
    return reply.header("content-type", contentType).send(text);
  });
}

/** No finding of the audit, and memory not so close to its ceiling that peers are refused. */
function isWell(findings: number, memory: MemoryView | undefined): boolean {
  const { level = "normal" } = memory ?? {};
  return findings === 0 && (level === "normal" || level === "shedding caches");
}
