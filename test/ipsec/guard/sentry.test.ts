/** Rules that go are heard of at once, and what was guarded is guarded after a reboot as well. */
import { expect, test } from "vitest";
import { Guard, GuardSentry, storedGuard, type Nft } from "../../../src/ipsec/guard/index.js";
import { KvStore, MemoryKv } from "../../../src/store/index.js";
import { systemClock } from "../../../src/util/clock.js";
import { FakeClock } from "../../model/lib/fake.js";

const NO_MORE = { interfaces: [] };

class FakeMonitor {
  starts = 0;
  stops = 0;
  say: (text: string) => void = () => {};
  die: () => void = () => {};

  readonly run = (onText: (text: string) => void, onEnd: () => void): (() => void) => {
    this.starts++;
    this.say = onText;
    this.die = onEnd;
    return () => void this.stops++;
  };
}

function started(): {
  clock: FakeClock;
  monitor: FakeMonitor;
  sentry: GuardSentry;
  losses: number[];
} {
  const clock = new FakeClock();
  const monitor = new FakeMonitor();
  const losses: number[] = [];
  const onLoss = (): void => void losses.push(clock.now());
  const sentry = new GuardSentry({ clock, monitor: monitor.run, onLoss });
  sentry.start();
  clock.advance(1000);
  losses.length = 0;
  return { clock, monitor, sentry, losses };
}

test("IPS-90: a flush of the packet filter calls for one look, at once", () => {
  const { clock, monitor, losses } = started();
  monitor.say("delete rule inet evpnd_guard leave handle 12\ndelete rule inet evpnd_gu");
  monitor.say("ard leave handle 13\ndelete table inet evpnd_guard\n");
  clock.advance(100);
  expect(losses).toHaveLength(1);
  monitor.say("delete table inet evpnd_guard\n");
  clock.advance(100);
  expect(losses).toHaveLength(2);
});

test("a name cut in two is heard of, other people's rules are not, and nothing grows", () => {
  const { clock, monitor, losses } = started();
  monitor.say("delete table inet firewall\n");
  for (let n = 0; n < 100; n++) monitor.say("x".repeat(10_000));
  clock.advance(100);
  expect(losses).toEqual([]);
  monitor.say("\ndelete table inet evpnd");
  monitor.say("_guard\n");
  clock.advance(100);
  expect(losses).toHaveLength(1);
});

test("where the program ends it is begun again, ever more seldom, and then looked", () => {
  const { clock, monitor, sentry, losses } = started();
  for (let n = 0; n < 20; n++) {
    monitor.die();
    clock.advance(60_000);
    expect(monitor.starts).toBe(2 + n);
  }
  clock.advance(100);
  expect(losses.length).toBeGreaterThan(0);
  sentry.stop();
  expect(monitor.stops).toBe(1);
});

test("IPS-90: after a reboot everything that was not released is guarded again, removed tunnels' too", async () => {
  const store = new KvStore(new MemoryKv(), systemClock);
  const kernel: string[] = [];
  const nft: Nft = (args, input) => {
    if (args.includes("list")) return Promise.resolve('{"nftables":[]}');
    kernel.push(input);
    return Promise.resolve("");
  };
  const first = new Guard(nft, storedGuard(store));
  await first.recall();
  expect(first.isWaiting).toBe(false);
  await first.protect(["10.2.0.0/24", "10.9.0.0/24"], NO_MORE);
  kernel.length = 0;
  // The tunnel to 10.9.0.0/24 was removed; then the machine was started anew.
  const second = new Guard(nft, storedGuard(store));
  await second.recall();
  expect(second.isWaiting).toBe(true);
  await second.protect(["10.2.0.0/24"], NO_MORE);
  expect(kernel.join()).toContain("10.9.0.0/24");
  expect(second.isWaiting).toBe(false);
  await second.release(["10.9.0.0/24"], ["10.2.0.0/24"]);
  const third = new Guard(nft, storedGuard(store));
  await third.recall();
  kernel.length = 0;
  await third.protect(["10.2.0.0/24"], NO_MORE);
  expect(kernel.join()).not.toContain("10.9.0.0/24");
});
