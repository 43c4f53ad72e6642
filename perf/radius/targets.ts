/**
 * Whom the load test compares: evpnd's relay, FreeRADIUS as a proxy, radsecproxy, a bare forwarder, and nobody
 * (what the generator can do by itself). Each is started fresh, on one core, with one network of clients and
 * one home server, another secret on each hop.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const RELAY_NAMES = ["evpnd", "freeradius", "radsecproxy", "forwarder", "direct"] as const;
export type RelayName = (typeof RELAY_NAMES)[number];

export const HOST = "127.0.0.1";
export const CLIENT_SECRET = "from-the-access-points";
export const HOME_SECRET = "towards-the-home-server";

export interface RelayPorts {
  readonly authentication: number;
  readonly accounting: number;
  readonly home: readonly [authentication: number, accounting: number];
}

export interface RunningRelay {
  readonly name: RelayName;
  readonly ports: RelayPorts;
  readonly pid: number;
  /** A forwarder changes no octet: both hops have one secret. */
  readonly homeSecret: string;
  stop(): Promise<void>;
}

export interface RelaySetup {
  /** evpnd's entry file, when it is not the one of this build. */
  readonly evpndMain?: string | undefined;
  /** Where it may run, as taskset wants it; undefined = anywhere. */
  readonly core?: string | undefined;
}

type StartedName = Exclude<RelayName, "direct">;

interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** What it says when it is ready. */
  readonly ready: RegExp;
}

/** evpnd with a relay: clients of the loopback, sessions and spool on disk. `head` = its other lines. */
export function evpndConfiguration(ports: RelayPorts, head: string): string {
  const clients = `[{prefix: 127.0.0.0/8, secret-files: [client]}]`;
  const [authentication, accounting] = ports.home;
  return `${head}
radius:
  state-directory: state
  tenants:
    - name: default
      authentication: {listen: "${HOST}:${ports.authentication}", clients: ${clients}}
      accounting: {listen: "${HOST}:${ports.accounting}", clients: ${clients}}
      home-servers:
        - name: home
          address: ${HOST}
          authentication-port: ${authentication}
          accounting-port: ${accounting}
          secret-files: [home]
`;
}

/** The files that the configuration names. */
export function writeEvpndFiles(directory: string, ports: RelayPorts, head: string): string {
  writeFileSync(join(directory, "client"), `${CLIENT_SECRET}\n`, { mode: 0o600 });
  writeFileSync(join(directory, "home"), `${HOME_SECRET}\n`, { mode: 0o600 });
  mkdirSync(join(directory, "state"), { recursive: true });
  const path = join(directory, "radius.yaml");
  writeFileSync(path, evpndConfiguration(ports, head));
  return path;
}

export function radsecproxyConfiguration(ports: RelayPorts): string {
  const [authentication, accounting] = ports.home;
  const server = (name: string, port: number) =>
    `server ${name} {\n type udp\n host ${HOST}\n port ${port}\n secret ${HOME_SECRET}\n StatusServer off\n}`;
  return `ListenUDP ${HOST}:${ports.authentication}
ListenUDP ${HOST}:${ports.accounting}
LogLevel 5
client all {
 type udp
 host 127.0.0.0/8
 secret ${CLIENT_SECRET}
}
${server("home-authentication", authentication)}
${server("home-accounting", accounting)}
realm * {
 server home-authentication
 accountingServer home-accounting
}
`;
}

export function freeradiusConfiguration(ports: RelayPorts, directory: string): string {
  const [authentication, accounting] = ports.home;
  const home = (kind: string, port: number) => `home_server home_${kind} {
  type = ${kind}
  ipaddr = ${HOST}
  port = ${port}
  secret = ${HOME_SECRET}
  response_window = 20
  zombie_period = 40
  status_check = none
  max_outstanding = 65536
}
home_server_pool pool_${kind} {
  type = fail-over
  home_server = home_${kind}
}
`;
  return `prefix = /usr
libdir = /usr/lib/freeradius
run_dir = ${directory}
log {
  destination = files
  file = ${directory}/radius.log
}
max_requests = 262144
max_request_time = 30
cleanup_delay = 5
proxy_requests = yes
security {
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}
thread pool {
  start_servers = 4
  max_servers = 8
  min_spare_servers = 2
  max_spare_servers = 6
  max_requests_per_server = 0
}
proxy server {
  default_fallback = no
}
${home("auth", authentication)}${home("acct", accounting)}realm relay {
  auth_pool = pool_auth
  acct_pool = pool_acct
  nostrip
}
client here {
  ipaddr = 127.0.0.0/8
  secret = ${CLIENT_SECRET}
}
modules {
  always ok {
    rcode = ok
  }
}
server outer {
  listen {
    type = auth
    ipaddr = ${HOST}
    port = ${ports.authentication}
  }
  listen {
    type = acct
    ipaddr = ${HOST}
    port = ${ports.accounting}
  }
  authorize {
    update control {
      &Proxy-To-Realm := "relay"
    }
    ok
  }
  preacct {
    update control {
      &Proxy-To-Realm := "relay"
    }
    ok
  }
  accounting {
    ok
  }
}
`;
}

