/** What is refused before anything of a call is read, and what a call that was let in may take; real HTTP/2. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type Settings,
} from "node:http2";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TAKE_MS } from "../../../src/api/connections.js";
import { Desk } from "../../../src/api/desk.js";
import { MOST_CALLS } from "../../../src/api/grpc/admission.js";
import { GrpcGate } from "../../../src/api/grpc-gate.js";
import { GrpcServer } from "../../../src/api/grpc/index.js";
import { silentLog } from "../../../src/util/log.js";

import { HandClock } from "../../fib/lib/fabric.js";
import { FakeControl } from "../../lib/fake-control.js";

const TOKEN = "0123456789abcdef0123456789abcdef";
const SUMMARY = "/evpnd.v1.Status/GetSummary";
const HEALTH = "/grpc.health.v1.Health/Check";
/** A message of 1 MiB, of which nothing more than its head comes. */
const HEAD = Buffer.from([0, 0, 0x10, 0, 0]);
const EMPTY = Buffer.alloc(5);

let clock: HandClock;
let control: FakeControl;
let desk: Desk;
let server: GrpcServer;
let listener: Server;
let sessions: ClientHttp2Session[];

beforeEach(async () => {
  clock = new HandClock();
  control = new FakeControl();
  const backend = {
    get control() {
      return control;
    },
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const token = createHash("sha256").update(TOKEN).digest("hex");
  const clients = [{ name: "viewer", role: "viewer" as const, token, certificate: undefined }];
  desk = new Desk(backend, () => ({ listen: undefined, allowedHosts: [], clients }));
  server = new GrpcServer(desk, clock);
  await server.start();
  listener = createServer((socket) => server.take(socket)).listen(0, "127.0.0.1");
  await once(listener, "listening");
  sessions = [];
});
afterEach(() => {
  for (const session of sessions) session.destroy();
  server.close();
  listener.close();
});

function session(settings: Settings = {}): ClientHttp2Session {
  const { port } = listener.address() as AddressInfo;
  const made = connect(`http://127.0.0.1:${port}`, { settings });
  made.on("error", () => {});
  sessions.push(made);
  return made;
}

function call(on: ClientHttp2Session, path: string, token?: string): ClientHttp2Stream {
  const stream = on.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  });
  stream.on("error", () => {});
  return stream;
}

/** gRPC's status; without one the call goes on. */
function statusOf(stream: ClientHttp2Stream): Promise<string> {
  return new Promise((resolve) => {
    const look = (headers: Record<string, unknown>): void => {
      const status = headers["grpc-status"];
      if (typeof status === "string") resolve(status);
    };
    stream.on("response", look);
    stream.on("trailers", look);
    stream.resume();
  });
}

test("who is unknown, or may not, is refused before his message is there", async () => {
  const on = session();
  for (const [path, token, code] of [
    [SUMMARY, undefined, "16"],
    [SUMMARY, "x".repeat(32), "16"],
    ["/evpnd.v1.Peers/ResetPeer", TOKEN, "7"],
    ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", undefined, "16"],
    ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", undefined, "16"],
  ] as const) {
    const stream = call(on, path, token);
    stream.write(HEAD);
    expect(await statusOf(stream)).toBe(code);
  }
  expect(control.calls).toHaveLength(0);
});

test("health answers anybody", async () => {
  const stream = call(session(), HEALTH);
  stream.end(EMPTY);
  expect(await statusOf(stream)).toBe("0");
});

test("a request that is not whole in time is given up", async () => {
  const on = session();
  const stream = call(on, SUMMARY, TOKEN);
  stream.write(HEAD);
  const status = statusOf(stream);
  // Another call of the same connection is answered: the first one has arrived.
  const other = call(on, SUMMARY, TOKEN);
  other.end(EMPTY);
  expect(await statusOf(other)).toBe("0");
  clock.pass(10_000);
  expect(await status).toBe("4");
});

test("calls under way are bounded, of all connections; health has places of its own", async () => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const answer = control.summary.bind(control);
  let asked = 0;
  let arrived: () => void = () => {};
  const all = new Promise<void>((resolve) => (arrived = resolve));
  control.summary = async () => {
    if (++asked === MOST_CALLS) arrived();
    await held;
    return answer();
  };
  const calls: Promise<string>[] = [];
  for (let on = session(), n = 0; n < MOST_CALLS; n++) {
    if (n % 100 === 99) on = session();
    const stream = call(on, SUMMARY, TOKEN);
    stream.end(EMPTY);
    calls.push(statusOf(stream));
  }
  await all;
  const more = (path: string): Promise<string> => {
    const stream = call(session(), path, TOKEN);
    stream.end(EMPTY);
    return statusOf(stream);
  };
  expect(await more(SUMMARY)).toBe("14");
  expect(await more(HEALTH)).toBe("0");
  release();
  expect(new Set(await Promise.all(calls))).toEqual(new Set(["0"]));
  expect(await more(SUMMARY)).toBe("0");
});

