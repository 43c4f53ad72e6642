/** Owners and their routes: announced, renewed, withdrawn, run out, kept over a restart; and what is refused. */
import { describe, expect, it } from "vitest";
import { MOST_ROUTES } from "../../src/inject/index.js";
import { MOST_OWNERS } from "../../src/inject/owners.js";
import { KvStore, MemoryKv, StoreError, type Store } from "../../src/store/index.js";
import { queryRoutes } from "../../src/bgp/route-query.js";
import { InjectionSwitch } from "../../src/reload/injection-switch.js";
import { Speaker } from "../bgp/lib/speaker.js";
import { settingsOf } from "../config/lib/check.js";
import { MAC, mac, start } from "./lib.js";

const KEY = "2:10.0.0.1:100::0::52:54:00:00:00:01";

describe("injection", () => {
  it("announces, says what became of it, and withdraws", async () => {
    const { speaker, injection, lines } = start();
    const client = speaker.up();
    const [row] = await injection.announce({ owner: "ops", routes: [MAC], by: "anna" });
    expect(row).toMatchObject({ owner: "ops", route: KEY, best: true, reason: "only path" });
    expect(row?.spec).toMatchObject({ rd: "10.0.0.1:100", routeTargets: ["65000:100"] });
    speaker.run();
    expect(client.takeKeys()).toHaveLength(1);
    const { routes } = queryRoutes(speaker.reflector, { table: "best" }, undefined, () => 0);
    expect(routes[0]?.peer).toBe("local, owner ops");
    expect(lines[0]).toMatchObject({ fields: { owner: "ops", by: "anna", count: 1 } });
    expect(await injection.withdraw({ owner: "ops", routes: [KEY], by: "anna" })).toBe(1);
    speaker.run();
    expect(client.takeKeys()).toHaveLength(1);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("changes nothing when the same is said twice, and replaces under the same key", async () => {
    const { speaker, injection } = start();
    const client = speaker.up();
    const order = { owner: "ops", routes: [MAC] };
    const [first] = await injection.announce(order);
    speaker.run();
    client.take();
    speaker.clock.advance(5000);
    const [again] = await injection.announce(order);
    speaker.run();
    expect(client.take()).toEqual([]);
    expect(again).toEqual(first);
    const rows = await injection.announce({ owner: "ops", routes: [{ ...MAC, sequence: 4 }] });
    speaker.run();
    expect(rows[0]?.route).toBe(KEY);
    expect(client.takeKeys()).toHaveLength(1);
    expect((await injection.stats())["injected_routes"]).toBe(1);
  });

  it("takes all of an order or nothing, and says which route is wrong", async () => {
    const { injection } = start();
    const routes = [MAC, { ...MAC, mac: "nonsense" }];
    await expect(injection.announce({ owner: "ops", routes })).rejects.toThrow(/^route 2: mac/);
    expect((await injection.list({})).rows).toEqual([]);
    const none = { owner: "ops", routes: [] };
    await expect(injection.announce(none)).rejects.toThrow(/at least one/);
    const many = Array.from({ length: MOST_ROUTES + 1 }, () => MAC);
    await expect(injection.announce({ owner: "ops", routes: many })).rejects.toThrow(/at most 200/);
    await expect(injection.announce({ owner: "../x", routes: [MAC] })).rejects.toThrow(/no name/);
    const late = { owner: "ops", routes: [MAC], ttlSeconds: 0 };
    await expect(injection.announce(late)).rejects.toThrow(/ttlSeconds 0 is out of range/);
  });

  it("lets go of all of an owner's routes in slices, and of nobody else's", async () => {
    const { speaker, injection, settle } = start({ maxRoutes: 5000, maxRoutesPerOwner: 5000 });
    for (let from = 0; from < 1400; from += MOST_ROUTES) {
      const routes = Array.from({ length: MOST_ROUTES }, (_, i) => ({
        ...MAC,
        mac: mac(2 * (from + i) + 2),
      }));
      await injection.announce({ owner: "many", routes });
    }
    await injection.announce({ owner: "ops", routes: [MAC] });
    let gone: number | undefined;
    void injection.withdraw({ owner: "many" }).then((count) => (gone = count));
    await settle();
    expect(gone).toBe(1400);
    expect((await injection.list({})).rows.map(({ owner }) => owner)).toEqual(["ops"]);
    expect(await injection.withdraw({ owner: "many" })).toBe(0);
    const nothing = { owner: "ops", routes: ["2:none"] };
    await expect(injection.withdraw(nothing)).rejects.toMatchObject({ code: "not-found" });
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("keeps routes of two owners apart, the first one's counting", async () => {
    const { speaker, injection } = start();
    await injection.announce({ owner: "one", routes: [{ ...MAC, vni: 200, rd: "10.0.0.1:100" }] });
    const [second] = await injection.announce({ owner: "two", routes: [MAC] });
    expect(second).toMatchObject({ best: false, reason: "the best has: lower path id" });
    await injection.withdraw({ owner: "one" });
    expect((await injection.list({})).rows).toMatchObject([{ owner: "two", best: true }]);
    // Who comes later does not take the place of an owner who left.
    const [third] = await injection.announce({ owner: "three", routes: [MAC] });
    expect(third?.best).toBe(false);
    expect((await injection.list({ owner: "two" })).rows[0]?.best).toBe(true);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("lets routes run out, and renews them", async () => {
    const { speaker, injection, settle } = start();
    await injection.announce({ owner: "ops", routes: [MAC], ttlSeconds: 30 });
    await injection.announce({ owner: "ops", routes: [{ ...MAC, mac: mac(2) }] });
    speaker.clock.advance(20_000);
    await injection.announce({ owner: "ops", routes: [MAC], ttlSeconds: 30 });
    speaker.clock.advance(20_000);
    await settle();
    expect((await injection.list({})).rows).toHaveLength(2);
    speaker.clock.advance(11_000);
    await settle();
    expect((await injection.list({})).rows).toMatchObject([{ expires: undefined }]);
    expect(await injection.stats()).toMatchObject({ injected_expired_total: 1 });
  });

  it("is bounded: by owner, in total, in owners", async () => {
    const { injection } = start({ maxRoutes: 3, maxRoutesPerOwner: 2 });
    const routes = [1, 2].map((n) => ({ ...MAC, mac: mac(2 * n) }));
    await injection.announce({ owner: "a", routes });
    const more = { owner: "a", routes: [{ ...MAC, mac: mac(6) }] };
    await expect(injection.announce(more)).rejects.toThrow(/more than 2; withdraw some/);
    await injection.announce({ owner: "a", routes });
    await expect(injection.announce({ owner: "b", routes })).rejects.toThrow(/max-routes/);
    const off = start({ maxRoutes: 0 }).injection;
    await expect(off.announce({ owner: "a", routes })).rejects.toThrow(/injection is off/);
    const many = start().injection;
    for (let n = 0; n < MOST_OWNERS; n++) await many.announce({ owner: `o${n}`, routes: [MAC] });
    const last = { owner: "last", routes: [MAC] };
    await expect(many.announce(last)).rejects.toMatchObject({ code: "busy" });
    await many.withdraw({ owner: "o7" });
    await many.announce(last);
  });

  it("keeps what there is when a reload lowers the limits, and refuses what is new", async () => {
    const { injection, speaker } = start();
    const settings = (text: string) =>
      settingsOf(`as: 65000\nrouter-id: 10.0.0.254\npeers: [{address: 10.0.0.1}]\n${text}`);
    const routes = [1, 2].map((n) => ({ ...MAC, mac: mac(2 * n) }));
    await injection.announce({ owner: "ops", routes });
    const change = new InjectionSwitch(injection);
    const less = settings("injection: {max-routes: 1, max-routes-per-owner: 1}");
    expect(change.apply(settings(""), settings(""))).toEqual([]);
    expect(change.apply(settings(""), less)).toEqual([
      "injection: at most 1 routes, 1 of an owner",
    ]);
    expect((await injection.list({})).rows).toHaveLength(2);
    // Renewing is nothing new.
    await injection.announce({ owner: "ops", routes, ttlSeconds: 60 });
    const more = { owner: "ops", routes: [{ ...MAC, mac: mac(6) }] };
    await expect(injection.announce(more)).rejects.toThrow(/more than 1/);
    change.apply(less, settings(""));
    await injection.announce(more);
    expect(speaker.reflector.localRoutes.count).toBe(3);
  });

  it("lists in pages that stay consistent while routes come and go", async () => {
    const { injection } = start();
    const routes = [1, 2, 3, 4, 5].map((n) => ({ ...MAC, mac: mac(2 * n) }));
    const rows = await injection.announce({ owner: "ops", routes });
    const first = await injection.list({ limit: 2 });
    await injection.withdraw({ owner: "ops", routes: [rows[1]!.route, rows[2]!.route] });
    await injection.announce({ owner: "ops", routes: [{ ...MAC, mac: mac(20) }] });
    const rest = await injection.list({ cursor: first.next, limit: 10 });
    expect(rest.rows.map(({ spec }) => spec.mac)).toEqual([mac(8), mac(10), mac(20)]);
    expect(rest.next).toBeUndefined();
    expect((await injection.list({ type: "es" })).rows).toEqual([]);
    await expect(injection.list({ cursor: "x" })).rejects.toThrow(/cursor/);
    expect(structuredClone(rest)).toEqual(rest);
  });
});

describe("kept over a restart", () => {
  function life(store: Store) {
    const speaker = new Speaker();
    const started = start({}, store, speaker);
    return { ...started, kept: () => started.injection.list({}) };
  }

  it("are routes that asked for it, until they are withdrawn or run out", async () => {
    const kv = new MemoryKv();
    const first = life(new KvStore(kv, new Speaker().clock));
    const [MAC2, MAC3, MAC4] = [2, 3, 4].map((n) => ({ ...MAC, mac: mac(2 * n) }));
    await first.injection.announce({ owner: "ops", routes: [MAC, MAC2!], persist: true });
    await first.injection.announce({ owner: "ops", routes: [MAC3!] });
    const brief = { owner: "ops", routes: [MAC4!], persist: true, ttlSeconds: 60 };
    await first.injection.announce(brief);
    const rows = (await first.kept()).rows;
    await first.injection.withdraw({ owner: "ops", routes: [rows[1]!.route] });
    first.injection.close();

    const second = life(new KvStore(kv, new Speaker().clock));
    const restored = second.injection.restore();
    await second.settle();
    await restored;
    const back = (await second.kept()).rows;
    expect(back.map(({ route }) => route).sort()).toEqual([rows[0]!.route, rows[3]!.route].sort());
    const kept = back.find(({ route }) => route === rows[0]!.route);
    expect(kept).toMatchObject({ persist: true, since: rows[0]!.since, owner: "ops" });
    // Said again without the wish, it is kept no more.
    await second.injection.announce({ owner: "ops", routes: [MAC] });
    second.speaker.clock.advance(61_000);
    await second.settle();
    second.injection.close();

    const third = life(new KvStore(kv, new Speaker().clock));
    void third.injection.restore();
    await third.settle();
    expect((await third.kept()).rows).toEqual([]);
  });

  it("are those of an order that says one twice: the last counts", async () => {
    const { injection, kept } = life(new KvStore(new MemoryKv(), new Speaker().clock));
    const order = { owner: "ops", routes: [MAC, { ...MAC, sequence: 3 }] };
    for (const persist of [true, false]) {
      const rows = await injection.announce({ ...order, persist });
      expect(rows).toMatchObject([{ route: KEY, persist, spec: { sequence: 3 } }]);
    }
    expect((await kept()).rows).toHaveLength(1);
  });

  it("are of the owner who was first, as before", async () => {
    const kv = new MemoryKv();
    const first = life(new KvStore(kv, new Speaker().clock));
    await first.injection.announce({ owner: "zebra", routes: [MAC], persist: true });
    await first.injection.announce({ owner: "ape", routes: [MAC], persist: true });
    first.injection.close();
    const second = life(new KvStore(kv, new Speaker().clock));
    void second.injection.restore();
    await second.settle();
    const { rows } = await second.kept();
    expect(rows.map(({ owner, best }) => [owner, best]).sort()).toEqual([
      ["ape", false],
      ["zebra", true],
    ]);
  });

  it("are none without a place for them, and nothing is announced when the store refuses", async () => {
    const { injection } = start();
    const order = { owner: "ops", routes: [MAC], persist: true };
    await expect(injection.announce(order)).rejects.toMatchObject({ code: "unsupported" });
    const broken = new KvStore(new MemoryKv(), new Speaker().clock);
    broken.write = () => Promise.reject(new StoreError("full", "no room; make some"));
    const other = start({}, broken).injection;
    await expect(other.announce(order)).rejects.toThrow(/nothing was changed: no room/);
    expect((await other.list({})).rows).toEqual([]);
  });

  it("run out in time, whether or not the store takes it", async () => {
    const store = new KvStore(new MemoryKv(), new Speaker().clock);
    const { injection, speaker, settle, kept } = life(store);
    const brief = { owner: "ops", routes: [MAC], persist: true, ttlSeconds: 5 };
    await injection.announce(brief);
    const other = { owner: "zebra", routes: [{ ...MAC, mac: mac(9) }], ttlSeconds: 5 };
    await injection.announce(other);
    store.write = () => Promise.reject(new StoreError("full", "no room; make some"));
    speaker.clock.advance(7000);
    await settle();
    expect((await kept()).rows).toEqual([]);
  });

  it("do not hold up a start when the store is away, and come when it is back", async () => {
    const kv = new MemoryKv();
    const before = life(new KvStore(kv, new Speaker().clock));
    await before.injection.announce({ owner: "ops", routes: [MAC], persist: true });
    const store = new KvStore(kv, new Speaker().clock);
    let open: () => void = () => {};
    const watch = store.watch.bind(store);
    store.watch = (prefix, sink) => {
      open = () => void watch(prefix, sink);
      return () => {};
    };
    const after = life(store);
    let started = false;
    void after.injection.restore().then(() => (started = true));
    await after.settle();
    expect(started).toBe(false);
    after.speaker.clock.advance(3000);
    await after.settle();
    expect(started).toBe(true);
    open();
    await after.settle();
    expect((await after.kept()).rows).toHaveLength(1);
  });

  it("are left out, and told, when they mean nothing any more", async () => {
    const kv = new MemoryKv();
    const store = new KvStore(kv, new Speaker().clock);
    const put = (key: string, value: string) =>
      store.write([{ kind: "put", key, value: Buffer.from(value) }]);
    await put("inject/ops/a", "{");
    await put("inject/ops/b", JSON.stringify({ spec: { type: "mac" }, since: 1 }));
    const { injection, lines, settle } = life(store);
    void injection.restore();
    await settle();
    expect(lines.map(({ text }) => text)).toEqual([
      "a kept injected route cannot be read: left out",
      "a kept route is not announced",
    ]);
  });
});
