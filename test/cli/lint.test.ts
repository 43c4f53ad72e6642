/** evpnctl lint against the HTTP door with a real FIB behind. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../src/api/index.js";
import {
  formatFinding,
  type FindingAnswer,
  type LintAnswer,
  type RuleAnswer,
} from "../../src/cli/lint.js";
import { LINT_RULES, LocalLint, type Finding, type RuleView } from "../../src/fib/index.js";
import { systemClock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl } from "../lib/fake-control.js";
import { smallFib, type SmallFib } from "../lib/fib.js";
import { evpnctl } from "./lib/host.js";

/** What the door answers is what evpnctl reads: this fails to compile when it is not. */
export const fits: [(finding: Finding) => FindingAnswer, (rule: RuleView) => RuleAnswer] = [
  (finding) => finding,
  (rule) => rule,
];

let small: SmallFib;
let door: HttpDoor | undefined;
let url: string;

beforeEach(async () => {
  small = smallFib();
  const backend = {
    control: new FakeControl(),
    fib: small.control,
    lint: new LocalLint(() => small.fabric.fib, systemClock),
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
  url = `http://${door?.address}`;
});
afterEach(() => door?.close());

const run = (words: string) => evpnctl(words, { url });

test("findings, in 80 columns, and exit code 1", async () => {
  const { code, out } = await run("lint --rule missing-pmsi,sequence-back");
  expect(code).toBe(1);
  for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  expect(out).toMatch(/^error missing-pmsi: type 3 routes of 10.0.0.1 have no PMSI/);
  expect(out).toMatch(/\n {2}- \S+.* of 10.0.0.1, from peer\s+10.9.0.1\n/);
  expect(out).toMatch(/\nmissing-pmsi 2\n$/);
});

test("nothing found: exit code 0", async () => {
  const { code, out } = await run("lint --rule sticky-at-two-pes sequence-back");
  expect(code).toBe(0);
  expect(out).toMatch(/^clean: 2 rules, \d+ routes and MACs looked at\n$/);
});

test("--json: findings and a summary, a line each", async () => {
  const { code, out } = await run("lint --json --rule missing-pmsi");
  expect(code).toBe(1);
  const items = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as LintAnswer);
  expect(items.map(({ type }) => type)).toEqual(["finding", "finding", "summary"]);
});

test("--list: the rules there are", async () => {
  const { code, out } = await run("lint --list");
  expect(code).toBe(0);
  for (const { id } of LINT_RULES) expect(out).toContain(id);
  const one = JSON.parse((await run("lint --list --json")).out) as RuleAnswer[];
  expect(one).toHaveLength(LINT_RULES.length);
});

test("a rule that there is not", async () => {
  const { code, err } = await run("lint --rule nonsense");
  expect(code).toBe(2);
  expect(err).toMatch(/no rule "nonsense"; there are mac-without-inclusive/);
});

test("a finding with many routes says how many", () => {
  const route = { route: "[2]:x", pe: "10.0.0.1", peer: "10.0.0.1" };
  const text = formatFinding(
    {
      rule: "r",
      severity: "error",
      subject: "s",
      message: "m",
      advice: "a",
      count: 7,
      routes: [route],
    },
    80,
  );
  expect(text).toBe("error r: m\n  a\n  - [2]:x of 10.0.0.1\n  - and 6 more\n");
});
