import { sign } from "node:crypto";
import { expect, test } from "vitest";
import { generateSigningKey, signLabelled } from "../../../src/asmn/crypto/index.js";
import { imageStatement, SecEmError, type SecEmErrorCode } from "../../../src/asmn/sec-em/index.js";
import { toHex } from "../../../src/util/bytes.js";
import { gateOverPort, gateOverTls } from "./lib/gate.js";
import { Player, until } from "./lib/player.js";
import {
  enrolment,
  IMAGE,
  OPERATOR,
  OTHER_IMAGE,
  tenant,
  VIM,
  vnf,
  VNFM,
  world,
  type World,
} from "./lib/world.js";

const PE = { tenant: "red", vnf: "pe" };
const UNSIGNED = { signer: undefined, signature: undefined, overlapSeconds: undefined };

async function refusal(work: Promise<unknown>): Promise<SecEmErrorCode | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(SecEmError);
    return (error as SecEmError).code;
  }
}

async function actions({ service }: World): Promise<string[]> {
  return (await service.audit(0)).map(({ action, actor }) => `${action} ${actor}`);
}

test("ASM-01, ASM-12: each role does its own: VIM images and tokens, VNFM descriptors, operator all", async () => {
  const { service } = await world();
  const image = { ...PE, digest: OTHER_IMAGE, manifest: undefined, version: "2", ...UNSIGNED };
  const token = {
    ...{ ...PE, instance: "1", image: IMAGE, publicKey: undefined, bgp: undefined },
    ...{ lifetimeSeconds: undefined, replace: false },
  };
  const descriptor = { tenant: "red", descriptor: vnf("fw"), catalog: [] };
  expect(await refusal(service.registerImage(image, VNFM))).toBe("refused");
  expect(await refusal(service.issueToken(token, VNFM))).toBe("refused");
  expect(await refusal(service.registerVnf(descriptor, VIM))).toBe("refused");
  expect(await refusal(service.revoke({ tenant: "red" }, "why", VIM))).toBe("refused");
  expect(await refusal(service.rotateKeys(false, VNFM))).toBe("refused");
  expect(await refusal(service.takeOver(5, VIM))).toBe("refused");
  await service.registerImage(image, VIM);
  await service.issueToken(token, VIM);
  await service.registerVnf(descriptor, VNFM);
  await service.registerImage({ ...image, digest: "4d".repeat(32) }, OPERATOR);
});

test("ASM-32, ASM-70: the catalog comes with the descriptor, in one stroke, and every change is a new version", async () => {
  const lab = await world();
  const gateway = await gateOverPort(lab);
  const { service } = lab;
  const line = {
    ...{ from: "fw", to: "rr", protocol: "tcp" as const, port: 179, portEnd: undefined },
    ...{ rate: 1_000_000, burst: undefined, packetRate: undefined },
  };
  expect((await service.catalogs("red"))[0]).toMatchObject({ version: 1 });
  await service.registerVnf({ tenant: "red", descriptor: vnf("fw"), catalog: [line] }, VNFM);
  await until(() => gateway.catalogs.get("red")?.version === 2);
  const [row] = await service.catalogs("red");
  expect(row?.entries).toHaveLength(2);
  expect((await service.vnfs("red")).map(({ source }) => source)).toEqual([
    "configuration",
    "configuration",
    "api",
  ]);
  const bad = { ...line, from: "pe", to: "nobody" };
  expect(await refusal(service.setCatalog("red", [bad], VNFM))).toBe("invalid");
  expect((await service.catalogs("red"))[0]).toMatchObject({ version: 2 });
  await service.setCatalog("red", [{ ...line, from: "pe", to: "fw" }], VNFM);
  expect((await service.catalogs("red"))[0]).toMatchObject({ version: 3 });
  await lab.restart();
  const after = (await lab.service.catalogs("red"))[0];
  expect(after).toMatchObject({ version: 3 });
  expect(after?.entries).toHaveLength(3);
  await lab.service.setCatalog("red", [], VNFM);
  await lab.service.removeVnf({ tenant: "red", vnf: "fw" }, VNFM);
  expect((await lab.service.catalogs("red"))[0]).toMatchObject({ version: 5 });
  const conflict = lab.service.registerVnf(
    { tenant: "red", descriptor: vnf("pe"), catalog: [] },
    VNFM,
  );
  expect(await refusal(conflict)).toBe("conflict");
});

