/** Watches over a real HTTP door: lines as they come, refusals, clients that stop, come back, or die. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type HttpBackend, type HttpDoor } from "../../src/api/index.js";
import { BackendWatch, watchOf } from "../../src/api/watch.js";
import type { MacView, WatchItem } from "../../src/fib/index.js";
import { silentLog } from "../../src/util/log.js";
import { HandClock } from "../fib/lib/fabric.js";
import { macIp } from "../fib/lib/route.js";
import { FakeControl } from "../lib/fake-control.js";
import { addMacs, HOST, smallFib, type SmallFib } from "../lib/fib.js";

let small: SmallFib;
let door: HttpDoor | undefined;
let backend: HttpBackend;
let clients: Client[];

beforeEach(() => open(true));
afterEach(async () => {
  for (const client of clients) client.end();
  await door?.close();
});

async function open(on: boolean): Promise<void> {
  await door?.close();
  clients = [];
  small = smallFib();
  backend = {
    control: new FakeControl(),
    fib: on ? small.control : undefined,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
}

/** Reads a watch, or does not read it. */
class Client {
  readonly items: WatchItem[] = [];
  readonly held = new Map<string, MacView>();
  cursor: string | undefined;
  private readonly doubt = new Set<string>();
  private response: IncomingMessage | undefined;
  private rest = "";

  async open(path: string): Promise<this> {
    clients.push(this);
    const url = `http://${door?.address}${path}`;
    this.response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(url, { agent: false }, resolve).on("error", reject).end();
    });
    this.response.on("error", () => {});
    this.response.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.rest + text).split("\n");
      this.rest = lines.pop() ?? "";
      for (const line of lines) this.apply(JSON.parse(line) as WatchItem);
    });
    return this;
  }

  get status(): number | undefined {
    return this.response?.statusCode;
  }

  pause(): void {
    this.response?.pause();
  }

  resume(): void {
    this.response?.resume();
  }

  end(): void {
    this.response?.destroy();
  }

  has(type: string): boolean {
    return this.items.some((item) => item.type === type);
  }

  private apply(item: WatchItem): void {
    this.items.push(item);
    this.cursor = item.cursor ?? this.cursor;
    const { type, key } = item;
    if (type === "begin") for (const one of this.held.keys()) this.doubt.add(one);
    if (type === "sync") {
      for (const one of this.doubt) this.held.delete(one);
      this.doubt.clear();
    }
    if (type !== "mac") return;
    this.doubt.delete(key);
    if (item.mac === undefined) this.held.delete(key);
    else this.held.set(key, item.mac);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 50_000; Date.now() < end; await turn()) if (await done()) return;
  throw new Error(`in vain: ${what}`);
}

function move(n: number, sequence: number): void {
  const hop = `10.0.0.${1 + (sequence % 2)}`;
  const mac = `aa:01:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`;
  small.fabric.announce(sequence % 2, macIp({ rd: `${hop}:100`, mac }), {
    nextHop: hop,
    targets: ["65000:100"],
    sequence,
  });
}

describe("GET /v1/watch/macs", () => {
  test("lines as they come", async () => {
    const client = await new Client().open(`/v1/watch/macs?mac=${HOST}`);
    await until("a marker", () => client.has("sync"));
    expect(client.items.map(({ type }) => type)).toEqual(["begin", "mac", "mac", "sync"]);
    small.fabric.announce(1, macIp({ rd: "10.0.0.2:100", mac: HOST }), {
      nextHop: "10.0.0.2",
      targets: ["65000:100"],
      sequence: 9,
    });
    small.fabric.read();
    await until("the move", () => client.items.length > 4);
    expect(client.items[4]).toMatchObject({
      key: `65000:100 ${HOST}`,
      mac: { pe: "10.0.0.2" },
      change: { kind: "move", from: "10.0.0.1", to: "10.0.0.2" },
    });
    expect(client.cursor).toBeDefined();
  });

  test("a client that goes frees its watcher", async () => {
    const { hub } = watchOf(backend);
    const client = await new Client().open("/v1/watch/macs");
    await until("a marker", () => client.has("sync"));
    expect((await hub.stats()).watchers).toBe(1);
    client.end();
    await until("the watcher to go", async () => (await hub.stats()).watchers === 0);
  });

  test.each([
    ["/v1/watch/macs?mac=nonsense", 400, /no MAC address/],
    ["/v1/watch/macs?kinds=jump", 400, /there is no event "jump"; there are learn/],
    ["/v1/watch/macs?cursor=x", 400, /leave it out/],
    ["/v1/watch/macs?colour=red", 400, /colour/],
    ["/v1/watch/peers?mac=aa", 400, /mac/],
  ])("%s is refused", async (path, status, message) => {
    const answer = await fetch(`http://${door?.address}${path}`);
    expect(answer.status).toBe(status);
    const { error } = (await answer.json()) as { error: { message: string } };
    expect(error.message).toMatch(message);
  });

  test("without a FIB says how to turn it on", async () => {
    await open(false);
    const answer = await fetch(`http://${door?.address}/v1/watch/macs`);
    expect(answer.status).toBe(409);
    expect(await answer.text()).toMatch(/fib.enabled: true/);
  });
});

