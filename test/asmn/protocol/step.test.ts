/** A step between agent and Sec-EM: what passes, what each refusal says, what is stored when. */
import { describe, expect, test } from "vitest";
import { agree, makeEphemeral, sha256 } from "../../../src/asmn/crypto/index.js";
import { encodeChain, KeyRing, nextState, releaseChain } from "../../../src/asmn/protocol/index.js";
import type { AgentMessage } from "../../../src/asmn/protocol/index.js";
import { certify, ROOT, START, testKey } from "./lib/keys.js";
import { seededRandom } from "./lib/random.js";
import { Connection, enrolled, NAMES, Vnf, World } from "./lib/world.js";
import type { Side } from "./lib/world.js";

const kinds = (connection: Connection) =>
  connection.seen.map(({ from, message }) => `${from === "agent" ? ">" : "<"} ${message.kind}`);

function lastRefusal(connection: Connection): string {
  const { message } = connection.seen.findLast((one) => one.message.kind === "refused") ?? {};
  return message?.kind === "refused" ? `${message.reason}: ${message.sentence}` : "none";
}

test("ASM-74, ASM-05: an agent with a token enrols by itself, and is trusted after it has confirmed", async () => {
  const { world, vnf, entry, connection } = await enrolled();
  expect(kinds(connection)).toEqual([
    "< hello",
    "> begin",
    "< catalog",
    "< challenge",
    "> evidence",
    "< result",
    "> confirm",
    "< done",
  ]);
  expect(world.told(entry)).toEqual(["trusted"]);
  expect(vnf.events.map(({ kind }) => kind)).toEqual(["result", "done"]);
  expect(vnf.md5Key).toEqual(world.md5Key);
  const chain = world.chain(entry);
  expect(chain.confirmed?.state).toEqual(vnf.state.chain?.state);
  expect(chain.pending).toBeUndefined();
  expect(chain.instanceKey).toEqual(vnf.key.publicKey);
});

test("ASM-61: each step mixes a fresh secret into the state: its public inputs do not give the next", async () => {
  const { world, vnf, entry, connection } = await enrolled();
  const states = [vnf.state.chain?.state];
  for (let step = 0; step < 3; step++) {
    await connection.renew();
    states.push(vnf.state.chain?.state);
    expect(world.chain(entry).confirmed?.state).toEqual(vnf.state.chain?.state);
  }
  expect(new Set(states.map((state) => Buffer.from(state ?? []).toString("hex"))).size).toBe(4);
  // Whoever has a state and all that went over the wire, but neither ephemeral half, has not the next.
  const former = states[0] ?? new Uint8Array(32);
  const facts = { purpose: "renew", former, counter: 2 } as const;
  const image = sha256(Buffer.from("image 1"));
  const open = { ...facts, image, manifest: image, transcript: image };
  const mine = agree(makeEphemeral(seededRandom("a")), makeEphemeral(seededRandom("b")).publicKey);
  const other = agree(makeEphemeral(seededRandom("a")), makeEphemeral(seededRandom("c")).publicKey);
  expect(nextState({ ...open, secret: mine ?? former })).not.toEqual(
    nextState({ ...open, secret: other ?? former }),
  );
});

test("ASM-61: a Result that is lost locks nobody out: former and current state count until one is confirmed", async () => {
  const { world, vnf, entry, connection } = await enrolled();
  const before = vnf.state.chain?.counter;
  connection.meddle = (_from, message) => (message.kind === "result" ? [] : [message]);
  await connection.renew();
  expect(vnf.state.chain?.counter).toBe(before);
  expect(world.chain(entry).pending?.counter).toBe(2);
  await new Connection(world, vnf).run();
  expect(world.chain(entry).confirmed?.counter).toBe(3);
  expect(vnf.state.chain?.counter).toBe(3);
  expect(world.chain(entry).stopped).toBeUndefined();
});

test("ASM-61: a Confirm that is lost is made good by the next proof under the new state", async () => {
  const { world, vnf, entry, connection } = await enrolled();
  connection.meddle = (_from, message) => (message.kind === "confirm" ? [] : [message]);
  await connection.renew();
  expect(world.told(entry)).toEqual(["trusted"]);
  expect(world.chain(entry).confirmed?.counter).toBe(1);
  await new Connection(world, vnf).run();
  expect(world.told(entry)).toEqual(["trusted", "trusted"]);
  expect(world.chain(entry)).toMatchObject({ highest: 3, pending: undefined });
});

