/** Traffic between two VNFs through their agents: encrypted, allowed by the catalog, and ended with trust. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { treeDigest } from "../../../../src/asmn/measure/index.js";
import type { Catalog, CatalogEntry } from "../../../../src/asmn/catalog/index.js";
import { toHex } from "../../../../src/util/bytes.js";
import { joinStreams } from "../../../../src/util/join-streams.js";
import { waitFor } from "../../../interop/lib/wait.js";
import { AgentRun, removeScratch } from "../lib/agent-run.js";
import { MiniSecEm } from "../lib/mini-sec-em.js";

const A = { tenant: "blue", vnf: "web", instance: "web-1" };
const B = { tenant: "blue", vnf: "store", instance: "store-1" };
const SERVICE = 5201;
const OTHER = 5202;

let secEm: MiniSecEm;
let echo: Server;
let wire: Server;
let seen: Buffer[];
let a: AgentRun;
let b: AgentRun;
let door: number;
let otherDoor: number;
const open: Socket[] = [];

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

const entry = (port: number): CatalogEntry => ({
  ...{ from: "web", to: "store", protocol: 6, ports: { first: port, last: port } },
  ...{ rate: undefined, burst: 65_536, packets: undefined, opens: 100, connections: undefined },
  answers: true,
});

function catalogOf(version: number, entries: readonly CatalogEntry[]): Catalog {
  const descriptors = ["store", "web"];
  return {
    tenant: "blue",
    version,
    descriptors,
    abnormal: undefined,
    networks: [],
    entries,
    alarms: [],
  };
}

/** web-1 reaches store-1's agent through a wire that writes down what passes. */
beforeEach(async () => {
  secEm = new MiniSecEm();
  secEm.catalog = catalogOf(1, [entry(SERVICE)]);
  await secEm.start();
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
  const [agentB] = [await freePort()];
  seen = [];
  wire = createServer({ allowHalfOpen: true }, (socket) => {
    const onward = connect({ port: agentB, host: "127.0.0.1", allowHalfOpen: true });
    for (const end of [socket, onward]) end.on("data", (octets: Buffer) => seen.push(octets));
    joinStreams(socket, onward, () => undefined);
  }).listen(0, "127.0.0.1");
  await once(wire, "listening");
  [door, otherDoor] = [await freePort(), await freePort()];
  const to = { address: "127.0.0.1", port: (echo.address() as AddressInfo).port };
  const agent = { address: "127.0.0.1", port: (wire.address() as AddressInfo).port };
  a = await invited(A, {
    listen: undefined,
    accept: [],
    connect: [
      {
        listen: { address: "127.0.0.1", port: door },
        vnf: "store",
        instance: "store-1",
        agent,
        port: SERVICE,
      },
      {
        listen: { address: "127.0.0.1", port: otherDoor },
        vnf: "store",
        instance: "store-1",
        agent,
        port: OTHER,
      },
    ],
  });
  b = await invited(B, {
    listen: { address: "127.0.0.1", port: agentB },
    accept: [
      { port: SERVICE, to },
      { port: OTHER, to },
    ],
    connect: [],
  });
  a.start();
  b.start();
  await Promise.all([a.waitTrusted(), b.waitTrusted()]);
});

afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await Promise.all([a.stop(), b.stop()]);
  await secEm.kill();
  for (const server of [echo, wire]) server.close();
});
afterAll(removeScratch);

async function invited(
  names: typeof A,
  traffic: AgentRun["settings"]["traffic"],
): Promise<AgentRun> {
  const run = new AgentRun(names, [secEm.port], secEm.rootKey, { traffic });
  const { digest } = await treeDigest(run.settings.image.path, { threads: 0 });
  secEm.images.add(toHex(digest));
  run.giveToken(secEm.issue(names, run.publicKey, digest).text);
  return run;
}

function dial(port = door, allowHalfOpen = false): Socket {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen });
  socket.on("error", () => undefined);
  open.push(socket);
  return socket;
}

/** It has ended, in whatever way. */
async function gone(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

async function read(socket: Socket, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let got = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    parts.push(chunk as Buffer);
    got += (chunk as Buffer).length;
    if (got >= length) break;
  }
  return Buffer.concat(parts);
}

