/** Watches: snapshot, marker, changes, filters, lag, resume, and what a watcher may cost. */
import { describe, expect, it } from "vitest";
import { FibQueryError, type PeerState, WatchHub, type WatchItem } from "../../../src/fib/index.js";
import { HandClock } from "../lib/fabric.js";
import { ethernetAd, MAX_ET } from "../lib/route.js";
import { LOOK_MS, Watched } from "./lib/watched.js";

const [A, B, C] = ["02:00:00:00:00:0a", "02:00:00:00:00:0b", "06:00:00:00:00:0c"] as const;
const ESI = "00112233445566778899";
const ESI_TEXT = "00:11:22:33:44:55:66:77:88:99";

function brief(items: readonly WatchItem[]): string[] {
  return items.map(({ type, key, state, change }) =>
    [type, key.replace("65000:100 ", ""), state, change?.kind].filter(Boolean).join(" "),
  );
}

describe("a watch of MACs", () => {
  it("is a snapshot, a marker, then changes with the state", async () => {
    const on = new Watched().at(1, A, { ip: "10.1.0.1" }).at(2, B).look();
    const watcher = await on.watch();
    expect(brief(await watcher.drain())).toEqual([
      "begin",
      `mac ${A} present`,
      `mac ${B} present`,
      "sync",
    ]);
    on.at(2, A, { sequence: 1 }).look();
    const [moved] = await watcher.drain();
    expect(moved).toMatchObject({
      key: `65000:100 ${A}`,
      state: "present",
      mac: { pe: "10.0.0.2", sequence: 1, moves: 1 },
      change: { kind: "move", from: "10.0.0.1", to: "10.0.0.2", events: 1 },
    });
    on.not(2, B).look();
    expect(brief(await watcher.drain())).toEqual([`mac ${B} gone withdraw`]);
    expect(await watcher.drain()).toEqual([]);
  });

  it("tells a slow watcher the last state, once", async () => {
    const on = new Watched();
    const watcher = await on.watch();
    await watcher.drain();
    for (let n = 0; n < 50; n++) on.at(1 + (n % 2), A, { sequence: n }).look();
    const items = await watcher.drain();
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      mac: { sequence: 49 },
      change: { kind: "duplicate", from: "" },
    });
    expect(items[0]!.change!.events).toBeGreaterThanOrEqual(50);
  });

  it("tells of changes that are no moves: label, flags, next hops, addresses", async () => {
    const on = new Watched().at(1, A).look();
    const watcher = await on.watch();
    await watcher.drain();
    on.at(1, A, { sequence: 3 }).look();
    expect((await watcher.drain())[0]).toMatchObject({
      mac: { sequence: 3 },
      change: { kind: "update" },
    });
    on.at(1, A, { ip: "10.1.0.1", sequence: 3 }).look();
    expect((await watcher.drain())[0]).toMatchObject({ change: { kind: "ip-learn" } });
    on.at(1, A, { ip: "10.1.0.1", sequence: 3, gateway: true }).look();
    expect((await watcher.drain())[0]).toMatchObject({ mac: { defaultGateway: true } });
  });

  it.each([
    [{ mac: "02:00:00" }, [A, B]],
    [{ mac: "02:00:00:00:00:00/24" }, [A, B]],
    [{ mac: "00:00:00:00:00:0c/00:00:00:00:00:0f" }, [C]],
    [{ ip: "10.1.0.1" }, [A]],
    [{ pe: "10.0.0.2" }, [B]],
    [{ vni: 100 }, [A, B, C]],
    [{ vni: 7 }, []],
    [{ domain: "65000:100" }, [A, B, C]],
    [{ esi: ESI_TEXT }, []],
  ])("has a filter: %j", async (query, wanted) => {
    const on = new Watched().at(1, A, { ip: "10.1.0.1" }).at(2, B).at(3, C).look();
    const watcher = await on.watch(query);
    await watcher.drain();
    expect([...watcher.held.values()].map(({ mac }) => mac.mac).sort()).toEqual(wanted);
  });

  it("tells who leaves the filter as gone, to whoever was told of it, and to nobody else", async () => {
    const on = new Watched().at(1, A).at(1, B).look();
    const [one, three] = [await on.watch({ pe: "10.0.0.1" }), await on.watch({ pe: "10.0.0.3" })];
    await one.drain();
    await three.drain();
    on.at(2, A, { sequence: 1 }).look();
    expect(brief(await one.drain())).toEqual([`mac ${A} gone move`]);
    expect(await three.drain()).toEqual([]);
  });

  it("with kinds is told of those only", async () => {
    const on = new Watched().at(1, A).look();
    const watcher = await on.watch({ kinds: "move", snapshot: false });
    expect(brief(await watcher.drain())).toEqual(["sync"]);
    on.at(1, A, { sequence: 1 }).at(1, B).look();
    expect(await watcher.drain()).toEqual([]);
    on.at(2, A, { sequence: 2 }).look();
    expect(brief(await watcher.drain())).toEqual([`mac ${A} present move`]);
  });

  it("gives pages of a large snapshot, with what changes in between", async () => {
    const on = new Watched();
    const mac = (n: number): string =>
      `02:00:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`;
    for (let n = 0; n < 700; n++) on.at(1, mac(n));
    on.look();
    const watcher = await on.watch();
    let pulls = 0;
    for (let items = await watcher.pull(100); items.length > 0; items = await watcher.pull(100)) {
      expect(items.length).toBeLessThan(110);
      on.at(2, mac(699 - pulls), { sequence: 1 }).look();
      pulls++;
      if (pulls > 15) break;
    }
    await watcher.drain();
    expect(watcher.held.size).toBe(700);
    expect([...watcher.held.values()].filter((one) => one.mac.pe === "10.0.0.2")).toHaveLength(
      pulls,
    );
  });
});

