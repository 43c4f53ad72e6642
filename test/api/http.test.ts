/** The HTTP door against a fake speaker: answers, refusals, bounds. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildServer } from "../../src/api/http.js";
import type { ReloadResult } from "../../src/api/backend.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl, peerView, routeView, SUMMARY } from "../lib/fake-control.js";

const SETTINGS = { listen: undefined, allowedHosts: ["rr1.example"] };

let control: FakeControl;
let server: ReturnType<typeof buildServer>;
let reload: ReloadResult;

beforeEach(() => {
  control = new FakeControl();
  reload = { ok: true, lines: ["nothing changed"] };
  const backend = {
    control,
    log: silentLog,
    reload: () => Promise.resolve(reload),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "evpnd_up 1\n" }),
  };
  server = buildServer(backend, () => SETTINGS);
});
afterEach(() => server.close());

async function get(url: string, headers: Record<string, string> = {}) {
  const response = await server.inject({ url, headers: { host: "127.0.0.1:8179", ...headers } });
  return { status: response.statusCode, body: response.body, json: () => response.json<unknown>() };
}

async function post(url: string, payload?: object, headers: Record<string, string> = {}) {
  const response = await server.inject({
    method: "POST",
    url,
    headers: { host: "127.0.0.1:8179", ...headers },
    ...(payload !== undefined && { payload }),
  });
  return { status: response.statusCode, message: sentence(response.body), body: response.body };
}

function sentence(body: string): string {
  const parsed = JSON.parse(body) as { error?: { message: string } };
  return parsed.error?.message ?? "";
}

describe("looking", () => {
  test("summary, peers, one peer, stats, audit", async () => {
    expect((await get("/v1/summary")).json()).toEqual(SUMMARY);
    expect((await get("/v1/peers")).body).toBe(JSON.stringify({ peers: [peerView()] }));
    expect((await get("/v1/peers/10.0.0.1")).body).toBe(JSON.stringify(peerView()));
    expect((await get("/v1/stats")).json()).toEqual({ updates_total: 7 });
    expect((await get("/v1/audit")).json()).toEqual({ ok: true, findings: [] });
  });

  test("an IPv6 peer, encoded or not", async () => {
    control.peerViews = [peerView({ address: "2001:db8::1" })];
    expect((await get("/v1/peers/2001:db8::1")).status).toBe(200);
    expect((await get("/v1/peers/2001%3Adb8%3A%3A1")).status).toBe(200);
  });

  test("health and readiness", async () => {
    expect((await get("/health")).json()).toEqual({ status: "ok" });
    expect((await get("/ready")).status).toBe(200);
    control.summaryView = { ...SUMMARY, ready: false };
    const answer = await get("/ready");
    expect([answer.status, answer.json()]).toEqual([
      503,
      { ready: false, peers: 1, established: 1 },
    ]);
  });

  test("metrics as text", async () => {
    expect((await get("/metrics")).body).toBe("evpnd_up 1\n");
  });
});

describe("routes", () => {
  test("filters reach the speaker in its own words", async () => {
    const answer = await get(
      "/v1/routes?table=received&peer=10.0.0.1&family=l2vpn-evpn&type=2&rd=10.0.0.1:100&mac=5254.0000.0001&ip=10.1&vni=100&rt=65000:100&limit=5",
    );
    expect(answer.status).toBe(200);
    expect(control.calls).toEqual([
      [
        "routes",
        {
          table: "received",
          peer: "10.0.0.1",
          family: Family.Evpn,
          routeType: 2,
          rd: "10.0.0.1:100",
          mac: "52:54:00:00:00:01",
          ip: "10.1",
          vni: 100,
          rt: "65000:100",
          limit: 5,
        },
      ],
    ]);
  });

  test("come in pages", async () => {
    const first = (await get("/v1/routes?limit=2")).json() as { routes: object[]; next: string };
    expect([first.routes.length, first.next]).toEqual([2, "2"]);
    const second = (await get(`/v1/routes?limit=2&cursor=${first.next}`)).json();
    expect(second).toEqual({ routes: [routeView(3)] });
  });

  test("come as lines without end, page by page", async () => {
    control.routeViews = Array.from({ length: 25 }, (_, index) => routeView(index));
    control.pageSize = 4;
    const answer = await get("/v1/routes", { accept: "application/x-ndjson" });
    const lines = answer.body.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual(control.routeViews);
    expect(control.calls).toHaveLength(7);
  });

  test("as lines with a limit stop there", async () => {
    const answer = await get("/v1/routes?limit=2", { accept: "application/x-ndjson" });
    expect(answer.body.trimEnd().split("\n")).toHaveLength(2);
  });

  test("a query that is refused is a status even as lines", async () => {
    const answer = await get("/v1/routes?table=received&peer=192.0.2.99", {
      accept: "application/x-ndjson",
    });
    expect(answer.status).toBe(404);
  });
});

describe("acting", () => {
  test("each verb calls the speaker", async () => {
    expect((await post("/v1/peers/10.0.0.1/soft-in")).status).toBe(200);
    await post("/v1/peers/10.0.0.1/soft-out?family=l2vpn-evpn");
    await post("/v1/peers/10.0.0.1/reset", { text: "maintenance" });
    await post("/v1/peers/10.0.0.1/shutdown");
    await post("/v1/peers/10.0.0.1/enable");
    expect(control.calls).toEqual([
      ["softClear", "10.0.0.1", "in", undefined],
      ["softClear", "10.0.0.1", "out", Family.Evpn],
      ["resetPeer", "10.0.0.1", "maintenance"],
      ["shutdownPeer", "10.0.0.1", ""],
      ["enablePeer", "10.0.0.1"],
    ]);
  });

  test("reload answers what was done, or why it was refused", async () => {
    expect((await post("/v1/reload")).body).toBe('{"done":["nothing changed"]}');
    reload = { ok: false, lines: ["x.yaml:1:1: as: wrong; correct it"] };
    const refused = await post("/v1/reload");
    expect(refused.status).toBe(422);
    expect(refused.message).toContain("x.yaml:1:1: as: wrong; correct it");
  });
});

describe("refusals say what to do", () => {
  test.each([
    ["/v1/peers/10.9.9.9", 404, "no peer 10.9.9.9"],
    ["/v1/route", 404, "there is nothing at GET /v1/route; docs/http.md lists what there is"],
    ["/v1/routes?table=received", 400, "table=received needs peer=ADDRESS: whose routes?"],
    ["/v1/routes?tabel=best", 400, 'there is no parameter "tabel". See docs/http.md'],
    ["/v1/routes?family=evpn", 400, "family must be one of: ipv4-unicast, ipv6-unicast"],
    ["/v1/routes?limit=0", 400, "limit must be >= 1"],
    ["/v1/routes?limit=5000", 400, "limit is at most 1000; take page after page"],
    ["/v1/routes?vni=16777216", 400, "vni must be <= 16777215"],
    [`/v1/routes?rd=${"9".repeat(65)}`, 400, "rd must NOT have more than 64 characters"],
    [`/v1/peers/${"9".repeat(65)}`, 400, "address must NOT have more than 64 characters"],
  ])("GET %s", async (url, status, message) => {
    const answer = await get(url);
    expect(answer.status).toBe(status);
    expect(sentence(answer.body)).toContain(message);
  });

  test("a text longer than RFC 9003 allows, in octets", async () => {
    const answer = await post("/v1/peers/10.0.0.1/shutdown", { text: "ä".repeat(65) });
    expect([answer.status, answer.message]).toEqual([
      400,
      "the text takes 130 octets; use at most 128, without NUL (RFC 9003)",
    ]);
  });

  test("a body beyond the bound", async () => {
    const answer = await post("/v1/peers/10.0.0.1/reset", { text: "x".repeat(20_000) });
    expect(answer.status).toBe(413);
  });

  test("a bug of ours is 500 and does not show its insides", async () => {
    control.stats = () => Promise.reject(new Error("secret detail"));
    const answer = await get("/v1/stats");
    expect([answer.status, sentence(answer.body)]).toEqual([
      500,
      "evpnd failed to answer; its log has the reason",
    ]);
  });
});

describe("web pages are kept out", () => {
  test("by name: DNS rebinding", async () => {
    expect((await get("/v1/peers", { host: "evil.example" })).status).toBe(403);
    for (const host of ["localhost:8179", "[::1]:8179", "127.0.0.1", "rr1.example:8179"]) {
      expect((await get("/v1/peers", { host })).status, host).toBe(200);
    }
  });

  test("by origin: cross-site POST", async () => {
    const evil = await post("/v1/peers/10.0.0.1/reset", {}, { origin: "http://evil.example" });
    expect(evil.status).toBe(403);
    expect(control.calls).toEqual([]);
    const own = await post("/v1/reload", undefined, { origin: "http://127.0.0.1:8179" });
    expect(own.status).toBe(200);
  });
});
