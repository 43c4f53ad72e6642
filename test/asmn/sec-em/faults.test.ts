import { connect } from "node:net";
import { expect, test } from "vitest";
import { generateSigningKey } from "../../../src/asmn/crypto/index.js";
import { openTls, tlsIdentity } from "../../../src/asmn/link/index.js";
import { ALPN } from "../../../src/asmn/protocol/index.js";
import { DoorLimits, FrameRate } from "../../../src/asmn/sec-em/door/limits.js";
import { SecEmService } from "../../../src/asmn/sec-em/index.js";
import { Reserve, type ReserveEntry } from "../../../src/asmn/sec-em/reserve.js";
import { silentLog } from "../../../src/util/log.js";
import { ManualClock } from "../../radius/lib/hand-clock.js";
import { TestReserveDisk } from "./lib/disk.js";
import { gateOverPort } from "./lib/gate.js";
import { knock, madeUpBegin, Player, until } from "./lib/player.js";
import { enrolment, IMAGE, OPERATOR, OTHER_IMAGE, secEmSettings, VIM, world } from "./lib/world.js";

const SCOPE = { tenant: "red", vnf: "pe", instance: "1" };

test("a full disk: nobody is trusted who was not, no counter moves, and the error says what to do", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  const second = new Player(lab, { ...(await enrolment(lab, "2")), instance: "2" });
  await agent.step();
  await gate.until("1", "trusted none");
  lab.disk.full = true;
  expect(await second.step()).toMatchObject({ kind: "refused", reason: "storage" });
  expect(await agent.step()).toMatchObject({ kind: "refused", reason: "storage" });
  const image = { tenant: "red", vnf: "rr", digest: IMAGE, manifest: undefined, version: "1" };
  const unsigned = { signer: undefined, signature: undefined, overlapSeconds: undefined };
  await expect(lab.service.registerImage({ ...image, ...unsigned }, VIM)).rejects.toMatchObject({
    code: "storage",
  });
  await expect(lab.service.rotateKeys(false, OPERATOR)).rejects.toThrow(/free disk space/);
  await expect(lab.service.takeOver(9, OPERATOR)).rejects.toMatchObject({ code: "storage" });
  const { rows } = await lab.service.instances({});
  expect(rows.map(({ state, chain }) => [state, chain])).toEqual([
    ["trusted", 1],
    ["unknown", 0],
  ]);
  const status = await lab.service.status();
  expect(status).toMatchObject({ epoch: 1 });
  expect(status.alarms.join()).toMatch(/audit log cannot be written/);
  lab.disk.full = false;
  second.close();
  agent.close();
  expect(await second.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  expect((await lab.service.verifyAudit()).whole).toBe(true);
});

test("ASM-71: on a full disk a revocation and a stop are in force all the same, and are written later", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  const second = new Player(lab, { ...(await enrolment(lab, "2")), instance: "2" });
  await agent.step();
  await second.step();
  const clone = second.clone();
  await second.step();
  lab.disk.full = true;
  lab.disk.reserve.broken = true;
  expect(await lab.service.revoke(SCOPE, "now", OPERATOR)).toMatchObject({
    changed: 1,
    kept: false,
  });
  await gate.until("1", "untrusted revoked");
  expect(await clone.step()).toMatchObject({ kind: "refused", reason: "clone" });
  await gate.until("2", "untrusted clone");
  expect((await lab.service.status()).alarms.join()).toMatch(
    /2 changes of trust are in force and not on the disk/,
  );
  lab.disk.full = false;
  await lab.service.tick();
  expect((await lab.service.status()).alarms).toEqual([]);
  await lab.restart();
  for (const one of [agent, second]) one.close();
  expect(await agent.step()).toMatchObject({ reason: "revoked" });
  expect(await second.step()).toMatchObject({ reason: "stopped" });
});

