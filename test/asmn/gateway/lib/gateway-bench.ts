/** A gateway over a kernel and a store that are none, with a clock in hand. */
import {
  Gateway,
  type GatewayCoreSettings,
  type MemberItem,
} from "../../../../src/asmn/gateway/index.js";
import { KvStore, MemoryKv, type Store } from "../../../../src/store/index.js";
import { FakeKernel } from "./fake-kernel.js";
import { TestClock } from "./test-clock.js";

export const SETTINGS: GatewayCoreSettings = {
  tenant: "acme",
  table: "evpnd_asmn",
  interfaces: [
    { name: "left", vnfs: [], rate: undefined },
    { name: "right", vnfs: [], rate: undefined },
  ],
  secEm: [{ address: "10.9.9.9", port: 7201 }],
  defaultAction: "drop",
  lower: { dscp: 8, rate: 1_000_000, burst: 16_384 },
  alarms: [],
};

export const PE1: MemberItem = {
  ...{ id: "aa", vnf: "pe1", instance: "i1", state: "trusted", reason: "proven" },
  ...{ addresses: ["10.0.1.2"], leftMs: 300_000, catalogVersion: 0 },
};
export const RR: MemberItem = { ...PE1, id: "bb", vnf: "rr", addresses: ["10.0.2.2"] };

export class Bench {
  readonly kernel = new FakeKernel();
  readonly clock = new TestClock();
  readonly lines: string[] = [];
  store: Store = new KvStore(new MemoryKv(), this.clock);
  gateway!: Gateway;
  hint: () => void = () => {};

  async start(settings: Partial<GatewayCoreSettings> = {}): Promise<Gateway> {
    const say = (fields: object, message: string): void => {
      this.lines.push(`${message} ${JSON.stringify(fields)}`);
    };
    this.gateway = await Gateway.start({
      ...{ settings: { ...SETTINGS, ...settings }, store: this.store, clock: this.clock },
      ...{ nft: this.kernel.nft, tc: this.kernel.tc, ip: this.kernel.ip },
      log: { debug: say, info: say, warn: say, error: say },
      monitor: (_table, hint) => {
        this.hint = hint;
        return { close: () => {} };
      },
    });
    return this.gateway;
  }

  tell(...items: readonly MemberItem[]): Promise<boolean> {
    return this.gateway.members(items.map((item) => ({ kind: "item", item })));
  }

  /** Time goes by, with what is due in it. */
  async pass(milliseconds: number): Promise<void> {
    this.clock.pass(milliseconds);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    await this.gateway.inTurn(() => Promise.resolve());
  }
}
