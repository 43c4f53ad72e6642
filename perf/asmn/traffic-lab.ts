/**
 * Two VNFs with a gateway between them, as namespaces of this machine, and the gateway of `src/asmn/gateway` in
 * force there. Everything goes when it is closed, or when the process ends.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { readCatalog, signCatalog } from "../../src/asmn/catalog/index.js";
import { generateSigningKey, keyId } from "../../src/asmn/crypto/index.js";
import { Gateway, GatewayDesk } from "../../src/asmn/gateway/index.js";
import { nftOver, tcOver } from "../../src/asmn/gateway/nft.js";
import { KvStore, MemoryKv } from "../../src/store/index.js";
import { systemClock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";
import { programRunner } from "../../src/util/run-program.js";

export type Place = "one" | "two" | "gw";
export const TARGET = "10.82.2.2";
const SOURCE = "10.82.1.2";
const PLACES: readonly Place[] = ["one", "two", "gw"];
const PROGRAMS = ["ip", "nft", "tc", "ping", "hping3"];
let labs = 0;

/** Why it cannot be built here; undefined: it can. */
export function labObstacle(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
  const places = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
  const missing = PROGRAMS.filter((one) => !places.some((place) => existsSync(`${place}/${one}`)));
  return missing.length === 0 ? undefined : `missing: ${missing.join(", ")}`;
}

export class TrafficLab {
  gateway!: Gateway;
  private readonly prefix = `evp-${process.pid}-${++labs}-`;
  private readonly key = generateSigningKey();
  private readonly children: ChildProcess[] = [];
  private version = 0;
  private readonly onExit = (): void => this.tearDown();

  static async build(): Promise<TrafficLab> {
    const lab = new TrafficLab();
    process.once("exit", lab.onExit);
    lab.wire();
    const within = ["netns", "exec", lab.name("gw")];
    const ip = programRunner("ip");
    lab.gateway = await Gateway.start({
      settings: {
        ...{ tenant: "acme", table: "evpnd_asmn", secEm: [], alarms: [], defaultAction: "drop" },
        interfaces: ["left", "right"].map((name) => ({ name, vnfs: [], rate: undefined })),
        lower: { dscp: 8, rate: 1_000_000, burst: 16_384 },
      },
      ...{ store: new KvStore(new MemoryKv(), systemClock), clock: systemClock, log: silentLog },
      nft: nftOver((args, script) => ip([...within, "nft", ...args], script)),
      tc: tcOver((args, script) => ip([...within, "tc", ...args], script)),
      monitor: () => ({ close: () => {} }),
    });
    await lab.gateway.members(
      [SOURCE, TARGET].map((address, index) => ({
        kind: "item",
        item: {
          ...{ id: `0${index}`, vnf: ["one", "two"][index] ?? "", instance: "1" },
          ...{ state: "trusted", reason: "", addresses: [address], leftMs: undefined },
          catalogVersion: 0,
        },
      })),
    );
    return lab;
  }

  name(place: Place): string {
    return this.prefix + place;
  }

  /** The next catalog, signed and enforced. @returns milliseconds that it took */
  async apply(entries: readonly object[]): Promise<number> {
    this.version++;
    const descriptors = ["one", "two"];
    const made = readCatalog({ tenant: "acme", version: this.version, descriptors, entries });
    if (made.kind === "problems") throw new Error(made.problems.join("; "));
    const issuer = Buffer.from(keyId(this.key.publicKey)).toString("hex");
    const document = signCatalog(made.catalog, issuer, this.key);
    const answer = await this.gateway.catalog(document, () => this.key.publicKey);
    if (answer.kind !== "taken") throw new Error("the catalog was not taken");
    return answer.tookMs;
  }

  /** The rules as they are in force, to be loaded again with `load`. */
  script(): Promise<string> {
    return new GatewayDesk(this.gateway, systemClock).script();
  }

  /** Loads rules for nft; undefined: none at all. */
  load(script: string | undefined): void {
    const away = "add table inet evpnd_asmn\ndelete table inet evpnd_asmn\n";
    this.run("gw", "nft", ["-f", "-"], script ?? away);
  }

  run(place: Place, program: string, args: readonly string[], input = ""): string {
    const all = ["netns", "exec", this.name(place), program, ...args];
    return execFileSync("ip", all, { encoding: "utf8", input, maxBuffer: 2 ** 26 });
  }

  start(place: Place, program: string, args: readonly string[]): ChildProcess {
    const child = spawn("ip", ["netns", "exec", this.name(place), program, ...args], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.children.push(child);
    return child;
  }

  async close(): Promise<void> {
    await this.gateway?.close();
    process.off("exit", this.onExit);
    this.tearDown();
  }

  private wire(): void {
    for (const place of PLACES) execFileSync("ip", ["netns", "add", this.name(place)]);
    const batch = (place: Place, lines: readonly string[]): void => {
      const input = lines.map((line) => `${line}\n`).join("");
      execFileSync("ip", ["-n", this.name(place), "-batch", "-"], { input });
    };
    batch("gw", [
      `link add left type veth peer name eth0 netns ${this.name("one")}`,
      `link add right type veth peer name eth0 netns ${this.name("two")}`,
      ...["addr add 10.82.1.1/24 dev left", "addr add 10.82.2.1/24 dev right"],
      ...["link set left up", "link set right up"],
    ]);
    for (const [place, n] of [
      ["one", 1],
      ["two", 2],
    ] as const) {
      batch(place, [
        ...["link set lo up", `addr add 10.82.${n}.2/24 dev eth0`, "link set eth0 up"],
        `route add default via 10.82.${n}.1`,
      ]);
    }
    this.run("gw", "sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  }

  private tearDown(): void {
    for (const child of this.children) child.kill("SIGKILL");
    for (const place of PLACES) {
      try {
        execFileSync("ip", ["netns", "del", this.name(place)], { stdio: "ignore" });
      } catch {
        // It was never made.
      }
    }
  }
}
