/** Watches and fabric checks over gRPC: items as they come, and a client that hangs up. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHttpDoor, type HttpBackend, type HttpDoor } from "../../../src/api/index.js";
import { PACKAGE } from "../../../src/api/service/index.js";
import { watchOf } from "../../../src/api/watch.js";
import { LocalLint } from "../../../src/fib/index.js";
import { systemClock } from "../../../src/util/clock.js";
import { silentLog } from "../../../src/util/log.js";
import { macIp } from "../../fib/lib/route.js";
import { FakeControl } from "../../lib/fake-control.js";
import { HOST, smallFib, type SmallFib } from "../../lib/fib.js";
import { ReflectionClient } from "../lib/reflection-client.js";

let small: SmallFib;
let backend: HttpBackend;
let door: HttpDoor;
let client: ReflectionClient;

beforeEach(async () => {
  small = smallFib();
  backend = {
    control: new FakeControl(),
    fib: small.control,
    lint: new LocalLint(() => small.fabric.fib, systemClock),
    log: silentLog,
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

interface Item {
  readonly type: string;
  readonly key?: string;
  readonly cursor?: string;
  readonly mac?: { readonly pe: string };
  readonly change?: { readonly kind: string; readonly from?: string };
}

async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 50_000; Date.now() < end;) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`in vain: ${what}`);
}

test("a watch: snapshot, marker, a move; and nothing is left when the client hangs up", async () => {
  const call = await client.open(`${PACKAGE}.Watch`, "WatchMacs", {
    mac: HOST,
    domain: "65000:100",
  });
  const items: Item[] = [];
  call.on("data", (item: Item) => items.push(item)).on("error", () => {});
  await until("a marker", () => items.some(({ type }) => type === "sync"));
  expect(items.map(({ type }) => type)).toEqual(["begin", "mac", "sync"]);
  small.fabric.announce(1, macIp({ rd: "10.0.0.2:100", mac: HOST }), {
    nextHop: "10.0.0.2",
    targets: ["65000:100"],
    sequence: 9,
  });
  small.fabric.read();
  await until("the move", () => items.length > 3);
  expect(items[3]).toMatchObject({
    key: `65000:100 ${HOST}`,
    mac: { pe: "10.0.0.2" },
    change: { kind: "move", from: "10.0.0.1" },
  });
  expect(items[3]?.cursor).toBeDefined();
  call.cancel();
  const { hub } = watchOf(backend);
  await until("the watcher to go", async () => (await hub.stats()).watchers === 0);
});

test("a fabric check: findings and a summary", async () => {
  const items = await client.stream<{ readonly type: string; readonly finding?: { rule: string } }>(
    `${PACKAGE}.Lint`,
    "RunLint",
    { rules: ["missing-pmsi"] },
  );
  expect(items.map(({ type }) => type).filter((type) => type !== "progress")).toEqual([
    "finding",
    "finding",
    "summary",
  ]);
  const { rules } = await client.unary<{ rules: object[] }>(`${PACKAGE}.Lint`, "ListLintRules");
  expect(rules.length).toBeGreaterThan(10);
});
