/** The watch over one tunnel, with a driver and a ping in the test's hand. */
import { beforeEach, describe, expect, test } from "vitest";
import type { TunnelChange } from "../../../src/contract.js";
import type { IpsecModel } from "../../../src/ipsec/model/index.js";
import { InstalledTunnels } from "../../../src/ipsec/watch/installed-tunnels.js";
import { IpsecWatch } from "../../../src/ipsec/watch/watch.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeClock } from "../../model/lib/fake.js";
import { childSa, HandDriver, ikeSa, logLine } from "../lib/observed.js";
import { modelOf, sideFor, type TunnelChoice } from "../lib/sides.js";

const MONITOR = { optimized: false, rekey: false, intervalSeconds: 10, threshold: 2 };

interface Bench {
  readonly clock: FakeClock;
  readonly driver: HandDriver;
  readonly watch: IpsecWatch;
  readonly changes: TunnelChange[];
  /** What pings find. */
  answers: boolean;
  pings: number;
  /** Time passes, and what it sets off is done. */
  pass(milliseconds: number): Promise<void>;
}

function withEnds(model: IpsecModel, monitored: boolean): IpsecModel {
  const tunnels = model.tunnels.map((tunnel) => ({
    ...tunnel,
    ends: [
      { ...tunnel.ends[0], ...(monitored && { monitor: MONITOR }) },
      { ...tunnel.ends[1], vteps: ["10.99.2.0/24"] },
    ] as const,
  }));
  return { ...model, tunnels };
}

async function bench(choice: TunnelChoice = {}, monitored = true): Promise<Bench> {
  const clock = new FakeClock();
  const model = withEnds(modelOf({ name: "t", ...choice }), monitored);
  const driver = new HandDriver(sideFor({ name: "t", ...choice }));
  const installed = new InstalledTunnels(
    () => model,
    () => "t-east",
  );
  const made: Bench = {
    clock,
    driver,
    changes: [],
    answers: true,
    pings: 0,
    watch: new IpsecWatch({
      clock,
      log: silentLog,
      driver,
      installed,
      gateway: () => "t-east",
      candidate: () => [],
      run: (_program, args) => {
        made.pings++;
        const count = args[args.indexOf("-c") + 1] ?? "1";
        const received = made.answers ? count : "0";
        const [sa] = driver.list;
        const [child] = sa?.children ?? [];
        if (sa !== undefined && child !== undefined) {
          const packetsOut = child.packetsOut + Number(count);
          const packetsIn = child.packetsIn + Number(received);
          driver.list = [{ ...sa, children: [{ ...child, packetsIn, packetsOut }] }];
        }
        return Promise.resolve({
          code: 0,
          out: `${count} packets transmitted, ${received} received`,
        });
      },
    }),
    pass: async (milliseconds) => {
      for (let left = milliseconds; left > 0; left -= 500) {
        clock.advance(Math.min(500, left));
        for (let turn = 0; turn < 40; turn++) await Promise.resolve();
      }
    },
  };
  await made.watch.start();
  made.watch.subscribe((changes) => made.changes.push(...changes));
  return made;
}

function comeUp(one: Bench): void {
  one.driver.list = [ikeSa()];
  one.driver.emit({ kind: "ike-up", sa: ikeSa() });
  one.driver.emit({ kind: "child-up", sa: ikeSa(), child: childSa() });
}

let one: Bench;
beforeEach(async () => {
  one = await bench();
});

async function state(): Promise<readonly [string, string]> {
  const { tunnels } = await one.watch.overview();
  return [tunnels[0]!.state, tunnels[0]!.reason];
}

describe("state", () => {
  test("IPS-21: down without an SA, up with one whose monitor is answered", async () => {
    await one.pass(1000);
    expect(await state()).toEqual(["down", "no SA"]);
    comeUp(one);
    await one.pass(1000);
    expect(await state()).toEqual(["up", "SA up, and the monitor is answered"]);
    expect((await one.watch.saList(false)).rows.map(({ state: word }) => word)).toEqual([
      "A/U",
      "A/U",
    ]);
  });

  test("IPS-96: the SA is up and nothing passes: unverified, named, and over when it passes again", async () => {
    comeUp(one);
    await one.pass(1000);
    one.answers = false;
    await one.pass(25_000);
    const [word, reason] = await state();
    expect(word).toBe("unverified");
    expect(reason).toContain("up but passes nothing");
    expect((await one.watch.diagnoses("t")).map(({ code }) => code)).toEqual(["passes-nothing"]);
    expect((await one.watch.saList(false)).rows[0]?.state).toBe("A/D");
    one.answers = true;
    await one.pass(15_000);
    expect((await state())[0]).toBe("up");
    expect(await one.watch.diagnoses("t")).toEqual([]);
    expect(await one.watch.diagnoses("t", true)).toHaveLength(1);
  });

  test("IPS-84: networks that were not negotiated make it unverified", async () => {
    comeUp(one);
    one.driver.uncovered = [{ local: "10.1.1.0/24", remote: "10.2.0.0/24", protocol: 0 }];
    await one.pass(1000);
    const [word, reason] = await state();
    expect(word).toBe("unverified");
    expect(reason).toContain("10.1.1.0/24 to 10.2.0.0/24");
  });

  test("without the daemon everything is down, with what to do", async () => {
    comeUp(one);
    await one.pass(1000);
    one.driver.connected = false;
    one.driver.emit({ kind: "daemon-down", problem: "no IKE daemon" });
    await one.pass(1000);
    expect((await state())[1]).toContain("start strongSwan");
  });

  test("a fault that was diagnosed is the reason", async () => {
    for (const text of ["sending retransmit 2 of request message ID 0, seq 1"])
      one.driver.emit(logLine(text));
    await one.pass(1000);
    expect(await state()).toEqual(["down", "the peer does not answer at all"]);
    const [row] = await one.watch.status();
    expect(row).toMatchObject({ works: "no", from: "t-east", to: "t-west" });
    expect(row?.advice).toContain("UDP 500");
  });
});

