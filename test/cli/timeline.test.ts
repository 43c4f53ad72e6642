/** Where a MAC, or an address, was: the verbs against the HTTP door with a timeline of the test behind. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../src/api/index.js";
import type { MacAtAnswer } from "../../src/cli/timeline-wire.js";
import {
  FibQueryError,
  type MacAt,
  type TimelineAtQuery,
  type TimelineControl,
} from "../../src/fib/index.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl } from "../lib/fake-control.js";
import { evpnctl } from "./lib/host.js";

/** What the door answers is what evpnctl reads: this fails to compile when it is not. */
export const fits: (view: MacAt) => MacAtAnswer = (view) => view;

const NOW = 1_700_000_060_000;
const IP = "10.1.0.7";
const MAC = "52:54:00:00:00:01";
const PRESENT: MacAt = {
  mac: MAC,
  ip: undefined,
  domain: "red",
  time: NOW - 300_000,
  state: "present",
  pe: "10.0.0.1",
  via: ["10.0.0.1", "10.0.0.2"],
  label: { kind: "vni", value: 100 },
  esi: undefined,
  sequence: 3,
  peer: "10.0.0.1",
  since: NOW - 400_000,
  certain: true,
  notes: [],
};
const NOBODY: MacAt = {
  ...PRESENT,
  mac: "",
  ip: IP,
  domain: "blue",
  state: "unknown",
  pe: undefined,
  via: [],
  label: undefined,
  sequence: undefined,
  peer: undefined,
  since: undefined,
  certain: false,
  notes: ["the history begins later"],
};

let asked: TimelineAtQuery[] = [];
let door: HttpDoor | undefined;

beforeAll(async () => {
  const timeline = {
    at(query: TimelineAtQuery) {
      asked.push(query);
      if (query.ip === undefined) return Promise.resolve([PRESENT]);
      if (query.ip === IP) return Promise.resolve([{ ...PRESENT, ip: IP }, NOBODY]);
      return Promise.reject(new FibQueryError("not-found", "the timeline knows nothing of it"));
    },
  } as Partial<TimelineControl> as TimelineControl;
  const backend = {
    control: new FakeControl(),
    timeline,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
});
afterAll(() => door?.close());

const run = (words: string) => {
  asked = [];
  return evpnctl(words, { url: `http://${door?.address}`, now: NOW });
};

test("show ip --at: whose an address was, and where", async () => {
  const { code, out } = await run(`show ip ${IP} --at -5m`);
  expect(code).toBe(0);
  expect(asked).toEqual([{ ip: IP, time: NOW - 300_000 }]);
  expect(out).toMatch(/^IP: +10\.1\.0\.7\nMAC: +52:54:00:00:00:01\nDomain: +red\n/);
  expect(out).toMatch(/Reached via: +10\.0\.0\.1, 10\.0\.0\.2\n/);
  const [, second = ""] = out.split(/\n\n/);
  expect(second).toMatch(/^IP: +10\.1\.0\.7\nDomain: +blue\n/);
  expect(second).toMatch(/State: +unknown, not certain\n/);
  for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test("in one domain, as JSON; what is not known, and what is no time", async () => {
  const { out } = await run(`show ip ${IP} --at -5m --domain red --json`);
  expect(asked).toEqual([{ ip: IP, time: NOW - 300_000, domain: "red" }]);
  expect((JSON.parse(out) as MacAtAnswer[])[0]).toMatchObject({ ip: IP, mac: MAC });
  expect((await run("show ip 10.9.9.9 --at -5m")).code).toBe(4);
  expect((await run(`show ip ${IP} --at noon`)).code).toBe(2);
});

test("show mac --at has no address", async () => {
  const { out } = await run(`show mac ${MAC} --at -5m`);
  expect(asked).toEqual([{ mac: MAC, time: NOW - 300_000 }]);
  expect(out).toMatch(/^MAC: +52:54:00:00:00:01\n/);
  expect((await run("show mac --at -5m")).code).toBe(2);
});