test("ASM-37: agents are asked for a step when the catalog changes, and have the new one with it", async () => {
  const lab = await world();
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const line = { ...tenant().catalog[0]!, from: "rr", to: "pe" };
  const prompted = agent.prompted();
  await lab.service.setCatalog("red", [line], VNFM);
  expect(await prompted).toMatchObject({ kind: "done", result: { state: "trusted" } });
  const gate = await gateOverPort(lab);
  expect([...gate.verdicts.values()][0]).toMatchObject({ state: "trusted", catalogVersion: 2 });
});

test("ASM-71: revoked at once, at every reader; back only by restore and a new proof", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  await gate.until("1", "trusted none");
  const scope = { ...PE, instance: "1" };
  const result = await lab.service.revoke(scope, "it behaves oddly", OPERATOR);
  expect(result).toMatchObject({ changed: 1, kept: true });
  await gate.until("1", "untrusted revoked");
  expect(agent.notices).toMatchObject([{ state: "untrusted", reason: "revoked" }]);
  await until(() =>
    gate.messages.some((one) => one.kind === "item" && one.revocation === result.revocation),
  );
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "refused", reason: "revoked" });
  await lab.restart();
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "refused", reason: "revoked" });
  expect((await lab.service.restore(scope, "checked", OPERATOR)).changed).toBe(1);
  expect((await lab.service.instances({})).rows[0]).toMatchObject({ state: "unknown" });
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  expect(await actions(lab)).toEqual(
    expect.arrayContaining(["revoke operator:alice", "restore operator:alice"]),
  );
});

