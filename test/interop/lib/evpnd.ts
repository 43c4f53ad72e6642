/** The program under test, started as an operator starts it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Frr } from "./frr.js";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { waitFor } from "./wait.js";

const TOP = join(import.meta.dirname, "..", "..", "..");
/** Compiled output; another one for private builds. */
export const DIST = process.env["EVPND_DIST"] ?? join(TOP, "dist");
const MAIN = join(DIST, "src", "main.js");

export interface EvpndOptions {
  readonly lab: Lab;
  /** Namespace label. */
  readonly label: string;
  readonly name?: string;
  readonly as?: number;
  /** Its router id, and what it listens on. */
  readonly address: string;
  /** Prefix of dynamic clients; none with a configuration file. */
  readonly clients?: string;
  readonly clusterId?: string;
  readonly families?: readonly string[];
  /** Port of the HTTP door on 127.0.0.1 of the namespace. */
  readonly http?: number;
  /** Text of a configuration file, in place of the arguments. */
  readonly config?: string;
  /** Another Node.js. */
  readonly node?: string;
  readonly extra?: readonly string[];
}

export class Evpnd {
  readonly options: EvpndOptions;
  readonly program: Program;

  private constructor(options: EvpndOptions, program: Program) {
    this.options = options;
    this.program = program;
  }

  /** Runs when it listens on port 179, and on the port of its HTTP door. */
  static async start(options: EvpndOptions): Promise<Evpnd> {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build`);
    const { lab, label, name = "evpnd" } = options;
    const program = lab.start(label, name, options.node ?? process.execPath, [
      MAIN,
      ...argumentsOf(options),
    ]);
    await waitFor(`${name} to listen`, () => {
      program.mustRun();
      const { http } = options;
      return listens(program.pid, 179) && (http === undefined || listens(program.pid, http));
    });
    return new Evpnd(options, program);
  }

  /** GET from the HTTP door. */
  async get<T>(path: string): Promise<T> {
    const relay = await this.options.lab.relay(this.options.label);
    const { status, body } = await relay.get("127.0.0.1", this.options.http ?? 0, path);
    if (status !== 200) throw new Error(`${path}: ${String(status)} ${body}`);
    return JSON.parse(body) as T;
  }

  /** All routes of /v1/routes. */
  routes<Route>(query: string): Promise<Route[]> {
    return this.rows(`/v1/routes?${query}`, "routes", 1000);
  }

  /** All MACs of /v1/fib/macs that the query asks for. */
  macs<Mac>(query = ""): Promise<Mac[]> {
    return this.rows(`/v1/fib/macs?${query}`, "macs", 1000);
  }

  /** All rows of a list, page after page: a page may be short, or empty, and have a next one. */
  async rows<Row>(path: string, name: string, limit: number): Promise<Row[]> {
    let all: Row[] = [];
    for (let cursor = ""; ;) {
      const page = await this.get<{ readonly next?: string }>(
        `${path}${path.endsWith("?") ? "" : "&"}limit=${String(limit)}${cursor}`,
      );
      all = all.concat((page as unknown as Record<string, Row[]>)[name] ?? []);
      if (page.next === undefined) return all;
      cursor = `&cursor=${page.next}`;
    }
  }

  async request(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: string }> {
    const relay = await this.options.lab.relay(this.options.label);
    return relay.http(method, "127.0.0.1", this.options.http ?? 0, path, body);
  }

  async kill(): Promise<void> {
    await this.program.stop("SIGKILL");
  }
}

function argumentsOf(options: EvpndOptions): string[] {
  if (options.config !== undefined) {
    const file = options.lab.writeFile("evpnd.yaml", options.config);
    return ["--config", file, ...(options.extra ?? [])];
  }
  return [
    ...["--as", String(options.as ?? 65000), "--router-id", options.address],
    ...["--listen", `${options.address}:179`],
    ...(options.clients === undefined ? [] : ["--clients", options.clients]),
    ...(options.clusterId === undefined ? [] : ["--cluster-id", options.clusterId]),
    ...(options.families === undefined ? [] : ["--family", options.families.join(",")]),
    ...(options.http === undefined ? [] : ["--http", `127.0.0.1:${String(options.http)}`]),
    ...(options.extra ?? []),
  ];
}

/** Does anything in the process's namespace listen on the port? Looks without connecting. */
export function listens(pid: number, port: number): boolean {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return ["tcp", "tcp6"].some((file) =>
    readFileSync(`/proc/${String(pid)}/net/${file}`, "utf8")
      .split("\n")
      .some((line) => /^\s*\d+: \w+:(\w+) \w+:\w+ 0A /.exec(line)?.[1] === wanted),
  );
}

/** The same part played by FRR, to tell a fault of the test from one of evpnd. */
export async function startFrrReflector(options: EvpndOptions): Promise<Frr> {
  const { as = 65000, address, clients = "10.99.0.0/24", families = ["l2vpn-evpn"] } = options;
  return Frr.start({
    lab: options.lab,
    label: options.label,
    name: options.name ?? "evpnd",
    address,
    config: [
      `router bgp ${String(as)}`,
      ` bgp router-id ${address}`,
      " no bgp default ipv4-unicast",
      ...(options.clusterId === undefined ? [] : [` bgp cluster-id ${options.clusterId}`]),
      " neighbor clients peer-group",
      ` neighbor clients remote-as ${String(as)}`,
      ` bgp listen range ${clients} peer-group clients`,
      ...families.flatMap((family) => [
        ` address-family ${family.replace("-", " ")}`,
        "  neighbor clients activate",
        "  neighbor clients route-reflector-client",
        " exit-address-family",
      ]),
    ],
  });
}