describe("a segment event", () => {
  function segment(on: Watched, pe: number): Watched {
    on.fabric.announce(pe - 1, ethernetAd(`10.0.0.${pe}:9`, ESI, MAX_ET, 0), {
      nextHop: `10.0.0.${pe}`,
      targets: ["65000:100"],
      esiLabel: { singleActive: false, label: 0 },
    });
    return on;
  }
  const gone = (on: Watched, pe: number): Watched => {
    on.fabric.withdraw(pe - 1, ethernetAd(`10.0.0.${pe}:9`, ESI, MAX_ET, 0));
    return on;
  };
  function macs(on: Watched, pe: number, count: number): Watched {
    for (let n = 0; n < count; n++) {
      const mac = `02:00:00:00:01:${n.toString(16).padStart(2, "0")}`;
      on.fabric.announce(
        pe - 1,
        `02210001${"0a00000".padEnd(7, "0")}${pe}0001${ESI}0000000030${mac.replaceAll(":", "")}00000064`,
        { nextHop: `10.0.0.${pe}`, targets: ["65000:100"] },
      );
    }
    return on;
  }

  it("is one item, however many MACs there are", async () => {
    const on = macs(segment(new Watched(), 1), 1, 200).look();
    const watcher = await on.watch();
    await watcher.drain();
    expect(watcher.held.size).toBe(200);
    gone(on, 1).look();
    const items = await watcher.drain();
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      type: "segment",
      esi: ESI_TEXT,
      state: "down",
      change: { kind: "segment-down", from: "10.0.0.1", count: 200 },
    });
  });

  it("is told MAC by MAC when that is asked for, those too that go without a word", async () => {
    const on = macs(segment(new Watched(), 1), 1, 200).at(1, A).look();
    const watcher = await on.watch({ expand: true });
    await watcher.drain();
    gone(on, 1).look();
    const items = await watcher.drain();
    expect(items.filter(({ type }) => type === "mac")).toHaveLength(200);
    expect([...watcher.held.values()].filter(({ mac }) => mac.nextHops.length === 0)).toHaveLength(
      200,
    );
    on.fabric.lose(0);
    on.look();
    await watcher.drain();
    expect([...watcher.held.keys()]).toEqual([]);
  });
});

