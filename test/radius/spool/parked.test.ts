/** RAD-65: records that a home server never answers, beside others that it does; the test plays the server. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { AcctStatus, Attr } from "../../../src/radius/packet/iana.js";
import { findNumber, findText } from "../../../src/radius/packet/packet.js";
import { Disk } from "../../../src/radius/spool/disk.js";
import { Replay } from "../../../src/radius/spool/replay.js";
import { Spool } from "../../../src/radius/spool/spool.js";
import { countLatency, homeServerCounters } from "../../../src/radius/statistics/counters.js";
import { Pool } from "../../../src/radius/upstream/pool.js";
import type {
  HealthState,
  Upstream,
  UpstreamReply,
} from "../../../src/radius/upstream/upstream.js";
import { silentLog } from "../../../src/util/log.js";
import { TestDisk } from "../lib/engine.js";
import { ManualClock } from "../lib/hand-clock.js";
import { accountingRequest, STATION } from "../lib/packets.js";
import { turn, until } from "../lib/run.js";

/** Answers, a turn later, whatever it is told to. */
class Home implements Upstream {
  readonly name = "home";
  readonly kind = "accounting";
  state: HealthState = "alive";
  pending = 0;
  readonly counters = homeServerCounters();
  /** Acct-Session-Id and Acct-Status-Type, as they came and as they were taken. */
  readonly heard: string[] = [];
  readonly taken: string[] = [];
  takes: (said: string) => boolean = () => true;
  private readonly waiting = new Map<object, { said: string; onReply: () => void }>();

  send({ packet }: { packet: Uint8Array }, onReply: (reply: UpstreamReply) => void) {
    const said = `${findText(packet, Attr.AcctSessionId)} ${findNumber(packet, Attr.AcctStatusType)}`;
    const ticket = { lastSentAt: 0 };
    this.heard.push(said);
    this.pending++;
    const reply = { answer: undefined, said: packet };
    this.waiting.set(ticket, { said, onReply: () => onReply(reply) });
    setImmediate(() => {
      const one = this.waiting.get(ticket);
      if (one === undefined || !this.takes(one.said)) return;
      this.forget(ticket);
      this.taken.push(one.said);
      countLatency(this.counters, 1);
      one.onReply();
    });
    return ticket;
  }
  forget(ticket: object): void {
    if (this.waiting.delete(ticket)) this.pending--;
  }
  resend = () => true;
  configure(): void {}
  tick(): void {}
  close(): void {}
}

let clock: ManualClock;
let store: TestDisk;
let home: Home;
let disk: Disk;
let spool: Spool;
let parked: Spool;
let replay: Replay;
let alarms: string[];

async function start(): Promise<void> {
  disk = await Disk.open({ clock, log: silentLog, directory: "/spool", open: store.open });
  const parts = { disk, tenant: "t", onAlarm: () => {}, onFilled: () => replay.run() };
  spool = new Spool({ ...parts, maxOctets: () => 2 ** 30 });
  parked = new Spool({ ...parts, root: "parked", maxOctets: () => Infinity });
  const log = { ...silentLog, error: (_fields: object, text: string) => void alarms.push(text) };
  const pools = new Map([["main", new Pool("main", [home], false)]]);
  replay = new Replay({ clock, log, spool, parked, pools, random: () => 0.5 });
  await spool.load();
  await parked.load();
}
beforeEach(async () => {
  clock = new ManualClock();
  store = new TestDisk();
  home = new Home();
  alarms = [];
  await start();
});
afterEach(async () => {
  replay.stop();
  await disk.close();
});

const account = (session: string, status: number = AcctStatus.Start) => {
  const pairs = [[Attr.AcctStatusType, status], [Attr.AcctSessionId, session], ...STATION] as const;
  return spool.append("main", accountingRequest(pairs, "a secret of the client"), clock.wall());
};
const pass = async (milliseconds: number) => {
  for (let left = milliseconds; left > 0; left -= 500) {
    clock.pass(500);
    replay.run();
    await turn();
    await turn();
  }
};
const isPoison = (said: string) => said === "bad 1" || said.startsWith("stuck");
const good = (said: string) => !isPoison(said);

test("RAD-65: one that is never answered is parked with an alarm; its session goes on, and it is kept and tried", async () => {
  home.takes = good;
  await account("bad");
  await account("bad", AcctStatus.Stop);
  // Its server answers others all the time.
  for (let n = 0; n < 80; n++) {
    await account(`good ${n}`);
    await pass(1000);
  }
  expect(home.taken).toContain("bad 2");
  expect([spool.size, parked.size]).toEqual([0, 1]);
  expect(alarms).toHaveLength(1);
  expect(alarms[0]).toMatch(/parked, kept and tried/);
  const before = home.heard.length;
  await pass(180_000);
  const tries = home.heard.slice(before).filter((said) => said === "bad 1");
  expect(tries.length).toBeGreaterThanOrEqual(2);
  expect(tries.length).toBeLessThanOrEqual(3);
  // It survives a restart, and goes as soon as it is taken.
  replay.stop();
  await disk.close();
  await start();
  expect([spool.size, parked.size]).toEqual([0, 1]);
  home.takes = () => true;
  await pass(62_000);
  expect(parked.size).toBe(0);
  expect(home.taken.at(-1)).toBe("bad 1");
});

test("RAD-65: a server that answers nobody, however long, is waited for: nothing is parked, and order stays", async () => {
  home.takes = () => false;
  await account("one");
  await account("one", AcctStatus.Stop);
  await account("two");
  await pass(1_800_000);
  expect([spool.size, parked.size]).toEqual([3, 0]);
  home.takes = () => true;
  await pass(40_000);
  expect(home.taken.filter((said) => said.startsWith("one"))).toEqual(["one 1", "one 2"]);
  expect(alarms).toEqual([]);
});

test("RAD-65: thousands that are never answered do not shut in those behind them; none of them is lost", async () => {
  home.takes = good;
  const many = 1600;
  await Promise.all(Array.from({ length: many }, (_, n) => account(`stuck ${n}`)));
  await account("fine");
  await account("fine", AcctStatus.Stop);
  for (let minutes = 0; minutes < 30 && !home.taken.includes("fine 2"); minutes++)
    await pass(60_000);
  expect(home.taken).toEqual(["fine 1", "fine 2"]);
  expect(spool.size + parked.size).toBe(many);
  // When the server takes them after all, they go by themselves.
  home.takes = () => true;
  await until(async () => {
    await pass(20_000);
    return spool.size + parked.size === 0;
  });
  expect(new Set(home.taken).size).toBe(many + 2);
}, 30_000);

test("RAD-65: with a disk that takes nothing a record stays where it is, and is tried on", async () => {
  home.takes = good;
  await account("bad");
  for (let n = 0; n < 20; n++) await account(`good ${n}`);
  store.isFull = true;
  // Answered ones leave the queue in memory alone; something answers whenever "bad" is asked.
  for (let n = 0; n < 120; n++) {
    countLatency(home.counters, 1);
    await pass(1000);
  }
  expect(parked.size).toBe(0);
  store.isFull = false;
  for (let n = 0; n < 40; n++) {
    countLatency(home.counters, 1);
    await pass(1000);
  }
  expect(parked.size).toBe(1);
});