function sibling(path: string): string {
  return join(import.meta.dirname, "..", "..", path);
}

function launchOf(
  name: StartedName,
  ports: RelayPorts,
  directory: string,
  setup: RelaySetup,
): Launch {
  switch (name) {
    case "evpnd": {
      const head = `as: 65000\nrouter-id: 10.0.0.1\nlisten: []`;
      const path = writeEvpndFiles(directory, ports, head);
      const main = setup.evpndMain ?? sibling("src/main.js");
      return { command: process.execPath, args: [main, "--config", path], ready: /evpnd is up/ };
    }
    case "freeradius":
      writeFileSync(join(directory, "dictionary"), "$INCLUDE /usr/share/freeradius/dictionary\n");
      writeFileSync(join(directory, "radiusd.conf"), freeradiusConfiguration(ports, directory));
      return {
        command: "freeradius",
        args: ["-f", "-l", "stdout", "-d", directory, "-n", "radiusd"],
        ready: /Ready to process requests/,
      };
    case "radsecproxy": {
      const path = join(directory, "radsecproxy.conf");
      writeFileSync(path, radsecproxyConfiguration(ports));
      return { command: "radsecproxy", args: ["-f", "-c", path], ready: /listening for/ };
    }
    case "forwarder": {
      const [authentication, accounting] = ports.home;
      const pairs = [ports.authentication, authentication, ports.accounting, accounting];
      const program = join(import.meta.dirname, "forwarder.js");
      return {
        command: process.execPath,
        args: [program, ...pairs.map(String)],
        ready: new RegExp(`forwards ${ports.accounting}`),
      };
    }
  }
}

/** Whether the program is on this machine. */
export function relayInstalled(name: RelayName): boolean {
  if (name !== "freeradius" && name !== "radsecproxy") return true;
  const path = `${process.env["PATH"] ?? ""}:/usr/sbin`;
  return path.split(":").some((directory) => existsSync(join(directory, name)));
}

/** Starts it, and waits until it says that it is ready. Throws with what it printed when it does not. */
export async function startRelay(name: RelayName, setup: RelaySetup = {}): Promise<RunningRelay> {
  const [authentication = 0, accounting = 0, homeA = 0, homeB = 0] = await freeUdpPorts(4);
  if (name === "direct") {
    const ports = { authentication: homeA, accounting: homeB, home: [homeA, homeB] } as const;
    return { name, ports, pid: 0, homeSecret: CLIENT_SECRET, stop: () => Promise.resolve() };
  }
  const directory = mkdtempSync(join(tmpdir(), "evpnd-churn-radius-"));
  const ports: RelayPorts = { authentication, accounting, home: [homeA, homeB] };
  const launch = launchOf(name, ports, directory, setup);
  const words = [launch.command, ...launch.args];
  if (setup.core !== undefined) words.unshift("taskset", "-c", setup.core);
  const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` };
  const child = spawn(words[0] ?? "", words.slice(1), { stdio: ["ignore", "pipe", "pipe"], env });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    await end(child);
    process.off("exit", kill);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await ready(child, launch.ready);
  } catch (error) {
    await stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} did not start: ${reason}`, { cause: error });
  }
  const homeSecret = name === "forwarder" ? CLIENT_SECRET : HOME_SECRET;
  return { name, ports, pid: child.pid ?? 0, homeSecret, stop };
}

function ready(child: ChildProcess, sign: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const failed = (why: string): void =>
      reject(new Error(`${why}. It printed: ${output || "nothing"}`));
    const timer = setTimeout(() => failed("it is not ready after 20 s"), 20_000);
    const look = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-4000);
      if (!sign.test(output)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.once("error", (error) => failed(error.message));
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      failed(`it ended with ${signal ?? `code ${code}`}`);
    });
  });
}

/** UDP ports of the loopback that nobody has now. */
export async function freeUdpPorts(count: number): Promise<number[]> {
  const sockets = Array.from({ length: count }, () => createSocket("udp4"));
  const ports: number[] = [];
  for (const socket of sockets) {
    await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
    ports.push(socket.address().port);
  }
  for (const socket of sockets) await new Promise<void>((resolve) => void socket.close(resolve));
  return ports;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await gone;
  clearTimeout(timer);
}
