/**
 * Reflectors the tool can start itself, each fresh, on a loopback port of its own, configured to do
 * the same: iBGP, AS 65000, every address of 127.0.0.0/8 a client, EVPN only, log level warning.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TargetName = "evpnd" | "frr" | "gobgp" | "null";
export const TARGET_NAMES: readonly TargetName[] = ["evpnd", "frr", "gobgp", "null"];

interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** The configuration to print; the command line where there is no file. */
  readonly configuration: string;
}

export interface RunningTarget {
  readonly name: TargetName;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Origin of evpnd's HTTP API, host and port of its gRPC API, which is the same. */
  readonly apiUrl: string | undefined;
  readonly grpc: string | undefined;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const AS = 65000;
const ROUTER_ID = "10.99.0.254";
const BGPD = "/usr/lib/frr/bgpd";

const FRR_CONFIGURATION = `frr defaults traditional
hostname reflector
log stdout warnings
router bgp ${AS}
 bgp router-id ${ROUTER_ID}
 no bgp default ipv4-unicast
 bgp listen limit 2000
 neighbor PES peer-group
 neighbor PES remote-as ${AS}
 bgp listen range 127.0.0.0/8 peer-group PES
 address-family l2vpn evpn
  neighbor PES activate
  neighbor PES route-reflector-client
 exit-address-family
exit
`;

function gobgpConfiguration(port: number): string {
  return `[global.config]
  as = ${AS}
  router-id = "${ROUTER_ID}"
  port = ${port}
  local-address-list = ["${HOST}"]
[[peer-groups]]
  [peer-groups.config]
    peer-group-name = "pes"
    peer-as = ${AS}
  [peer-groups.route-reflector.config]
    route-reflector-client = true
    route-reflector-cluster-id = "${ROUTER_ID}"
  [[peer-groups.afi-safis]]
    [peer-groups.afi-safis.config]
      afi-safi-name = "l2vpn-evpn"
[[dynamic-neighbors]]
  [dynamic-neighbors.config]
    prefix = "127.0.0.0/8"
    peer-group = "pes"
`;
}

/** The path of a program beside this one in dist/. */
function sibling(path: string): string {
  return join(import.meta.dirname, "..", "..", path);
}

export interface TargetSetup {
  /** evpnd's entry file, when it is not the one of this build. */
  readonly evpndMain?: string | undefined;
  /** A configuration file for evpnd: who its clients are; the command line has the rest. */
  readonly evpndConfig?: string | undefined;
  /** The MAC FIB is on. */
  readonly fib?: boolean | undefined;
}

/** `doorPort`: where the target's own API listens, if it has one. */
function launchOf(
  name: TargetName,
  port: number,
  doorPort: number,
  directory: string,
  setup: TargetSetup,
): Launch {
  const file = (fileName: string, text: string): string => {
    const path = join(directory, fileName);
    writeFileSync(path, text);
    return path;
  };
  switch (name) {
    case "evpnd": {
      const args = [
        setup.evpndMain ?? sibling("src/main.js"),
        ...["--as", String(AS), "--router-id", ROUTER_ID],
        ...["--listen", `${HOST}:${port}`],
        ...["--log-level", "warn", "--http", `${HOST}:${doorPort}`],
        ...(setup.evpndConfig === undefined
          ? ["--clients", "127.0.0.0/8"]
          : ["--config", setup.evpndConfig]),
        ...(setup.fib === true ? ["--fib"] : []),
      ];
      return { command: process.execPath, args, configuration: `node ${args.join(" ")}` };
    }
    case "null": {
      const args = [sibling("perf/null-target.js"), "--listen", `${HOST}:${port}`];
      return { command: process.execPath, args, configuration: `node ${args.join(" ")}` };
    }
    case "frr": {
      const path = file("bgpd.conf", FRR_CONFIGURATION);
      const asFrr = process.getuid?.() === 0 ? ["-u", "frr", "-g", "frr"] : ["-S"];
      const args = [
        ...["-n", "-Z", "-f", path, "-i", join(directory, "bgpd.pid"), ...asFrr],
        ...["--vty_socket", directory, "-P", "0", "-l", HOST, "-p", String(port)],
      ];
      return {
        command: BGPD,
        args,
        configuration: `${BGPD} ${args.join(" ")}\n${FRR_CONFIGURATION}`,
      };
    }
    case "gobgp": {
      const configuration = gobgpConfiguration(port);
      const args = ["-f", file("gobgpd.toml", configuration), "--api-hosts", `${HOST}:${doorPort}`];
      args.push("-l", "warn");
      return {
        command: "gobgpd",
        args,
        configuration: `gobgpd ${args.join(" ")}\n${configuration}`,
      };
    }
  }
}

/** The configuration `startTarget` uses, as a person would read it. */
export function describeTarget(name: TargetName, setup: TargetSetup = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "evpnd-churn-"));
  try {
    return launchOf(name, 179, 8179, directory, setup).configuration.replaceAll(directory, "DIR");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Whether the program is on this machine. */
export function targetInstalled(name: TargetName): boolean {
  if (name === "frr") return existsSync(BGPD);
  if (name !== "gobgp") return true;
  return (process.env["PATH"] ?? "").split(":").some((dir) => existsSync(join(dir, "gobgpd")));
}

/** Starts it and waits until it accepts TCP connections. Throws with what it printed when it does not. */
export async function startTarget(
  name: TargetName,
  setup: TargetSetup = {},
): Promise<RunningTarget> {
  const directory = mkdtempSync(join(tmpdir(), "evpnd-churn-"));
  // FRR gives up root and makes its sockets and pid file here
  chmodSync(directory, 0o777);
  const [port = 0, doorPort = 0] = await freePorts(2);
  const launch = launchOf(name, port, doorPort, directory, setup);
  const child = spawn(launch.command, launch.args, { stdio: ["ignore", "pipe", "pipe"] });
  // whoever ends this process ends the target too
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-2000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const stop = async (): Promise<void> => {
    await end(child);
    process.off("exit", kill);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await listening(child, port);
    // evpnd's API starts in a thread of its own, when BGP listens already: that is start-up, and no figure.
    if (name === "evpnd") await listening(child, doorPort);
  } catch (error) {
    await stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} did not start: ${reason}. It printed: ${output || "nothing"}`, {
      cause: error,
    });
  }
  const isOurs = name === "evpnd";
  return {
    ...{ name, host: HOST, port, pid: child.pid ?? 0, stop },
    apiUrl: isOurs ? `http://${HOST}:${doorPort}` : undefined,
    grpc: isOurs ? `${HOST}:${doorPort}` : undefined,
  };
}

/** Ports nobody listens on. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const address = server.address();
    if (address !== null && typeof address !== "string") ports.push(address.port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  let failed: Error | undefined;
  child.once("error", (error) => (failed = error));
  child.once("exit", (code, signal) => {
    failed ??= new Error(`it ended with ${signal ?? `code ${code}`}`);
  });
  for (const end = performance.now() + 15_000; performance.now() < end;) {
    if (failed !== undefined) throw failed;
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw failed ?? new Error("it does not listen after 15 s");
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** SIGTERM, and SIGKILL for what has not gone after 5 s. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await gone;
  clearTimeout(timer);
}