describe("other topics", () => {
  test("events and peers", async () => {
    const events = await new Client().open("/v1/watch/events?kinds=learn");
    const peers = await new Client().open("/v1/watch/peers");
    await until("markers", () => events.has("sync") && peers.has("sync"));
    expect(peers.items.filter(({ type }) => type === "peer").length).toBeGreaterThan(0);
    addMacs(small, 3);
    await until("three events", () => events.items.length >= 4);
    expect(events.items.slice(1).map(({ event }) => event?.kind)).toEqual(Array(3).fill("learn"));
  });
});

test("ten watchers under changes, one of them stopped: it gets all of the rest, and memory is bounded", async () => {
  const MACS = 1000;
  for (let n = 0; n < MACS; n++) move(n, 0);
  small.fabric.read();
  const all = await Promise.all(
    Array.from({ length: 10 }, () => new Client().open("/v1/watch/macs?mac=aa")),
  );
  await until("ten markers", () => all.every((client) => client.has("sync")));
  const [stopped] = all;
  stopped!.pause();
  let sequence = 0;
  // What a stopped client leaves in the kernel and in the door is some hundred KiB: this is a hundred times that.
  for (let round = 0; round < 30; round++) {
    sequence++;
    for (let n = 0; n < 500; n++) move((round * 500 + n) % MACS, sequence);
    small.fabric.read();
    await turn();
    const { pending } = await watchOf(backend).hub.stats();
    expect(pending).toBeLessThanOrEqual(10 * MACS);
  }
  const there = (): string =>
    small.fabric.fib.pages
      .list({}, 0, 100_000)
      .rows.filter(({ mac }) => mac.startsWith("aa"))
      .map(({ mac, pe, sequence: of }) => `${mac} ${pe} ${of}`)
      .sort()
      .join();
  const held = (client: Client): string =>
    [...client.held.values()]
      .map(({ mac, pe, sequence: of }) => `${mac} ${pe} ${of}`)
      .sort()
      .join();
  const wanted = there();
  await until("nine to be up to date", () => all.slice(1).every((one) => held(one) === wanted));
  expect(held(stopped!)).not.toBe(wanted);
  stopped!.resume();
  await until("the stopped one to be up to date", () => held(stopped!) === wanted);
  expect(stopped!.has("lagged")).toBe(false);
}, 180_000);

test("server-sent events, for whoever asks for them", async () => {
  const answer = await fetch(`http://${door?.address}/v1/watch/macs`, {
    headers: { accept: "text/event-stream" },
  });
  expect(answer.headers.get("content-type")).toMatch(/text\/event-stream/);
  const reader = answer.body!.getReader();
  const { value } = (await reader.read()) as { value: Uint8Array };
  const text = new TextDecoder().decode(value);
  expect(text).toMatch(/^data: \{"type":"begin".*\}\n\ndata: \{"type":"mac"/);
  await reader.cancel();
});

test("when nothing happens, a client is told every 15 seconds that evpnd lives", async () => {
  const clock = new HandClock();
  const gone = new AbortController();
  const batches = new BackendWatch(backend, clock).batches({ topic: "events" }, gone.signal);
  expect((await batches.next()).value).toMatchObject([{ type: "sync" }]);
  const start = clock.time;
  let alive: readonly WatchItem[] | undefined;
  void batches.next().then(({ value }) => (alive = value as readonly WatchItem[]));
  await until("a sign of life", () => {
    if (alive === undefined) clock.pass(1000);
    return alive !== undefined;
  });
  expect(alive).toMatchObject([{ type: "alive" }]);
  expect(clock.time - start).toBeGreaterThanOrEqual(15_000);
  gone.abort();
  expect(await batches.next()).toMatchObject({ done: true });
});
