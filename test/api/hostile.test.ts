/** HTTP clients that hold on to what they were not given: bodies that never come, answers nobody reads. */
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openHttpDoor, type HttpBackend, type HttpDoor } from "../../src/api/index.js";
import { watchOf } from "../../src/api/watch.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl, routeView } from "../lib/fake-control.js";

/** Requests under way at most. */
const MOST = 1024;
/** More of them than that. */
const [TALKS, PIPELINED] = [30, 50];
const TOKEN = "0123456789abcdef0123456789abcdef";

let control: FakeControl;
let door: HttpDoor;
let backend: HttpBackend;
const open: Socket[] = [];

beforeEach(async () => {
  control = new FakeControl();
  backend = {
    get control() {
      return control;
    },
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const token = createHash("sha256").update(TOKEN).digest("hex");
  door = (await openHttpDoor(backend, {
    listen: { address: "127.0.0.1", port: 0 },
    allowedHosts: [],
    clients: [{ name: "viewer", role: "viewer", token, certificate: undefined }],
  }))!;
});
afterEach(async () => {
  await closeAll();
  await door.close();
});

/** Resolves when the door may know, too. */
async function closeAll(): Promise<void> {
  for (const socket of open.splice(0)) socket.destroy();
  await sleep(50);
}

/** A connection, and what has come of it. */
function talk(text: string): {
  readonly until: (words: string, times?: number) => Promise<string>;
} {
  const socket = connect(Number(door.address.split(":").pop()), "127.0.0.1");
  open.push(socket);
  let answer = "";
  socket.on("error", () => {});
  socket.write(text);
  return {
    until: (words, times = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (answer.split(words).length > times) resolve(answer);
        };
        socket.on("data", (chunk: Buffer) => {
          answer += chunk.toString();
          look();
        });
        socket.on("close", () => resolve(`${answer} closed`));
        look();
      }),
  };
}

function head(method: string, path: string, more: string, token = TOKEN): string {
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n${more}\r\n`;
}

const BODY = "content-type: application/json\r\ncontent-length: 1000\r\n";

test.each([
  ["who is unknown", "/v1/reload", "x".repeat(32), "401"],
  ["who may not", "/v1/reload", TOKEN, "403"],
  ["what there is not", "/v1/nothing", TOKEN, "404"],
])("%s is refused before the body is there", async (_name, path, token, code) => {
  const answer = await talk(head("POST", path, BODY, token) + "{").until("\r\n\r\n");
  expect(answer).toContain(`HTTP/1.1 ${code}`);
});

/** As many requests under way as there may be, and more; they are answered when `release` says so. */
async function fill(): Promise<{
  readonly talks: readonly ReturnType<typeof talk>[];
  readonly release: () => void;
  readonly asked: () => number;
}> {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const answer = control.summary.bind(control);
  let asked = 0;
  let full: () => void = () => {};
  const all = new Promise<void>((resolve) => (full = resolve));
  control.summary = async () => {
    if (++asked === MOST) full();
    if (asked <= MOST) await held;
    return answer();
  };
  const pipelined = head("GET", "/v1/summary", "").repeat(PIPELINED);
  const talks = Array.from({ length: TALKS }, () => talk(pipelined));
  await all;
  const once = (): void => {
    control.summary = answer;
    release();
  };
  return { talks, release: once, asked: () => asked };
}

/** A single request's first line and headers. */
function asks(path: string): Promise<string> {
  return talk(head("GET", path, "")).until("\r\n\r\n");
}

test("requests under way are bounded, pipelined ones too", async () => {
  const { talks, release, asked } = await fill();
  expect(await asks("/v1/summary")).toContain("HTTP/1.1 503");
  expect(asked()).toBe(MOST);
  expect(await asks("/health")).toContain("HTTP/1.1 200");
  release();
  const answers = await Promise.all(talks.map(({ until }) => until("HTTP/1.1", PIPELINED)));
  expect(answers.join("").match(/HTTP\/1.1 200/g)).toHaveLength(MOST);
  expect(await asks("/v1/summary")).toContain("HTTP/1.1 200");
});

test.each([
  [
    "before they are answered",
    (close: () => Promise<void>, answer: () => void) => close().then(answer),
  ],
  [
    "while they are answered",
    (close: () => Promise<void>, answer: () => void) => {
      answer();
      return close();
    },
  ],
])(
  "pipelined ones give their places back when the connection goes %s, once each",
  async (_when, end) => {
    for (let round = 0; round < 3; round++) {
      const { release, asked } = await fill();
      expect(await asks("/v1/summary")).toContain("HTTP/1.1 503");
      expect(asked()).toBe(MOST);
      await end(closeAll, release);
      await vi.waitFor(async () => expect(await asks("/v1/summary")).toContain("HTTP/1.1 200"));
    }
  },
);

test("watches behind one that is not over end with their connection", async () => {
  const { hub } = watchOf(backend);
  talk(head("GET", "/v1/watch/peers", "").repeat(20));
  await vi.waitFor(async () => expect((await hub.stats()).watchers).toBe(20));
  await closeAll();
  await vi.waitFor(async () => expect((await hub.stats()).watchers).toBe(0));
});

test("HEAD of a list makes one page of it, and HEAD of a watch ends", async () => {
  let pages = 0;
  control.routes = () => {
    pages++;
    return Promise.resolve({ routes: [routeView(pages)], next: "more" });
  };
  const lines = "accept: application/x-ndjson\r\n";
  expect(await talk(head("HEAD", "/v1/routes", lines)).until("\r\n\r\n")).toContain("200");
  expect(await talk(head("HEAD", "/v1/watch/peers", "")).until("\r\n\r\n")).toContain("200");
  expect(await talk(head("GET", "/v1/summary", "")).until("\r\n\r\n")).toContain("200");
  expect(pages).toBe(1);
});
