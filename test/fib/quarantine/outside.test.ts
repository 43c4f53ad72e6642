/** What leaves the FIB about quarantines: lines of the log, and what is kept over a restart. */
import { describe, expect, it } from "vitest";
import { AlarmLog, QuarantineKeeper } from "../../../src/fib/index.js";
import { KvStore, MemoryKv, StoreError, type Store } from "../../../src/store/index.js";
import type { Log } from "../../../src/util/log.js";
import { silentLog } from "../../../src/util/log.js";
import { MAC, Rig } from "./lib/rig.js";

const DUPLICATES = {
  moves: 5,
  seconds: 180,
  action: "pin" as const,
  releaseSeconds: 60,
  rateSeconds: 10,
  exemptMacs: [],
  exemptOuis: [],
};

interface Line {
  readonly level: string;
  readonly text: string;
  readonly fields: object;
}

function recorder(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const write =
    (level: string) =>
    (fields: object, text: string): void =>
      void lines.push({ level, text, fields });
  const [debug, info, warn, error] = ["debug", "info", "warn", "error"].map(write);
  return { log: { debug: debug!, info: info!, warn: warn!, error: error! }, lines };
}

describe("the log", () => {
  it("has a line for the alarm, with the effect, and for its end", () => {
    const rig = new Rig({ duplicates: DUPLICATES });
    const { log, lines } = recorder();
    const alarms = new AlarmLog(log, rig.speaker.clock);
    rig.fib.duplicates.onChange = (id, output) => alarms.changed(rig.fib.desk, id, output);
    rig.flap(5).pass(62);
    expect(lines).toMatchObject([
      {
        level: "warn",
        text: "duplicate MAC: it moves too often",
        fields: {
          mac: MAC,
          domain: "65000:100",
          moves: 5,
          effect: expect.stringContaining("pinned to 10.0.0.1 until") as string,
        },
      },
      { level: "info", text: "MAC out of quarantine", fields: { mac: MAC } },
    ]);
  });

  it("is not filled by thousands of them", () => {
    const rig = new Rig({ duplicates: { ...DUPLICATES, action: "none" } });
    const { log, lines } = recorder();
    const alarms = new AlarmLog(log, rig.speaker.clock);
    rig.fib.duplicates.onChange = (id, output) => alarms.changed(rig.fib.desk, id, output);
    const mac = (n: number) =>
      `02:00:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`;
    for (let n = 0; n <= 5; n++) {
      for (let one = 0; one < 500; one++) rig.say(1 + (n % 2), { mac: mac(one), sequence: n });
      rig.run();
    }
    expect(rig.fib.duplicates.alarms).toBe(500);
    expect(lines).toHaveLength(100);
    rig.pass(61).flap(5, 0, { mac: mac(900) });
    const last = lines[lines.length - 1];
    expect(lines.some(({ fields }) => "suppressed" in fields)).toBe(true);
    expect(last?.fields).toMatchObject({ mac: mac(900) });
  });
});

describe("over a restart", () => {
  const make = (store: Store) => {
    const rig = new Rig({ duplicates: DUPLICATES });
    const keeper = new QuarantineKeeper(store, rig.speaker.clock, silentLog);
    rig.fib.duplicates.onChange = (id) => keeper.changed(rig.fib.desk, id);
    return { rig, keeper };
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  it("is kept what is in quarantine, and nothing that is over", async () => {
    const first = new Rig();
    const store = new KvStore(new MemoryKv(), first.speaker.clock);
    const { rig, keeper } = make(store);
    rig.flap(5).flap(5, 0, { mac: "02:00:00:00:00:02" }).pass(2);
    await keeper.close();
    expect((await keeper.load()).map(({ mac, pe }) => `${mac} ${pe}`)).toEqual([
      `${MAC} 10.0.0.1`,
      "02:00:00:00:00:02 10.0.0.1",
    ]);
    const [record] = rig.fib.desk.recordsOf(0x0200, 1, undefined);
    rig.fib.change(() => rig.fib.duplicates.release(record!));
    await keeper.close();
    const saved = await keeper.load();
    expect(saved.map(({ mac }) => mac)).toEqual(["02:00:00:00:00:02"]);

    const after = make(store).rig;
    expect(after.fib.change(() => after.fib.desk.adopt(saved, true))).toEqual([]);
    const receiver = after.receiver();
    after.say(2, { mac: "02:00:00:00:00:02", sequence: 9 }).run();
    expect(receiver.hops).toEqual([]);
    expect(after.fib.desk.page(0, 100, 100).rows).toMatchObject([
      { mac: "02:00:00:00:00:02", quarantine: { state: "pin", pe: "10.0.0.1" }, held: 1 },
    ]);
  });

  it("is what was begun by hand, without a time", async () => {
    const store = new KvStore(new MemoryKv(), new Rig().speaker.clock);
    const { rig, keeper } = make(store);
    rig.say(1).say(2, { sequence: 1 }).run();
    rig.fib.change(() => rig.fib.desk.begin(1, "hold", 0, undefined));
    await keeper.close();
    const saved = await keeper.load();
    expect(saved).toMatchObject([{ action: "hold", pe: "10.0.0.2", byHand: 0, alarmed: false }]);
    const after = make(store).rig;
    after.pass(3000);
    expect(after.fib.change(() => after.fib.desk.adopt(saved, true))).toEqual([]);
    expect(after.fib.duplicates.duplicates).toBe(0);
  });

  it("nothing is lost but the kept, when the store is not there or has nonsense", async () => {
    const { log, lines } = recorder();
    const clock = new Rig().speaker.clock;
    const store = new KvStore(new MemoryKv(), clock);
    await store.write([
      { kind: "put", key: "quarantine/a/b", value: new TextEncoder().encode("{") },
      { kind: "put", key: "quarantine/a/c", value: new TextEncoder().encode('{"mac": 7}') },
    ]);
    const keeper = new QuarantineKeeper(store, clock, log);
    expect(await keeper.load()).toEqual([]);
    await store.close();
    expect(await keeper.load()).toEqual([]);
    const rig = new Rig({ duplicates: DUPLICATES });
    rig.fib.duplicates.onChange = (id) => keeper.changed(rig.fib.desk, id);
    rig.flap(5);
    clock.advance(2000);
    await settle();
    await keeper.close();
    expect(rig.fib.quarantines.count).toBe(1);
    expect(lines.map(({ text }) => text)).toContain("quarantines are not kept over a restart");
  });

  it("what the store refuses is written when it takes it again", async () => {
    const clock = new Rig().speaker.clock;
    const store = new KvStore(new MemoryKv(), clock);
    const write = store.write.bind(store);
    const { rig, keeper } = make(store);
    rig.flap(5);
    rig.pass(2);
    await settle();
    expect(await keeper.load()).toHaveLength(1);
    store.write = () => Promise.reject(new StoreError("full", "no room; make some"));
    const [record] = rig.fib.desk.recordsOf(0x0200, 1, undefined);
    rig.fib.change(() => rig.fib.duplicates.release(record!));
    rig.pass(2);
    await settle();
    expect(await keeper.load()).toHaveLength(1);
    store.write = write;
    rig.pass(31);
    await settle();
    expect(await keeper.load()).toEqual([]);
  });
});
