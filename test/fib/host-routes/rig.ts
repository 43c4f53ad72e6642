/** A FIB with host routes over one table, and what the table has of them. */
import { LocalRoutes, type LocalSource } from "../../../src/bgp/local-routes.js";
import {
  decodeAttributes,
  decodeNlri,
  Family,
  FAMILIES,
  findAttribute,
  formatIp,
} from "../../../src/fast-bgp-codec/index.js";
import { HostRoutes } from "../../../src/fib/host-routes/index.js";
import type { DomainSettings, FibSettings, HostRouteSettings } from "../../../src/fib/settings.js";
import { Fabric } from "../lib/fabric.js";

export const UNICAST: HostRouteSettings = {
  announce: "unicast",
  nextHop: undefined,
  rd: "",
  routeTargets: [],
  l3Vni: 0,
  routerMac: undefined,
};

export const TYPE_5: HostRouteSettings = {
  ...UNICAST,
  announce: "type-5",
  rd: "65000:5000",
  routeTargets: ["65000:5000"],
  l3Vni: 5000,
};

export function domain(
  name: string,
  target: number,
  hostRoutes: HostRouteSettings | undefined,
  service: DomainSettings["service"] = "vlan-based",
): DomainSettings {
  return {
    name,
    service,
    routeTargets: [`65000:${target}`],
    ethernetTag: undefined,
    vni: undefined,
    duplicates: undefined,
    hostRoutes,
  };
}

export interface Announced {
  readonly family: string;
  readonly prefix: string;
  readonly nextHop: string;
  readonly pathId: number;
  readonly extended: readonly string[];
}

export class Rig {
  readonly fabric: Fabric;
  readonly sink: LocalSource;
  readonly told: number[] = [];
  readonly settings: Partial<FibSettings>;
  hostRoutes: HostRoutes;
  /** What a call of the clock takes. */
  cost = 0;
  private clock = 0;

  constructor(settings: Partial<FibSettings>) {
    this.settings = settings;
    this.fabric = new Fabric(settings);
    const { table } = this.fabric;
    const local = new LocalRoutes({
      table,
      identity: { as: 65000, routerId: 0x0a6300fe, clusterId: 1 },
      tick: () => undefined,
      wake: () => {},
      later: (job) => {
        while (!job.step());
      },
    });
    this.sink = local.source(() => "local, host route");
    this.hostRoutes = this.make(this.fabric.fib);
    this.hostRoutes.begin();
  }

  make(fib: Fabric["fib"], settings = this.settings): HostRoutes {
    return new HostRoutes({
      tables: fib.tables,
      macs: fib.macs,
      hops: fib.hops,
      domains: settings.domains ?? [],
      most: settings.maxHostRoutes ?? 1000,
      sink: this.sink,
      now: () => (this.clock += this.cost),
      onFull: (most) => this.told.push(most),
    });
  }

  /** One reading of the FIB and one flush, as a turn has them; whether the flush left something. */
  turn(): boolean {
    this.fabric.read();
    const more = this.hostRoutes.flush(10);
    // Its own routes are in the log now.
    this.fabric.read();
    return more;
  }

  rest(): this {
    while (this.turn());
    return this;
  }

  /** Of all addresses, in order. */
  announced(): Announced[] {
    const { table, attrs } = this.fabric;
    const routes: Announced[] = [];
    for (let dest = 1; dest < table.destinationLimit; dest++) {
      if (!table.exists(dest)) continue;
      for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
        if (table.pathSlot(path) !== this.sink.slot) continue;
        const family = table.family(dest);
        const from = table.pathNlri(path);
        const to = from + table.pathNlriLength(path);
        const nlri = decodeNlri(family, table.nlriBytes, from, to) as {
          prefix: string;
          prefixLen?: number;
        };
        const attr = table.pathAttr(path);
        const hop = attrs.nextHopStart(attr);
        const list = decodeAttributes(
          attrs.bytes,
          attrs.attributesStart(attr),
          attrs.attributesEnd(attr),
        );
        routes.push({
          family: FAMILIES[family]!.name,
          prefix: family === Family.Evpn ? `${nlri.prefix}/${nlri.prefixLen}` : nlri.prefix,
          nextHop: formatIp(attrs.bytes, hop, attrs.nextHopLength(attr)),
          pathId: table.pathId(path),
          extended: findAttribute(list, 16) ?? [],
        });
      }
    }
    const key = (route: Announced): string => `${route.prefix} ${route.family} ${route.pathId}`;
    return routes.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** `prefix via next hop`, a line each. */
  lines(): string[] {
    return this.announced().map(({ prefix, nextHop }) => `${prefix} via ${nextHop}`);
  }
}
