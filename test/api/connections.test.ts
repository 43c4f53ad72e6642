/** The HTTP door's places: who holds one without using it gives way. */
import { createServer, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { boundConnections, ConnectionPlaces, makeRoom } from "../../src/api/connections.js";
import { HandClock } from "../fib/lib/fabric.js";

const MOST = 8;
const TAKE_MS = 300;
/** More than the kernel takes of an answer. */
const BIG = Buffer.alloc(32 * 1024 * 1024);
let clock: HandClock;
let server: Server;
let port: number;
const open: Socket[] = [];

beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === "/slow") return;
    if (request.url === "/later") setTimeout(() => response.end(BIG), 2 * TAKE_MS);
    else response.end(request.url === "/big" ? BIG : "ok");
  });
  server.timeout = TAKE_MS;
  clock = new HandClock();
  boundConnections(server, MOST, "connection", clock);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  server.closeAllConnections();
  server.close();
});

/** Sends `text` and gives back what comes, or "closed". */
function talk(text: string, wait = true): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  open.push(socket);
  return new Promise((resolve) => {
    socket.on("error", () => {});
    socket.on("connect", () => {
      socket.write(text);
      if (!wait) resolve("sent");
    });
    socket.on("data", (data) => resolve(data.toString("latin1").split("\r\n", 1)[0] ?? ""));
    socket.on("close", () => resolve("closed"));
  });
}

const GET = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

test("half-sent requests in any number do not keep out a whole one", async () => {
  for (let i = 0; i < 3 * MOST; i++) await talk("GET / HTTP/1.1\r\n", false);
  expect(await talk(GET)).toBe("HTTP/1.1 200 OK");
});

test("kept-alive connections give way as well", async () => {
  for (let i = 0; i < 2 * MOST; i++) expect(await talk(GET)).toBe("HTTP/1.1 200 OK");
  expect(await talk(GET)).toBe("HTTP/1.1 200 OK");
});

test("requests under way do not: then the newcomer waits in vain", async () => {
  const requests: Promise<unknown>[] = [];
  const arrived = new Promise<void>((resolve) => {
    let count = 0;
    server.on("request", () => {
      if (++count === MOST) resolve();
    });
  });
  for (let i = 0; i < MOST; i++) requests.push(talk(GET.replace("/ ", "/slow "), false));
  await Promise.all(requests);
  await arrived;
  expect(await talk(GET)).toBe("closed");
});

test("who is pipelining is busy until the last answer is out", () => {
  const closed: string[] = [];
  const make = (name: string) => ({ destroy: () => closed.push(name) });
  const [one, two] = [make("one"), make("two")];
  const places = new ConnectionPlaces<ReturnType<typeof make>>();
  places.add(one);
  places.add(two);
  places.begun(one);
  places.begun(one);
  places.ended(one);
  places.begun(two);
  expect(places.evict()).toBe(false);
  places.ended(two);
  places.ended(one);
  expect(places.evict((other) => other !== two)).toBe(true);
  expect(places.evict()).toBe(true);
  expect(places.evict()).toBe(false);
  expect([closed, places.size]).toEqual([["one", "two"], 0]);
});

/** Asks and takes nothing of the answer; resolves when the connection is closed. */
function ignore(path: string): Promise<unknown> {
  return new Promise((resolve) => {
    server.once("connection", (socket: Socket) => socket.once("close", resolve));
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(GET.replace("/ ", `${path} `));
    });
    socket.on("error", () => {});
    open.push(socket);
  });
}

test.each(["/big", "/later"])(
  "who takes nothing of his answer is closed, in any number: %s",
  async (path) => {
    for (let i = 0; i < MOST; i++) {
      const closed = ignore(path);
      if (i === MOST - 1) await closed;
      else await new Promise((resolve) => open.at(-1)!.once("connect", resolve));
    }
    expect(await talk(GET)).toBe("HTTP/1.1 200 OK");
  },
);

test("who waits for his answer is not, nor who takes it as it comes", async () => {
  const waiting = talk(GET.replace("/ ", "/later "));
  expect(await waiting).toBe("HTTP/1.1 200 OK");
  const slow = connect(port, "127.0.0.1", () => {
    slow.write(GET.replace("/ ", "/big "));
  });
  open.push(slow);
  let taken = 0;
  slow.on("data", (chunk: Buffer) => {
    taken += chunk.length;
    slow.pause();
    setTimeout(() => slow.resume(), 1);
  });
  await new Promise<void>((resolve) => {
    slow.on("close", resolve);
    slow.on("data", () => taken >= BIG.length && resolve());
  });
  expect(taken).toBeGreaterThanOrEqual(BIG.length);
});

test("a request behind one that does not end is given up in time, with its connection", async () => {
  const slow = GET.replace("/ ", "/slow ");
  const begun: ServerResponse[] = [];
  server.on("request", (_request, response) => begun.push(response));
  const stuck = talk(slow + GET);
  await vi.waitFor(() => expect(begun).toHaveLength(2));
  const served = talk(slow + slow);
  await vi.waitFor(() => expect(begun).toHaveLength(4));
  clock.pass(119_999);
  const [one, two] = begun.slice(2);
  one!.end("ok");
  expect(await served).toBe("HTTP/1.1 200 OK");
  clock.pass(1);
  expect(await stuck).toBe("closed");
  expect(two!.socket?.destroyed).toBe(false);
  two!.end("ok");
});

test("one address beyond loopback cannot have every place, however busy it is", () => {
  const places = new ConnectionPlaces<Socket>();
  const come = (remoteAddress: string): boolean => {
    if (!makeRoom(places, remoteAddress, 256)) return false;
    const socket = { remoteAddress, destroy: () => {} } as unknown as Socket;
    places.add(socket);
    places.begun(socket);
    return true;
  };
  const count = (address: string): number =>
    Array.from({ length: 100 }, () => come(address)).filter(Boolean).length;
  expect(count("10.0.0.7")).toBe(64);
  expect(count("10.0.0.8")).toBe(64);
  expect(count("127.0.0.1")).toBe(100);
});