test("ASM-71, ASM-74: a token takes no revocation back, neither a new one nor one that waited", async () => {
  const lab = await world();
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const waiting = new Player(lab, await enrolment(lab, "1", { replace: true }));
  const scope = { ...PE, instance: "1" };
  await lab.service.revoke(scope, "it behaves oddly", OPERATOR);
  await expect(enrolment(lab, "1", { replace: true })).rejects.toThrow(
    /is revoked: restore it first/,
  );
  expect(await waiting.step()).toMatchObject({ kind: "refused", reason: "revoked" });
  await lab.service.restore(scope, "checked", OPERATOR);
  waiting.close();
  expect(await waiting.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
});

test("ASM-71, ASM-74: removal takes no revocation back: name and key stay revoked until restore, over restarts", async () => {
  const lab = await world();
  const held = await enrolment(lab);
  const publicKey = toHex(held.key.publicKey);
  const agent = new Player(lab, held);
  await agent.step();
  const waiting = new Player(lab, await enrolment(lab, "1", { replace: true }));
  const scope = { ...PE, instance: "1" };
  await lab.service.revoke(scope, "it behaves oddly", OPERATOR);
  await lab.service.removeInstance(scope, VNFM);
  expect((await lab.service.instances({})).rows).toEqual([]);
  for (let life = 0; life < 2; life++) {
    await expect(enrolment(lab)).rejects.toThrow(/red\/pe\/1 is revoked: restore it first/);
    await expect(enrolment(lab, "2", { publicKey })).rejects.toThrow(/make a new key/);
    // With a token for whoever comes, that key is refused as well.
    const { token } = await enrolment(lab, "2", { publicKey: undefined });
    const thief = new Player(lab, { key: held.key, token, instance: "2" });
    expect(await thief.step()).toMatchObject({ kind: "refused", reason: "revoked" });
    expect(await waiting.step()).toMatchObject({ kind: "refused", reason: "revoked" });
    thief.close();
    waiting.close();
    await lab.restart();
  }
  expect(await lab.service.restore(scope, "checked", OPERATOR)).toMatchObject({ changed: 1 });
  const again = new Player(lab, await enrolment(lab, "1", { publicKey, replace: true }));
  Object.assign(again.options, { key: held.key });
  expect(await again.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
});

test("ASM-71: a VNF that is removed leaves its revocations, and what cannot be kept is not removed", async () => {
  const lab = await world();
  const FW = { tenant: "red", vnf: "fw" };
  const register = async (): Promise<void> => {
    const descriptor = vnf("fw", { maxInstances: 3 });
    await lab.service.registerVnf({ tenant: "red", descriptor, catalog: [] }, VNFM);
    const image = { ...FW, digest: IMAGE, manifest: undefined, version: "1", ...UNSIGNED };
    await lab.service.registerImage(image, VIM);
  };
  await register();
  await enrolment(lab, "1", FW);
  await enrolment(lab, "2", FW);
  await lab.service.revoke({ ...FW, instance: "1" }, "no", OPERATOR);
  lab.disk.full = true;
  expect(await refusal(lab.service.removeInstance({ ...FW, instance: "1" }, VNFM))).toBe("storage");
  expect((await lab.service.instances({ vnf: "fw" })).rows).toHaveLength(2);
  lab.disk.full = false;
  await lab.service.removeVnf(FW, VNFM);
  await register();
  await enrolment(lab, "2", FW);
  expect(await refusal(enrolment(lab, "1", FW))).toBe("refused");
  await lab.service.removeVnf(FW, VNFM);
  // Restored by name, though the VNF is not there.
  expect(await lab.service.restore(FW, "checked", OPERATOR)).toMatchObject({ changed: 1 });
  expect(await refusal(lab.service.restore(FW, "checked", OPERATOR))).toBe("not-found");
});

test("ASM-17: verify brings a fresh proof, and says who is not there or does not answer", async () => {
  const lab = await world();
  const name = { ...PE, instance: "1" };
  const agent = new Player(lab, await enrolment(lab));
  expect(await lab.service.verify(name, OPERATOR)).toMatchObject({ outcome: "absent" });
  await agent.step();
  const proven = await lab.service.verify(name, OPERATOR);
  expect(proven).toMatchObject({ outcome: "proven", row: { state: "trusted", chain: 2 } });
  agent.options.image = OTHER_IMAGE;
  const refused = await lab.service.verify(name, OPERATOR);
  expect(refused).toMatchObject({ outcome: "refused", row: { state: "untrusted" } });
  expect(refused.row.reason).toMatch(/^image: /);
  agent.options.image = IMAGE;
  // The step that the prompt began may still be under way.
  while ((await lab.service.instances({ state: "trusted" })).rows.length === 0) await agent.step();
  agent.lose = (message) => message.kind === "begin";
  const waiting = lab.service.verify(name, OPERATOR);
  lab.clock.pass(10_001);
  expect(await waiting).toMatchObject({
    outcome: expect.stringMatching(/silent|absent/) as string,
  });
  lab.clock.pass(30_000);
  await lab.service.tick();
  expect((await lab.service.instances({})).rows[0]).toMatchObject({ state: "stale" });
  expect(await refusal(lab.service.verify({ ...name, instance: "9" }, OPERATOR))).toBe("not-found");
});

test("ASM-66: what is registered of an image does not change", async () => {
  const { service } = await world();
  const image = { ...PE, digest: OTHER_IMAGE, manifest: "5e".repeat(32), version: "2" };
  await service.registerImage({ ...image, ...UNSIGNED }, VIM);
  const changed = service.registerImage({ ...image, ...UNSIGNED, manifest: "6f".repeat(32) }, VIM);
  expect(await refusal(changed)).toBe("conflict");
});

test("ASM-66: a package signature must be one by a key of the settings, over this very image", async () => {
  const key = generateSigningKey();
  const lab = await world();
  const packageKeys = [{ name: "build", publicKey: toHex(key.publicKey) }];
  await lab.service.configure({ ...lab.settings, packageKeys });
  const image = { ...PE, digest: OTHER_IMAGE, manifest: undefined, version: "2" };
  const unsigned = lab.service.registerImage({ ...image, ...UNSIGNED }, VIM);
  expect(await refusal(unsigned)).toBe("invalid");
  const signature = toHex(sign(null, imageStatement(image), key.privateKey));
  const signed = { ...image, signer: "build", signature, overlapSeconds: undefined };
  const other = lab.service.registerImage({ ...signed, digest: "7a".repeat(32) }, VIM);
  expect(await refusal(other)).toBe("refused");
  expect(await refusal(lab.service.registerImage({ ...signed, signer: "me" }, VIM))).toBe(
    "invalid",
  );
  expect(await lab.service.registerImage(signed, VIM)).toMatchObject({
    signer: "build",
    valid: true,
  });
  // A signature of the same key for another purpose is none.
  const labelled = toHex(signLabelled(key, "manifest", imageStatement(image)));
  const wrong = lab.service.registerImage({ ...signed, version: "3", signature: labelled }, VIM);
  expect(await refusal(wrong)).toBe("refused");
});

test("an image that is withdrawn costs its instances their trust at once", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  await lab.service.withdrawImage(PE, IMAGE, VIM);
  await gate.until("1", "untrusted image");
  expect(await refusal(enrolment(lab, "2"))).toBe("refused");
});

test("ASM-79: keys rotate with an overlap; a key that was lost is worth nothing at once", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  await gate.until("1", "trusted none");
  const issuer = toHex([...gate.verdicts.values()][0]!.issuer);
  const keys = await lab.service.rotateKeys(false, OPERATOR);
  expect(keys.filter(({ use }) => use === "verdict").map(({ state }) => state)).toEqual([
    "current",
    "former",
  ]);
  await until(() => toHex([...gate.verdicts.values()][0]!.issuer) !== issuer);
  const find = (hex: string) => gate.ring.findById("verdict", "sec-em-1", Buffer.from(hex, "hex"));
  expect(find(issuer).ok).toBe(true);
  lab.clock.pass(3_600_000 + 300_001);
  expect(find(issuer).ok).toBe(false);
  const second = toHex([...gate.verdicts.values()][0]!.issuer);
  expect(find(second).ok).toBe(true);
  await lab.service.rotateKeys(true, OPERATOR);
  await until(() => !find(second).ok);
  await lab.restart();
  const now = (await lab.service.keys()).filter(({ use }) => use === "verdict");
  expect(now).toHaveLength(1);
  expect((await agent.step()).kind).toBe("closed");
  agent.close();
  expect((await agent.step()).kind).toBe("done");
  expect((await gateOverPort(lab)).refused).toEqual([]);
});

