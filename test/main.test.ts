/** The daemon from command line to exit code, with a speaker that only takes notes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LocalRoutes } from "../src/bgp/local-routes.js";
import { AttrStore, RouteTable, Sources } from "../src/bgp/rib/index.js";
import { PeerTrust, type TrustHost } from "../src/bgp/trust/peer-trust.js";
import { Tunnels } from "../src/bgp/tunnels/tunnels.js";
import type { SpeakerFactory } from "../src/daemon.js";
import { EXIT, runDaemon } from "../src/main.js";
import { silentLog } from "../src/util/log.js";
import { FakeControl } from "./lib/fake-control.js";
import { Speaker } from "./bgp/lib/speaker.js";
import { FakeClock } from "./model/lib/fake.js";

let top: string;
let lines: string[];
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "evpnd-main-"));
  lines = [];
  vi.spyOn(process.stdout, "write").mockImplementation(() => true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(top, { recursive: true });
});

/** No peers, so nobody is asked about. */
const NOBODY: TrustHost = {
  sources: new Sources(),
  livePeers: () => [],
  regrip() {},
  retains: () => false,
  abandon() {},
  optionsFor: () => undefined,
  connect() {},
  waitsFor: () => undefined,
  hasPeer: () => false,
  rekey: () => new Set(),
};

interface Running {
  readonly ended: Promise<number>;
  readonly control: FakeControl;
  readonly notes: string[];
  readonly exits: number[];
  readonly started: Promise<void>;
  signal(name: string): void;
}

function run(line: string, start: () => Promise<void> = () => Promise.resolve()): Running {
  const control = new FakeControl();
  const notes: string[] = [];
  const exits: number[] = [];
  const signals = new Map<string, () => void>();
  let begun: () => void = () => {};
  const started = new Promise<void>((resolve) => (begun = resolve));
  const factory: SpeakerFactory = ({ settings }) => ({
    control,
    holds: { setScreen() {}, reconsider() {} },
    table: new RouteTable(new AttrStore(), new Sources(), true),
    localRoutes: new LocalRoutes(new Speaker().reflector),
    tunnels: new Tunnels(new Speaker().reflector, new FakeClock(), silentLog),
    trust: new PeerTrust(NOBODY, new FakeClock(), silentLog),
    handOver() {},
    attachReader() {},
    detachReader() {},
    whatIf: {
      suppose() {
        throw new Error("nobody asks");
      },
      later() {},
    },
    async start() {
      await start();
      notes.push(`start AS ${settings.as}`);
      begun();
    },
    stop(text) {
      notes.push(`stop: ${text}`);
      return Promise.resolve();
    },
  });
  const host = {
    out: (text: string) => void lines.push(text),
    err: (text: string) => void lines.push(text),
    onSignal: (name: string, handler: () => void) => void signals.set(name, handler),
    exit: (code: number) => void exits.push(code),
  };
  const ended = runDaemon(line.split(" ").filter(Boolean), host, factory);
  return { ended, control, notes, exits, started, signal: (name) => signals.get(name)?.() };
}

function file(name: string, text: string): string {
  const path = join(top, name);
  writeFileSync(path, text);
  return path;
}

const QUIET = "log: {level: silent}\nhttp: {listen: off}\n";

describe("exit codes", () => {
  test("0: --version, and SIGTERM with a clean stop", async () => {
    expect(await run("--version").ended).toBe(EXIT.ok);
    const daemon = run("--http off --log-level silent");
    await daemon.started;
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(EXIT.ok);
    expect(daemon.notes).toEqual(["start AS 65000", "stop: evpnd is stopping"]);
  });

  test("2: an unknown option", async () => {
    expect(await run("--foo").ended).toBe(EXIT.usage);
  });

  test("2: a bad file, with all its faults, and nothing started", async () => {
    const daemon = run(`--config ${file("x.yaml", "as: 0\nlissen: []\n")}`);
    expect(await daemon.ended).toBe(EXIT.usage);
    expect(daemon.notes).toEqual([]);
    expect(lines.map((line) => line.replace(top, "TOP"))).toEqual([
      "TOP/x.yaml:1:5: as: 0 is out of range; use 1 to 4294967295\n",
      'TOP/x.yaml:2:1: lissen: unknown key "lissen"; did you mean "listen"?\n',
      "evpnd: not started; 2 to correct\n",
    ]);
  });

  test("3: the BGP port is taken", async () => {
    const error = new Error("cannot listen on 127.0.0.1 port 1790: EADDRINUSE");
    const daemon = run("--http off --log-level silent", () => Promise.reject(error));
    expect(await daemon.ended).toBe(EXIT.environment);
    expect(daemon.notes).toEqual(["stop: evpnd could not start"]);
  });

  test("3: the HTTP port is taken; the speaker is stopped again", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const config = file("x.yaml", "as: 65000\nrouter-id: 1.1.1.1\nhttp: {thread: main}\n");
    const daemon = run(`--config ${config} --http 127.0.0.1:${port} --log-level silent`);
    expect(await daemon.ended).toBe(EXIT.environment);
    expect(daemon.notes.at(-1)).toBe("stop: evpnd could not start");
    await new Promise((resolve) => taken.close(resolve));
  });

  test("3: a user that cannot be become; the speaker is stopped again", async () => {
    const daemon = run("--http off --log-level silent --user no-such-user");
    expect(await daemon.ended).toBe(EXIT.environment);
    expect(daemon.notes.at(-1)).toBe("stop: evpnd could not start");
  });

  test("a bug is not hidden behind a code", async () => {
    const bug = new TypeError("undefined is not a function");
    await expect(
      run("--http off --log-level silent", () => Promise.reject(bug)).ended,
    ).rejects.toBe(bug);
  });
});

