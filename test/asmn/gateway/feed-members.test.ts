import { expect, test } from "vitest";
import type { GateEntry, GateEvent } from "../../../src/asmn/gate/entry.js";
import { FeedMembers } from "../../../src/asmn/gateway/feed-members.js";

const TIMES = { staleSeconds: 15, graceSeconds: 120 };

function entry(id: string, change: Partial<GateEntry> = {}): GateEntry {
  return {
    ...{ id, tenant: "acme", vnf: "pe1", instance: id, instanceKey: "", reason: "proven" },
    ...{ sentence: "", addresses: ["10.0.0.1"], as: undefined, routerId: undefined },
    ...{ binding: "address", md5Key: undefined, epoch: 1, serial: 1, remainingMs: 300_000 },
    ...{ limits: { sessions: 0, updatesPerSecond: 0, prefixes: 0 }, root: "none", revocation: 0 },
    ...{ state: "trusted", ...change },
  };
}

const entries = (...all: GateEntry[]): GateEvent => ({
  kind: "entries",
  source: "em",
  entries: all,
});
const alive: GateEvent = { kind: "alive", source: "em", lagMs: 0 };

test("ASM-71: a verdict becomes a member, of this tenant only, and a revocation is confirmed", () => {
  const feed = new FeedMembers("acme", ["em"], TIMES, 0);
  const revoked = entry("bb", { state: "untrusted", sentence: "stolen", revocation: 7 });
  const news = feed.take([alive, entries(entry("aa"), revoked, entry("cc", { tenant: "x" }))], 5);
  expect(news.changes).toMatchObject([
    { kind: "item", item: { id: "aa", state: "trusted", leftMs: 300_000 } },
    { kind: "item", item: { id: "bb", state: "untrusted", reason: "stolen", leftMs: undefined } },
  ]);
  expect(news.revocations).toEqual([{ source: "em", revocation: 7 }]);
});

test("ASM-77: a silent Sec-EM keeps its members for staleness and grace, and no longer", () => {
  const feed = new FeedMembers("acme", ["em"], TIMES, 0);
  feed.take([alive, entries(entry("aa"))], 1000);
  expect(feed.tick(135_000)).toEqual([]);
  expect(feed.tick(136_000)).toMatchObject([
    { item: { id: "aa", state: "stale", reason: "its Sec-EM cannot be reached" } },
  ]);
  expect(feed.tick(137_000)).toEqual([]);
  // New ones are not let in meanwhile; with the next heartbeat all are back, for what is left to them.
  expect(feed.take([entries(entry("dd"))], 140_000).changes).toEqual([]);
  expect(feed.take([alive], 141_000).changes).toMatchObject([
    { item: { id: "aa", state: "trusted", leftMs: 160_000 } },
    { item: { id: "dd", state: "trusted", leftMs: 299_000 } },
  ]);
});

test("ASM-71: one that is untrusted stays so while its Sec-EM is silent", () => {
  const feed = new FeedMembers("acme", ["em"], TIMES, 0);
  feed.take([alive, entries(entry("aa", { state: "untrusted" }))], 0);
  expect(feed.tick(200_000)).toEqual([]);
  const revoked = feed.take([entries(entry("bb", { state: "untrusted" }))], 200_001);
  expect(revoked.changes).toHaveLength(1);
});

test("ASM-71: a Sec-EM that keeps a revocation from us lets nobody in", () => {
  const feed = new FeedMembers("acme", ["em"], TIMES, 0);
  feed.take([alive, entries(entry("aa"))], 0);
  const { changes } = feed.take([{ kind: "suspect", source: "em", why: "one is missing" }], 1);
  expect(changes).toMatchObject([{ item: { state: "stale", reason: "one is missing" } }]);
});