test("ASM-79: a verdict key is replaced by itself when its time is over", async () => {
  const lab = await world({ verdictKeySeconds: 3600 });
  const current = async () =>
    (await lab.service.keys()).find(({ use, state }) => use === "verdict" && state === "current")
      ?.id;
  const first = await current();
  lab.clock.pass(3_601_000);
  await lab.service.tick();
  await until(() => lab.service.core.keys.rows().length > 6);
  expect(await current()).not.toBe(first);
});

test("ASM-67: a take-over raises the epoch, and gates refuse the one before", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  await gate.until("1", "trusted none");
  const old = gate.messages.findLast((one) => one.kind === "item");
  const status = await lab.service.takeOver(7, OPERATOR);
  expect(status.epoch).toBe(8);
  await until(() => [...gate.verdicts.values()][0]?.epoch === 8);
  const late = gate.checker.accept(
    old?.kind === "item" ? old.verdict : new Uint8Array(0),
    "sec-em-1",
    gate.watch!.secEmTime(lab.clock.now()),
  );
  expect(late).toMatchObject({ ok: false, reason: "epoch" });
  await lab.restart();
  expect((await lab.service.status()).epoch).toBe(8);
  expect((await lab.service.takeOver(0, OPERATOR)).epoch).toBe(9);
});

