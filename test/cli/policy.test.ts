/** policy show, policy test, explain route: against the HTTP door with a real reflector behind. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor } from "../../src/api/index.js";
import type { HttpDoor } from "../../src/api/index.js";
import { PolicyControl } from "../../src/bgp/policy-control.js";
import type { PolicyTestReport, PolicyView, RouteExplanation } from "../../src/bgp/control.js";
import type { PeerPolicy } from "../../src/bgp/policy/rules/settings.js";
import type { ExplainAnswer, PolicyAnswer, TestAnswer } from "../../src/cli/policy-wire.js";
import { partOfText } from "../../src/config/reader.js";
import { candidateDoors, policyCandidate } from "../../src/reload/policy-candidate.js";
import { systemClock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";
import { evpnUpdate, Speaker } from "../bgp/lib/speaker.js";
import { mac } from "../bgp/lib/tables.js";
import { rulesOf } from "../bgp/policy/rules/lib.js";
import { check } from "../config/lib/check.js";
import { FakeControl } from "../lib/fake-control.js";
import { evpnctl } from "./lib/host.js";

/** What the door answers is what evpnctl reads: this fails to compile when it is not. */
export const fits: [
  (view: PolicyView) => PolicyAnswer,
  (view: PolicyTestReport) => TestAnswer,
  (view: RouteExplanation) => ExplainAnswer,
] = [(view) => view, (view) => view as TestAnswer, (view) => view];

/** The file that runs: the two peers of `Speaker.up`. */
const RUNNING = {
  as: 65000,
  listen: ["10.0.0.254:179"],
  peers: [
    { address: "10.0.0.2", "import-policy": "p" },
    { address: "10.0.0.3", "export-policy": "p" },
  ],
  policies: { p: [{ name: "no-100", match: { vni: 100 }, then: "reject" }] },
};

let door: HttpDoor | undefined;
let url: string;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-policy-"));
  const speaker = new Speaker({ clock: systemClock, soon: (run) => void setImmediate(run) });
  speaker.reflector.policies.configure(
    rulesOf("- {name: no-100, match: {vni: 100}, then: reject}"),
  );
  const part = (over: Partial<PeerPolicy>) => speaker.up({ policy: over });
  const source = part({ importPolicies: ["p"] });
  part({ exportPolicies: ["p"] });
  source.say(evpnUpdate([mac(1, 100), mac(2, 200), mac(3, 300)]));
  const policy = new PolicyControl(speaker.reflector, () => performance.now());
  class Control extends FakeControl {
    override policies() {
      return Promise.resolve(policy.views());
    }
    override testPolicy(...asked: Parameters<PolicyControl["test"]>) {
      return policy.test(...asked);
    }
    override explainRoutes(query: Parameters<PolicyControl["explain"]>[0]) {
      return policy.explain(query);
    }
  }
  const control = new Control();
  const reader = {
    load: (text: string) => Promise.resolve(check(text)),
    part: (text: string, keys: readonly string[]) => Promise.resolve(partOfText(text, keys)),
  };
  const backend = {
    control,
    log: silentLog,
    ...candidateDoors({
      control,
      whatIf: () => undefined,
      read: (text) => policyCandidate(text, RUNNING, reader),
    }),
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
  url = `http://${door?.address}`;
});
afterEach(async () => {
  await door?.close();
  rmSync(directory, { recursive: true });
});

const run = (words: string) => evpnctl(words, { url });

function file(text: string): string {
  const path = join(directory, "candidate.yaml");
  writeFileSync(path, text);
  return path;
}

describe("policy show", () => {
  test("rules with their hits and who has them", async () => {
    const { code, out } = await run("policy show p");
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "p: import of 10.0.0.2; export of 10.0.0.3",
      "#  Name    Hits  Rule",
      "1  no-100     1  vni 100 -> reject",
      "",
    ]);
  });

  test("one that is not there", async () => {
    const { code, err } = await run("policy show q");
    expect(code).toBe(4);
    expect(err).toMatch(/there is no policy q; policy show lists them/);
  });
});

describe("policy test", () => {
  const OTHER = "policies: {p: [{name: no-200, match: {vni: 200}, then: reject}]}\n";

  test("policies alone stand in place of those of the same names", async () => {
    const { code, out } = await run(`policy test ${file(OTHER)}`);
    expect(code).toBe(0);
    const lines = out.split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "Peer      Way  Accepted  Rejected  Quarantined  Changed",
      "10.0.0.2  in          1         1            0        0",
      "10.0.0.3  out         1         1            0        0",
    ]);
    expect(lines).toContain("from 10.0.0.2");
    expect(lines).toContain("    before: rule 1 (no-100) of p: reject");
    expect(lines).toContain("    after: rule 1 (no-200) of p: reject");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("a whole file, one peer, as JSON", async () => {
    const text = JSON.stringify({ ...RUNNING, policies: { p: [{ then: "accept" }] } });
    const { out } = await run(`policy test ${file(text)} --peer 10.0.0.3 --json`);
    const report = JSON.parse(out) as TestAnswer;
    expect(report).toMatchObject({ complete: true, notes: [] });
    expect(report.peers).toMatchObject([
      { peer: "10.0.0.3", direction: "out", accepted: 1, rejected: 0, changed: 0 },
    ]);
  });

  test("the file that runs makes no difference", async () => {
    const { out } = await run(`policy test ${file(JSON.stringify(RUNNING))}`);
    expect(out).toMatch(/^No difference in \d+ destinations\.\n$/);
  });

  test("a bad one is refused, with its faults", async () => {
    const bad = file("policies: {p: [{match: {vni: x}, then: reject}]}\n");
    const { code, err } = await run(`policy test ${bad}`);
    expect(code).toBe(5);
    expect(err).toMatch(/policies\.p\[0\]\.match\.vni: "x" is not usable here; write a number/);
  });

  test("a peer without a session", async () => {
    const { code, err } = await run(`policy test ${file(OTHER)} --peer 10.9.9.9`);
    expect(code).toBe(4);
    expect(err).toMatch(/10\.9\.9\.9 has no session/);
  });
});

describe("explain route", () => {
  test("the rules that decided, for each way", async () => {
    const { out } = await run("explain route --vni 100");
    const lines = out.split("\n");
    expect(lines).toContain("  *  from 10.0.0.2: rejected by import policy");
    expect(lines).toContain("     import: rule 1 (no-100) of p: reject");
  });

  test("who has it, and why another has not", async () => {
    const { out } = await run("explain route --mac 00:00:00:00:00:02");
    const lines = out.split("\n");
    expect(lines).toContain("  *> from 10.0.0.2: only path");
    expect(lines).toContain("     import: default accept");
    expect(lines).toContain("  x  10.0.0.2: the route is its own");
    expect(lines).toContain("  -> 10.0.0.3: it has been sent");
    expect(lines).toContain("     export: default accept");
  });

  test("nothing named, and nothing found", async () => {
    expect((await run("explain route")).err).toMatch(/which route\? say mac, ip, rd/);
    expect((await run("explain route --vni 7")).code).toBe(4);
    expect((await run("explain route --mac zz")).err).toContain('"zz" is no MAC address');
    expect((await run("explain route --family evpn")).err).toContain("Allowed choices are");
  });
});
