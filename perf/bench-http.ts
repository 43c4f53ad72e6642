/**
 * The HTTP door under load: `node dist/perf/bench-http.js [--url http://127.0.0.1:8179] [--seconds 3]
 * [--json]`, against a running evpnd. autocannon shares the machine and is a limit of its own.
 */
import autocannon from "autocannon";
import { parseArgs } from "node:util";

const PATHS = ["/health", "/v1/summary", "/v1/peers", "/v1/routes?limit=10", "/metrics"];
const CONNECTIONS = 16;
const PIPELINING = 1;

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8179" },
    seconds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});

for (const path of PATHS) {
  const result = await autocannon({
    url: values.url + path,
    connections: CONNECTIONS,
    pipelining: PIPELINING,
    duration: Number(values.seconds),
  });
  const row = {
    path,
    requestsPerSecond: Math.round(result.requests.average),
    p50Milliseconds: result.latency.p50,
    p99Milliseconds: result.latency.p99,
    maxMilliseconds: result.latency.max,
    failed: result.errors + result.non2xx,
  };
  if (values.json) console.log(JSON.stringify(row));
  else {
    console.log(
      `${path.padEnd(22)} ${String(row.requestsPerSecond).padStart(7)} requests/s, ` +
        `p50 ${row.p50Milliseconds} ms, p99 ${row.p99Milliseconds} ms, max ${row.maxMilliseconds} ms` +
        (row.failed > 0 ? `, ${row.failed} failed` : ""),
    );
  }
  if (row.failed > 0) process.exitCode = 1;
}
