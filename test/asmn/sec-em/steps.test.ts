import { describe, expect, test } from "vitest";
import { generateSigningKey } from "../../../src/asmn/crypto/index.js";
import { toHex } from "../../../src/util/bytes.js";
import { gateOverPort } from "./lib/gate.js";
import { idOf, Player } from "./lib/player.js";
import {
  enrolment,
  IMAGE,
  MANIFEST,
  OPERATOR,
  OTHER_IMAGE,
  tenant,
  VIM,
  vnf,
  world,
} from "./lib/world.js";

async function only({ service }: { service: Awaited<ReturnType<typeof world>>["service"] }) {
  const [row] = (await service.instances({})).rows;
  return row!;
}

test("ASM-05, ASM-12, ASM-32, ASM-74: from a token on everything is automatic: trust, verdict, catalog", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  expect(await only(lab)).toMatchObject({ state: "unknown", step: "registered", chain: 0 });
  const outcome = await agent.step();
  expect(outcome).toMatchObject({ kind: "done", result: { state: "trusted", reason: "none" } });
  await gate.until("1", "trusted none");
  const verdict = [...gate.verdicts.values()][0]!;
  expect(verdict).toMatchObject({ tenant: "red", vnf: "pe", as: 65001, addresses: ["127.0.0.1"] });
  expect(verdict.catalogVersion).toBe(1);
  expect(gate.catalogs.get("red")?.version).toBe(1);
  expect(gate.refused).toEqual([]);
  const row = await only(lab);
  expect(row).toMatchObject({ state: "trusted", step: "controlled", chain: 1, image: IMAGE });
  expect(row).toMatchObject({ connected: true, revoked: false, cloned: false, root: "none" });
  expect(row.id).toBe(idOf(agent.state));
});

test("ASM-13, ASM-14, ASM-61: renewal moves the chain, on one connection and on another", async () => {
  const lab = await world();
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const first = agent.state.chain!;
  expect((await agent.step()).kind).toBe("done");
  agent.close();
  expect((await agent.step()).kind).toBe("done");
  expect(agent.state.chain).toMatchObject({ counter: 3 });
  expect(toHex(agent.state.chain!.state)).not.toBe(toHex(first.state));
  expect((await only(lab)).chain).toBe(3);
  expect((await lab.service.status()).counters).toMatchObject({ enrolments: 1, renewals: 2 });
});

describe("ASM-61: a message is lost", () => {
  const places = ["hello", "begin", "challenge", "evidence", "result", "confirm", "done"] as const;
  for (const purpose of ["enrolment", "renewal"] as const) {
    test.each(places)(
      `at each ${purpose}, %s: the next one succeeds, and no counter goes back`,
      async (kind) => {
        const lab = await world();
        const agent = new Player(lab, await enrolment(lab));
        if (purpose === "renewal") {
          await agent.step();
          agent.close();
        }
        const before = (await only(lab)).chain;
        const stored = agent.state.attempt;
        agent.lose = (message) => message.kind === kind;
        expect((await agent.step()).kind).toBe("closed");
        agent.close();
        agent.lose = undefined;
        expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
        expect((await only(lab)).chain).toBeGreaterThan(before);
        expect(agent.state.attempt).toBeGreaterThan(stored);
        expect(await only(lab)).toMatchObject({ state: "trusted", cloned: false });
      },
    );
  }
});

describe("ASM-61: the Sec-EM dies without a word", () => {
  for (const purpose of ["enrolment", "renewal"] as const) {
    for (const where of ["before", "behind"] as const) {
      test(`${where} any write of each ${purpose}: nobody is locked out, and no counter goes back`, async () => {
        let deaths = 0;
        while (await dies(purpose, where, deaths + 1)) deaths++;
        // What evidence leaves, and what its confirmation does.
        expect(deaths).toBeGreaterThanOrEqual(2);
      });
    }
  }
});

/** @returns whether there was an nth write to die at */
async function dies(
  purpose: "enrolment" | "renewal",
  where: "before" | "behind",
  nth: number,
): Promise<boolean> {
  const lab = await world();
  const agent = new Player(lab, await enrolment(lab));
  if (purpose === "renewal") {
    await agent.step();
    // What the first step has left is written.
    await lab.service.tick();
  }
  const counter = agent.state.chain?.counter ?? 0;
  const { attempt } = agent.state;
  let left = nth;
  const death = new Promise<true>((resolve) => {
    lab.disk.beforeWrite = () => {
      if (--left !== 0) return;
      lab.disk.kill();
      // Not on the disk; or there, and nobody hears of it.
      if (where === "before") lab.disk.held = new Promise(() => {});
      agent.lose = () => true;
      resolve(true);
    };
  });
  const whole = agent.step().then(async () => {
    await lab.service.tick();
    return left <= 0;
  });
  const isDead = await Promise.race([death, whole]);
  lab.disk.beforeWrite = undefined;
  lab.disk.held = undefined;
  agent.close();
  agent.lose = undefined;
  await lab.restart();
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  const row = await only(lab);
  expect(row).toMatchObject({ state: "trusted", cloned: false });
  expect(row.chain).toBe(agent.state.chain!.counter);
  expect(row.chain).toBeGreaterThan(counter);
  expect(agent.state.attempt).toBeGreaterThan(attempt);
  await lab.service.stop();
  return isDead;
}

