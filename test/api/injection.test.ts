/** Injection through HTTP: what crosses, bounds, roles' names in the log, refusals. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildServer } from "../../src/api/http.js";
import { MOST_ROUTES, type InjectedRoute } from "../../src/inject/index.js";
import { silentLog } from "../../src/util/log.js";
import { MAC, mac, start } from "../inject/lib.js";
import { FakeControl } from "../lib/fake-control.js";

const SETTINGS = { listen: undefined, allowedHosts: [] };

let started: ReturnType<typeof start>;
let server: ReturnType<typeof buildServer>;

function build(on: boolean): void {
  started = start();
  const backend = {
    control: new FakeControl(),
    inject: on ? started.injection.door : undefined,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  server = buildServer(backend, () => SETTINGS);
}
beforeEach(() => build(true));
afterEach(() => server.close());

async function ask(method: "GET" | "POST", url: string, payload?: object) {
  const headers = { host: "127.0.0.1:8179", "content-type": "application/json" };
  const response = await server.inject({ method, url, headers, ...(payload && { payload }) });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
}

test("routes go in, are listed in pages, and go again", async () => {
  const routes = [1, 2, 3].map((n) => ({ ...MAC, mac: mac(2 * n) }));
  const first = await ask("POST", "/v1/injected", { owner: "ops", routes, ttlSeconds: 60 });
  expect(first.status).toBe(200);
  const rows = first.body["routes"] as InjectedRoute[];
  expect(rows[0]).toMatchObject({ owner: "ops", type: "mac", best: true, persist: false });
  expect(started.lines[0]?.fields).toMatchObject({ by: "local at 127.0.0.1" });
  const page = await ask("GET", "/v1/injected?limit=2&type=mac");
  expect(page.body["routes"]).toHaveLength(2);
  const rest = await ask("GET", `/v1/injected?limit=2&cursor=${String(page.body["next"])}`);
  expect(rest.body["routes"]).toEqual(rows.slice(2));
  const one = { owner: "ops", routes: [rows[0]!.route] };
  expect((await ask("POST", "/v1/injected/withdraw", one)).body).toEqual({ withdrawn: 1 });
  expect((await ask("POST", "/v1/injected/withdraw", one)).status).toBe(404);
  const all = await ask("POST", "/v1/injected/withdraw", { owner: "ops" });
  expect(all.body).toEqual({ withdrawn: 2 });
});

test("an order of the most routes is taken whole", async () => {
  const routes = Array.from({ length: MOST_ROUTES }, (_, n) => ({
    ...MAC,
    mac: mac(2 * n + 2),
    ip: `10.1.${n >> 8}.${n & 255}`.replace(".0.0", ".0.254"),
    communities: ["65000:1", "65000:2", "65000:3"],
    routeTargets: ["65000:100", "65000:200", "65000:300"],
  }));
  const { status } = await ask("POST", "/v1/injected", { owner: "ops", routes });
  expect(status).toBe(200);
});

test.each<[object, number, RegExp]>([
  [{ routes: [MAC] }, 400, /owner is missing/],
  [{ owner: "ops" }, 400, /routes is missing/],
  [{ owner: "ops", routes: [{ ...MAC, colour: 1 }] }, 400, /no parameter "colour"/],
  [{ owner: "ops", routes: [{ ...MAC, type: "vlan" }] }, 400, /must be one of: ad, mac/],
  [{ owner: "ops", routes: [{ ...MAC, nextHop: "here" }] }, 400, /no IP address; write/],
  [{ owner: "o p s", routes: [MAC] }, 400, /no name: up to 64 letters/],
  [{ owner: "ops", routes: [MAC], persist: true }, 501, /persist needs a place/],
  [{ owner: "ops", routes: [MAC], ttlSeconds: 0 }, 400, /ttlSeconds/],
])("%j is refused", async (order, status, words) => {
  const answer = await ask("POST", "/v1/injected", order);
  expect(answer.status).toBe(status);
  expect((answer.body["error"] as { message: string }).message).toMatch(words);
});

test("an evpnd without it says so", async () => {
  await server.close();
  build(false);
  expect((await ask("GET", "/v1/injected")).status).toBe(501);
});

test("of very many faults the first are told", async () => {
  const answer = await ask("POST", "/v1/injected", {
    owner: "ops",
    routes: Array<number>(5000).fill(0),
  });
  expect(answer.status).toBe(400);
  const { message } = answer.body["error"] as { message: string };
  expect(message).toContain("and more");
  expect(message.length).toBeLessThan(2000);
});