test("ASM-67, ASM-71: no heartbeat makes up for a revocation that was kept from us, a whole snapshot does", () => {
  const feed = new FeedMembers("acme", ["em"], TIMES, 0);
  const suspect: GateEvent = { kind: "suspect", source: "em", why: "one is missing" };
  const begin: GateEvent = { kind: "begin", source: "em" };
  const sync: GateEvent = { kind: "sync", source: "em" };
  feed.take([alive, entries(entry("aa"), entry("bb"), entry("cc"))], 0);
  expect(feed.take([suspect], 1).changes).toHaveLength(3);
  expect(feed.take([begin, alive, entries(entry("aa"))], 2).changes).toEqual([]);
  const revoked = entry("bb", { state: "untrusted", revocation: 1 });
  expect(feed.take([entries(revoked)], 3).changes).toMatchObject([
    { item: { id: "bb", state: "untrusted" } },
  ]);
  expect(feed.take([alive, sync], 4).changes).toMatchObject([
    { kind: "gone", id: "cc" },
    { kind: "only", ids: ["aa", "bb"] },
    { kind: "item", item: { id: "aa", state: "trusted" } },
  ]);
  // Also where it had been silent before, and where it has fallen silent since.
  feed.tick(200_000);
  expect(feed.take([suspect, alive], 200_001).changes).toEqual([]);
  feed.take([begin, entries(entry("aa"))], 200_002);
  expect(feed.take([sync], 500_000).changes).toMatchObject([{ kind: "gone", id: "bb" }]);
  expect(feed.take([alive], 500_001).changes).toMatchObject([{ item: { id: "aa" } }]);
});

test("ASM-67, ASM-71: of several Sec-EMs the highest epoch counts, and only its own word ends it", () => {
  const feed = new FeedMembers("acme", ["em", "other"], TIMES, 0);
  const from = (source: string, ...all: GateEntry[]): GateEvent => ({
    ...{ kind: "entries", source, entries: all },
  });
  feed.take([from("em", entry("aa", { epoch: 2 }))], 0);
  const revoked = entry("aa", { epoch: 2, state: "untrusted", revocation: 3 });
  expect(feed.take([from("em", revoked)], 1).changes).toHaveLength(1);
  // A renewal of one that was taken over from opens nothing, and its end removes nothing.
  for (const epoch of [1, 2]) {
    expect(feed.take([from("other", entry("aa", { epoch }))], 2).changes).toEqual([]);
  }
  const theirs: GateEvent[] = [
    { kind: "gone", source: "other", id: "aa" },
    { kind: "begin", source: "other" },
    { kind: "sync", source: "other" },
    { kind: "suspect", source: "other", why: "one is missing" },
  ];
  expect(feed.take(theirs, 3).changes).toEqual([]);
  // Who is not believed now lets nobody in by a higher epoch either.
  feed.take([from("em", entry("aa", { epoch: 2 }))], 4);
  expect(feed.take([from("other", entry("aa", { epoch: 3 }))], 5).changes).toMatchObject([
    { item: { id: "aa", state: "stale" } },
  ]);
  expect(feed.take([{ kind: "gone", source: "em", id: "aa" }], 6).changes).toEqual([]);
  expect(feed.take([{ kind: "gone", source: "other", id: "aa" }], 7).changes).toEqual([
    { kind: "gone", id: "aa" },
  ]);
});

test("whom a new snapshot does not name is gone; those of a life before when all have told", () => {
  const feed = new FeedMembers("acme", ["em", "other"], TIMES, 0);
  const begin: GateEvent = { kind: "begin", source: "em" };
  const sync: GateEvent = { kind: "sync", source: "em" };
  expect(feed.take([begin, entries(entry("aa"), entry("bb")), sync], 0).changes).toHaveLength(2);
  const other: GateEvent[] = [
    { kind: "begin", source: "other" },
    { kind: "sync", source: "other" },
  ];
  expect(feed.take(other, 0).changes).toEqual([{ kind: "only", ids: ["aa", "bb"] }]);
  const again = feed.take([begin, entries(entry("aa")), sync], 1).changes;
  expect(again.at(-1)).toEqual({ kind: "gone", id: "bb" });
  expect(feed.take([{ kind: "gone", source: "em", id: "aa" }], 2).changes).toEqual([
    { kind: "gone", id: "aa" },
  ]);
});
