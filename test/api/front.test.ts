/** One port for HTTP/1.1 and gRPC: who gets a connection, however its first octets arrive. */
import { connect, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFront } from "../../src/api/front.js";
import { GrpcGate } from "../../src/api/grpc-gate.js";
import { Desk } from "../../src/api/desk.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl } from "../lib/fake-control.js";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const GET = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n";
const MOST = 4;
const REQUEST_MS = 200;

let server: Server;
let port: number;
let taken: { socket: Socket; head: string }[];
const open: Socket[] = [];

beforeEach(async () => {
  taken = [];
  server = createFront(
    (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => response.end(`${request.method ?? ""} ${request.url ?? ""} ${body}`));
    },
    {
      tls: undefined,
      most: MOST,
      requestMs: REQUEST_MS,
      http2: (socket) => {
        socket.on("error", () => {});
        taken.push({ socket, head: "" });
        const one = taken.at(-1)!;
        socket.on("data", (chunk: Buffer) => {
          one.head += chunk.toString();
          if (one.head.length >= PREFACE.length) socket.end("taken");
        });
      },
    },
  );
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  for (const { socket } of taken) socket.destroy();
  server.close();
});

/** Sends the parts one after another, each in a packet of its own; what comes back, until `end`. */
async function talk(parts: readonly string[], end: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  open.push(socket);
  let answer = "";
  const done = new Promise<string>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString();
      if (answer.includes(end)) resolve(answer);
    });
    socket.on("close", () => resolve(answer === "" ? "closed" : answer));
    socket.on("error", () => {});
  });
  for (const part of parts) {
    await new Promise<void>((resolve) => socket.write(part, () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done;
}

test("HTTP/2's preface goes to gRPC with every octet, whole or in pieces", async () => {
  for (const parts of [[PREFACE], [...PREFACE], ["P", "RI", PREFACE.slice(3)]]) {
    expect(await talk(parts, "taken")).toBe("taken");
  }
  expect(taken.map(({ head }) => head)).toEqual([PREFACE, PREFACE, PREFACE]);
});

test("everything else goes to HTTP, in pieces too, and so do methods that begin like the preface", async () => {
  expect(await talk([GET], "/x")).toContain("GET /x");
  expect(await talk([...GET], "/x")).toContain("GET /x");
  const post = "POST /y HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
  expect(await talk(["P", post.slice(1)], "abc")).toContain("POST /y abc");
  const find = "PROPFIND /z HTTP/1.1\r\nhost: a\r\n\r\n";
  expect(await talk(["PR", find.slice(2)], "/z")).toContain("PROPFIND /z");
  expect(taken).toEqual([]);
});

test("requests one after another on one connection, pipelined ones too", async () => {
  const answer = await talk([GET, GET + GET.replace("/x", "/last")], "/last");
  expect(answer.match(/GET \/x/g)).toHaveLength(2);
});

test("who says nothing, or half of it, gives way; who went to gRPC takes no place", async () => {
  for (let i = 0; i < 3 * MOST; i++) open.push(connect({ port, host: "127.0.0.1" }));
  for (let i = 0; i < 2 * MOST; i++) void talk(["P"], "never");
  for (let i = 0; i < 2 * MOST; i++) expect(await talk([PREFACE], "taken")).toBe("taken");
  expect(await talk([GET], "/x")).toContain("GET /x");
});

test("a body that is no request is a refusal, not a crash", async () => {
  expect(await talk(["\0\0\0\0garbage\r\n\r\n"], "\r\n\r\n")).toContain("400");
});

test("a request that is not whole in time is told so, and its connection closed", async () => {
  for (const half of [
    GET.slice(0, -2),
    "POST /y HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\na",
  ]) {
    const begun = performance.now();
    expect(await talk([half], "408")).toContain("408");
    // Not when Node.js looks by itself, which is every 30 s.
    expect(performance.now() - begun).toBeLessThan(20_000);
  }
});

/** A gate to which nothing of gRPC is loaded: what counts is who keeps his place. */
function gate(): { readonly take: (address: string) => void; readonly kept: () => string[] } {
  const backend = {
    control: new FakeControl(),
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "", text: "" }),
  };
  const desk = new Desk(backend, () => ({ listen: undefined, allowedHosts: [] }));
  const made = new GrpcGate(desk, () => true);
  Object.assign(made, { load: () => new Promise(() => {}) });
  const there = new Map<object, string>();
  return {
    take: (remoteAddress) => {
      const socket = {
        remoteAddress,
        remotePort: 1000 + there.size,
        once: () => {},
        on: () => {},
        destroy: () => there.delete(socket),
      };
      there.set(socket, `${remoteAddress} ${socket.remotePort}`);
      made.take(socket as unknown as Socket);
    },
    kept: () => [...there.values()],
  };
}

test("gRPC's connections are bounded, those of one address the more", () => {
  const count = (address: (index: number) => string): number => {
    const { take, kept } = gate();
    for (let index = 0; index < 400; index++) take(address(index));
    return kept().length;
  };
  expect(count(() => "127.0.0.1")).toBe(256);
  expect(count(() => "10.0.0.7")).toBe(64);
  expect(count((index) => `10.0.${index}.7`)).toBe(256);
});

test("one address that holds what it may puts out its own, not those of others", () => {
  const { take, kept } = gate();
  take("10.0.0.1");
  for (let index = 0; index < 100; index++) take("10.0.0.7");
  take("10.0.0.2");
  expect(kept().filter((one) => !one.startsWith("10.0.0.7"))).toHaveLength(2);
  expect(kept()).toHaveLength(66);
});
