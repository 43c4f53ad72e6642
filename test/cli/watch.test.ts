/** evpnctl watch against the HTTP door with a real FIB behind. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type HttpBackend, type HttpDoor } from "../../src/api/index.js";
import type { CliHost } from "../../src/cli/host.js";
import { runProgram } from "../../src/cli/program.js";
import type { WatchAnswer } from "../../src/cli/watch-wire.js";
import { watchLine } from "../../src/cli/watch-text.js";
import type { WatchItem } from "../../src/fib/index.js";
import { silentLog } from "../../src/util/log.js";
import { macIp } from "../fib/lib/route.js";
import { FakeControl } from "../lib/fake-control.js";
import { HOST, SHARED, smallFib, type SmallFib } from "../lib/fib.js";
import { evpnctl } from "./lib/host.js";

/** What the door answers is what evpnctl reads: this fails to compile when it is not. */
export const fits: (item: WatchItem) => WatchAnswer = (item) => item;

let small: SmallFib;
let backend: HttpBackend;
let door: HttpDoor | undefined;
let url: string;

beforeEach(async () => {
  small = smallFib();
  backend = {
    control: new FakeControl(),
    fib: small.control,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  await open(0);
});
afterEach(() => door?.close());

async function open(port: number): Promise<void> {
  const listen = { address: "127.0.0.1", port };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
  url = `http://${door?.address}`;
}

const run = (words: string) => evpnctl(words, { url });

function move(sequence: number): void {
  const pe = 1 + (sequence % 2);
  small.fabric.announce(pe - 1, macIp({ rd: `10.0.0.${pe}:100`, mac: HOST }), {
    nextHop: `10.0.0.${pe}`,
    targets: ["65000:100"],
    sequence,
  });
  small.fabric.read();
}

test("watch mac: what is there, in 80 columns", async () => {
  const { code, out } = await run("watch mac --domain 65000:100 --count 3");
  expect(code).toBe(0);
  const lines = out.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(out).toMatch(
    new RegExp(`\\d\\d:\\d\\d:\\d\\d there +${SHARED} 65000:100 +10.0.0.2 vni 100`),
  );
});

test("watch mac --json: the items, a line each", async () => {
  const { out } = await run("watch mac --json --count 4");
  const items = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as WatchAnswer);
  expect(items[0]).toMatchObject({ type: "begin" });
  expect(items[1]).toMatchObject({ type: "mac", state: "present" });
});

test("watch mac: a MAC that moves, and evpnd that goes away and comes back", async () => {
  const said = { out: "", err: "" };
  const host: CliHost = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    columns: 80,
    env: { EVPND_URL: url },
    now: () => 0,
    readStdin: () => Promise.resolve(new Uint8Array()),
    interrupted: () => Promise.resolve(),
    code: 0,
  };
  const words = `watch mac ${HOST} --domain 65000:100 --count 3`;
  const watching = runProgram(words.split(" "), host);
  await until("the marker", () => said.out.includes("up to date"));
  move(2);
  await until("the first change", () => said.out.includes(" update "));
  const port = Number(new URL(url).port);
  await door?.close();
  move(3);
  await open(port);
  expect(await watching).toBe(0);
  expect(said.out).toMatch(new RegExp(`${HOST} 65000:100 +10.0.0.1 > 10.0.0.2 vni 100\n$`));
  expect(said.err).toMatch(/trying again until it is back\n/);
  expect(said.err).toMatch(/evpnd is back; nothing was missed\n$/);
});

async function until(what: string, done: () => boolean): Promise<void> {
  for (const end = Date.now() + 50_000; Date.now() < end;) {
    if (done()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`in vain: ${what}`);
}

test("watch peers", async () => {
  const { out } = await run("watch peers --count 1");
  expect(out).toMatch(/^\d\d:\d\d:\d\d \S+ +(Established|Idle|Active|Connect)/);
});

describe("refusals", () => {
  test("evpnd is not there", async () => {
    await door?.close();
    const { code, err } = await run("watch mac");
    expect(code).toBe(3);
    expect(err).toMatch(/evpnd does not answer/);
  });

  test("a filter that cannot be", async () => {
    const { code, err } = await run("watch events --kinds jump");
    expect(code).toBe(2);
    expect(err).toMatch(/there is no event "jump"/);
  });
});

test("every kind of item is a line of at most 80 columns, or none", () => {
  const change = { kind: "segment-down", time: 1e12, from: "2001:db8::1", to: "", count: 7 };
  const esi = "00:11:22:33:44:55:66:77:88:99";
  const line = (item: Partial<WatchAnswer>): string | undefined =>
    watchLine({ type: "mac", key: "", state: "", ...item }, 80);
  expect(line({ type: "segment", esi, state: "down", change })).toMatch(
    /segment down {4}00:11:.* 2001:db8::1, 7 MACs\n$/,
  );
  expect(line({ type: "lagged", message: "much" })).toBe("-- lagged: much\n");
  expect(line({ type: "alive" })).toBeUndefined();
  expect(line({ key: `${"x".repeat(40)} ${HOST}`, state: "gone" })).toMatch(/ gone +52:54/);
  const event = {
    kind: "ip-move",
    time: 1e12,
    mac: HOST,
    to: "10.0.0.1",
    count: 1,
    ip: "10.1.0.1",
  };
  expect(line({ type: "event", event: { ...event, domain: "d" } })).toMatch(
    /ip-move .* 10.1.0.1 10/,
  );
  expect(line({ type: "peer", key: "10.0.0.1", state: "gone" })).toMatch(/no peer any more/);
});
