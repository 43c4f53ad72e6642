/** evpnctl what-if, explain peer, and who was told of a MAC: through the HTTP door, and within 80 columns. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHttpDoor } from "../../src/api/index.js";
import type { HttpDoor } from "../../src/api/index.js";
import type { LackReason, WhatIf } from "../../src/bgp/control.js";
import type {
  LackAnswer,
  SinglePointAnswer,
  TraceAnswer,
  WhatIfAnswer,
} from "../../src/cli/what-if-wire.js";
import {
  FibQueryError,
  type SinglePointReport,
  type WhatIfPage,
  type WhatIfReport,
} from "../../src/fib/index.js";
import { candidateDoors } from "../../src/reload/policy-candidate.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl } from "../lib/fake-control.js";
import { ESI, HOST, smallFib } from "../lib/fib.js";
import { evpnctl } from "./lib/host.js";

/** What the door answers is what evpnctl reads: this fails to compile when it is not. */
export const fits: [
  (report: WhatIfReport) => WhatIfAnswer,
  (reason: LackReason) => LackAnswer,
  (report: SinglePointReport) => SinglePointAnswer,
] = [(report) => report, (reason) => reason, (report) => report];

const LONG = "2001:db8:ffff:ffff:ffff:ffff:ffff:fff1";
const REPORT: WhatIfReport = {
  summary: [
    "2 MACs would go dark; 1 of them on a segment that other PEs have, where they come back.",
  ],
  routes: { looked: 9, gone: 3, replaced: 1, changed: 0, fresh: 0 },
  macs: {
    compared: 4,
    moved: 1,
    takenOver: 1,
    dark: 2,
    returning: 1,
    lit: 0,
    hops: 0,
    onOnePe: 1,
  },
  rows: [
    {
      kind: "dark",
      domain: "a-very-long-name-of-a-domain",
      mac: HOST,
      esi: ESI,
      before: [{ address: "10.0.0.1", role: "advertised" }],
      after: [],
      returns: true,
    },
    {
      kind: "moved",
      domain: "65000:100",
      mac: "52:54:00:00:00:03",
      esi: ESI,
      before: [
        { address: "10.0.0.1", role: "advertised" },
        { address: LONG, role: "aliased" },
      ],
      after: [{ address: LONG, role: "aliased" }],
      takenOver: "aliased",
    },
  ],
  next: "2",
  forwarders: [
    {
      esi: ESI,
      domain: "65000:100",
      tag: 100,
      before: "10.0.0.1",
      after: undefined,
      reason: "no candidate",
    },
  ],
  forwardersChanged: 1,
  segments: [
    {
      esi: ESI,
      modeBefore: "all-active",
      modeAfter: "all-active",
      before: ["10.0.0.1", LONG],
      after: [LONG],
      macs: 1,
      onOnePe: true,
    },
  ],
  segmentsChanged: 1,
  updates: [{ peer: LONG, announced: 1, withdrawn: 3 }],
  updatesTotal: { announced: 1, withdrawn: 3 },
  meanwhile: 0,
  complete: true,
  notes: ["10.0.0.9 is not in the candidate; its rules count as unchanged"],
};

let control: FakeControl;
let door: HttpDoor | undefined;
let url: string;
let asked: [WhatIf, WhatIfPage][];

