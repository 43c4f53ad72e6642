/** GoBGP 3.10 as a client: configuration in TOML, routes through its command line. */
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { waitFor } from "./wait.js";

export interface GobgpOptions {
  readonly lab: Lab;
  /** Namespace label. */
  readonly label: string;
  readonly name: string;
  readonly address: string;
  readonly neighbor: string;
  readonly as?: number;
  /** As GoBGP names them: `l2vpn-evpn`, `ipv4-unicast`, `rtc`. */
  readonly families: readonly string[];
  /** Of its gRPC door, where several share a namespace. */
  readonly apiPort?: number;
  /** Without it GoBGP sends no End-of-RIB. */
  readonly gracefulRestart?: boolean;
  /** Seconds it asks to be waited for; with `gracefulRestart`. */
  readonly restartTime?: number;
  /** Seconds of long-lived graceful restart; with `gracefulRestart`. */
  readonly longLived?: number;
  /** Notification mode (RFC 8538); with `gracefulRestart`. */
  readonly notification?: boolean;
  /** It says that it has restarted, and that it kept forwarding. */
  readonly restarted?: boolean;
  /** More neighbours than `neighbor`, configured alike. */
  readonly others?: readonly string[];
  /** Several paths of a destination (RFC 7911), in every family but `rtc`: it receives them, and sends so many. */
  readonly addPath?: { readonly receive: boolean; readonly sendMax: number };
  /** GoBGP reflects: its neighbours are clients. */
  readonly reflector?: boolean;
}

/** A path in the output of `gobgp global rib -j`. */
export interface GobgpPath {
  readonly nlri: { readonly value?: { readonly type?: number } } & Record<string, unknown>;
  readonly attrs: readonly ({ readonly type: number } & Record<string, unknown>)[];
  readonly source_id?: string;
  readonly "source-id"?: string;
  readonly "neighbor-ip"?: string;
}

export class Gobgp {
  readonly program: Program;
  private readonly options: GobgpOptions;

  private constructor(options: GobgpOptions, program: Program) {
    this.options = options;
    this.program = program;
  }

  static async start(options: GobgpOptions): Promise<Gobgp> {
    const { lab, label, name, as = 65000, address, neighbor } = options;
    const config = lab.writeFile(
      `${name}.toml`,
      [
        "[global.config]",
        `as = ${String(as)}`,
        `router-id = "${address}"`,
        "port = 179",
        `local-address-list = ["${address}"]`,
        ...[neighbor, ...(options.others ?? [])].flatMap((each) => neighborLines(options, each)),
        "",
      ].join("\n"),
    );
    const program = lab.start(label, name, "gobgpd", [
      ...["-f", config, "--api-hosts", `127.0.0.1:${String(options.apiPort ?? 50051)}`],
      ...["-l", "info", "-p", "--pprof-disable"],
      ...(options.restarted === true ? ["-r"] : []),
    ]);
    const gobgp = new Gobgp(options, program);
    await waitFor("gobgpd to answer", async () => {
      program.mustRun();
      return gobgp.cli("neighbor");
    });
    return gobgp;
  }

  cli(...words: readonly string[]): Promise<string> {
    return this.options.lab.run(this.options.label, "gobgp", [
      "-u",
      "127.0.0.1",
      "-p",
      String(this.options.apiPort ?? 50051),
      ...words,
    ]);
  }

  /** `gobgp global rib add -a evpn …` */
  async addEvpn(line: string): Promise<void> {
    await this.cli("global", "rib", "add", "-a", "evpn", ...line.split(" "));
  }

  async waitEstablished(neighbor = this.options.neighbor): Promise<void> {
    await waitFor("GoBGP to be Established", async () => {
      this.program.mustRun();
      const text = await this.cli("neighbor", neighbor);
      if (!text.includes("BGP state = ESTABLISHED"))
        throw new Error(/BGP state = \S+/.exec(text)?.[0]);
      return true;
    });
  }

  /** UPDATEs that it has received from the neighbour. */
  async updatesReceived(neighbor = this.options.neighbor): Promise<number> {
    const text = await this.cli("neighbor", neighbor);
    const counts = /Updates:\s+\d+\s+(\d+)/.exec(text)?.[1];
    if (counts === undefined) throw new Error(text);
    return Number(counts);
  }

  /** Its table of a family, by its own route names. */
  async rib(family: string): Promise<Map<string, GobgpPath[]>> {
    const text = await this.cli("global", "rib", "-a", family, "-j");
    const table = JSON.parse(text) as Record<string, GobgpPath[]>;
    return new Map(Object.entries(table));
  }
}

function neighborLines(options: GobgpOptions, neighbor: string): string[] {
  const { as = 65000, address } = options;
  const graceful = options.gracefulRestart === true;
  return [
    "[[neighbors]]",
    "[neighbors.config]",
    `neighbor-address = "${neighbor}"`,
    `peer-as = ${String(as)}`,
    "[neighbors.transport.config]",
    `local-address = "${address}"`,
    "[neighbors.timers.config]",
    "connect-retry = 1",
    "hold-time = 9",
    "keepalive-interval = 3",
    ...(options.reflector === true
      ? [
          "[neighbors.route-reflector.config]",
          "route-reflector-client = true",
          `route-reflector-cluster-id = "${address}"`,
        ]
      : []),
    ...(graceful ? ["[neighbors.graceful-restart.config]", "enabled = true"] : []),
    ...(options.restartTime === undefined ? [] : [`restart-time = ${String(options.restartTime)}`]),
    ...(options.notification === true ? ["notification-enabled = true"] : []),
    ...(options.longLived === undefined ? [] : ["long-lived-enabled = true"]),
    ...options.families.flatMap((family) => [
      "[[neighbors.afi-safis]]",
      "[neighbors.afi-safis.config]",
      `afi-safi-name = "${family}"`,
      ...(graceful ? ["[neighbors.afi-safis.mp-graceful-restart.config]", "enabled = true"] : []),
      ...(options.addPath === undefined || family === "rtc"
        ? []
        : [
            "[neighbors.afi-safis.add-paths.config]",
            `receive = ${String(options.addPath.receive)}`,
            `send-max = ${String(options.addPath.sendMax)}`,
          ]),
      ...(options.longLived === undefined
        ? []
        : [
            "[neighbors.afi-safis.long-lived-graceful-restart.config]",
            "enabled = true",
            `restart-time = ${String(options.longLived)}`,
          ]),
    ]),
  ];
}
