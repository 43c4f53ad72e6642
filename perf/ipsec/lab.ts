/**
 * Two namespaces with a link between: the hub's strongSwan and evpnd in one, a strongSwan that plays the far
 * gateways in the other. Everything ends with the process.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { farAddress, farNetwork, HTTP, HUB, HUB_NETWORK } from "./tunnels.js";

const CHARON = "/usr/sbin/charon-systemd";
const MOST_OUTPUT = 256 * 1024 * 1024;
const PATIENCE_MS = 120_000;

export type Place = "hub" | "far";

export class IpsecLab {
  readonly directory = mkdtempSync(join(tmpdir(), "evpnd-perf-ipsec-"));
  private readonly programs = new Map<string, ChildProcess>();
  private readonly ending = (): void => this.close();

  /** Throws a sentence when this machine has not what it takes. */
  constructor(live: number) {
    const missing = [CHARON, "/usr/sbin/swanctl", "/usr/sbin/nft"].filter(
      (one) => !existsSync(one),
    );
    if (process.getuid?.() !== 0 || missing.length > 0) {
      throw new Error(
        `root and strongSwan are wanted here (apt-get install charon-systemd libstrongswan-extra-plugins nftables)${missing.length > 0 ? `; missing: ${missing.join(", ")}` : ""}`,
      );
    }
    process.once("exit", this.ending);
    mkdirSync(join(this.directory, "state"));
    const [hub, far] = [this.namespace("hub"), this.namespace("far")];
    ip("netns", "add", hub);
    ip("netns", "add", far);
    const inside = `10.0.0.1/${HUB_NETWORK.split("/")[1] ?? "16"}`;
    const numbers = Array.from({ length: live }, (_, n) => n);
    for (const line of [
      `-n ${hub} link add out type veth peer name out netns ${far}`,
      ...[hub, far].flatMap((one) => [`-n ${one} link set lo up`, `-n ${one} link set out up`]),
      `-n ${hub} addr add ${HUB}/32 dev out`,
      `-n ${hub} addr add ${inside} dev lo`,
      `-n ${hub} route add default dev out src ${HUB}`,
      ...numbers.flatMap((n) => [
        `-n ${far} addr add ${farAddress(n)}/32 dev out`,
        `-n ${far} addr add ${farNetwork(n).replace(".0/24", ".1/24")} dev lo`,
      ]),
      `-n ${far} route add ${HUB}/32 dev out`,
    ]) {
      ip(...line.split(" "));
    }
  }

  private namespace(place: Place): string {
    return `evp-${process.pid}-${place}`;
  }

  /** @returns its process, at once */
  start(place: Place, name: string, command: string, args: readonly string[], env = {}): number {
    const log = openSync(join(this.directory, `${name}.log`), "a");
    const child = spawn("ip", ["netns", "exec", this.namespace(place), command, ...args], {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...env },
    });
    this.programs.set(name, child);
    if (child.pid === undefined) throw new Error(`${name} cannot be started`);
    return child.pid;
  }

  log(name: string): string {
    return readFileSync(join(this.directory, `${name}.log`), "utf8");
  }

  async stop(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.programs.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill(signal);
    });
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.programs.get(name)?.kill(signal);
  }

  /** Standard output; rejects with what it said. @param input for its standard input */
  run(place: Place, command: string, args: readonly string[], input = ""): Promise<string> {
    const words = ["netns", "exec", this.namespace(place), command, ...args];
    return new Promise((resolve, reject) => {
      const child = execFile(
        "ip",
        words,
        { maxBuffer: MOST_OUTPUT, timeout: PATIENCE_MS },
        (error, out, complaint) => {
          if (error === null) resolve(out);
          else reject(new Error(`${command} ${args.join(" ")}: ${complaint || error.message}`));
        },
      );
      child.stdin?.on("error", () => {
        // It ended without reading: its exit code tells.
      });
      child.stdin?.end(input);
    });
  }

  evpnctl(main: string, words: readonly string[], input = ""): Promise<string> {
    const script = join(main, "..", "cli", "main.js");
    return this.run("hub", process.execPath, [script, ...words, "--url", `http://${HTTP}`], input);
  }

  /** A page of evpnd's HTTP door. */
  page(path: string): Promise<string> {
    const program = `fetch("http://${HTTP}${path}").then((r) => r.text()).then((t) => process.stdout.write(t))`;
    return this.run("hub", process.execPath, ["-e", program]);
  }

  /** strongSwan, its socket `PLACE.vici`; settled when that is there. */
  async startCharon(place: Place): Promise<number> {
    const socket = this.socket(place);
    rmSync(socket, { force: true });
    const conf = join(this.directory, `${place}.conf`);
    writeFileSync(conf, settings(socket));
    const pid = this.start(place, `charon-${place}`, CHARON, [], { STRONGSWAN_CONF: conf });
    await until(`strongSwan of ${place}`, () => Promise.resolve(existsSync(socket)));
    return pid;
  }

  socket(place: Place): string {
    return join(this.directory, `${place}.vici`);
  }

  close(): void {
    process.off("exit", this.ending);
    for (const child of this.programs.values()) child.kill("SIGKILL");
    for (const place of ["hub", "far"] as const) {
      try {
        ip("netns", "del", this.namespace(place));
      } catch {
        // It was never made.
      }
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Asks again and again. */
export async function until(what: string, ready: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await ready())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function ip(...words: string[]): void {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });
}

function settings(socket: string): string {
  const off = ["bypass-lan", "lookip", "resolve"].map((name) => `${name} { load = no }`).join("\n");
  return `charon-systemd {
load_modular = yes
plugins {
include /etc/strongswan.d/charon/*.conf
vici {
load = yes
socket = unix://${socket}
}
kernel-libipsec {
load = yes
}
${off.replace(/\{ (.*) \}/g, "{\n$1\n}")}
}
journal {
default = -1
}
}
`;
}