test("a second signal ends at once", async () => {
  const daemon = run("--http off --log-level silent");
  await daemon.started;
  daemon.signal("SIGTERM");
  daemon.signal("SIGINT");
  expect(daemon.exits).toEqual([0]);
  await daemon.ended;
});

describe("SIGHUP", () => {
  test("that comes before the start is done waits for it", async () => {
    const config = file("evpnd.yaml", `as: 65000\nrouter-id: 10.0.0.1\n${QUIET}`);
    let go: () => void = () => {};
    const daemon = run(`--config ${config}`, () => new Promise((resolve) => (go = resolve)));
    file("evpnd.yaml", `as: 65001\nrouter-id: 10.0.0.1\n${QUIET}`);
    daemon.signal("SIGHUP");
    await new Promise((resolve) => setImmediate(resolve));
    expect(daemon.control.calls).toEqual([]);
    go();
    await vi.waitFor(() => expect(daemon.control.calls).toHaveLength(1));
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(EXIT.ok);
  });

  test("applies a good file", async () => {
    const path = file("x.yaml", `as: 65000\nrouter-id: 1.1.1.1\n${QUIET}`);
    const daemon = run(`--config ${path}`);
    await daemon.started;
    file("x.yaml", `as: 65000\nrouter-id: 1.1.1.1\npeers: [{address: 10.0.0.1}]\n${QUIET}`);
    daemon.signal("SIGHUP");
    await vi.waitFor(() => expect(daemon.control.calls).toHaveLength(1));
    expect(daemon.control.calls[0]).toMatchObject(["apply", { peers: [{ address: "10.0.0.1" }] }]);
    daemon.signal("SIGTERM");
    await daemon.ended;
  });
});

test("a reload with another AS: peers are read against the new one", async () => {
  const path = file(
    "x.yaml",
    `as: 65000\nrouter-id: 1.1.1.1\npeers: [{address: 10.0.0.1}]\n${QUIET}`,
  );
  const daemon = run(`--config ${path}`);
  await daemon.started;
  file("x.yaml", `as: 65001\nrouter-id: 1.1.1.1\npeers: [{address: 10.0.0.1}]\n${QUIET}`);
  daemon.signal("SIGHUP");
  await vi.waitFor(() => expect(daemon.control.calls).toHaveLength(1));
  expect(daemon.control.calls[0]).toMatchObject([
    "apply",
    { as: 65001, peers: [{ address: "10.0.0.1", peerAs: 65001 }] },
  ]);
  daemon.signal("SIGTERM");
  await daemon.ended;
});

describe("reload over HTTP", () => {
  async function httpDaemon() {
    const probe = createServer();
    await new Promise<void>((resolve) => void probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const text = `as: 65000\nrouter-id: 1.1.1.1\nlog: {level: silent}\nhttp: {thread: main, listen: "127.0.0.1:${port}"}\n`;
    const daemon = run(`--config ${file("x.yaml", text)}`);
    await daemon.started;
    const url = `http://127.0.0.1:${port}`;
    await vi.waitFor(async () => expect((await fetch(`${url}/health`)).status).toBe(200));
    return { daemon, url, text };
  }

  test("a bad file is refused with its faults, and the running configuration stays", async () => {
    const { daemon, url } = await httpDaemon();
    file("x.yaml", "as: none\n");
    const response = await fetch(`${url}/v1/reload`, { method: "POST" });
    expect(response.status).toBe(422);
    expect(await response.text()).toContain("is not a whole number");
    expect(daemon.control.calls).toEqual([]);
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(EXIT.ok);
  });

  test("the MAC FIB goes on and off", async () => {
    const { daemon, url, text } = await httpDaemon();
    const reload = async () => (await fetch(`${url}/v1/reload`, { method: "POST" })).json();
    expect((await fetch(`${url}/v1/fib/macs`)).status).toBe(409);
    file("x.yaml", `${text}fib: {enabled: true}\n`);
    expect(await reload()).toMatchObject({
      done: ["settings applied", "MAC FIB on: it reads the table"],
    });
    expect(await (await fetch(`${url}/v1/fib/macs`)).json()).toEqual({ macs: [] });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("\nevpnd_fib_macs 0\n");
    file("x.yaml", text);
    expect(await reload()).toMatchObject({ done: ["settings applied", "MAC FIB off"] });
    expect((await fetch(`${url}/v1/fib/macs`)).status).toBe(409);
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(EXIT.ok);
  });

  test("new rules for the door hold from the next request on", async () => {
    const { daemon, url, text } = await httpDaemon();
    file("x.yaml", text.replace("http: {", "http: {allowed-hosts: [rr1], "));
    const response = await fetch(`${url}/v1/reload`, { method: "POST" });
    expect(await response.json()).toEqual({ done: ["settings applied", `HTTP ${url.slice(7)}`] });
    daemon.signal("SIGTERM");
    await daemon.ended;
  });

  test("metrics are there", async () => {
    const { daemon, url } = await httpDaemon();
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("evpnd_destinations 3");
    daemon.signal("SIGTERM");
    await daemon.ended;
  });
});
