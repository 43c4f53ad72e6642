/**
 * Asks evpnd's API for MACs, in a process of its own so that it does not disturb whoever measures:
 * `node dist/perf/api-load.js MODE --url http://127.0.0.1:8179 [--grpc 127.0.0.1:8180] [--rate N] [--seconds 5]
 * [--macs N] [--pipelining 1]`. MODE is one of
 *   http-lookups, http-empty   by autocannon: 16 connections, --pipelining requests at a time on each, one unless
 *                              told, as clients do; --rate bounds them
 *   grpc-lookups, grpc-empty   128 calls under way on 4 connections
 *   dumps                      the whole FIB as JSON lines, one dump after the other
 * Prints one JSON line.
 */
import autocannon from "autocannon";
import { get } from "node:http";
import { parseArgs } from "node:util";
import { macText } from "./fleet/universe.js";
import { floodGrpc } from "./fleet/grpc-flood.js";

const CONNECTIONS = 16;
/**
 * Addresses asked in turn. autocannon makes the requests of all of them for each of its connections within the
 * time that it measures: thousands would take a second of it.
 */
const ADDRESSES = 500;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string", default: "http://127.0.0.1:8179" },
    grpc: { type: "string", default: "" },
    rate: { type: "string", default: "0" },
    seconds: { type: "string", default: "5" },
    macs: { type: "string", default: "50000" },
    pipelining: { type: "string", default: "1" },
  },
});
const seconds = Number(values.seconds);
const macs = Number(values.macs);

function macAt(turn: number): string {
  return macText((Math.imul(turn, 0x9e3779b1) >>> 0) % macs);
}

async function flood(paths: readonly string[]): Promise<object> {
  const rate = Number(values.rate);
  const result = await autocannon({
    url: values.url,
    connections: CONNECTIONS,
    pipelining: Number(values.pipelining),
    duration: seconds,
    requests: paths.map((path) => ({ path })),
    ...(rate > 0 && { overallRate: rate }),
  });
  return {
    perSecond: result.requests.average,
    p99Milliseconds: result.latency.p99,
    failed: result.errors + result.non2xx,
  };
}

function dump(): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { accept: "application/x-ndjson" };
    get(`${values.url}/v1/fib/macs`, { headers }, (response) => {
      let rows = 0;
      response.on("data", (chunk: Buffer) => {
        for (const octet of chunk) if (octet === 10) rows++;
      });
      response.on("end", () => resolve(rows));
      response.on("error", reject);
    }).on("error", reject);
  });
}

async function dumps(): Promise<object> {
  const end = performance.now() + 1000 * seconds;
  let [done, rows] = [0, 0];
  while (performance.now() < end) {
    rows = await dump();
    done++;
  }
  return { dumps: done, rows, failed: rows === 0 ? 1 : 0 };
}

function run(mode: string | undefined): Promise<object> {
  switch (mode) {
    case "http-lookups":
      return flood(Array.from({ length: ADDRESSES }, (_, i) => `/v1/fib/macs?mac=${macAt(i)}`));
    case "http-empty":
      // As many as lookups have: a list of requests costs the client something of its own.
      return flood(Array.from({ length: ADDRESSES }, () => "/v1/ping"));
    case "grpc-lookups":
      return floodGrpc(values.grpc, "Fib", "ListMacs", seconds, (turn) => ({ mac: macAt(turn) }));
    case "grpc-empty":
      return floodGrpc(values.grpc, "Status", "Ping", seconds, () => ({}));
    case "dumps":
      return dumps();
    default:
      throw new Error("say what: http-lookups, http-empty, grpc-lookups, grpc-empty or dumps");
  }
}

console.log(JSON.stringify(await run(positionals[0])));
