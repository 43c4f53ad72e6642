/** evpnctl demo: two PEs on loopback that exchange their hosts' routes through evpnd. */
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { CliError, EXIT } from "../exit.js";
import type { CliHost } from "../host.js";
import { clean } from "../text.js";
import { DemoPe } from "./demo-pe.js";

interface DemoOptions {
  readonly to: string;
  readonly as: number;
  readonly once?: true;
}

/**
 * A peer is known by its address, so each PE needs a loopback address of its own. VTEPs are from the
 * documentation's range: routers refuse next hops of 127.0.0.0/8.
 */
const PES = [
  {
    address: "127.0.0.2",
    vtep: "192.0.2.2",
    host: { mac: "52:54:00:00:00:02", ip: "192.168.100.2" },
  },
  {
    address: "127.0.0.3",
    vtep: "192.0.2.3",
    host: { mac: "52:54:00:00:00:03", ip: "192.168.100.3" },
  },
] as const;
const VNI = 100;
/** IMET and MAC/IP of the other PE. */
const ROUTES_EACH = 2;

export function addDemo(program: Command, host: CliHost): void {
  program
    .command("demo")
    .description("two small PEs on loopback exchange a route through evpnd, until Ctrl-C")
    .option("--to <address:port>", "where evpnd accepts BGP sessions", "127.0.0.1:1790")
    .option("--as <number>", "AS of evpnd and of the PEs", asNumber, 65000)
    .option("--once", "end as soon as each PE has the other's routes")
    .action(async (options: DemoOptions) => {
      const target = parseTarget(options.to);
      const exchanged = new Exchange();
      const pes = PES.map((pe) => {
        const say = (text: string) => host.out(`PE ${pe.address}  ${clean(text)}\n`);
        const parts = { ...pe, as: options.as, target, vni: VNI };
        return new DemoPe(parts, {
          established: () => say(`session established; announces host ${pe.host.mac}`),
          route(what, prefix) {
            say(what === "+" ? `learned   ${prefix}` : `withdrawn ${prefix}`);
            exchanged.count(pe.address, what === "+" ? 1 : -1);
          },
          closed(reason) {
            say(`session closed: ${reason}`);
            exchanged.fail(reason);
          },
        });
      });
      const waiting = setTimeout(() => host.err(NOT_YET), PATIENCE_MS);
      try {
        await exchanged.done;
        clearTimeout(waiting);
        if (options.once === true) return;
        host.out(NEXT);
        await Promise.race([host.interrupted(), exchanged.failed]);
      } finally {
        clearTimeout(waiting);
        for (const pe of pes) pe.close();
      }
    });
}

const PATIENCE_MS = 5000;
const NOT_YET = `evpnctl: the routes are not exchanged yet, after 5 s; if another demo runs, end it: it has
the same two PEs. Otherwise npx evpnctl show peer 127.0.0.2 says why.
`;

const NEXT = `
Each PE has the other's routes. In another terminal:
  npx evpnctl show peers
  npx evpnctl show routes
  npx evpnctl show peer 127.0.0.2 advertised
Ctrl-C ends the demo; evpnd then withdraws its routes.
`;

/** Settles when both PEs have everything, or when one of them is lost. */
class Exchange {
  readonly done: Promise<void>;
  readonly failed: Promise<never>;
  private readonly learned = new Map<string, number>();
  private finish: () => void = () => {};
  private lose: (error: CliError) => void = () => {};

  constructor() {
    this.failed = new Promise<never>((_resolve, reject) => {
      this.lose = reject;
    });
    const finished = new Promise<void>((resolve) => {
      this.finish = resolve;
    });
    this.done = Promise.race([finished, this.failed]);
    this.failed.catch(() => {});
  }

  count(address: string, change: number): void {
    this.learned.set(address, (this.learned.get(address) ?? 0) + change);
    if (PES.every((pe) => (this.learned.get(pe.address) ?? 0) >= ROUTES_EACH)) this.finish();
  }

  fail(reason: string): void {
    const remedy = reason.includes("ECONNREFUSED")
      ? "is evpnd running? Start it with npm start, or say where it is with --to"
      : "evpnd's log has the reason (does its AS fit, --as?)";
    this.lose(new CliError(EXIT.unreachable, `${reason}; ${remedy}`));
  }
}

function asNumber(text: string): number {
  const as = Number(text);
  if (Number.isInteger(as) && as > 0 && as <= 4294967295) return as;
  throw new InvalidArgumentError("It must be an AS number.");
}

function parseTarget(text: string): { address: string; port: number } {
  const match = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(text);
  if (match?.[1] !== undefined) return { address: match[1], port: Number(match[2]) };
  throw new CliError(EXIT.usage, `"${text}" is not ADDRESS:PORT; write for example 127.0.0.1:1790`);
}
