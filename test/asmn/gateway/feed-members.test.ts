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