test("ASM-71: a revocation, a stop and a removal on a full disk are in the reserve, and outlive the process", async () => {
  const lab = await world();
  const agents = await Promise.all(
    ["1", "2"].map(
      async (instance) => new Player(lab, { ...(await enrolment(lab, instance)), instance }),
    ),
  );
  const [first, second] = agents as [Player, Player];
  for (const one of agents) await one.step();
  const clone = second.clone();
  await second.step();
  expect(lab.disk.reserve.writes).toBe(0);
  lab.disk.full = true;
  const sentence = "ümläuts, to be sure: ".repeat(9);
  expect(await lab.service.revoke(SCOPE, sentence, OPERATOR)).toMatchObject({ kept: true });
  expect(await clone.step()).toMatchObject({ kind: "refused", reason: "clone" });
  expect((await lab.service.status()).alarms.join()).toMatch(
    /2 changes of trust are in force and in the reserve file alone: free disk space/,
  );
  // Killed before there was room; what the reserve has goes to the store, and out of the reserve.
  await lab.restart();
  expect((await lab.service.status()).alarms).toEqual([]);
  expect((await Reserve.open(lab.disk.reserve, silentLog)).found).toEqual([]);
  for (const one of agents) one.close();
  expect(await first.step()).toMatchObject({ reason: "revoked" });
  expect(await second.step()).toMatchObject({ reason: "stopped" });
  const { rows } = await lab.service.instances({});
  expect(rows[0]?.reason).toContain("ümläuts");
  await lab.service.restore(SCOPE, "found", OPERATOR);
  await lab.restart();
  for (const one of agents) one.close();
  expect(await first.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  lab.disk.full = true;
  await lab.service.removeInstance({ ...SCOPE, instance: "2" }, OPERATOR);
  await lab.restart();
  expect((await lab.service.instances({})).rows.map(({ instance }) => instance)).toEqual(["1"]);
});

test("ASM-71: a wrong image is untrusted at once, also when the disk takes no step", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  await gate.until("1", "trusted none");
  lab.disk.full = true;
  agent.options.image = OTHER_IMAGE;
  expect(await agent.step()).toMatchObject({ kind: "refused", reason: "storage" });
  await gate.until("1", "untrusted image");
  await lab.restart();
  expect((await lab.service.instances({})).rows[0]).toMatchObject({ state: "untrusted", chain: 1 });
  agent.options.image = IMAGE;
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
});

test("what is withdrawn on a full disk is withdrawn, said to come back, and can be withdrawn again", async () => {
  const lab = await world();
  await enrolment(lab);
  const [token] = await lab.service.tokens();
  const name = { tenant: "red", vnf: "pe" };
  const withdraw = () => [
    lab.service.withdrawToken(token!.id, VIM),
    lab.service.withdrawImage(name, IMAGE, VIM),
  ];
  const counting = async () => [await lab.service.tokens(), await lab.service.images(name)];
  lab.disk.full = true;
  for (const one of withdraw()) await expect(one).rejects.toThrow(/comes back at a restart/);
  expect(await counting()).toEqual([[], []]);
  lab.disk.full = false;
  await Promise.all(withdraw());
  for (const one of withdraw()) await expect(one).rejects.toMatchObject({ code: "not-found" });
  await lab.restart();
  expect(await counting()).toEqual([[], []]);
});

test("the reserve: the last writing that is whole counts, and one that is too long changes nothing", async () => {
  const disk = new TestReserveDisk();
  const reserve = await Reserve.open(disk, silentLog);
  const gone = (many: number): ReserveEntry[] =>
    Array.from({ length: many }, (_, at) => ({ identity: String(at), gone: true }));
  const found = async (): Promise<number> => (await Reserve.open(disk, silentLog)).found.length;
  expect(await reserve.keep(() => [])).toBe(true);
  expect(disk.writes).toBe(0);
  for (const many of [1, 2, 3]) expect(await reserve.keep(() => gone(many))).toBe(true);
  expect(await found()).toBe(3);
  expect(await reserve.keep(() => gone(20_000))).toBe(false);
  expect(await found()).toBe(3);
  // Cut in the middle of writing: the half before counts.
  const bytes = Uint8Array.from(disk.bytes!);
  await reserve.keep(() => gone(4));
  const at = disk.bytes!.findIndex((octet, where) => octet !== bytes[where]);
  disk.bytes!.fill(0, at + 20, at + 60);
  expect(await found()).toBe(3);
  // Those that come while it writes are served by one more.
  const before = disk.writes;
  let many = 5;
  await Promise.all([5, 6, 7, 8].map(() => reserve.keep(() => gone(many++))));
  expect(disk.writes).toBe(before + 2);
  expect(await found()).toBe(6);
  disk.bytes = undefined;
  disk.broken = true;
  const none = await Reserve.open(disk, silentLog);
  expect(none.problem).toMatch(/no reserve for revocations on a full disk/);
  expect(await none.keep(() => gone(1))).toBe(false);
  disk.broken = false;
  expect(await none.keep(() => gone(1))).toBe(true);
});

