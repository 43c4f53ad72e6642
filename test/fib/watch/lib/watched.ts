/** A fabric with watchers on it, and a clock in the test's hand. */
import {
  LocalFibControl,
  WatchHub,
  watchSource,
  type DomainSettings,
  type FibSettings,
  type HubLimits,
  type MacView,
  type WatchQuery,
  type WatchSource,
} from "../../../../src/fib/index.js";
import { Fabric } from "../../lib/fabric.js";
import { macIp, type AttrSpec } from "../../lib/route.js";
import { Holder } from "./holder.js";

/** Longer than the hub takes to look. */
export const LOOK_MS = 50;

export class Watched {
  readonly fabric: Fabric;
  readonly hub: WatchHub;
  source: WatchSource | undefined;

  constructor(
    change: Partial<FibSettings> = {},
    limits: Partial<HubLimits> = {},
    domains: readonly DomainSettings[] = [],
  ) {
    this.fabric = new Fabric({ ...change, domains }, 8);
    const control = new LocalFibControl(this.fabric.fib, domains);
    const named = domains.map(({ name, ethernetTag }) => ({
      name,
      fixedTag: ethernetTag !== undefined,
    }));
    this.source = watchSource(control, this.fabric.fib.tables.events.share(named));
    const source = (): WatchSource | undefined => this.source;
    this.hub = new WatchHub({ source, clock: this.fabric.clock, limits });
  }

  /** Announces a MAC at PE 1 to 8. */
  at(pe: number, mac: string, more: Partial<AttrSpec> & { ip?: string; rd?: number } = {}): this {
    const { ip, rd = 1, ...attr } = more;
    this.fabric.announce(pe - 1, macIp({ rd: `10.0.0.${pe}:${rd}`, mac, ip }), {
      nextHop: `10.0.0.${pe}`,
      targets: ["65000:100"],
      ...attr,
    });
    return this;
  }

  not(pe: number, mac: string, ip?: string): this {
    this.fabric.withdraw(pe - 1, macIp({ rd: `10.0.0.${pe}:1`, mac, ip }));
    return this;
  }

  /** The FIB reads, and the hub takes note. */
  look(): this {
    this.fabric.read();
    this.fabric.clock.pass(LOOK_MS);
    return this;
  }

  async watch(query: Partial<WatchQuery> = {}): Promise<Holder> {
    return new Holder(this.hub, { topic: "macs", ...query }).open();
  }

  all(): readonly MacView[] {
    return this.fabric.fib.pages.list({}, 0, 100_000).rows;
  }
}
