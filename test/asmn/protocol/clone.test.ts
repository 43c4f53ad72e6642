/** Clones and snapshots (ASM-80): two that start from one state, in every order of their messages. */
import { expect, test } from "vitest";
import { Dice } from "./lib/random.js";
import { Connection, enrolled } from "./lib/world.js";
import type { Vnf, World } from "./lib/world.js";

const ROUNDS = Number(process.env["EVPND_FUZZ_CLONES"] ?? 25);

test("ASM-80: clone and original never both go on: once each has made a step, the instance is stopped", async () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const dice = new Dice(seed);
    const { world, vnf, entry, connection } = await enrolled(`clone ${seed}`);
    for (let n = dice.roll(3); n > 0; n--) await connection.renew();
    const two = [vnf, vnf.snapshot()] as const;
    const steps = [0, 0];
    for (let round = 0; round < 12 && world.chain(entry).stopped === undefined; round++) {
      const which = dice.roll(2);
      const before = world.told(entry).filter((one) => one === "trusted").length;
      await attempt(world, two[which] ?? vnf, dice);
      const after = world.told(entry).filter((one) => one === "trusted").length;
      if (after > before) steps[which] = (steps[which] ?? 0) + 1;
      expect(Math.min(...steps), `seed ${seed}: both were trusted`).toBe(0);
    }
    // Both make a whole step, if they still can.
    for (const one of two) await new Connection(world, one).run();
    expect(world.chain(entry).stopped, `seed ${seed}`).toBeDefined();
    const told = world.told(entry);
    expect(told.slice(told.indexOf("stopped") + 1)).not.toContain("trusted");
  }
});

test("ASM-80: a clone that attests and never confirms gets nothing, and one that confirms late stops both", async () => {
  const { world, vnf, entry } = await enrolled();
  const clone = vnf.snapshot();
  // The original has lost an evidence, so its counter is ahead and the clone's is not known yet.
  const lost = new Connection(world, vnf);
  lost.meddle = (_from, message) => (message.kind === "evidence" ? [] : [message]);
  await lost.run();
  const slow = new Connection(world, clone);
  let release: (() => void) | undefined;
  slow.meddle = (_from, message) => {
    if (message.kind !== "confirm") return [message];
    release = () => {
      slow.meddle = (_side, one) => [one];
      slow.put("agent", [message]);
    };
    return [];
  };
  await slow.run();
  expect(world.told(entry)).toEqual(["trusted"]);
  await new Connection(world, vnf).run();
  expect(world.told(entry)).toEqual(["trusted", "trusted"]);
  release?.();
  await slow.run();
  expect(world.chain(entry).stopped).toBe("clone");
});

async function attempt(world: World, vnf: Vnf, dice: Dice): Promise<void> {
  const connection = new Connection(world, vnf);
  const lost = dice.pick(["evidence", "result", "confirm", "done", "none", "none"]);
  connection.meddle = (_from, message) => (message.kind === lost ? [] : [message]);
  await connection.run();
}
