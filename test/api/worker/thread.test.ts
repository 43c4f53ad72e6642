/** The API's thread itself: servers over HTTP, the FIB in shared memory, death and return. */
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { HttpBackend, HttpDoor } from "../../../src/api/index.js";
import { ApiHost, apiThread, type ApiThread } from "../../../src/api/worker/host.js";
import { systemClock } from "../../../src/util/clock.js";
import type { Log } from "../../../src/util/log.js";
import type { FibHandles } from "../../../src/fib/index.js";
import { settings } from "../../fib/lib/route.js";
import { FakeControl } from "../../lib/fake-control.js";
import { addMacs, HOST, smallFib } from "../../lib/fib.js";
import { bundleThread, type Bundle } from "../../lib/thread.js";

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleThread("src/api/worker/entry.ts");
});
afterAll(() => bundle.remove());

const hosts: ApiHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.stop();
});

async function rig(macs = 0) {
  const small = smallFib();
  addMacs(small, macs);
  const lines: string[] = [];
  const note = (_fields: object, text: string) => void lines.push(text);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const backend: HttpBackend & { fib: HttpBackend["fib"] } = {
    control: new FakeControl(),
    fib: small.control,
    log,
    reload: () => Promise.resolve({ ok: true, lines: ["nothing changed"] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "evpnd_up 1\n" }),
  };
  const shared = small.fabric.fib.shared.handles;
  const now: { fib: FibHandles | undefined } = {
    fib: { shared, settings: settings(small.change) },
  };
  const threads: ApiThread[] = [];
  const spawn = apiThread(pathToFileURL(bundle.entry));
  const host = new ApiHost({
    backend,
    fib: () => now.fib,
    log,
    clock: systemClock,
    spawn: (events, data) => {
      const thread = spawn(events, data);
      threads.push(thread);
      return thread;
    },
  });
  hosts.push(host);
  const door = (await host.open({
    listen: { address: "127.0.0.1", port: 0 },
    allowedHosts: [],
  }))!;
  const get = async (path: string, accept = "application/json") => {
    const answer = await fetch(`http://${door.address}${path}`, { headers: { accept } });
    return { status: answer.status, text: await answer.text() };
  };
  return { small, host, door, get, lines, threads, backend, now };
}

describe("requests", () => {
  it("go to the BGP thread, or are answered from its memory", async () => {
    const { get, host } = await rig();
    expect((await get("/health")).status).toBe(200);
    expect((await get("/v1/summary")).text).toContain('"as":65000');
    const before = host.stats();
    const { status, text } = await get(`/v1/fib/macs?mac=${HOST}`);
    expect(status).toBe(200);
    expect((JSON.parse(text) as { macs: object[] }).macs).toHaveLength(2);
    expect(await get("/v1/fib/macs?mac=zz")).toMatchObject({ status: 400 });
    const after = host.stats();
    expect(after.calls).toBe(before.calls);
    expect(after.reads).toBeGreaterThan(before.reads);
    expect(after).toMatchObject({ up: true, deaths: 0, fallbacks: 0, refused: 0 });
  });

  it("a whole dump costs the BGP thread no call", async () => {
    const { get, host } = await rig(5000);
    const before = host.stats().calls;
    const { text } = await get("/v1/fib/macs", "application/x-ndjson");
    const macs = text.trimEnd().split("\n");
    expect(new Set(macs).size).toBe(5005);
    expect(macs).toHaveLength(5005);
    expect(host.stats().calls).toBe(before);
  });

  it("what the FIB becomes is seen at once, and another FIB when it is announced", async () => {
    const { get, host, small, backend, now } = await rig();
    addMacs(small, 10);
    const listed = async () =>
      JSON.parse((await get("/v1/fib/macs?limit=1000")).text) as { macs: object[] };
    expect((await listed()).macs).toHaveLength(15);
    const other = smallFib();
    backend.fib = other.control;
    now.fib = { shared: other.fabric.fib.shared.handles, settings: settings(other.change) };
    host.announce();
    expect((await listed()).macs).toHaveLength(5);
    backend.fib = undefined;
    now.fib = undefined;
    host.announce();
    expect((await get("/v1/fib/macs")).status).toBe(409);
  });
});

describe("a thread that dies", () => {
  it("comes back at its address, with the FIB", async () => {
    const { get, host, door, lines, threads } = await rig();
    threads[0]!.post({ kind: "fib", handles: {} as FibHandles });
    await vi.waitFor(() => expect(lines).toContain("the API is back"), { timeout: 60_000 });
    expect(threads).toHaveLength(2);
    expect(host.stats()).toMatchObject({ up: true, deaths: 1 });
    expect((await get(`/v1/fib/macs?mac=${HOST}`)).status).toBe(200);
    await closes(door);
    expect(host.stats().up).toBe(false);
  });
});

describe("addresses", () => {
  it("that are taken are refused with the system's code; one given back is free at once", async () => {
    const { host, door } = await rig();
    const port = Number(door.address.split(":")[1]);
    const again = { listen: { address: "127.0.0.1", port }, allowedHosts: [] };
    await expect(host.open(again)).rejects.toMatchObject({ code: "EADDRINUSE" });
    await door.stopListening();
    const next = await host.open(again);
    expect(next?.address).toBe(door.address);
    await closes(door);
    expect((await fetch(`http://${next!.address}/health`)).status).toBe(200);
  });
});

function closes(door: HttpDoor): Promise<void> {
  return door.close();
}
