/** FRR 8.4: bgpd alone (`-Z`, no next-hop gating) or with zebra as a VTEP. */
import { join } from "node:path";
import { command } from "./command.js";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { askDaemon } from "./vty.js";
import { DEADLINE, waitFor } from "./wait.js";

const LIB = "/usr/lib/frr";

export interface FrrOptions {
  readonly lab: Lab;
  /** Namespace label. */
  readonly label: string;
  readonly name: string;
  readonly address: string;
  /** Configuration lines from `router bgp` on. */
  readonly config: readonly string[];
  /** Start zebra too: kernel bridges, VXLAN and FDB. */
  readonly zebra?: boolean;
  /** Start ospfd and zebra; its configuration lines. */
  readonly ospf?: readonly string[];
  /** Start bfdd (and zebra, through which it speaks to bgpd); its configuration lines. */
  readonly bfd?: readonly string[];
}

export interface FrrNeighbor {
  readonly state: string;
  readonly lastNotificationReason?: string;
  readonly lastShutdownDescription?: string;
  readonly lastResetDueTo?: string;
  readonly hostLocal?: string;
  readonly connectionsEstablished?: number;
  readonly messageStats?: { readonly updatesRecv: number };
}

export class Frr {
  readonly name: string;
  readonly bgpd: Program;
  readonly zebra: Program | undefined;
  private readonly sockets: string;

  private constructor(name: string, sockets: string, bgpd: Program, zebra: Program | undefined) {
    this.name = name;
    this.sockets = sockets;
    this.bgpd = bgpd;
    this.zebra = zebra;
  }

  static async start(options: FrrOptions): Promise<Frr> {
    const { lab, label, name } = options;
    const directory = lab.makeDirectory(name);
    const config = lab.writeFile(
      `${name}.conf`,
      [`hostname ${name}`, "log stdout informational", ...options.config, ""].join("\n"),
    );
    const common = ["-u", "frr", "-g", "frr", "--vty_socket", directory, "-P", "0"];
    const zserv = join(directory, "zserv");
    let zebra: Program | undefined;
    if (options.zebra === true || options.bfd !== undefined || options.ospf !== undefined) {
      zebra = lab.start(label, `${name}-zebra`, `${LIB}/zebra`, [
        ...common,
        "-f",
        lab.writeFile("zebra.conf", ""),
        "-i",
        join(directory, "zebra.pid"),
        "-z",
        zserv,
      ]);
      await answers(directory, "zebra", zebra);
    }
    if (options.bfd !== undefined) {
      const bfdd = lab.start(label, `${name}-bfdd`, `${LIB}/bfdd`, [
        ...common,
        "-f",
        lab.writeFile(`${name}-bfdd.conf`, [...options.bfd, ""].join("\n")),
        "-i",
        join(directory, "bfdd.pid"),
        "-z",
        zserv,
        "--bfdctl",
        join(directory, "bfdd.sock"),
      ]);
      await answers(directory, "bfdd", bfdd);
    }
    if (options.ospf !== undefined) {
      const ospfd = lab.start(label, `${name}-ospfd`, `${LIB}/ospfd`, [
        ...common,
        "-f",
        lab.writeFile(`${name}-ospfd.conf`, [...options.ospf, ""].join("\n")),
        "-i",
        join(directory, "ospfd.pid"),
        "-z",
        zserv,
      ]);
      await answers(directory, "ospfd", ospfd);
    }
    const bgpd = lab.start(label, `${name}-bgpd`, `${LIB}/bgpd`, [
      ...common,
      "-f",
      config,
      "-i",
      join(directory, "bgpd.pid"),
      "-l",
      options.address,
      ...(zebra ? ["-z", zserv] : ["-n", "-Z"]),
    ]);
    const frr = new Frr(name, directory, bgpd, zebra);
    await answers(directory, "bgpd", bgpd);
    return frr;
  }

  /** Output of vtysh commands. */
  vtysh(...lines: readonly string[]): Promise<string> {
    return command("vtysh", [
      "--vty_socket",
      this.sockets,
      ...lines.flatMap((line) => ["-c", line]),
    ]);
  }

  async json<T>(line: string): Promise<T> {
    return JSON.parse(await this.show(`${line} json`)) as T;
  }

