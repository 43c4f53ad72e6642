/** The FIB's addresses of the HTTP door, with a real FIB behind; and without one. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildServer } from "../../src/api/http.js";
import type { LocalFibControl, MacView } from "../../src/fib/index.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl } from "../lib/fake-control.js";
import { addMacs, HOST, SHARED, smallFib } from "../lib/fib.js";
import type { SmallFib } from "../lib/fib.js";

const SETTINGS = { listen: undefined, allowedHosts: [] };
const LINES = { accept: "application/x-ndjson" };

let small: SmallFib;
let server: ReturnType<typeof buildServer>;

function build(on: boolean): void {
  small = smallFib();
  const backend = {
    control: new FakeControl(),
    get fib() {
      return on ? small.control : undefined;
    },
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  server = buildServer(backend, () => SETTINGS);
}
beforeEach(() => build(true));
afterEach(() => server.close());

async function get<T>(url: string, headers: Record<string, string> = {}) {
  const response = await server.inject({ url, headers: { host: "127.0.0.1:8179", ...headers } });
  return { status: response.statusCode, body: response.body, json: () => response.json<T>() };
}

interface Macs {
  readonly macs: readonly MacView[];
  readonly next?: string;
}

test("macs, filtered", async () => {
  const { macs } = (await get<Macs>(`/v1/fib/macs?mac=${SHARED}&vni=200&pe=10.0.0.2`)).json();
  expect(macs.map(({ domain, mac }) => [domain, mac])).toEqual([["65000:200", SHARED]]);
});

test("macs come in pages", async () => {
  const seen: string[] = [];
  let url = "/v1/fib/macs?limit=2";
  for (;;) {
    const page = (await get<Macs>(url)).json();
    seen.push(...page.macs.map(({ domain, mac }) => `${domain} ${mac}`));
    if (page.next === undefined) break;
    url = `/v1/fib/macs?limit=2&cursor=${page.next}`;
  }
  expect(new Set(seen).size).toBe(5);
  expect(seen).toHaveLength(5);
});

test("macs come as lines without end, or up to a limit", async () => {
  addMacs(small, 300);
  const all = (await get("/v1/fib/macs", LINES)).body.trimEnd().split("\n");
  expect(new Set(all.map((line) => JSON.stringify(JSON.parse(line)))).size).toBe(305);
  expect((await get("/v1/fib/macs?limit=60", LINES)).body.trimEnd().split("\n")).toHaveLength(60);
  expect((await get("/v1/fib/macs?limit=2000")).status).toBe(400);
});

test("a FIB that is rebuilt between two pages, or in the middle of lines, is said", async () => {
  const { next } = (await get<Macs>("/v1/fib/macs?limit=2")).json();
  const [before, after] = [smallFib(), smallFib()];
  for (const one of [before, after]) addMacs(one, 300);
  small = after;
  const refused = {
    code: "rebuilt",
    message: "the FIB was rebuilt since the page before; begin again",
  };
  const late = await get<{ error: object }>(`/v1/fib/macs?cursor=${next}`);
  expect([late.status, late.json().error]).toEqual([409, refused]);
  let pages = 0;
  const macs: LocalFibControl["macs"] = (query) =>
    (pages++ < 2 ? before : after).control.macs(query);
  small = { ...after, control: { macs } as LocalFibControl };
  const lines = (await get("/v1/fib/macs", LINES)).body.trimEnd().split("\n");
  expect(lines).toHaveLength(101);
  expect(JSON.parse(lines[100]!)).toEqual({ error: refused });
});

test("domains, segments, explain", async () => {
  const { domains } = (await get<{ domains: { name: string }[] }>("/v1/fib/domains")).json();
  expect(domains.map(({ name }) => name)).toEqual(["65000:100", "65000:200", "blue/7"]);
  const { segments } = (await get<{ segments: object[] }>("/v1/fib/segments")).json();
  expect(segments).toHaveLength(1);
  const url = `/v1/fib/explain?mac=${HOST}&domain=blue/7`;
  const { explanations } = (await get<{ explanations: { domain: string }[] }>(url)).json();
  expect(explanations.map(({ domain }) => domain)).toEqual(["blue/7"]);
});

describe("refusals", () => {
  test.each([
    ["/v1/fib/macs?mac=zz", 400, "no MAC address"],
    ["/v1/fib/macs?colour=red", 400, 'no parameter "colour"'],
    ["/v1/fib/macs?domain=green", 404, "show domains"],
    ["/v1/fib/explain", 400, "mac is missing"],
    ["/v1/fib/explain?mac=52:54:00:00:00:09", 404, "no domain has the MAC"],
  ])("%s", async (url, status, part) => {
    for (const headers of [{}, LINES]) {
      const answer = await get<{ error: { message: string } }>(url, headers);
      expect(answer.status).toBe(status);
      expect(answer.json().error.message).toContain(part);
    }
  });

  test("off: everything says how to turn it on", async () => {
    await server.close();
    build(false);
    for (const name of ["macs", "domains", "segments", `explain?mac=${HOST}`]) {
      const answer = await get<{ error: { code: string; message: string } }>(`/v1/fib/${name}`);
      expect(answer.status).toBe(409);
      expect(answer.json().error.code).toBe("off");
      expect(answer.json().error.message).toContain("fib.enabled: true");
    }
  });
});