test("an hour of clock skew: agents, gates and lives do not notice, in either direction", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  await gate.until("1", "trusted none");
  let skew = 0;
  const { clock } = lab;
  const wall = clock.wall.bind(clock);
  clock.wall = () => wall() + skew;
  for (skew of [3_600_000, -3_600_000]) {
    const serial = [...gate.verdicts.values()][0]!.serial;
    expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
    await until(() => [...gate.verdicts.values()][0]!.serial > serial);
    clock.pass(5001);
    await lab.service.tick();
    expect(gate.refused).toEqual([]);
    expect(gate.watch!.isStale(clock.now())).toBe(false);
  }
  // Over a restart with a clock that is behind: no proof becomes younger than the restart.
  skew = -3_600_000;
  await lab.restart();
  expect((await lab.service.instances({})).rows[0]).toMatchObject({ state: "trusted" });
  clock.pass(91_000);
  expect((await lab.service.instances({})).rows[0]).toMatchObject({ state: "stale" });
  // And with one that is ahead: what was trusted must prove itself first.
  await lab.restart();
  agent.close();
  expect(await agent.step()).toMatchObject({ result: { state: "trusted" } });
  skew = 3_600_000;
  await lab.restart();
  expect((await lab.service.instances({})).rows[0]).toMatchObject({ state: "stale" });
});

test("a clock set back makes nothing last longer: tokens, images, break-glass, also over a restart", async () => {
  const lab = await world();
  const held = await enrolment(lab, "1", { lifetimeSeconds: 60 });
  const image = {
    tenant: "red",
    vnf: "pe",
    digest: OTHER_IMAGE,
    manifest: undefined,
    version: "2",
  };
  const unsigned = { signer: undefined, signature: undefined };
  await lab.service.registerImage({ ...image, ...unsigned, overlapSeconds: 60 }, VIM);
  const scope = { tenant: "red", vnf: undefined, instance: undefined };
  const glass = { scope, address: undefined, name: "bob", reason: "a test", seconds: 60 };
  await lab.service.openBreakGlass(glass, OPERATOR);
  const wall = lab.clock.wall.bind(lab.clock);
  lab.clock.wall = () => wall() - 3_600_000;
  const open = async () => [
    (await lab.service.tokens()).map(({ state }) => state),
    (await lab.service.images(image)).map(({ valid }) => valid),
    (await lab.service.breakGlass()).map(({ state }) => state),
  ];
  await lab.restart();
  expect(await open()).toEqual([["open"], [true, true], ["open"]]);
  lab.clock.pass(61_000);
  expect(await open()).toEqual([["expired"], [false, true], ["expired"]]);
  const agent = new Player(lab, held);
  expect(await agent.step()).toMatchObject({ kind: "refused", reason: "token-expired" });
  lab.clock.wall = wall;
  await lab.restart();
  expect(await open()).toEqual([["expired"], [false, true], ["expired"]]);
});

test("connections, handshakes, frames and failed proofs of an address are limited, and forgotten in time", () => {
  const clock = new ManualClock();
  const limits = {
    connections: 8,
    connectionsPerAddress: 3,
    handshakesPerSecond: 5,
    auditOctets: 0,
  };
  const door = new DoorLimits(clock, limits);
  for (let i = 0; i < 3; i++) expect(door.enter("192.0.2.1")).toBeUndefined();
  expect(door.enter("192.0.2.1")).toMatch(/3 connections from there/);
  for (let i = 0; i < 3; i++) door.leave("192.0.2.1");
  expect(door.enter("192.0.2.1")).toBeUndefined();
  door.leave("192.0.2.1");
  expect(door.enter("192.0.2.1")).toBeUndefined();
  door.leave("192.0.2.1");
  expect(door.enter("192.0.2.1")).toMatch(/handshakes a second/);
  clock.pass(1000);
  for (let i = 0; i < 25; i++) door.failed("192.0.2.1");
  expect(door.enter("192.0.2.1")).toMatch(/too many proofs/);
  clock.pass(4000);
  expect(door.enter("192.0.2.1")).toBeUndefined();
  for (let i = 2; i < 9; i++) expect(door.enter(`192.0.2.${i}`)).toBeUndefined();
  expect(door.enter("192.0.2.9")).toMatch(/8 connections already/);
  for (let i = 0; i < 100_000; i++) door.enter(`2001:db8::${i.toString(16)}`);
  for (let i = 2; i < 9; i++) door.leave(`192.0.2.${i}`);
  door.leave("192.0.2.1");
  const rate = new FrameRate(clock);
  let taken = 0;
  while (rate.take()) taken++;
  expect(taken).toBe(200);
  clock.pass(1000);
  expect(rate.take()).toBe(true);
});

