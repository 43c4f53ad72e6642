/**
 * Two VNFs with a gateway between them, each a namespace:
 *
 *   vnf1 10.81.1.2, fd81:1::2 -- left [gateway] right -- vnf2 10.81.2.2, fd81:2::2
 *
 * The gateway is driven from the test's own process; nft and tc run in its namespace.
 */
import { generateSigningKey, keyId } from "../../../../src/asmn/crypto/index.js";
import { readCatalog, signCatalog } from "../../../../src/asmn/catalog/index.js";
import {
  Gateway,
  type CatalogAnswer,
  type GatewayCoreSettings,
  type MemberItem,
} from "../../../../src/asmn/gateway/index.js";
import { nftMonitor } from "../../../../src/asmn/gateway/monitor.js";
import { ipOver, nftOver, tcOver, type Nft } from "../../../../src/asmn/gateway/nft.js";
import { KvStore, MemoryKv, type Store } from "../../../../src/store/index.js";
import { systemClock } from "../../../../src/util/clock.js";
import { programRunner } from "../../../../src/util/run-program.js";
import type { Lab } from "../../lib/lab.js";

export const [ONE, TWO] = ["10.81.1.2", "10.81.2.2"];
export const [ONE_SIX, TWO_SIX] = ["fd81:1::2", "fd81:2::2"];
export const SECEM_PORT = 7201;

const SETTINGS: GatewayCoreSettings = {
  tenant: "acme",
  table: "evpnd_asmn",
  interfaces: [
    { name: "left", vnfs: [], rate: undefined },
    { name: "right", vnfs: [], rate: undefined },
  ],
  secEm: [{ address: TWO, port: SECEM_PORT }],
  defaultAction: "drop",
  lower: { dscp: 8, rate: 1_000_000, burst: 16_384 },
  alarms: [],
};

export const MEMBERS: readonly MemberItem[] = [
  member("11", "one", [ONE, ONE_SIX]),
  member("22", "two", [TWO, TWO_SIX]),
];

function member(id: string, vnf: string, addresses: readonly string[]): MemberItem {
  const rest = { state: "trusted", reason: "", leftMs: 300_000, catalogVersion: 0 } as const;
  return { id, vnf, instance: `${vnf}-1`, addresses, ...rest };
}

export class GatewayNet {
  readonly lab: Lab;
  readonly lines: string[] = [];
  gateway!: Gateway;
  /** What is done to a script before nft gets it. */
  spoil: ((script: string) => string) | undefined;
  private readonly store: Store = new KvStore(new MemoryKv(), systemClock);
  private readonly key = generateSigningKey();
  private version = 0;

  constructor(lab: Lab) {
    this.lab = lab;
    for (const name of ["one", "two", "gw"]) lab.namespace(name);
    lab.ip("gw", [
      `link add left type veth peer name eth0 netns ${lab.name("one")}`,
      `link add right type veth peer name eth0 netns ${lab.name("two")}`,
      ...["10.81.1.1/24", "fd81:1::1/64"].map((text) => address(text, "left")),
      ...["10.81.2.1/24", "fd81:2::1/64"].map((text) => address(text, "right")),
      ...["left", "right"].map((name) => `link set ${name} up`),
    ]);
    for (const [name, n] of [
      ["one", 1],
      ["two", 2],
    ] as const) {
      lab.ip(name, [
        address(`10.81.${n}.2/24`, "eth0"),
        address(`fd81:${n}::2/64`, "eth0"),
        "link set eth0 up",
        `route add default via 10.81.${n}.1`,
        `route add default via fd81:${n}::1`,
      ]);
    }
    lab.runSync("gw", "sh", [
      "-c",
      "for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > /proc/sys/net/$f; done; " +
        // Errors of the kernel are not what is measured here.
        "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit",
    ]);
  }

  async start(settings: Partial<GatewayCoreSettings> = {}): Promise<Gateway> {
    const within = ["netns", "exec", this.lab.name("gw")];
    const ip = programRunner("ip");
    const run = nftOver((args, script) => ip([...within, "nft", ...args], script));
    const nft: Nft = (args, script) => run(args, this.spoil?.(script) ?? script);
    const say = (fields: object, message: string): void => {
      this.lines.push(`${message} ${JSON.stringify(fields)}`);
    };
    this.gateway = await Gateway.start({
      ...{ settings: { ...SETTINGS, ...settings }, store: this.store, clock: systemClock, nft },
      tc: tcOver((args, script) => ip([...within, "tc", ...args], script)),
      ip: ipOver((args, script) => ip([...within, "ip", ...args], script)),
      log: { debug: say, info: say, warn: say, error: say },
      monitor: nftMonitor(["ip", ...within, "nft"]),
    });
    return this.gateway;
  }

  trust(): Promise<boolean> {
    return this.gateway.members(MEMBERS.map((item) => ({ kind: "item", item })));
  }

  /** The next version, signed, in force when it settles. */
  apply(entries: readonly object[], more: object = {}): Promise<CatalogAnswer> {
    this.version++;
    const descriptors = ["one", "two"];
    const outcome = readCatalog({
      ...{ tenant: "acme", version: this.version, descriptors, entries },
      ...more,
    });
    if (outcome.kind === "problems") throw new Error(outcome.problems.join("; "));
    const issuer = Buffer.from(keyId(this.key.publicKey)).toString("hex");
    const document = signCatalog(outcome.catalog, issuer, this.key);
    return this.gateway.catalog(document, () => this.key.publicKey);
  }

  /** Packets that are answered; -1 when none was sent. */
  async ping(args: readonly string[], target = TWO, from = "one"): Promise<number> {
    const all = ["-n", "-q", "-W", "1", ...args, target];
    const text = await this.lab
      .run(from, "ping", all)
      .catch((error: unknown) => (error instanceof Error ? error.message : ""));
    return Number(/(\d+) received/.exec(text)?.[1] ?? -1);
  }

  /** Whether a TCP connection comes up. */
  connects(port: number, from = "one", target: string = TWO): Promise<boolean> {
    const script = `exec 3<>/dev/tcp/${target}/${port}`;
    return this.lab.run(from, "timeout", ["0.6", "bash", "-c", script]).then(
      () => true,
      () => false,
    );
  }

  /** Octets that have arrived at a VNF's interface. */
  octets(label: "one" | "two"): number {
    return Number(this.lab.runSync(label, "cat", ["/sys/class/net/eth0/statistics/rx_bytes"]));
  }

  /** Rules of the gateway's namespace, without what was counted and what runs out. */
  ruleset(): string {
    const text = this.lab.runSync("gw", "nft", ["-s", "list", "ruleset"]);
    const own = text.replaceAll(/(set secem_\w+ \{[^}]*?)\n\s*elements = \{[^}]*\}/g, "$1");
    return own.replaceAll(/ timeout \w+/g, "");
  }
}

function address(text: string, device: string): string {
  return `addr add ${text} dev ${device}${text.includes(":") ? " nodad" : ""}`;
}