async function open(on: boolean): Promise<void> {
  control = new FakeControl();
  asked = [];
  const whatIf = {
    ask(what: WhatIf, page: WhatIfPage): Promise<WhatIfReport> {
      asked.push([what, page]);
      return what.kind === "pe" && what.address === "10.7.7.7"
        ? Promise.reject(new FibQueryError("not-found", "no route has the next hop 10.7.7.7"))
        : Promise.resolve(REPORT);
    },
    singlePoints: () =>
      Promise.resolve({
        looked: 12,
        shared: 5,
        pes: [{ pe: LONG, macs: 7, returning: 2 }],
        pesCut: false,
      }),
  };
  const backend = {
    control,
    fib: on ? smallFib().control : undefined,
    whatIf: on ? whatIf : undefined,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    ...candidateDoors({
      control,
      whatIf: () => whatIf,
      read: (text) =>
        Promise.resolve(
          text.includes("bad")
            ? { ok: false, issues: ["policies.p[0]: there is no match.bad"] }
            : { ok: true, candidate: { policies: [], settings: undefined } },
        ),
    }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
  url = `http://${door?.address}`;
}
beforeEach(() => open(true));
afterEach(() => door?.close());

const run = (words: string) => evpnctl(words, { url, now: 1_700_000_060_000 });

describe("what-if", () => {
  test("asks for what fails", async () => {
    await run("what-if pe 10.0.0.1 --limit 5 --changes dark");
    await run(`what-if segment ${ESI}`);
    await run(`what-if segment ${ESI} --pe 10.0.0.1 --first-moment --cursor 7`);
    await run("what-if peer 10.0.0.2");
    expect(asked).toEqual([
      [
        { kind: "pe", address: "10.0.0.1" },
        { changes: "dark", limit: 5 },
      ],
      [{ kind: "segment", esi: ESI }, {}],
      [{ kind: "segment", esi: ESI, pe: "10.0.0.1", firstMoment: true }, { cursor: "7" }],
      [{ kind: "peer", address: "10.0.0.2" }, {}],
    ]);
  });

  test("tells it in sentences and tables within 80 columns", async () => {
    const { code, out } = await run("what-if pe 10.0.0.1");
    expect(code).toBe(0);
    expect(out).toContain("2 MACs would go dark;");
    expect(out).toMatch(
      /^52:54:00:00:00:01 {2}a-very-long-name-of-a-domain\n +dark\* +10\.0\.0\.1 +none$/m,
    );
    expect(out).toMatch(/^52:54:00:00:00:03 {2}65000:100 +moved +10\.0\.0\.1 \+1\n +2001/m);
    expect(out).toContain(
      "* back when another PE of its segment learns it\nMore MACs: --cursor 2\n",
    );
    expect(out).toMatch(/2 -> 1 +1\n +2001/);
    expect(out).toContain("Note: 10.0.0.9 is not in the candidate");
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    const json = JSON.parse((await run("what-if pe 10.0.0.1 --json")).out) as WhatIfAnswer;
    expect(json.forwarders).toHaveLength(1);
  });

  test("takes policies from a file, and says what is wrong with it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "evpnd-what-if-"));
    try {
      writeFileSync(join(folder, "good.yaml"), "policies: {}\n");
      writeFileSync(join(folder, "bad.yaml"), "policies: {p: [{match: {bad: 1}}]}\n");
      expect((await run(`what-if policy ${join(folder, "good.yaml")}`)).code).toBe(0);
      expect(asked[0]?.[0]).toMatchObject({ kind: "policy", candidate: { policies: [] } });
      const refused = await run(`what-if policy ${join(folder, "bad.yaml")}`);
      expect(refused).toMatchObject({ code: 5 });
      expect(refused.err).toContain("there is no match.bad");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("tells on which PEs MACs hang", async () => {
    const { out } = await run("what-if single-points");
    expect(out).toContain("5 of 12 MACs are announced by several PEs.\n\nPE ");
    expect(out).toMatch(/fff1 +7 +2$/m);
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    const json = JSON.parse((await run("what-if single-points --json")).out) as object;
    expect(json).toMatchObject({ pes: [{ macs: 7 }] });
  });

  test("refuses in words", async () => {
    expect(await run("what-if pe 10.7.7.7")).toMatchObject({ code: 4 });
    expect((await run("what-if pe")).code).toBe(2);
    expect((await run("what-if peer 10.0.0.1 --limit many")).code).toBe(2);
    const response = await fetch(`${url}/v1/what-if`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("what fails? say pe=ADDRESS");
    await door?.close();
    await open(false);
    expect((await run("what-if pe 10.0.0.1")).err).toContain("the MAC FIB is off");
  });
});

describe("explain peer", () => {
  test("adds up what a peer lacks, by reason", async () => {
    const example = {
      family: "l2vpn-evpn",
      prefix: "2:10.0.0.1:1:0:52:54:00:00:00:01",
      from: LONG,
    };
    control.lacking = {
      rows: [
        { code: "own", reason: "the route is its own", routes: 1, examples: [example] },
        {
          code: "export-policy",
          reason: "rejected by export policy: rule 1 (no-red) of a-policy-with-a-long-name",
          routes: 7,
          examples: [example],
        },
      ],
      looked: 100,
      next: undefined,
    };
    const { code, out } = await run("explain peer 10.0.0.1 --than 10.0.0.2");
    expect(code).toBe(0);
    expect(control.calls).toEqual([["lacks", "10.0.0.1", "10.0.0.2", undefined]]);
    expect(out).toContain("10.0.0.1 lacks 8 routes that 10.0.0.2 has:\n\n  7: rejected by export");
    expect(out).toContain("      and 6 more\n\n  1: the route is its own\n");
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    const json = JSON.parse(
      (await run("explain peer 10.0.0.1 --than 10.0.0.2 --json")).out,
    ) as object;
    expect(json).toMatchObject([{ routes: 7 }, { routes: 1 }]);
  });

  test("says so when it lacks nothing", async () => {
    const { out } = await run("explain peer 10.0.0.1 --than 10.0.0.2");
    expect(out).toBe("10.0.0.1 has been sent everything that 10.0.0.2 has.\n");
    expect((await run("explain peer 10.0.0.1")).code).toBe(2);
  });
});

describe("explain mac", () => {
  const none = { by: "none", verdict: "accept", passed: [], overridden: false } as const;
  const receiver = (peer: string, sent: boolean, reason: string) => ({
    peer,
    sent,
    reason,
    export: none,
    attributes: [],
  });

  test("tells who was told, peers of which the same is true together", async () => {
    const many = Array.from({ length: 12 }, (_, n) => `10.1.0.${n}`);
    control.explanation = {
      routes: [
        {
          family: "l2vpn-evpn",
          prefix: "2:10.0.0.1:1:0:52:54:00:00:00:01",
          paths: [
            {
              peer: "10.0.0.1",
              best: true,
              reason: "is the only path",
              import: none,
              attributes: [],
            },
            {
              peer: "10.0.0.2",
              best: false,
              reason: "an import rule put it in quarantine",
              import: {
                ...none,
                by: "rule",
                policy: "p",
                rule: 2,
                name: "",
                verdict: "quarantine",
              },
              attributes: [],
            },
          ],
          receivers: [
            ...many.map((peer) => receiver(peer, true, "it has been sent")),
            receiver("10.0.0.1", false, "the route is its own"),
            receiver("10.2.0.1", false, "it has no session: it is Active"),
            receiver("10.2.0.2", false, "it has no session: it is Active"),
          ],
        },
      ],
      cut: false,
    };
    const { code, out } = await run(`explain mac ${HOST} --peer 10.0.0.9`);
    expect(code).toBe(0);
    expect(control.explained).toEqual([
      { table: "all", mac: HOST, routeType: 2, peer: "10.0.0.9" },
    ]);
    expect(out).toContain("Who was told\n  2:10.0.0.1:1:0:52:54:00:00:00:01\n");
    expect(out).toContain("    *> from 10.0.0.1: is the only path\n");
    expect(out).toContain("    *  from 10.0.0.2: an import rule put it in quarantine\n");
    expect(out).toContain("    x  10.2.0.1, 10.2.0.2: it has no session: it is Active\n");
    expect(out).toMatch(/ {4}-> 10\.1\.0\.0, .* and 7\s+more\n/);
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    const trace = JSON.parse((await run(`explain mac ${HOST} --json`)).out) as TraceAnswer;
    expect(trace.routes[0]?.receivers.map(({ sent, peers }) => [sent, peers])).toEqual([
      [false, 2],
      [false, 1],
      [true, 12],
    ]);
  });

  test("shows routes although the FIB is off, or knows nothing of them: all are held", async () => {
    control.explanation = {
      routes: [
        {
          family: "l2vpn-evpn",
          prefix: "2:10.0.0.1:1:0:52:54:00:00:00:99",
          paths: [
            {
              peer: "10.0.0.1",
              best: false,
              reason: "beyond a limit",
              import: none,
              attributes: [],
            },
          ],
          receivers: [],
        },
      ],
      cut: false,
    };
    expect((await run("explain mac 52:54:00:00:00:99")).out).toContain(
      "from 10.0.0.1: beyond a limit",
    );
    await door?.close();
    const held = control.explanation;
    await open(false);
    control.explanation = held;
    expect((await run("explain mac 52:54:00:00:00:99")).out).toContain("beyond a limit");
  });
});