test("ASM-81: break-glass is named, audited, told to gates, and over by itself", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const request = {
    ...{ scope: { tenant: "red", vnf: "pe" }, address: undefined, name: "bob" },
    ...{ reason: "the Sec-EM's disk is gone", seconds: 600 },
  };
  expect(await refusal(lab.service.openBreakGlass({ ...request, name: "" }, OPERATOR))).toBe(
    "invalid",
  );
  expect(await refusal(lab.service.openBreakGlass({ ...request, seconds: 90_000 }, OPERATOR))).toBe(
    "invalid",
  );
  expect(await refusal(lab.service.openBreakGlass(request, VIM))).toBe("refused");
  const row = await lab.service.openBreakGlass(request, OPERATOR);
  await until(() => gate.messages.some(({ kind }) => kind === "glass"));
  expect(await lab.service.breakGlass()).toMatchObject([{ name: "bob", state: "open" }]);
  expect((await lab.service.status()).alarms.join()).toMatch(/break-glass by bob is open until/);
  const entry = (await lab.service.audit(0)).find(({ action }) => action === "break-glass");
  expect(entry).toMatchObject({ actor: "operator:alice", subject: "red/pe/*" });
  expect(entry?.detail).toMatch(/^bob, 600 s: the Sec-EM's disk is gone/);
  lab.clock.pass(600_001);
  expect(await lab.service.breakGlass()).toMatchObject([{ id: row.id, state: "expired" }]);
  const second = await lab.service.openBreakGlass(request, OPERATOR);
  await lab.service.endBreakGlass(second.id, OPERATOR);
  await until(() => gate.messages.some(({ kind }) => kind === "glass-end"));
  // Who was away then, or comes as a gateway, hears of both: what is open, and what was ended before its time.
  const third = await lab.service.openBreakGlass(request, OPERATOR);
  const late = await (await gateOverPort(lab, { reader: "gateway" })).synced();
  expect(late.messages.flatMap(({ kind }) => (kind.startsWith("glass") ? [kind] : []))).toEqual([
    "glass",
    "glass-end",
  ]);
  await lab.service.endBreakGlass(third.id, OPERATOR);
  await lab.restart();
  expect((await lab.service.breakGlass()).map(({ state }) => state).sort()).toEqual([
    "ended",
    "ended",
    "expired",
  ]);
});

test("ASM-02, ASM-16: a VNF asks of others only once it is trusted, in its tenant, and is told of changes", async () => {
  const lab = await world();
  const first = new Player(lab, await enrolment(lab, "1"));
  const second = new Player(lab, { ...(await enrolment(lab, "2")), instance: "2" });
  await second.step();
  const ask = {
    ...{
      kind: "ask" as const,
      request: 1,
      vnf: "pe",
      instance: "2",
      id: undefined,
      maxAgeSeconds: 0,
    },
  };
  // Before its own step is confirmed it is told nothing, and the connection is over.
  first.lose = (message) => message.kind === "evidence";
  await first.step();
  first.close();
  first.lose = undefined;
  await first.step();
  first.send(ask);
  expect(await first.answer(1)).toMatchObject({ state: "trusted", reason: "none" });
  expect(first.answers[0]?.verdict).toBeDefined();
  first.send({ ...ask, request: 2, instance: "9" });
  expect(await first.answer(2)).toMatchObject({ state: "unknown", reason: "unknown" });
  await lab.service.revoke({ ...PE, instance: "2" }, "why not", OPERATOR);
  await until(() =>
    first.answers.some(({ request, state }) => request === 1 && state === "untrusted"),
  );
  await lab.service.revoke({ ...PE, instance: "1" }, "it as well", OPERATOR);
  const later = new Player(lab, {
    ...(await enrolment(lab, "3").catch(() => undefined))!,
    instance: "3",
  });
  expect(later.answers).toEqual([]);
});

