/** The relay's sessions as the contract's stream: snapshot, marker, changes, and a relay that starts anew. */
import { expect, test } from "vitest";
import type { SubscriberChange } from "../../src/contract.js";
import { SubscriberFeed } from "../../src/reload/subscriber-feed.js";
import { silentLog } from "../../src/util/log.js";
import { FakeRadius, radiusSession } from "../lib/fake-radius.js";

function rig() {
  const changes: SubscriberChange[] = [];
  const feed = new SubscriberFeed((some) => changes.push(...some), silentLog);
  const words = () =>
    changes.splice(0).map((change) => {
      if (change.kind !== "item") return change.kind;
      const { item } = change;
      return `${item.key} ${item.state}${item.reason === "" ? "" : ` ${item.reason}`}`;
    });
  return { feed, changes, words };
}

test("a snapshot of all pages, then the marker", async () => {
  const { feed, words } = rig();
  const radius = new FakeRadius();
  radius.sessionList = Array.from({ length: 1500 }, (_, n) =>
    radiusSession({ id: n + 1, mac: `02:00:00:00:${Math.floor(n / 100)}0:${n % 100}` }),
  );
  await feed.begin(radius);
  const told = words();
  expect(told).toHaveLength(1502);
  expect([told[0], told.at(-1)]).toEqual(["reset", "sync"]);
});

test("RAD-15: changes with their states, and how a session ended", () => {
  const { feed, changes, words } = rig();
  const session = radiusSession({ confirmed: false });
  feed.take({ kind: "begun", session });
  feed.take({ kind: "changed", session: { ...session, confirmed: true } });
  feed.take({ kind: "ended", session, reason: "idle" });
  const revisions = changes.map((change) => (change.kind === "item" ? change.item.revision : 0));
  expect(revisions).toEqual([1, 2, 3]);
  expect(words()).toEqual([
    "default 02:aa:bb:cc:dd:01 begun",
    "default 02:aa:bb:cc:dd:01 confirmed",
    "default 02:aa:bb:cc:dd:01 ended idle",
  ]);
});

test("RAD-66: without an end of the snapshot nothing is known; one of a relay that is gone ends nothing", async () => {
  const { feed, words } = rig();
  const dead = () => Promise.reject(new Error("its thread ended"));
  await feed.begin({ sessions: dead, silentEnds: dead });
  expect(words()).toEqual(["reset"]);
  const radius = new FakeRadius();
  const late = feed.begin(radius);
  feed.end();
  await late;
  expect(words()).toEqual(["reset", "reset"]);
});

test("RAD-14, RAD-66: those whose session ended for silence are told of again, behind the sessions", async () => {
  const { feed, words } = rig();
  const radius = new FakeRadius();
  radius.silentEnds = (after) =>
    Promise.resolve(
      after === undefined
        ? { rows: [{ tenant: "default", mac: "02:aa:bb:cc:dd:07", endedAt: 5 }], next: "0.1" }
        : { rows: [{ tenant: "other", mac: "02:aa:bb:cc:dd:08", endedAt: 6 }], next: undefined },
    );
  await feed.begin(radius);
  expect(words()).toEqual([
    "reset",
    "default 02:aa:bb:cc:dd:01 confirmed",
    "default 02:aa:bb:cc:dd:07 ended idle",
    "other 02:aa:bb:cc:dd:08 ended idle",
    "sync",
  ]);
});

test("RAD-72: two sessions of one MAC are two items", () => {
  const { feed, words } = rig();
  const session = radiusSession();
  feed.take({ kind: "changed", session: { ...session, beside: true } });
  feed.take({ kind: "begun", session: { ...session, userName: "eve", confirmed: false } });
  expect(words()).toEqual([
    `default ${session.mac} ${session.accessPoint} ${session.client} confirmed`,
    `default ${session.mac} begun`,
  ]);
});