test("an IPv6 /64 may eight times what one address may, whatever addresses its hosts take", () => {
  const clock = new ManualClock();
  const limits = { connections: 1000, connectionsPerAddress: 3, handshakesPerSecond: 5 };
  const door = new DoorLimits(clock, { ...limits, auditOctets: 0 });
  const enter = (block: string, many: number): (string | undefined)[] =>
    Array.from({ length: many }, (_, host) => door.enter(`2001:db8:0:${block}::${host + 1}`));
  const open = enter("1", 30);
  expect(open.filter((why) => why === undefined)).toHaveLength(24);
  expect(open.at(-1)).toBe("there are 24 connections from 2001:db8:0:1::/64 already");
  expect(door.enter("2001:db8:0:2::1")).toBeUndefined();
  for (let host = 1; host <= 24; host++) door.leave(`2001:db8:0:1::${host}`);
  const next = enter("1", 30).filter((why) => why !== undefined);
  expect(next.at(-1)).toMatch(/more than 40 handshakes a second from 2001:db8:0:1::\/64/);
  clock.pass(60_000);
  expect(door.enter("2001:db8:0:1::98")).toBeUndefined();
  for (let i = 0; i < 200; i++) door.failed(`2001:db8:0:1::${(i % 10) + 1}`);
  expect(door.enter("2001:db8:0:1::99")).toMatch(/too many proofs from 2001:db8:0:1::\/64/);
  expect(door.enter("2001:db8:0:2::2")).toBeUndefined();
});

test("ASM-74: tokens that are guessed end in a closed door, and the audit log is not flooded", async () => {
  const lab = await world({
    limits: {
      ...secEmSettings().limits,
      connections: 50,
      connectionsPerAddress: 10,
      handshakesPerSecond: 1000,
    },
  });
  const reasons = new Set<string>();
  let tries = 0;
  for (; tries < 60; tries++) {
    const thief = new Player(lab, {
      key: generateSigningKey(),
      token: `asmn1.${Buffer.alloc(48, tries).toString("base64url")}`,
    });
    const outcome = await thief.step().catch(() => ({ kind: "closed" as const }));
    thief.close();
    if (outcome.kind !== "refused") break;
    reasons.add(outcome.reason);
  }
  expect([...reasons]).toEqual(["unknown"]);
  expect(tries).toBeLessThan(30);
  const { counters } = await lab.service.status();
  expect(counters.connectionsRefused).toBeGreaterThan(0);
  expect((await lab.service.audit(0)).filter(({ action }) => action === "refused")).toHaveLength(1);
  lab.clock.pass(120_000);
  const agent = new Player(lab, await enrolment(lab));
  expect((await agent.step()).kind).toBe("done");
});

test("what is no TLS, no ALPN, no frame or no message in its place is closed, and costs nobody else", async () => {
  const lab = await world();
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const port = (await lab.service.status()).listening[0]!.port;
  expect(await knock(port, Buffer.from("GET / HTTP/1.1\r\n\r\n"))).toBe("closed");
  const identity = tlsIdentity(generateSigningKey(), "x");
  const target = { address: "127.0.0.1", port, identity, timeoutMs: 10_000 };
  await expect(openTls({ ...target, alpn: "h2" })).rejects.toThrow();
  for (const octets of [
    Buffer.from("ffffffff0102", "hex"),
    Buffer.from("000000020299", "hex"),
    Buffer.from("00000002010700000002010c", "hex"),
  ]) {
    const { socket } = await openTls({ ...target, alpn: ALPN.agent });
    socket.write(octets);
    await new Promise((resolve) => socket.once("close", resolve).resume());
  }
  const { counters, refusals } = await lab.service.status();
  expect(counters.badFrames).toBeGreaterThanOrEqual(2);
  // Each is named where one looks first.
  for (const why of [/^a TLS handshake failed: /, /^malformed: /]) {
    expect(
      refusals.some(({ address, reason }) => address === "127.0.0.1" && why.test(reason)),
    ).toBe(true);
  }
  agent.send(madeUpBegin());
  agent.close();
  expect((await agent.step()).kind).toBe("done");
  // Half a connection is closed when its time is over.
  const half = connect(port, "127.0.0.1");
  half.on("error", () => {});
  const { socket } = await openTls({ ...target, alpn: ALPN.agent });
  await new Promise((resolve) => socket.once("data", resolve));
  const gone = new Promise((resolve) => socket.once("close", resolve).resume());
  lab.clock.pass(10_001);
  await gone;
  half.destroy();
});

test("a root key that is none: the start says what to do", async () => {
  const parts = { clock: new ManualClock(), log: silentLog };
  const lab = await world();
  const settings = { ...lab.settings, rootKeyFile: "/dev/null" };
  await expect(SecEmService.start({ ...parts, settings })).rejects.toThrow(/openssl genpkey/);
  const missing = { ...lab.settings, rootKeyFile: "/nowhere/root.pem" };
  await expect(SecEmService.start({ ...parts, settings: missing })).rejects.toThrow(/ENOENT/);
});