test("ASM-02: the steps of an instance come in order, and each says how far it is", async () => {
  const lab = await world();
  const agent = new Player(lab, await enrolment(lab));
  const step = async () => (await lab.service.instances({})).rows[0]?.step;
  expect(await step()).toBe("registered");
  agent.lose = (message) => message.kind === "confirm";
  await agent.step();
  agent.close();
  // The proof came, the secret is not confirmed: not trusted, and in no catalog's reach.
  expect(await step()).toBe("authenticated");
  expect((await lab.service.instances({ state: "trusted" })).rows).toEqual([]);
  agent.lose = undefined;
  await agent.step();
  expect(await step()).toBe("controlled");
});

test("ASM-64: a name has one instance, a descriptor as many as it allows, and answers come in pages", async () => {
  const lab = await world();
  await enrolment(lab, "1");
  await enrolment(lab, "1");
  expect((await lab.service.instances({})).rows).toHaveLength(1);
  await enrolment(lab, "2");
  expect(await refusal(enrolment(lab, "3"))).toBe("conflict");
  const page = await lab.service.instances({ limit: 1 });
  expect(page.rows).toMatchObject([{ instance: "1" }]);
  const last = await lab.service.instances({ limit: 1, cursor: page.next });
  expect(last).toMatchObject({ rows: [{ instance: "2" }], next: undefined });
  await lab.service.removeInstance({ ...PE, instance: "1" }, VNFM);
  await enrolment(lab, "3");
  expect(await refusal(lab.service.instances({ limit: 0 }))).toBe("invalid");
});

test("questions that make no sense say what to do", async () => {
  const { service } = await world();
  expect(await refusal(service.vnfs("green"))).toBe("not-found");
  expect(await refusal(service.images({ tenant: "red", vnf: "x y" }))).toBe("not-found");
  expect(await refusal(service.revoke({ tenant: "red", instance: "1" }, "x", OPERATOR))).toBe(
    "invalid",
  );
  expect(await refusal(service.revoke({ tenant: "red" }, " ", OPERATOR))).toBe("invalid");
  expect(await refusal(service.withdrawToken("00", VIM))).toBe("not-found");
  expect(await refusal(service.endBreakGlass("00", OPERATOR))).toBe("not-found");
  await expect(service.images({ tenant: "red", vnf: "px" })).rejects.toThrow(/it has: pe, rr/);
});

test("a reload changes what differs: feeds, tenants, limits; a name or directory needs a restart", async () => {
  const key = generateSigningKey();
  const publicKey = toHex(key.publicKey);
  const feeds = [{ name: "gate-1", role: "gate" as const, publicKey, tenants: undefined }];
  const lab = await world({ feeds });
  const gate = await (await gateOverTls(lab, key)).synced();
  const port = (await lab.service.status()).listening[0]?.port;
  await lab.service.configure({ ...lab.settings, feeds, heartbeatSeconds: 3 });
  expect((await lab.service.status()).feeds).toHaveLength(1);
  expect((await lab.service.status()).listening[0]?.port).toBe(port);
  await lab.service.configure({ ...lab.settings, feeds: [] });
  expect((await lab.service.status()).feeds).toHaveLength(0);
  gate.close();
  expect(await refusal(lab.service.configure({ ...lab.settings, name: "other" }))).toBe("invalid");
  const taken = {
    ...lab.settings,
    listen: [
      { address: "127.0.0.1", port: port! },
      { address: "203.0.113.1", port: 1 },
    ],
  };
  await expect(lab.service.configure(taken)).rejects.toThrow(/EADDRNOTAVAIL|EADDRINUSE/);
  expect((await lab.service.status()).listening).toHaveLength(1);
});
