/** What-if, traces, lacks and segments in full: by gRPC the same as over HTTP, member by member. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../../src/api/index.js";
import { PACKAGE } from "../../../src/api/service/index.js";
import type { WhatIf } from "../../../src/bgp/control.js";
import type { WhatIfReport } from "../../../src/fib/index.js";
import { candidateDoors } from "../../../src/reload/policy-candidate.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeControl } from "../../lib/fake-control.js";
import { ESI, HOST, smallFib } from "../../lib/fib.js";
import { ReflectionClient } from "../lib/reflection-client.js";

const HOP = { address: "10.0.0.1", role: "advertised" } as const;
/** No member is what it would be if it were left out. */
const REPORT: WhatIfReport = {
  summary: ["one", "two"],
  routes: { looked: 1, gone: 2, replaced: 3, changed: 4, fresh: 5 },
  macs: {
    compared: 1,
    moved: 2,
    takenOver: 3,
    dark: 4,
    returning: 5,
    lit: 6,
    hops: 7,
    onOnePe: 8,
  },
  rows: [
    { kind: "dark", domain: "d", mac: HOST, esi: ESI, before: [HOP], after: [], returns: true },
    {
      kind: "moved",
      domain: "d",
      mac: HOST,
      esi: ESI,
      before: [HOP],
      after: [{ address: "10.0.0.2", role: "backup" }],
      takenOver: "backup",
    },
  ],
  next: "2",
  forwarders: [
    { esi: ESI, domain: "d", tag: 7, before: "10.0.0.1", after: "10.0.0.2", reason: "because" },
  ],
  forwardersChanged: 9,
  segments: [
    {
      esi: ESI,
      modeBefore: "all-active",
      modeAfter: "single-active",
      before: ["10.0.0.1"],
      after: ["10.0.0.2"],
      macs: 3,
      onOnePe: true,
    },
  ],
  segmentsChanged: 10,
  updates: [{ peer: "10.0.0.3", announced: 1, withdrawn: 2 }],
  updatesTotal: { announced: 3, withdrawn: 4 },
  meanwhile: 11,
  complete: true,
  notes: ["three"],
};

let asked: WhatIf[];
let control: FakeControl;
let door: HttpDoor;
let client: ReflectionClient;

beforeEach(async () => {
  asked = [];
  control = new FakeControl();
  const whatIf = {
    ask(what: WhatIf) {
      asked.push(what);
      return Promise.resolve(REPORT);
    },
    singlePoints: () =>
      Promise.resolve({
        looked: 3,
        shared: 1,
        pes: [{ pe: "10.0.0.1", macs: 2, returning: 1 }],
        pesCut: true,
      }),
  };
  const candidate = { policies: [], settings: undefined };
  const backend = {
    control,
    fib: smallFib().control,
    whatIf,
    log: silentLog,
    ...candidateDoors({
      control,
      whatIf: () => whatIf,
      read: () => Promise.resolve({ ok: true, candidate }),
    }),
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = (await openHttpDoor(backend, { listen, allowedHosts: [] }))!;
  client = new ReflectionClient(door.address);
});
afterEach(async () => {
  client.close();
  await door.close();
});

async function http(path: string): Promise<object> {
  return (await (await fetch(`http://${door.address}${path}`)).json()) as object;
}

/** Reflection has the names of the files; members that say nothing may be there or not. */
function meaning(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(meaning);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, one]) => [camel(key), meaning(one)] as const)
    .filter(([, one]) => one !== false && one !== 0 && one !== "" && one !== null)
    .filter(([, one]) => one !== undefined && !(Array.isArray(one) && one.length === 0));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const camel = (name: string): string =>
  name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

async function same(service: string, rpc: string, input: object, path: string): Promise<object> {
  const [byGrpc, byHttp] = await Promise.all([
    client.unary<object>(`${PACKAGE}.${service}`, rpc, input),
    http(path),
  ]);
  expect(meaning(byGrpc)).toEqual(meaning(byHttp));
  return byHttp;
}

test("a failure", async () => {
  const input = { esi: ESI, pe: "10.0.0.1", first_moment: true };
  const path = `/v1/what-if?esi=${ESI}&pe=10.0.0.1&firstMoment=true`;
  expect(await same("WhatIf", "SupposeFailure", input, path)).toEqual(
    JSON.parse(JSON.stringify(REPORT)),
  );
  const segment = { kind: "segment", esi: ESI, pe: "10.0.0.1", firstMoment: true };
  expect(asked).toEqual([segment, segment]);
});

test("policies, and PEs that MACs hang on", async () => {
  const report = await client.unary(`${PACKAGE}.WhatIf`, "SupposePolicy", { text: "policies: {}" });
  expect(meaning(report)).toEqual(meaning(REPORT));
  await same("WhatIf", "ListSinglePoints", {}, "/v1/what-if/single-points");
});

test("segments, with what each PE works out", async () => {
  const page = await same("Fib", "ListSegments", { esi: ESI }, `/v1/fib/segments?esi=${ESI}`);
  expect(page).toMatchObject({
    segments: [
      {
        splitHorizon: "local-bias",
        electors: [{ esImport: "11:22:33:44:55:66", signals: false }, {}],
        forwarders: [
          {
            tagFrom: "vni",
            outcome: "one",
            views: [
              { originator: "10.0.0.1", sees: 2, forwarder: "10.0.0.1", forwards: true },
              { originator: "10.0.0.2", sees: 2, forwarder: "10.0.0.1", forwards: false },
            ],
          },
        ],
      },
    ],
  });
});

test("who was told of a MAC, and what a peer lacks", async () => {
  const none = { by: "none", verdict: "accept", passed: [], overridden: false } as const;
  control.explanation = {
    routes: [
      {
        family: "l2vpn-evpn",
        prefix: "2:…",
        paths: [{ peer: "10.0.0.1", best: true, reason: "x", import: none, attributes: [] }],
        receivers: [
          {
            peer: "10.0.0.2",
            sent: false,
            code: "own",
            reason: "the route is its own",
            export: none,
            attributes: [],
          },
        ],
      },
    ],
    cut: true,
  };
  const trace = await same("Explain", "TraceMac", { mac: HOST }, `/v1/explain/mac?mac=${HOST}`);
  expect(trace).toMatchObject({ mac: HOST, cut: true, routes: [{ receivers: [{ code: "own" }] }] });
  control.lacking = {
    rows: [
      {
        code: "own",
        reason: "the route is its own",
        routes: 3,
        examples: [{ family: "l2vpn-evpn", prefix: "2:…", from: "10.0.0.1" }],
      },
    ],
    looked: 10,
    next: undefined,
  };
  const input = { address: "10.0.0.1", than: "10.0.0.2" };
  await same("Explain", "ListLacks", input, "/v1/peers/10.0.0.1/lacks?than=10.0.0.2");
  expect(await client.stream(`${PACKAGE}.Explain`, "DumpLacks", input)).toHaveLength(1);
});