test("who watches health, in any number, takes no place from who checks it", async () => {
  for (let on = session(), n = 0; n < 300; n++) {
    if (n % 100 === 99) on = session();
    const stream = call(on, "/grpc.health.v1.Health/Watch");
    stream.end(EMPTY);
    await once(stream, "response");
  }
  const check = call(session(), HEALTH);
  check.end(EMPTY);
  expect(await statusOf(check)).toBe("0");
});

test("who takes nothing of an answer is told of, and not who has taken it", async () => {
  const stuck: string[] = [];
  server.close();
  server = new GrpcServer(desk, clock, {
    begun: () => {},
    ended: () => {},
    stuck: (peer) => stuck.push(peer),
  });
  await server.start();
  const before = clock.pending;
  const taken = call(session(), SUMMARY, TOKEN);
  taken.end(EMPTY);
  expect(await statusOf(taken)).toBe("0");
  // Nor who has gone before there was one.
  const answer = control.summary.bind(control);
  let release: (() => void) | undefined;
  control.summary = () => new Promise((resolve) => (release = () => void answer().then(resolve)));
  const on = session();
  const gone = call(on, SUMMARY, TOKEN);
  gone.end(EMPTY);
  await vi.waitFor(() => expect(release).toBeDefined());
  control.summary = answer;
  gone.close(constants.NGHTTP2_CANCEL);
  const next = call(on, SUMMARY, TOKEN);
  next.end(EMPTY);
  expect(await statusOf(next)).toBe("0");
  release!();
  await new Promise((resolve) => setTimeout(resolve, 50));
  clock.pass(TAKE_MS);
  expect(stuck).toEqual([]);
  const holder = session({ initialWindowSize: 0 });
  call(holder, SUMMARY, TOKEN).end(EMPTY);
  await vi.waitFor(() => expect(clock.pending).toBe(before + 1));
  clock.pass(TAKE_MS - 1);
  expect(stuck).toEqual([]);
  clock.pass(1);
  expect(stuck).toEqual([`127.0.0.1:${holder.socket.localPort}`]);
});

test("connections in any number that ask nothing do not keep out one that does; who is asking stays", async () => {
  const most = 4;
  const gate = new GrpcGate(desk, () => true, { most });
  const door = createServer((socket) => gate.take(socket)).listen(0, "127.0.0.1");
  await once(door, "listening");
  const open = async (): Promise<ClientHttp2Session> => {
    const made = connect(`http://127.0.0.1:${(door.address() as AddressInfo).port}`);
    made.on("error", () => {});
    sessions.push(made);
    await once(made, "connect");
    return made;
  };
  const ask = async (on: ClientHttp2Session): Promise<string> => {
    const stream = call(on, SUMMARY, TOKEN);
    stream.end(EMPTY);
    return Promise.race([statusOf(stream), once(stream, "close").then(() => "closed")]);
  };
  try {
    // A client's first call has loaded gRPC; what follows is in its hands.
    const first = await open();
    expect(await ask(first)).toBe("0");
    const answer = control.summary.bind(control);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let arrived: () => void = () => {};
    const asked = new Promise<void>((resolve) => (arrived = resolve));
    control.summary = () => {
      arrived();
      return held.then(answer);
    };
    const waiting = ask(first);
    await asked;
    for (let n = 0; n < 3 * most; n++) await open();
    expect(first.closed).toBe(false);
    control.summary = answer;
    for (let n = 0; n < 2 * most; n++) expect(await ask(await open())).toBe("0");
    release();
    expect(await waiting).toBe("0");
    // All in use: then the newcomer waits in vain.
    const busy = [first];
    while (busy.length < most) {
      const one = await open();
      expect(await ask(one)).toBe("0");
      busy.push(one);
    }
    control.summary = () => new Promise(() => {});
    expect(busy.every((one) => !one.destroyed)).toBe(true);
    const calls = busy.map((one) => call(one, SUMMARY, TOKEN));
    for (const stream of calls) stream.write(HEAD);
    // Each connection has answered something else since: its call is there.
    for (const one of busy) {
      const health = call(one, HEALTH);
      health.end(EMPTY);
      expect(await statusOf(health)).toBe("0");
    }
    const late = connect(`http://127.0.0.1:${(door.address() as AddressInfo).port}`);
    late.on("error", () => {});
    sessions.push(late);
    await new Promise((resolve) => late.once("close", resolve));
    expect(busy.every((one) => !one.destroyed)).toBe(true);
  } finally {
    gate.close();
    door.close();
  }
});