describe("a watch that goes on", () => {
  it("behind its cursor, without a gap and without a snapshot", async () => {
    const on = new Watched().at(1, A).look();
    const watcher = await on.watch();
    await watcher.drain();
    await on.hub.close(watcher.id);
    on.at(2, A, { sequence: 1 }).at(1, B).look();
    await watcher.open();
    expect(brief(await watcher.drain())).toEqual([
      `mac ${A} present move`,
      `mac ${B} present learn`,
      "sync",
    ]);
    expect(watcher.lags).toBe(0);
  });

  it("has lagged when the ring has moved on, and is told everything anew", async () => {
    const on = new Watched({ eventRing: 16 }).at(1, A).at(1, B).look();
    const watcher = await on.watch();
    await watcher.drain();
    await on.hub.close(watcher.id);
    on.not(1, B).look();
    for (let n = 0; n < 40; n++) on.at(1 + (n % 2), A, { sequence: n }).look();
    await watcher.open();
    const items = await watcher.drain();
    expect(items[0]).toMatchObject({ type: "lagged" });
    expect(items[0]!.lost).toBeGreaterThan(0);
    expect([...watcher.held.keys()]).toEqual([`65000:100 ${A}`]);
    expect(watcher.held.get(`65000:100 ${A}`)?.mac.sequence).toBe(39);
  });

  it("has lagged when the FIB is made anew under its snapshot", async () => {
    const on = new Watched();
    for (let n = 0; n < 40; n++) on.at(1, `02:00:00:00:01:${(16 + n).toString(16)}`);
    on.look();
    const other = new Watched().at(1, A).look();
    const source = on.source!;
    // The thread that is asked has another FIB already.
    on.source = {
      ...source,
      macs: (query) => (query.cursor === undefined ? source : other.source!).macs(query),
    };
    const watcher = await on.watch();
    for (let n = 0; n < 3; n++) await watcher.pull(10);
    expect(watcher.items.map(({ type }) => type)).not.toContain("sync");
    on.source = source;
    on.fabric.clock.pass(60_000);
    const [lagged] = await watcher.drain();
    expect(lagged).toMatchObject({ type: "lagged" });
    expect(lagged?.message).toContain("the FIB was made anew");
    expect(watcher.held.size).toBe(40);
  });

  it("has lagged when the cursor is another FIB's, or another filter's", async () => {
    const [one, two] = [new Watched().at(1, A).look(), new Watched().at(1, A).look()];
    const watcher = await one.watch();
    await watcher.drain();
    for (const [on, query] of [
      [two, {}],
      [one, { pe: "10.0.0.1" }],
    ] as const) {
      const other = await on.watch({ ...query, cursor: watcher.cursor });
      expect((await other.drain())[0]).toMatchObject({ type: "lagged" });
      expect(other.held.size).toBe(1);
    }
    await expect(one.watch({ cursor: "x" })).rejects.toThrow(/leave it out/);
  });

  it("has lagged when more changed than is kept for it, and says how much", async () => {
    const on = new Watched({}, { changes: 10 }).at(1, A).look();
    const watcher = await on.watch();
    await watcher.drain();
    for (let n = 0; n < 12; n++) on.at(1, `02:00:00:00:02:0${n.toString(16)}`);
    on.not(1, A).look();
    expect((await on.hub.stats()).pending).toBeLessThanOrEqual(10);
    on.fabric.clock.pass(2000);
    const items = await watcher.drain();
    expect(brief(items).slice(0, 2)).toEqual(["lagged", "begin"]);
    expect(watcher.held.size).toBe(12);
    expect((await on.hub.stats()).lagged).toBe(1);
  });

  it("lags when the FIB is made anew, and ends when it is turned off", async () => {
    const [on, other] = [new Watched().at(1, A).look(), new Watched().at(1, B).look()];
    const watcher = await on.watch();
    await watcher.drain();
    on.source = other.source;
    on.fabric.clock.pass(2000);
    expect(brief(await watcher.drain())[0]).toBe("lagged");
    expect([...watcher.held.keys()]).toEqual([`65000:100 ${B}`]);
    on.source = undefined;
    on.fabric.clock.pass(LOOK_MS);
    const last = (await on.hub.next(watcher.id, 10, 0)).items.at(-1);
    expect(last).toMatchObject({ type: "end" });
    await expect(on.watch()).rejects.toThrow(/the MAC FIB is off/);
  });
});

