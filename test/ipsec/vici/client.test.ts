import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import {
  textOf,
  ViciClient,
  type ViciError,
  type ViciTree,
} from "../../../src/ipsec/vici/index.js";
import { systemClock, type Clock } from "../../../src/util/clock.js";
import { FakeClock } from "../../model/lib/fake.js";
import { FakeCharon } from "../lib/fake-charon.js";

let directory: string;
let path: string;
let charon: FakeCharon;
const events: [string, ViciTree][] = [];
const ends: ViciError[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-vici-"));
  path = join(directory, "vici");
  charon = new FakeCharon(path);
  events.length = 0;
  ends.length = 0;
});
afterEach(async () => {
  await charon.kill();
  rmSync(directory, { recursive: true, force: true });
});

function open(clock: Clock = systemClock): Promise<ViciClient> {
  return ViciClient.open({
    path,
    clock,
    onEvent: (name, message) => events.push([name, message]),
    onClose: (reason) => ends.push(reason),
  });
}

test("commands are answered in order, one at a time", async () => {
  await charon.start();
  const client = await open();
  const answers = await Promise.all([
    client.request("version"),
    client.request("load-conn", { a: { version: "2" } }),
    client.request("get-conns"),
  ]);
  expect(textOf(answers[0], "daemon")).toBe("fake");
  expect(answers[2]).toEqual({ conns: ["a"] });
  client.close();
  expect(ends).toEqual([]);
});

test("a refusal has the daemon's reason, and not what was sent", async () => {
  await charon.start();
  charon.refused.set("load-shared", "no such type");
  const client = await open();
  const refusal = client.request("load-shared", { id: "x", data: canary("vici") });
  await expect(refusal).rejects.toMatchObject({
    code: "refused",
    message: "load-shared: the IKE daemon refused: no such type",
  });
  client.close();
});

test("a stream's events go to its command, others to who listens", async () => {
  await charon.start();
  const client = await open();
  await client.request("load-conn", { a: { children: { a: { local_ts: ["10.0.0.0/8"] } } } });
  await client.listen(["child-updown"]);
  await client.request("initiate", { ike: "a", child: "a" });
  expect(events.map(([name]) => name)).toEqual(["child-updown"]);
  const rows: ViciTree[] = [];
  await client.stream("list-sas", "list-sa", {}, (row) => rows.push(row));
  expect(rows.map((row) => Object.keys(row))).toEqual([["a"]]);
  expect(events).toHaveLength(1);
  client.close();
});

test("without a daemon it says what to do", async () => {
  await expect(open()).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("start strongSwan") as string,
  });
});

test("a daemon that dies ends all that waits, once", async () => {
  await charon.start();
  const client = await open();
  await client.request("version");
  const server = charon.kill();
  const waiting = Promise.allSettled([client.request("version"), client.request("version")]);
  expect((await waiting).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await server;
  expect(ends).toHaveLength(1);
  await expect(client.request("version")).rejects.toMatchObject({ code: "closed" });
});

test("no answer in time closes the connection: answers have no number", async () => {
  const silent = await listen(() => {});
  const clock = new FakeClock();
  const client = await open(clock);
  const answer = client.request("version");
  const rejected = expect(answer).rejects.toMatchObject({ code: "timeout" });
  clock.advance(30_000);
  await rejected;
  expect(client.isOpen).toBe(false);
  silent.close();
});

test("what is not the protocol ends the connection", async () => {
  const server = await listen((socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const client = await open();
  await expect(client.request("version")).rejects.toMatchObject({ code: "protocol" });
  expect(ends).toHaveLength(1);
  server.close();
});

function listen(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    serve(socket);
  });
  return new Promise((resolve) => {
    server.listen(path, () => resolve(server));
  });
}