describe("ASM-16, ASM-23, ASM-60: two VNFs", () => {
  test("ASM-16, ASM-23, ASM-60: a megabyte there and back, whole, and nothing of it readable between them", async () => {
    const octets = Buffer.concat([Buffer.from("in the clear "), randomBytes(1024 * 1024)]);
    const socket = dial(door, true);
    socket.end(octets);
    const back = await read(socket, octets.length);
    expect(createHash("sha256").update(back).digest()).toEqual(
      createHash("sha256").update(octets).digest(),
    );
    const passed = Buffer.concat(seen);
    expect(passed.length).toBeGreaterThan(2 * octets.length);
    expect(passed.includes("in the clear")).toBe(false);
    expect(passed.includes(octets.subarray(5000, 5032))).toBe(false);
    // Both asked about the other before an octet passed.
    const asked = secEm.received.filter(({ kind }) => kind === "ask");
    expect(asked).toHaveLength(2);
    await a.waitFor("to have ended", ({ carried }) => carried.to === 0);
  });

  test("ASM-69: two connections of the same octets look different: keys are of one connection", async () => {
    const wires: Buffer[] = [];
    for (let round = 0; round < 2; round++) {
      seen = [];
      const socket = dial();
      socket.write(Buffer.alloc(2048, 65));
      await read(socket, 2048);
      socket.destroy();
      wires.push(Buffer.concat(seen));
    }
    expect(wires[0]?.subarray(-512)).not.toEqual(wires[1]?.subarray(-512));
  });

  test("ASM-23, ASM-31: a port that the catalog does not name stays closed, accepted or not", async () => {
    await gone(dial(otherDoor));
    expect(a.lines.join("\n")).toContain(
      "the catalog has no entry from web to store for TCP port 5202",
    );
    expect(seen).toEqual([]);
  });

  test("ASM-71: when either loses trust, what it carries ends, and nothing new begins", async () => {
    const socket = dial();
    socket.write("hello");
    await read(socket, 5);
    expect(b.status().carried.from).toBe(1);
    secEm.revoke("store-1");
    await gone(socket);
    await a.waitFor("to carry nothing", ({ carried }) => carried.to === 0);
    await gone(dial());
    await waitFor("the reason", () => a.lines.some((line) => line.includes("is not trusted")));
  });

  test("ASM-16, ASM-71: the other's trust is our own Sec-EM's word, whatever the other thinks of itself", async () => {
    const socket = dial();
    socket.write("hello");
    await read(socket, 5);
    // Its own agent is not told, and goes on: only store-1's agent knows.
    secEm.revoke("web-1", false);
    await gone(socket);
    await waitFor("the reason", () =>
      b.lines.some((line) => line.includes("traffic with web/web-1 ends: untrusted (revoked)")),
    );
    await gone(dial());
    expect(a.status().state).toBe("trusted");
    await waitFor("the refusal", () => a.lines.some((line) => line.includes("refused: revoked")));
    expect(b.status().carried.from).toBe(0);
  });

  test("ASM-60: whoever changes an octet on the way ends the connection, and delivers nothing wrong", async () => {
    const socket = dial();
    socket.write("hello");
    await read(socket, 5);
    wire.removeAllListeners("connection");
    wire.on("connection", (from: Socket) => {
      const onward = connect({ port: b.settings.traffic?.listen?.port ?? 0, host: "127.0.0.1" });
      let passed = 0;
      from.on("data", (octets: Buffer) => {
        passed += 1;
        // The third thing it says is the first data.
        if (passed >= 3) octets[octets.length - 1]! ^= 1;
        onward.write(octets);
      });
      onward.pipe(from);
      for (const end of [from, onward]) end.on("error", () => undefined);
    });
    const second = dial();
    second.write("something");
    await gone(second);
    await waitFor("it to be told", () => b.lines.some((line) => line.includes("does not open")));
  });

  test("ASM-16: somebody without a key of the tenant gets nowhere at the agent's door", async () => {
    const { port = 0 } = b.settings.traffic?.listen ?? {};
    for (const junk of [Buffer.alloc(100, 1), Buffer.from("GET / HTTP/1.1\r\n\r\n")]) {
      const socket = dial(port);
      socket.write(junk);
      await gone(socket);
    }
    expect(b.status().carried.from).toBe(0);
  });
});
