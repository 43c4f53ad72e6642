/** What operators do while the disk works on a step: what takes trust away stays, whichever was first. */
import { expect, test } from "vitest";
import { gateOverPort } from "./lib/gate.js";
import { Player, until } from "./lib/player.js";
import { enrolment, OPERATOR, world, type World } from "./lib/world.js";

const SCOPE = { tenant: "red", vnf: "pe", instance: "1" };

/** Holds the next write of the disk. @returns that it has come, and what lets it go on */
function slowWrite({ disk }: World, nth: number): { come: Promise<true>; release: () => void } {
  let release = (): void => {};
  const before = disk.writes;
  const held = new Promise<void>((resolve) => (release = resolve));
  disk.beforeWrite = () => {
    disk.held = disk.writes - before >= nth ? held : undefined;
  };
  const done = (): void => {
    disk.beforeWrite = undefined;
    disk.held = undefined;
    release();
  };
  return { come: until(() => disk.writes - before >= nth), release: done };
}

async function trusted(): Promise<{ lab: World; agent: Player }> {
  const lab = await world();
  const agent = new Player(lab, await enrolment(lab));
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  return { lab, agent };
}

async function enrolling(): Promise<{ lab: World; agent: Player }> {
  const lab = await world();
  return { lab, agent: new Player(lab, await enrolment(lab)) };
}

for (const [nth, what, begin] of [
  [1, "evidence", trusted],
  [2, "an enrolment's confirmation", enrolling],
] as const) {
  test(`ASM-71: a revocation while ${what} is being stored stays, in memory, on the feed and on the disk`, async () => {
    const { lab, agent } = await begin();
    const gate = await gateOverPort(lab);
    const slow = slowWrite(lab, nth);
    const step = agent.step();
    await slow.come;
    const revoked = lab.service.revoke(SCOPE, "stolen", OPERATOR);
    slow.release();
    await step;
    expect(await revoked).toMatchObject({ changed: 1, kept: true });
    await gate.until("1", "untrusted revoked");
    await lab.service.tick();
    agent.close();
    expect(await agent.step()).toMatchObject({ kind: "refused", reason: "revoked" });
    expect(gate.state("1")).toBe("untrusted revoked");
    await lab.restart();
    agent.close();
    expect(await agent.step()).toMatchObject({ kind: "refused", reason: "revoked" });
    // And the chain has come to no harm.
    await lab.service.restore(SCOPE, "found again", OPERATOR);
    agent.close();
    expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  });
}

test("ASM-61: a renewal's confirmation goes to the disk with the next pass; a death before it leaves the chain in step", async () => {
  const { lab, agent } = await trusted();
  const chain = async () => (await lab.service.instances({})).rows[0]?.chain;
  // The first pass has something of its own to write.
  await lab.service.tick();
  const before = lab.disk.writes;
  await agent.step();
  expect(lab.disk.writes).toBe(before + 1);
  await lab.service.tick();
  expect(lab.disk.writes).toBe(before + 2);
  await lab.service.tick();
  expect(lab.disk.writes).toBe(before + 2);
  await agent.step();
  lab.disk.full = true;
  await lab.service.tick();
  lab.disk.full = false;
  await agent.step();
  expect(await chain()).toBe(4);
  await lab.restart();
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  expect(await chain()).toBe(5);
  await lab.service.stop();
  agent.close();
  await lab.restart();
  expect(await chain()).toBe(5);
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
});

test("ASM-61: a confirmation that waits for the disk is not written over the step behind it", async () => {
  const { lab, agent } = await trusted();
  await agent.step();
  const slow = slowWrite(lab, 1);
  const step = agent.step();
  await slow.come;
  const pass = lab.service.tick();
  slow.release();
  expect(await step).toMatchObject({ kind: "done", result: { state: "trusted" } });
  await pass;
  await lab.restart();
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
});

test("an instance that is removed while its step is being stored stays removed", async () => {
  const { lab, agent } = await trusted();
  const slow = slowWrite(lab, 1);
  const step = agent.step();
  await slow.come;
  const removed = lab.service.removeInstance(SCOPE, OPERATOR);
  slow.release();
  await Promise.all([step, removed]);
  expect((await lab.service.instances({})).rows).toEqual([]);
  await lab.restart();
  expect((await lab.service.instances({})).rows).toEqual([]);
});

test("ASM-71, ASM-74: who takes a revoked name the moment it is revoked does not get it", async () => {
  const { lab, agent } = await trusted();
  const successor = new Player(lab, await enrolment(lab, "1", { replace: true }));
  const slow = slowWrite(lab, 2);
  const step = successor.step();
  await slow.come;
  const revoked = lab.service.revoke(SCOPE, "stolen", OPERATOR);
  slow.release();
  expect(await revoked).toMatchObject({ changed: 1, kept: true });
  await step;
  for (const one of [agent, successor]) {
    one.close();
    expect(await one.step()).toMatchObject({ kind: "refused", reason: "revoked" });
  }
  await lab.restart();
  for (const one of [agent, successor]) {
    one.close();
    expect(await one.step()).toMatchObject({ kind: "refused", reason: "revoked" });
  }
});

test("ASM-74: an instance that is revoked while a token for it is being noted stays revoked", async () => {
  const lab = await world();
  await enrolment(lab);
  const slow = slowWrite(lab, 1);
  const token = enrolment(lab, "1").then(
    () => "issued",
    (error: unknown) => String(error),
  );
  await slow.come;
  const revoked = lab.service.revoke(SCOPE, "no", OPERATOR);
  slow.release();
  await revoked;
  expect(await token).toMatch(/changed by somebody else meanwhile/);
  expect((await lab.service.tokens(SCOPE)).length).toBe(1);
  await expect(enrolment(lab, "1")).rejects.toThrow(/is revoked: restore it first/);
});

test("tokens that replace do not pile up: who waits for a name makes way for its successor", async () => {
  const { lab, agent } = await trusted();
  const first = new Player(lab, await enrolment(lab, "1", { replace: true }));
  const second = new Player(lab, await enrolment(lab, "1", { replace: true }));
  expect(lab.service.core.book.waitingFor(SCOPE)).toHaveLength(1);
  expect(await first.step()).toMatchObject({ kind: "refused", reason: "unknown" });
  await lab.restart();
  expect(lab.service.core.book.waitingFor(SCOPE)).toHaveLength(1);
  expect(await second.step()).toMatchObject({ kind: "done", result: { state: "trusted" } });
  agent.close();
  expect(await agent.step()).toMatchObject({ kind: "refused" });
  expect(lab.service.core.book.waitingFor(SCOPE)).toHaveLength(0);
});

test("ASM-77: a disk that is stuck holds up no heartbeat", async () => {
  const { lab } = await trusted();
  const gate = await gateOverPort(lab);
  const slow = slowWrite(lab, 1);
  const revoked = lab.service.revoke(SCOPE, "stolen", OPERATOR);
  await slow.come;
  const beats = (): number => gate.messages.filter(({ kind }) => kind === "heartbeat").length;
  const before = beats();
  try {
    for (let second = 0; second < 12; second++) {
      lab.clock.pass(1000);
      await new Promise(setImmediate);
    }
    await until(() => beats() >= before + 2);
  } finally {
    slow.release();
  }
  await revoked;
});
