/** A fabric with a timeline on it, in one thread and with a clock in the test's hand. */
import { MemoryKv, type OrderedKv } from "../../../src/store/index.js";
import { FibEventKind } from "../../../src/fib/index.js";
import { TimelineEngine } from "../../../src/fib/timeline/engine.js";
import { UPKEEP_MS } from "../../../src/fib/timeline/engine.js";
import type { TimelineSettings } from "../../../src/fib/timeline/settings.js";
import {
  ethernetAd,
  macIp,
  MAX_ET,
  settings as routeSettings,
  type AttrSpec,
} from "../lib/route.js";
import { Fabric } from "../lib/fabric.js";

export { FibEventKind };
export const ESI = "00112233445566778899";
export const ESI_TEXT = "00:11:22:33:44:55:66:77:88:99";

/** Outlives its owner, as a disk does. */
export class LastingKv extends MemoryKv {
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

export const SETTINGS: TimelineSettings = {
  directory: "/nowhere",
  maxAge: 86_400,
  maxSize: 1 << 30,
};

export class TimedFabric extends Fabric {
  readonly kv: OrderedKv;
  readonly engine: TimelineEngine;

  constructor(
    kv: OrderedKv = new LastingKv(),
    settings = SETTINGS,
    from?: number,
    eventRing = 4096,
  ) {
    super({ eventRing });
    this.kv = kv;
    if (from !== undefined) this.clock.time = from;
    this.engine = new TimelineEngine({
      settings,
      started: this.clock.time,
      clock: this.clock,
      open: () => Promise.resolve(kv),
      told: () => {},
    });
    const handles = { shared: this.fib.shared.handles, settings: routeSettings({ eventRing }) };
    void this.engine.attach(this.fib.tables.events.share([]), this.clock.time, false, handles);
  }

  /** The PE announces the MAC. */
  at(pe: number, mac: string, attr: Partial<AttrSpec> & { ip?: string; esi?: string } = {}): this {
    const { ip, esi, ...rest } = attr;
    const nlri = macIp({ rd: `10.0.0.${pe}:1`, mac, ip, esi });
    this.announce(pe - 1, nlri, { nextHop: `10.0.0.${pe}`, targets: ["65000:1"], ...rest });
    return this;
  }

  not(pe: number, mac: string, ip?: string): this {
    return this.withdraw(pe - 1, macIp({ rd: `10.0.0.${pe}:1`, mac, ip }));
  }

  perEs(pe: number, on: boolean, esi = ESI): this {
    const nlri = ethernetAd(`10.0.0.${pe}:0`, esi, MAX_ET, 0);
    if (!on) return this.withdraw(pe - 1, nlri);
    return this.announce(pe - 1, nlri, {
      nextHop: `10.0.0.${pe}`,
      targets: ["65000:1"],
      esiLabel: { singleActive: false, label: 0 },
    });
  }

  perEvi(pe: number, on: boolean, esi = ESI): this {
    const nlri = ethernetAd(`10.0.0.${pe}:1`, esi, 0, 100);
    if (!on) return this.withdraw(pe - 1, nlri);
    return this.announce(pe - 1, nlri, { nextHop: `10.0.0.${pe}`, targets: ["65000:1"] });
  }

  /** Reads the table, and lets the timeline write; then time passes. */
  async pass(milliseconds = 1000): Promise<this> {
    this.read();
    await this.engine.settled();
    this.clock.pass(milliseconds);
    return this;
  }

  async upkeep(): Promise<void> {
    this.clock.pass(UPKEEP_MS);
    await this.engine.settled();
  }

  where(mac: string, time = this.clock.time) {
    return this.engine.questions().at({ mac, time });
  }

  async events(query: object = {}) {
    await this.engine.settled();
    const { rows } = await this.engine.questions().events({ limit: 1000, ...query });
    return rows.map(({ kind, mac, from, to }) =>
      [kind, mac, from && `from ${from}`, to && `to ${to}`].filter(Boolean).join(" "),
    );
  }
}
