/**
 * Sites with a router between them that knows the way to every network, so that whatever leaves a gateway in
 * clear arrives, and is seen. Nothing on the way helps to hide a leak.
 *
 *   host ── gateway ── router ── gateway ── host
 *           (charon)      └────── gateway ── host …
 */
import type { Lab } from "../../lib/lab.js";
import { StrongSwan } from "./strongswan.js";

export interface SiteOptions {
  /** Label of its gateway's namespace; the host is `<name>h`. At most 8 characters. */
  readonly name: string;
  /** Outside addresses, without lengths; each in a /24 or /64 of its own or a common one. */
  readonly outside: readonly string[];
  /** Prefixes of /24 or /64: the gateway has .1, the host .10. */
  readonly networks: readonly string[];
  readonly settings?: readonly string[];
  /** No daemon is started. */
  readonly withoutDaemon?: boolean;
}

export interface Site {
  readonly name: string;
  readonly host: string;
  readonly options: SiteOptions;
  readonly swan: StrongSwan | undefined;
}

const ROUTER = "net";

export class TunnelNet {
  readonly lab: Lab;
  private readonly sites: Site[] = [];

  constructor(lab: Lab) {
    this.lab = lab;
    lab.namespace(ROUTER);
    this.forward(ROUTER);
  }

  get router(): string {
    return ROUTER;
  }

  /** Interface of the router towards a site. */
  static portOf(site: Site): string {
    return `r${site.name}`;
  }

  async site(options: SiteOptions): Promise<Site> {
    const { lab } = this;
    const { name, outside, networks } = options;
    const host = `${name}h`;
    lab.namespace(name);
    lab.namespace(host);
    this.forward(name);
    const port = `r${name}`;
    lab.ip(ROUTER, [
      `link add ${port} type veth peer name out netns ${lab.name(name)}`,
      ...[...new Set(outside.map(routerOf))].map((address) => add(address, port)),
      `link set ${port} up`,
    ]);
    lab.ip(name, [
      `link add lan type veth peer name eth0 netns ${lab.name(host)}`,
      ...outside.map((address) => add(`${address}/${lengthOf(address)}`, "out")),
      ...networks.map((network) => add(member(network, "1"), "lan")),
      "link set out up",
      "link set lan up",
      ...defaults(outside).map((via) => `route add default via ${via}`),
    ]);
    lab.ip(host, [
      ...networks.map((network) => add(member(network, "10"), "eth0")),
      "link set eth0 up",
    ]);
    const gateways = networks.map((network) => member(network, "1").split("/")[0] ?? "");
    lab.ip(
      host,
      firstOfEach(gateways).map((via) => `route add default via ${via}`),
    );
    lab.ip(
      ROUTER,
      networks.flatMap((network) => {
        const via = outside.find((address) => family(address) === family(network));
        return via === undefined ? [] : [`route replace ${network} via ${via}`];
      }),
    );
    const { settings = [], withoutDaemon } = options;
    const swan =
      withoutDaemon === true ? undefined : await StrongSwan.start({ lab, label: name, settings });
    const site: Site = { name, host, options, swan };
    this.sites.push(site);
    return site;
  }

  /**
   * One more network behind a site's gateway, with something that lives there in a namespace of its own:
   * .10 of a /24, its way out over the gateway. @returns its address
   */
  leg(site: Site, label: string, network: string): string {
    const { lab } = this;
    lab.namespace(label);
    lab.ip(site.name, [
      `link add l${label} type veth peer name eth0 netns ${lab.name(label)}`,
      add(member(network, "1"), `l${label}`),
      `link set l${label} up`,
    ]);
    lab.ip(label, [
      add(member(network, "10"), "eth0"),
      "link set eth0 up",
      // FRR resolves next hops by no default route.
      `route add 10.0.0.0/8 via ${member(network, "1").split("/")[0] ?? ""}`,
    ]);
    lab.ip(ROUTER, [`route add ${network} via ${site.options.outside[0] ?? ""}`]);
    return member(network, "10").split("/")[0] ?? "";
  }

  /** Address of the host of a site in the n-th of its networks. */
  static hostAddress(site: Site, index = 0): string {
    return member(site.options.networks[index] ?? "", "10").split("/")[0] ?? "";
  }

  static gatewayAddress(site: Site, index = 0): string {
    return member(site.options.networks[index] ?? "", "1").split("/")[0] ?? "";
  }

  /** Pings from host to host; how many were answered. */
  async ping(
    from: Site,
    to: Site,
    options: { count?: number; fromIndex?: number; toIndex?: number } = {},
  ): Promise<number> {
    const { count = 1, fromIndex = 0, toIndex = 0 } = options;
    const args = [
      ...["-n", "-q", "-c", String(count), "-i", "0.1", "-W", "1"],
      ...["-I", TunnelNet.hostAddress(from, fromIndex)],
      TunnelNet.hostAddress(to, toIndex),
    ];
    try {
      return received(await this.lab.run(from.host, "ping", args));
    } catch (error) {
      return received(String(error));
    }
  }

  /** The site cannot be reached from outside, or can again. */
  cut(site: Site, isCut: boolean): void {
    const table = `inet cut-${site.name}`;
    const port = TunnelNet.portOf(site);
    const script = isCut
      ? `add table ${table}
         add chain ${table} cut { type filter hook forward priority 0; }
         add rule ${table} cut iifname ${port} drop
         add rule ${table} cut oifname ${port} drop`
      : `delete table ${table}`;
    this.lab.runSync(ROUTER, "nft", [script]);
  }

  private forward(label: string): void {
    this.lab.runSync(label, "sh", [
      "-c",
      "for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > /proc/sys/net/$f; done; " +
        "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done",
    ]);
  }
}

function received(text: string): number {
  return Number(/(\d+) received/.exec(text)?.[1] ?? 0);
}

function add(address: string, device: string): string {
  return `addr add ${address} dev ${device}${address.includes(":") ? " nodad" : ""}`;
}

function family(address: string): "-4" | "-6" {
  return address.includes(":") ? "-6" : "-4";
}

function lengthOf(address: string): number {
  return address.includes(":") ? 64 : 24;
}

/** `10.1.0.10/24` in `10.1.0.0/24`; `fd01::10/64` in `fd01::/64`. */
function member(network: string, last: string): string {
  const [base = "", length = ""] = network.split("/");
  if (base.includes(":")) return `${base}${last}/${length}`;
  return `${base.split(".").slice(0, 3).join(".")}.${last}/${length}`;
}

/** The router's address in the address's network, with length. */
function routerOf(address: string): string {
  if (address.includes(":")) return `${address.slice(0, address.lastIndexOf("::"))}::fe/64`;
  return `${address.split(".").slice(0, 3).join(".")}.254/24`;
}

function defaults(outside: readonly string[]): string[] {
  return firstOfEach(outside.map((address) => routerOf(address).split("/")[0] ?? ""));
}

function firstOfEach(addresses: readonly string[]): string[] {
  const first = (six: boolean): string[] =>
    addresses.filter((address) => address.includes(":") === six).slice(0, 1);
  return [...first(false), ...first(true)];
}