  /** A command that shows something: of the daemon whose business it is where that is clear. */
  private show(line: string): Promise<string> {
    if (line.startsWith("show bgp ")) return askDaemon(this.sockets, "bgpd", line);
    if (line.startsWith("show evpn ")) return askDaemon(this.sockets, "zebra", line);
    return this.vtysh(line);
  }

  configure(...lines: readonly string[]): Promise<string> {
    return this.vtysh("configure terminal", ...lines);
  }

  async neighbor(address: string): Promise<FrrNeighbor> {
    type Raw = Record<string, FrrNeighbor & { bgpState?: string }>;
    const all = await this.json<Raw>(`show bgp neighbors ${address}`);
    const found = all[address];
    return { ...found, state: found?.bgpState ?? "none" };
  }

  async waitEstablished(address: string, deadline = DEADLINE): Promise<void> {
    await waitFor(
      `${this.name} and ${address} to be Established`,
      async () => {
        this.bgpd.mustRun();
        const { state } = await this.neighbor(address);
        if (state !== "Established") throw new Error(state);
        return true;
      },
      { deadline },
    );
  }

  /** EVPN prefixes as FRR writes them, `[2]:[0]:[48]:[02:…]`, by RD. */
  async evpnRoutes(): Promise<Map<string, FrrPath[]>> {
    const table = await this.json<Record<string, unknown>>("show bgp l2vpn evpn");
    const routes = new Map<string, FrrPath[]>();
    for (const [rd, inside] of Object.entries(table)) {
      if (typeof inside !== "object" || inside === null || !rd.includes(":")) continue;
      for (const [prefix, value] of Object.entries(
        inside as Record<string, { paths?: FrrPath[][] }>,
      )) {
        const paths = typeof value === "object" ? value.paths : undefined;
        if (paths !== undefined) routes.set(`${rd} ${prefix}`, paths.flat());
      }
    }
    return routes;
  }

  /** SIGKILL: the kernel closes its connections. */
  async kill(): Promise<void> {
    await Promise.all([this.bgpd.stop("SIGKILL"), this.zebra?.stop("SIGKILL")]);
  }
}

export interface FrrPath {
  readonly valid?: boolean;
  readonly bestpath?: boolean;
  readonly nexthops?: readonly { readonly ip: string }[];
  readonly peerId?: string;
  readonly extendedCommunity?: { readonly string: string };
}

export interface FrrClientOptions {
  readonly as?: number;
  readonly address: string;
  readonly reflectors: readonly string[];
  readonly remoteAs?: number;
  readonly families?: readonly string[];
  readonly vtep?: boolean;
  readonly neighborLines?: readonly string[];
  readonly familyLines?: readonly string[];
  readonly globalLines?: readonly string[];
}

/** Configuration of an FRR that is a reflector's client (or its eBGP peer). */
export function frrClient(options: FrrClientOptions): string[] {
  const { as = 65000, address, reflectors, families = ["l2vpn evpn"] } = options;
  return [
    `router bgp ${String(as)}`,
    ` bgp router-id ${address}`,
    " no bgp default ipv4-unicast",
    " no bgp ebgp-requires-policy",
    " no bgp network import-check",
    ...(options.globalLines ?? []).map((line) => ` ${line}`),
    ...reflectors.flatMap((peer) => [
      ` neighbor ${peer} remote-as ${String(options.remoteAs ?? as)}`,
      ` neighbor ${peer} update-source ${address}`,
      ` neighbor ${peer} timers 3 9`,
      ` neighbor ${peer} timers connect 1`,
      ` neighbor ${peer} advertisement-interval 0`,
      ...(options.neighborLines ?? []).map((line) => ` neighbor ${peer} ${line}`),
    ]),
    ...families.flatMap((family) => [
      ` address-family ${family}`,
      ...reflectors.map((peer) => `  neighbor ${peer} activate`),
      ...(family === "l2vpn evpn" && options.vtep === true ? ["  advertise-all-vni"] : []),
      ...(options.familyLines ?? []).map((line) => `  ${line}`),
      " exit-address-family",
    ]),
  ];
}

async function answers(directory: string, daemon: string, program: Program): Promise<void> {
  await waitFor(`${daemon} to answer`, async () => {
    program.mustRun();
    await askDaemon(directory, daemon, "show version");
    return true;
  });
}
