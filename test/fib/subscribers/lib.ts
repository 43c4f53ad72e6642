/** Sessions for the comparison with the FIB, and the comparison itself over a rig with quarantines. */
import type { SubscriberChange, SubscriberItem } from "../../../src/contract.js";
import { SubscriberCheck, type SubscriberSettings } from "../../../src/fib/index.js";
import { LogLines } from "../../bgp/session/harness.js";
import { MAC, Rig } from "../quarantine/lib/rig.js";

export const DOMAIN = "65000:100";
export const AP1 = "02:00:00:00:01:01";
export const AP2 = "02:00:00:00:01:02";

let revision = 0;

export function session(over: Partial<SubscriberItem> = {}): SubscriberItem {
  const { tenant = "default", mac = MAC } = over;
  return {
    key: `${tenant} ${mac}`,
    revision: ++revision,
    state: "begun",
    reason: "",
    since: 1_700_000_000_000,
    tenant,
    mac,
    accessPoint: AP1,
    ssid: "corp",
    userName: "bob",
    vlan: undefined,
    ip: undefined,
    ...over,
  };
}

type DomainChange = Partial<SubscriberSettings["domains"][number]>;

export function domain(over: DomainChange = {}): SubscriberSettings["domains"][number] {
  return {
    domain: DOMAIN,
    tenant: "default",
    vlan: undefined,
    requireSession: true,
    action: "report",
    exemptMacs: [],
    exemptOuis: [],
    ...over,
  };
}

/** PE N is where access point N is. */
export const PLACES: SubscriberSettings["accessPoints"] = [
  { id: AP1, pe: "10.0.0.1", esi: undefined },
  { id: AP2, pe: "10.0.0.2", esi: undefined },
];

export class Compared {
  readonly rig = new Rig();
  readonly log = new LogLines();
  check: SubscriberCheck;
  private settings: SubscriberSettings;

  constructor(over: DomainChange = {}, accessPoints = PLACES) {
    this.settings = { graceSeconds: 10, domains: [domain(over)], accessPoints };
    this.check = this.makeCheck();
  }

  /** Another one over the same FIB, as after a restart. */
  restart(): this {
    this.check.close();
    this.check = this.makeCheck();
    return this;
  }

  configure(over: DomainChange): this {
    this.settings = { ...this.settings, domains: [domain(over)] };
    this.check.configure(this.settings);
    return this;
  }

  tell(...changes: SubscriberChange[]): this {
    this.check.sink(changes);
    return this;
  }

  /** All sessions there are. */
  known(...items: SubscriberItem[]): this {
    return this.tell({ kind: "reset" }, ...items.map((item) => ({ kind: "item", item }) as const), {
      kind: "sync",
    });
  }

  item(item: SubscriberItem): this {
    return this.tell({ kind: "item", item });
  }

  pass(seconds: number): this {
    this.rig.pass(seconds);
    return this;
  }

  get states(): string[] {
    return [...this.check.findings()].map(({ mac, kind, state }) => `${mac} ${kind} ${state}`);
  }

  private makeCheck(): SubscriberCheck {
    const { rig, log, settings } = this;
    return new SubscriberCheck({
      fib: () => ({ fib: rig.fib, domains: rig.settings.domains }),
      clock: rig.speaker.clock,
      log,
      settings,
    });
  }
}