test("ASM-67: over a restart serials and revocations go on, and a trusted one stays so for what is left", async () => {
  const lab = await world();
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const before = await gateOverPort(lab);
  const serial = [...before.verdicts.values()][0]!.serial;
  const { revocation, epoch } = await lab.service.status();
  lab.clock.pass(30_000);
  await lab.restart();
  const gate = await gateOverPort(lab);
  const verdict = [...gate.verdicts.values()][0]!;
  expect(verdict.state).toBe("trusted");
  expect(verdict.serial).toBeGreaterThan(serial);
  expect(verdict.epoch).toBe(epoch);
  expect([...gate.remaining.values()][0]).toBeLessThanOrEqual(60_000);
  const after = await lab.service.status();
  expect(after.revocation).toBeGreaterThanOrEqual(revocation);
  lab.clock.pass(61_000);
  await lab.service.tick();
  expect(await only(lab)).toMatchObject({ state: "stale" });
});

test("ASM-15: a stale chain is found, named, and not healed, also over a restart", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const old = agent.clone();
  await agent.step();
  await agent.step();
  // It has the key and a counter of its own making, and missed two renewals.
  old.state = { ...old.state, attempt: 100 };
  expect(await old.step()).toMatchObject({ kind: "refused", reason: "out-of-sync" });
  await gate.until("1", "untrusted out-of-sync");
  expect((await lab.service.status()).counters.chainsStale).toBe(1);
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "refused", reason: "stopped" });
  await lab.restart();
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "refused", reason: "stopped" });
  expect((await only(lab)).reason).toMatch(/^out-of-sync: .*registered anew/);
});

test("ASM-80: a clone is found by its counter; both are stopped, and the operator decides", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const clone = agent.clone();
  expect((await agent.step()).kind).toBe("done");
  expect(await clone.step()).toMatchObject({ kind: "refused", reason: "clone" });
  await gate.until("1", "untrusted clone");
  expect(agent.notices.at(-1)).toMatchObject({ state: "untrusted", reason: "clone" });
  expect(await only(lab)).toMatchObject({ state: "untrusted", cloned: true });
  for (const one of [agent, clone]) {
    one.close();
    expect(await one.step()).toMatchObject({ kind: "refused", reason: "stopped" });
    one.close();
  }
  const { changed } = await lab.service.restore(
    { tenant: "red", vnf: "pe" },
    "it was a backup",
    OPERATOR,
  );
  expect(changed).toBe(1);
  expect(await only(lab)).toMatchObject({ state: "unknown", cloned: false });
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  await gate.until("1", "trusted none");
});

test("ASM-74: a token is good for one key, one image, one instance, and for its time", async () => {
  const lab = await world();
  const { key, token } = await enrolment(lab);
  const thief = new Player(lab, { key: generateSigningKey(), token });
  expect(await thief.step()).toMatchObject({ kind: "refused", reason: "wrong-key" });
  const elsewhere = new Player(lab, { key, token, instance: "2" });
  expect(await elsewhere.step()).toMatchObject({ kind: "refused", reason: "unknown" });
  // Neither is an instance, or speaks for one: the status names them.
  const named = (await lab.service.status()).refusals.map(({ reason }) => reason.split(":")[0]);
  expect(named).toEqual(["unknown", "wrong-key"]);
  const changed = new Player(lab, { key, token, image: OTHER_IMAGE });
  expect(await changed.step()).toMatchObject({ kind: "refused", reason: "image" });
  const agent = new Player(lab, { key, token });
  expect((await agent.step()).kind).toBe("done");
  const again = new Player(lab, { key, token });
  again.state = { ...again.state, attempt: 50 };
  expect(await again.step()).toMatchObject({ kind: "refused", reason: "token-used" });
  expect(await lab.service.tokens()).toMatchObject([{ state: "used", instance: "1" }]);
  const late = await enrolment(lab, "2", { lifetimeSeconds: 60 });
  lab.clock.pass(61_000);
  const tardy = new Player(lab, { ...late, instance: "2" });
  expect(await tardy.step()).toMatchObject({ kind: "refused", reason: "token-expired" });
});

test("ASM-74: with first use, a second holder of the token stops both", async () => {
  const lab = await world();
  const { token } = await enrolment(lab, "1", { publicKey: undefined });
  const agent = new Player(lab, { key: generateSigningKey(), token });
  expect((await agent.step()).kind).toBe("done");
  const other = new Player(lab, { key: generateSigningKey(), token });
  expect(await other.step()).toMatchObject({ kind: "refused", reason: "two-keys" });
  expect(await only(lab)).toMatchObject({ state: "untrusted", cloned: true });
});