test("the stream has a snapshot, then each change of state once", async () => {
  comeUp(one);
  await one.pass(1000);
  one.driver.list = [];
  one.driver.emit({ kind: "tunnel-down", tunnel: "t" });
  await one.pass(3000);
  const kinds = one.changes.map((change) =>
    change.kind === "item" ? change.item.state : change.kind,
  );
  expect(kinds[0]).toBe("reset");
  expect(kinds.filter((kind) => kind === "sync")).toHaveLength(1);
  expect(kinds.slice(-2)).toEqual(["up", "down"]);
  const items = one.changes.flatMap((change) => (change.kind === "item" ? [change.item] : []));
  expect(items.at(-1)).toMatchObject({ key: "t", vteps: ["10.99.2.0/24"] });
  const revisions = items.map(({ revision }) => revision);
  expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
});

test("IPS-63: events tell of keys, of the first packet, and alerts of going down", async () => {
  comeUp(one);
  await one.pass(12_000);
  one.driver.list = [];
  await one.pass(2000);
  const events = await one.watch.events({ tunnel: "t" });
  const told = events.map(
    ({ type, action, info }) => `${type} ${action}: ${info.split(/[;,]/)[0]!}`,
  );
  expect(told).toContain("log key install: main mode completion");
  expect(told).toContain("log decrypt: first packets of the peer decrypted");
  expect(told.some((text) => text.startsWith("alert state: down"))).toBe(true);
});

test("IPS-33: a trace has messages and completions, with lifetimes and SPIs", async () => {
  await one.watch.startTrace("t", 60);
  one.driver.emit(logLine("generating ID_PROT request 0 [ SA V ]"));
  comeUp(one);
  const { on, steps } = await one.watch.trace("t");
  expect(on).toBe(true);
  expect(steps.map(({ text }) => text)).toEqual([
    "generating ID_PROT request 0 [ SA V ]",
    "Phase 1: completed Main mode negotiation with a 14400-second lifetime",
    "Phase 2: completed Quick mode negotiation with SPI in ced238c7, out 6b15a355, tunnel id 1, and lifetime 3600 seconds/67108864 kB",
  ]);
  expect((await one.watch.clearTrace("t")).steps).toEqual([]);
  expect((await one.watch.stopTrace("t")).on).toBe(false);
});

describe("by hand", () => {
  test("IPS-30: a ping through the tunnel tells the answers", async () => {
    comeUp(one);
    const result = await one.watch.ping({ tunnel: "t", count: 19 });
    expect(result).toMatchObject({
      destination: "10.2.0.1",
      sent: 19,
      received: 19,
      text: "all answered, through the tunnel",
    });
  });

  test("IPS-58: and what the tunnel took and gave: 19 and 19", async () => {
    comeUp(one);
    expect((await one.watch.ping({ tunnel: "t", count: 19 })).counters).toEqual({
      encaps: 19,
      decaps: 19,
    });
    one.answers = false;
    const lost = await one.watch.ping({ tunnel: "t", count: 3 });
    expect(lost.counters).toEqual({ encaps: 3, decaps: 0 });
    expect(lost.text).toContain("none came out");
  });

  test("IPS-34: clear begins both phases anew, and says who asked in the log", async () => {
    await one.watch.clear("t");
    await one.watch.rekey("t", "child");
    await one.watch.initiate("t");
    await one.watch.terminate("t");
    expect(one.driver.orders).toEqual([
      "renegotiate t",
      "rekey t child",
      "initiate t",
      "terminate t",
    ]);
    expect((await one.watch.events({}))[0]?.info).toContain("both phases begin anew");
  });

  test("IPS-41: reachability of both outside addresses is told before there is a tunnel", async () => {
    const rows = await one.watch.reach("t");
    expect(rows.map(({ side, address }) => [side, address])).toEqual([
      ["local", "192.0.2.1"],
      ["remote", "192.0.2.2"],
    ]);
    expect(rows[0]?.text).toContain("does not have the address");
    expect(rows[1]).toMatchObject({ reachable: true });
    one.answers = false;
    expect((await one.watch.reach("t"))[1]?.text).toContain("no answer");
  });

  test("what is not there is refused with a sentence", async () => {
    await expect(one.watch.ping({ tunnel: "u" })).rejects.toMatchObject({ code: "not-found" });
    await expect(one.watch.ping({ tunnel: "t", destination: "-h" })).rejects.toMatchObject({
      code: "invalid",
    });
    await expect(one.watch.decode({ hex: "xyz" })).rejects.toMatchObject({ code: "invalid" });
    await expect(one.watch.decode({ hex: "00".repeat(28) })).rejects.toMatchObject({
      code: "invalid",
    });
    await expect(one.watch.decode({ hex: "0000", first: "XX" })).rejects.toMatchObject({
      code: "invalid",
    });
  });

  test("IPS-60: octets are decoded, whole messages and decrypted payloads", async () => {
    const payload = "0000000c" + "01110 1f4 ac127c9e".replaceAll(" ", "");
    const decoded = await one.watch.decode({ hex: payload, first: "ID" });
    expect(decoded.payloads[0]?.fields).toContainEqual({
      name: "identity",
      value: "172.18.124.158",
    });
  });
});