describe("the hub", () => {
  it("asks the FIB through the door that is there now", async () => {
    const on = new Watched().at(1, A).look();
    const watcher = await on.watch();
    await watcher.drain();
    let asked = 0;
    const { source } = on;
    on.source = {
      ...source!,
      macs: (query) => {
        asked++;
        return source!.macs(query);
      },
    };
    on.at(2, A, { sequence: 1 }).look();
    expect(brief(await watcher.drain())).toEqual([`mac ${A} present move`]);
    expect(asked).toBe(1);
  });

  it("does nothing while nobody watches, and frees everything with the last watcher", async () => {
    const on = new Watched().at(1, A).look();
    expect(on.fabric.clock.pending).toBe(0);
    const watchers = [await on.watch(), await on.watch({ topic: "events" })];
    expect(on.fabric.clock.pending).toBeGreaterThan(0);
    for (const { id } of watchers) await on.hub.close(id);
    expect(on.fabric.clock.pending).toBe(0);
    expect(await on.hub.stats()).toMatchObject({ watchers: 0, pending: 0 });
    await expect(watchers[0]!.pull()).rejects.toThrow(/no such watcher/);
  });

  it("closes a watcher that nobody pulls", async () => {
    const on = new Watched({}, { idleMs: 60_000 });
    const [idle, busy] = [await on.watch(), await on.watch()];
    for (let n = 0; n < 9; n++) {
      on.fabric.clock.pass(10_000);
      await busy.pull();
    }
    expect((await on.hub.stats()).watchers).toBe(1);
    await expect(idle.pull()).rejects.toMatchObject({ code: "not-found" });
  });

  it("takes so many watchers and no more", async () => {
    const on = new Watched({}, { watchers: 3 });
    for (let n = 0; n < 3; n++) await on.watch();
    const refused = on.watch();
    await expect(refused).rejects.toBeInstanceOf(FibQueryError);
    await expect(refused).rejects.toMatchObject({ code: "busy" });
  });

  it("waits for news, and no longer than asked", async () => {
    const on = new Watched();
    const watcher = await on.watch();
    await watcher.drain();
    const waiting = on.hub.next(watcher.id, 10, 5000);
    on.at(1, A).look();
    expect(brief((await waiting).items)).toEqual([`mac ${A} present learn`]);
    const idle = on.hub.next(watcher.id, 10, 5000);
    on.fabric.clock.pass(5000);
    expect((await idle).items).toEqual([]);
    const closing = on.hub.next(watcher.id, 10, 5000);
    await on.hub.close(watcher.id);
    expect(await closing).toMatchObject({ ended: true, items: [{ type: "end" }] });
  });
});

describe("other topics", () => {
  it("events come one by one, with filters, and with what is lost", async () => {
    const on = new Watched({ eventRing: 16 });
    const all = await on.watch({ topic: "events" });
    const moves = await on.watch({ topic: "events", kinds: "move,withdraw", pe: "10.0.0.2" });
    on.at(1, A, { ip: "10.1.0.1" }).at(2, A, { sequence: 1 }).look();
    const kinds = (items: readonly WatchItem[]): (string | undefined)[] =>
      items.filter(({ type }) => type === "event").map(({ event }) => event?.kind);
    expect(kinds(await all.drain())).toEqual(["learn", "ip-learn", "move"]);
    const [, move] = await moves.drain();
    expect(move).toMatchObject({
      key: "2",
      event: { kind: "move", domain: "65000:100", mac: A, from: "10.0.0.1", peer: "10.9.0.2" },
    });
    for (let n = 2; n < 30; n++) on.at(1 + (n % 2), A, { sequence: n }).look();
    const late = await all.drain();
    expect(late[0]).toMatchObject({ type: "lagged" });
    expect(late[0]!.lost! + late.length - 1).toBe(late.at(-1)!.revision - 2);
  });

  it("alarms are the MACs that move too often", async () => {
    const on = new Watched().at(1, A).at(1, B).look();
    const watcher = await on.watch({ topic: "alarms" });
    expect(brief(await watcher.drain())).toEqual(["begin", "sync"]);
    for (let n = 1; n < 7; n++) on.at(1 + (n % 2), A, { sequence: n }).look();
    expect(brief(await watcher.drain())).toEqual([`mac ${A} present duplicate`]);
    on.fabric.clock.pass(400_000);
    expect(brief(await watcher.drain())).toEqual([`mac ${A} gone duplicate-cleared`]);
  });

  it("peers are looked at once a second, for all who watch", async () => {
    const clock = new HandClock();
    let peers: PeerState[] = [peer("10.9.0.1", "Active"), peer("10.9.0.2", "Established")];
    let asked = 0;
    const hub = new WatchHub({
      source: () => undefined,
      peers: () => {
        asked++;
        return Promise.resolve(peers);
      },
      clock,
    });
    const id = await hub.open({ topic: "peers" });
    const pull = async () => (await hub.next(id, 100, 0)).items;
    expect(brief(await pull())).toEqual([
      "begin",
      "peer 10.9.0.1 present",
      "peer 10.9.0.2 present",
      "sync",
    ]);
    peers = [peer("10.9.0.1", "Established")];
    clock.pass(1000);
    await Promise.resolve();
    const news = await pull();
    expect(brief(news)).toEqual(["peer 10.9.0.1 present", "peer 10.9.0.2 gone"]);
    const cursor = news.at(-1)!.cursor;
    expect(cursor).toBeDefined();
    const again = await hub.open({ topic: "peers", cursor });
    expect(brief((await hub.next(again, 100, 0)).items)).toEqual(["sync"]);
    await hub.close(id);
    await hub.close(again);
    const before = asked;
    clock.pass(10_000);
    expect(asked).toBe(before);
  });
});

function peer(address: string, state: string): PeerState {
  return { address, group: "", description: "", state, adminDown: false, since: 1, slow: false };
}
