import { expect, test } from "vitest";
import { generateSigningKey } from "../../../src/asmn/crypto/index.js";
import { feedLink, type FeedMessage } from "../../../src/asmn/protocol/index.js";
import {
  Subscriber,
  type FeedSource,
  type SubscriberFacts,
} from "../../../src/asmn/sec-em/feed/subscriber.js";
import { toHex } from "../../../src/util/bytes.js";
import { gateOverPort, gateOverTls } from "./lib/gate.js";
import { Player, until } from "./lib/player.js";
import { enrolment, OPERATOR, tenant, vnf, VNFM, world } from "./lib/world.js";

function feedsOf(
  key: ReturnType<typeof generateSigningKey>,
  role: "gate" | "gateway" = "gate",
  tenants?: string[],
) {
  return [{ name: "reader", role, publicKey: toHex(key.publicKey), tenants }];
}

test("ASM-67: over TLS and in the process the same: snapshot, marker, deltas, heartbeats, verified offline", async () => {
  const key = generateSigningKey();
  const lab = await world({ feeds: feedsOf(key) });
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const remote = await (await gateOverTls(lab, key)).synced();
  const local = await gateOverPort(lab);
  for (const gate of [remote, local]) {
    await gate.until("1", "trusted none");
    const kinds = gate.messages.map(({ kind }) => kind);
    expect(kinds.slice(0, 2)).toEqual(["hello", "heartbeat"]);
    expect(kinds.at(-1)).toBe("marker");
    expect(gate.messages.at(-1)).toMatchObject({ items: 1, catalogs: 1 });
  }
  for (let i = 0; i < 3; i++) {
    lab.clock.pass(5001);
    await lab.service.tick();
  }
  await lab.service.revoke({ tenant: "red" }, "all of it", OPERATOR);
  for (const gate of [remote, local]) {
    await gate.until("1", "untrusted revoked");
    expect(gate.watch!.isStale(lab.clock.now())).toBe(false);
    expect(gate.refused).toEqual([]);
  }
  expect((await lab.service.status()).feeds.map(({ name }) => name).sort()).toEqual([
    "local",
    "reader",
  ]);
});

test("who is not in the settings, or for another audience, or in another role, is refused with the reason", async () => {
  const key = generateSigningKey();
  const lab = await world({ feeds: feedsOf(key) });
  const refusal = async (
    ...options: Parameters<typeof gateOverTls> extends [unknown, ...infer R] ? R : never
  ) => {
    const gate = await gateOverTls(lab, ...options);
    const found = await until(() => gate.messages.find(({ kind }) => kind === "refused"));
    return found.kind === "refused" ? found.reason : undefined;
  };
  expect(await refusal(generateSigningKey())).toBe("unknown");
  expect(await refusal(key, { reader: "gateway" })).toBe("unknown");
  expect(await refusal(key, { audience: "others" })).toBe("audience");
  expect((await lab.service.audit(0)).some(({ subject }) => subject === "feed")).toBe(true);
});

test("ASM-75: a gateway gets no TCP-MD5 key, and a reader for a tenant nothing of others", async () => {
  const key = generateSigningKey();
  const tenants = [
    tenant({ vnfs: [vnf("pe", { binding: "tcp-md5" }), vnf("rr")] }),
    tenant({ name: "blue", vnfs: [vnf("pe")], catalog: [] }),
  ];
  const lab = await world({ tenants, feeds: feedsOf(key, "gateway", ["red"]) });
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const gateway = await (await gateOverTls(lab, key, { reader: "gateway" })).synced();
  expect(gateway.verdicts.size).toBe(1);
  expect(gateway.md5Keys.size).toBe(0);
  expect([...gateway.catalogs.keys()]).toEqual(["red"]);
  const seen = gateway.messages.length;
  await lab.service.setCatalog("blue", [{ ...tenant().catalog[0]!, from: "pe", to: "pe" }], VNFM);
  await lab.service.setCatalog("red", [{ ...tenant().catalog[0]!, from: "rr", to: "pe" }], VNFM);
  await until(() => gateway.catalogs.get("red")?.version === 2);
  expect(gateway.messages.slice(seen).filter(({ kind }) => kind === "catalog")).toHaveLength(1);
});

test("a reader that subscribes again in its place takes the place of the one before", async () => {
  const key = generateSigningKey();
  const lab = await world({ feeds: feedsOf(key) });
  await (await gateOverTls(lab, key)).synced();
  await (await gateOverTls(lab, key)).synced();
  expect((await lab.service.status()).feeds).toHaveLength(1);
});

const FACTS: SubscriberFacts = {
  ...{ name: "slow", reader: "gate", audience: "evpnd", tenants: undefined, key: undefined },
  ...{ nonce: new Uint8Array(32), address: "192.0.2.1", connectedAt: 0 },
};

/** A pipe that takes so many messages and then is full. */
function slowPipe() {
  const sent: FeedMessage[] = [];
  const pipe = { room: 0, sent, closed: false };
  return Object.assign(pipe, {
    send(octets: Uint8Array): boolean {
      const body = octets.subarray(6);
      const decoded = feedLink.decode({ type: octets[5] ?? 0, body });
      if (decoded.ok) sent.push(decoded.value);
      return --pipe.room > 0;
    },
    close() {
      pipe.closed = true;
    },
  });
}

function source(revision: { value: number }): FeedSource {
  return {
    item: () => ({
      kind: "item",
      verdict: Buffer.from(String(revision.value)),
      md5Key: undefined,
      revocation: revision.value,
    }),
    catalog: (tenant) => [
      {
        ...{ kind: "catalog", tenant, version: revision.value, digest: new Uint8Array(32) },
        ...{ part: 0, parts: 1, octets: new Uint8Array(0) },
      },
    ],
    heartbeat: () => ({ kind: "heartbeat", document: new Uint8Array(0) }),
    keys: () => ({ kind: "keys", certificates: [] }),
  };
}

test("a slow reader costs one entry for each instance, and gets the last state, never an old one", () => {
  const pipe = slowPipe();
  const revision = { value: 0 };
  const reader = new Subscriber(FACTS, pipe, source(revision), 0);
  pipe.room = 2;
  reader.begin(["a", "b"], []);
  for (let i = 1; i <= 100_000; i++) {
    revision.value = i;
    reader.item("a", 0);
    reader.catalog("red");
    reader.beat();
  }
  expect(reader.waiting).toBeLessThanOrEqual(4);
  pipe.room = 100;
  reader.drained();
  const items = pipe.sent.filter((one) => one.kind === "item");
  const last = items.at(-1);
  expect(items.length).toBeLessThanOrEqual(3);
  expect(last?.kind === "item" && Buffer.from(last.verdict).toString()).toBe("100000");
  expect(pipe.sent.at(-1)).toMatchObject({ kind: "marker", items: 2, catalogs: 1 });
});

test("ASM-71: a revocation overtakes all that waits, and no heartbeat tells of one that was not sent", () => {
  const pipe = slowPipe();
  const revision = { value: 1 };
  const reader = new Subscriber(FACTS, pipe, source(revision), 5);
  pipe.room = 1;
  const ids = Array.from({ length: 1000 }, (_, i) => `i${i}`);
  reader.begin(ids, []);
  reader.beat();
  revision.value = 6;
  reader.item("i999", 6);
  pipe.room = 2;
  const before = pipe.sent.length;
  reader.drained();
  expect(pipe.sent.slice(before).map(({ kind }) => kind)).toEqual(["item", "heartbeat"]);
  expect(pipe.sent[before]).toMatchObject({ revocation: 6 });
});