test("ASM-62: the counter is stored before evidence leaves, and never goes back", async () => {
  const { vnf, connection } = await enrolled();
  const sent: number[] = [];
  connection.meddle = (_from, message) => {
    if (message.kind === "evidence") {
      sent.push(message.counter);
      expect(vnf.state.attempt).toBe(message.counter);
      return [];
    }
    return [message];
  };
  await connection.renew();
  expect(sent).toEqual([2]);
});

test("ASM-62: a challenge is answered once, and in time", async () => {
  const { world, vnf, entry, connection } = await enrolled();
  connection.meddle = (_from, message) => {
    if (message.kind === "evidence") world.now += 61_000;
    return [message];
  };
  await connection.renew();
  expect(lastRefusal(connection)).toMatch(/^expired: .*too late/);
  const again = await new Connection(world, vnf).run();
  again.meddle = (_from, message) => (message.kind === "evidence" ? [message, message] : [message]);
  await again.renew();
  expect(world.events.at(-1)).toMatchObject({ kind: "refused", fault: { reason: "expired" } });
  expect(world.chain(entry).stopped).toBeUndefined();
});

describe("what is refused, and why", () => {
  test("ASM-74: a token is bound to instance and key, and serves once", async () => {
    const world = new World();
    const { token } = world.issue(NAMES, testKey("edge-1").publicKey);
    const thief = new Vnf(NAMES, token, testKey("thief"));
    expect(lastRefusal(await new Connection(world, thief).run())).toMatch(/^wrong-key/);
    const other = new Vnf({ ...NAMES, instance: "edge-2" }, token, testKey("edge-1"));
    expect(lastRefusal(await new Connection(world, other).run())).toMatch(/^unknown/);
    const right = new Vnf(NAMES, token);
    const connection = await new Connection(world, right).run();
    expect(right.events.map(({ kind }) => kind)).toEqual(["result", "done"]);
    expect(connection.closed).toBe(false);
    // The right key with all of its state lost: the token does not serve again.
    const again = await new Connection(world, new Vnf(NAMES, token)).run();
    expect(lastRefusal(again)).toMatch(/^token-used/);
  });

  test("ASM-74: a token for one image does not enrol another, and is not spent by it", async () => {
    const world = new World();
    const { token, entry } = world.issue(NAMES);
    const vnf = new Vnf(NAMES, token);
    vnf.image = sha256(Buffer.from("another image"));
    expect(lastRefusal(await new Connection(world, vnf).run())).toMatch(/^image/);
    expect(world.chain(entry).highest).toBe(0);
    await new Connection(world, new Vnf(NAMES, token)).run();
    expect(world.told(entry)).toEqual(["refused: image", "trusted"]);
  });

  test("ASM-74, ASM-80: a token in two hands stops the instance; an old one that leaks is an alarm only", async () => {
    const { world, vnf, entry } = await enrolled();
    const second = new Vnf(NAMES, vnf.token, testKey("second"));
    world.now += 3_600_001;
    const late = await new Connection(world, second).run();
    expect(lastRefusal(late)).toMatch(/^two-keys/);
    expect(world.events.at(-1)).toMatchObject({ kind: "refused", alarm: true });
    expect(world.chain(entry).stopped).toBeUndefined();
    world.now -= 3_600_001;
    await new Connection(world, second).run();
    expect(world.chain(entry).stopped).toBe("two-keys");
    expect(lastRefusal(await new Connection(world, vnf).run())).toMatch(/^stopped/);
  });

  test("ASM-74: a token's time ends", async () => {
    const world = new World();
    const { token } = world.issue(NAMES);
    world.now += 3_600_001;
    const connection = await new Connection(world, new Vnf(NAMES, token)).run();
    expect(lastRefusal(connection)).toMatch(/^token-expired/);
  });

  test("ASM-15: a state of the chain that is not known is reported and not healed", async () => {
    const { world, vnf, entry, connection } = await enrolled();
    const old = vnf.snapshot();
    await connection.renew();
    await connection.renew();
    const chain = world.chain(entry);
    // Only the state is old; counters are as they should be.
    const { attempt } = vnf.state;
    const forged = new Vnf(NAMES, undefined, vnf.key);
    forged.disk = old.disk;
    for (let n = old.state.attempt; n < attempt; n++) forged.disk = bump(forged);
    const late = await new Connection(world, forged).run();
    expect(lastRefusal(late)).toMatch(/^out-of-sync: .*registered anew/);
    expect(world.chain(entry)).toEqual({ ...chain, stopped: "out-of-sync" });
    expect(lastRefusal(await new Connection(world, forged).run())).toMatch(/^stopped/);
  });

  test("ASM-71: a revoked instance is refused whatever it proves, and returns only by a new step", async () => {
    const { world, vnf, entry } = await enrolled();
    entry.revoked = true;
    expect(lastRefusal(await new Connection(world, vnf).run())).toMatch(/^revoked/);
    entry.revoked = false;
    await new Connection(world, vnf).run();
    expect(world.told(entry)).toEqual(["trusted", "refused: revoked", "trusted"]);
  });

  test("ASM-71: revoked between Result and Confirm is not trusted", async () => {
    const { world, entry, connection } = await enrolled();
    connection.meddle = (_from, message) => {
      if (message.kind === "confirm") entry.revoked = true;
      return [message];
    };
    await connection.renew();
    expect(world.told(entry)).toEqual(["trusted", "refused: revoked"]);
  });

  test("ASM-17, ASM-66: the wrong image is untrusted at once, with the reason, and the chain goes on", async () => {
    const { world, vnf, entry, connection } = await enrolled();
    vnf.image = sha256(Buffer.from("another image"));
    await connection.renew();
    expect(world.told(entry)).toEqual(["trusted", "untrusted: image"]);
    expect(vnf.events.at(-1)).toMatchObject({ kind: "done", result: { reason: "image" } });
    vnf.image = sha256(Buffer.from("image 1"));
    await connection.renew();
    expect(world.told(entry)).toEqual(["trusted", "untrusted: image", "trusted"]);
  });

  test("ASM-78: two images are valid side by side", async () => {
    const { world, vnf, entry, connection } = await enrolled();
    const next = sha256(Buffer.from("image 2"));
    world.images.push(next);
    await connection.renew();
    vnf.image = next;
    await connection.renew();
    expect(world.told(entry)).toEqual(["trusted", "trusted", "trusted"]);
  });

  test("ASM-02: nobody asks for others before its own step is confirmed", async () => {
    const { world, vnf } = await enrolled();
    const ask = {
      kind: "ask",
      request: 1,
      vnf: "edge",
      instance: "edge-2",
      id: undefined,
      maxAgeSeconds: 0,
    } as const;
    const early = new Connection(world, vnf);
    early.meddle = (from, message) =>
      from === "agent" && message.kind === "begin" ? [ask] : [message];
    await early.run();
    expect(lastRefusal(early)).toMatch(/^order/);
    const late = await new Connection(world, vnf).run();
    late.put("agent", [ask]);
    await late.run();
    expect(late.seen.at(-1)?.message.kind).toBe("answer");
    // An untrusted step takes that right away again.
    vnf.image = sha256(Buffer.from("another image"));
    await late.renew();
    late.put("agent", [ask]);
    await late.run();
    expect(lastRefusal(late)).toMatch(/^order/);
  });

  test("ASM-67: an agent refuses a Sec-EM whose epoch is behind, and a Challenge alone raises nothing", async () => {
    const { world, vnf, entry, connection } = await enrolled();
    entry.epoch = 7;
    connection.meddle = (_from, message) => (message.kind === "result" ? [] : [message]);
    await connection.renew();
    expect(vnf.state.epoch).toBe(1);
    await new Connection(world, vnf).run();
    expect(vnf.state.epoch).toBe(7);
    entry.epoch = 6;
    expect(lastRefusal(await new Connection(world, vnf).run())).toMatch(/^epoch: .*replaced/);
  });

  test("ASM-67: an agent speaks only to a Sec-EM that a pinned root certified", async () => {
    const { world, vnf } = await enrolled();
    const exporter = world.random(32);
    const agent = vnf.link(exporter, () => 0, testKey("impostor").publicKey);
    const hello = world.link(exporter, vnf.key.publicKey).hello();
    const output = await agent.receive(hello);
    expect(output).toMatchObject({ close: true, events: [{ fault: { reason: "key-expired" } }] });
    const sentence = output.send[0]?.kind === "refused" ? output.send[0].sentence : "";
    expect(sentence).toMatch(/1970-01-01.*Sec-EM's clock says 2026-01-01/);
    const right = vnf.link(exporter, () => hello.time, testKey("impostor").publicKey);
    expect(await right.receive(hello)).toMatchObject({
      close: true,
      events: [{ fault: { reason: "issuer" } }],
    });
  });
});

test("ASM-37, ASM-13: a catalog that changes in the middle of a step costs no trust: another step follows", async () => {
  const { world, vnf, entry, connection } = await enrolled();
  let changed = false;
  connection.meddle = (_from, message) => {
    if (message.kind !== "evidence" || changed) return [message];
    changed = true;
    world.catalog = { version: 2, octets: new Uint8Array(Buffer.from("the next catalog")) };
    connection.put("sec-em", [{ kind: "prompt", sentence: "the catalog has changed" }]);
    return [message];
  };
  await connection.renew();
  expect(world.told(entry)).toEqual(["trusted", "trusted", "trusted"]);
  expect(vnf.catalog).toEqual({ version: 2, digest: sha256(world.catalog.octets) });
  expect(vnf.events.slice(-4).map(({ kind }) => kind)).toEqual([
    "result",
    "done",
    "result",
    "done",
  ]);
});

test("ASM-79: new keys of the Sec-EM are told on connections that stand, and others change nothing", async () => {
  const { vnf, connection } = await enrolled();
  const next = testKey("verdict 2");
  const ring = new KeyRing([ROOT.publicKey], () => START);
  const agent = vnf.link(connection.exporter, () => START, undefined, ring);
  await agent.receive(connection.secEm.hello());
  const mine = certify("verdict", next, { serial: 2 });
  const stranger = certify("verdict", testKey("x"), { serial: 3 }, testKey("other root"));
  const output = await agent.receive({ kind: "keys", certificates: [stranger, mine] });
  expect(output).toEqual({ send: [], events: [], close: false });
  expect(ring.find("verdict", "em1", next.publicKey).ok).toBe(true);
  expect(ring.find("verdict", "em1", testKey("x").publicKey).ok).toBe(false);
});

describe("storing", () => {
  const full = {
    before: () => {
      throw new Error("ENOSPC: no space left on device");
    },
    after: () => undefined,
  };

  test("ASM-62: a full disk at the Sec-EM changes nothing, and the next step works", async () => {
    const { world, vnf, entry, connection } = await enrolled();
    const before = world.chain(entry);
    world.hooks = full;
    await connection.renew();
    expect(lastRefusal(connection)).toMatch(/^storage/);
    expect(world.chain(entry)).toEqual(before);
    world.hooks = { before: () => undefined, after: () => undefined };
    await new Connection(world, vnf).run();
    expect(world.told(entry)).toEqual(["trusted", "refused: storage", "trusted"]);
  });

  test("ASM-62: a full disk at the agent: no evidence without its counter on the disk", async () => {
    const { vnf, connection } = await enrolled();
    vnf.hooks = full;
    await connection.renew();
    expect(kinds(connection).slice(-2)).toEqual(["< challenge", "> refused"]);
  });

  test("ASM-80: a stop that cannot be stored is in force all the same, and says so", async () => {
    const { world, vnf, connection } = await enrolled();
    const clone = vnf.snapshot();
    await connection.renew();
    world.hooks = full;
    await new Connection(world, clone).run();
    expect(world.events.at(-1)).toMatchObject({ kind: "stopped", stop: "clone", stored: false });
  });

  test("ASM-80: after a stop was taken back, whoever has the last state goes on", async () => {
    const { world, vnf, entry, connection } = await enrolled();
    const clone = vnf.snapshot();
    await connection.renew();
    await new Connection(world, clone).run();
    expect(world.chain(entry).stopped).toBe("clone");
    entry.chain = encodeChain(releaseChain(world.chain(entry)));
    await new Connection(world, vnf).run();
    expect(world.told(entry).slice(-1)).toEqual(["trusted"]);
    await new Connection(world, clone).run();
    expect(world.chain(entry).stopped).toBeDefined();
  });
});

describe("order of messages", () => {
  test.each<[Side, AgentMessage]>([
    ["agent", { kind: "confirm", counter: 1, confirmation: new Uint8Array(32) }],
    ["agent", { kind: "done", counter: 1 }],
    ["sec-em", { kind: "done", counter: 1 }],
    ["sec-em", { kind: "confirm", counter: 1, confirmation: new Uint8Array(32) }],
  ])("from %s, out of place: %j", async (from, message) => {
    const { world, entry, connection } = await enrolled();
    const before = world.chain(entry);
    connection.put(from, [message]);
    await connection.run();
    expect(connection.closed).toBe(true);
    expect(world.chain(entry)).toEqual(before);
  });
});

/** The agent's disk with its counter one higher. */
function bump(vnf: Vnf): Uint8Array {
  const copy = vnf.snapshot();
  const { attempt } = copy.state;
  const disk = Uint8Array.from(copy.disk);
  new DataView(disk.buffer).setBigUint64(3, BigInt(attempt + 1));
  return disk;
}