test("ASM-64: identities differ with every enrolment, and a replacement takes the name when it is confirmed", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const former = await only(lab);
  await expect(enrolment(lab)).rejects.toThrow(/has enrolled; .*ask for a token that replaces it/);
  const fresh = await enrolment(lab, "1", { replace: true });
  // The one before stands until the new one has proved itself.
  expect((await agent.step()).kind).toBe("done");
  const successor = new Player(lab, fresh);
  successor.lose = (message) => message.kind === "confirm";
  await successor.step();
  successor.close();
  expect((await only(lab)).id).toBe(former.id);
  successor.lose = undefined;
  expect((await successor.step()).kind).toBe("done");
  const now = await only(lab);
  expect(now.id).not.toBe(former.id);
  expect(now).toMatchObject({ state: "trusted" });
  await gate.until("1", "trusted none");
  expect([...gate.verdicts.keys()]).toEqual([now.id]);
  expect(agent.notices.at(-1)).toMatchObject({ reason: "replaced" });
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "refused", reason: "wrong-key" });
});

test("ASM-66, ASM-68, ASM-71: address, image, manifest and root of trust are judged, each with its reason", async () => {
  const demanding = vnf("pe", { rootOfTrust: "platform" });
  const lab = await world();
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  agent.options.image = OTHER_IMAGE;
  expect(await agent.step()).toMatchObject({
    kind: "done",
    result: { state: "untrusted", reason: "image" },
  });
  expect((await only(lab)).reason).toMatch(/^image: the image is not registered/);
  agent.options.image = IMAGE;
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  const fixed = { digest: OTHER_IMAGE, manifest: MANIFEST, version: "2", overlapSeconds: 60 };
  const unsigned = { tenant: "red", vnf: "pe", signer: undefined, signature: undefined };
  await lab.service.registerImage({ ...unsigned, ...fixed }, VIM);
  agent.options.image = OTHER_IMAGE;
  expect(await agent.step()).toMatchObject({ result: { state: "untrusted", reason: "manifest" } });
  agent.options.manifest = MANIFEST;
  expect(await agent.step()).toMatchObject({ result: { state: "trusted" } });
  agent.close();
  const elsewhere = new Player(lab, { ...agent.options, source: "127.0.0.9" });
  elsewhere.state = agent.state;
  expect(await elsewhere.step()).toMatchObject({
    result: { state: "untrusted", reason: "address" },
  });
  elsewhere.close();
  agent.state = elsewhere.state;
  await lab.service.configure({
    ...lab.settings,
    tenants: [tenant({ vnfs: [demanding, vnf("rr")] })],
  });
  expect(await agent.step()).toMatchObject({
    result: { state: "untrusted", reason: "root-of-trust" },
  });
});

test("ASM-78: two images for the stated time, then the former one ends by itself", async () => {
  const lab = await world();
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  await agent.step();
  const image = {
    tenant: "red",
    vnf: "pe",
    digest: OTHER_IMAGE,
    manifest: undefined,
    version: "2",
  };
  const unsigned = { signer: undefined, signature: undefined };
  await lab.service.registerImage({ ...image, ...unsigned, overlapSeconds: 45 }, VIM);
  expect(await agent.step()).toMatchObject({ result: { state: "trusted" } });
  lab.clock.pass(46_000);
  await lab.service.tick();
  await gate.until("1", "untrusted image");
  expect(await agent.step()).toMatchObject({ result: { state: "untrusted", reason: "image" } });
  agent.options.image = OTHER_IMAGE;
  expect(await agent.step()).toMatchObject({ result: { state: "trusted" } });
  await gate.until("1", "trusted none");
  const rows = await lab.service.images({ tenant: "red", vnf: "pe" });
  expect(rows.map(({ valid }) => valid)).toEqual([false, true]);
});

test("ASM-75: a TCP-MD5 key of the instance's own goes to agent and gates, and is in no answer and no log", async () => {
  const lab = await world({
    tenants: [tenant({ vnfs: [vnf("pe", { binding: "tcp-md5" }), vnf("rr")] })],
  });
  const gate = await gateOverPort(lab);
  const agent = new Player(lab, await enrolment(lab));
  const outcome = await agent.step();
  expect(outcome).toMatchObject({ kind: "done", result: { binding: "tcp-md5" } });
  await gate.until("1", "trusted none");
  const [md5Key] = gate.md5Keys.values();
  expect(md5Key).toMatch(/^[0-9a-f]{32}$/);
  expect(outcome).toMatchObject({ md5Key });
  const said = JSON.stringify([
    await lab.service.status(),
    await lab.service.instances({}),
    await lab.service.tokens(),
    await lab.service.keys(),
    await lab.service.audit(0),
  ]);
  expect(said).not.toContain(md5Key);
  expect(lab.disk.audit.text()).not.toContain(md5Key);
  expect(said).not.toContain("PRIVATE KEY");
});
