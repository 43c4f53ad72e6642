/** When an agent reads its image again, and what it proves itself with meanwhile. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AgentHome } from "../../../src/asmn/agent/home.js";
import { Measuring } from "../../../src/asmn/agent/measuring.js";
import type { AgentSettings } from "../../../src/asmn/agent/settings.js";

let directory: string;
let wall: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-measuring-"));
  writeFileSync(join(directory, "image"), "genuine");
  wall = Date.now() + 60_000;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function measuring(recheckSeconds: number): Measuring {
  const settings = {
    image: { path: join(directory, "image"), threads: 0, recheckSeconds },
    manifest: { files: [], processes: [], configuration: [], allowed: [] },
  } as unknown as AgentSettings;
  const clock = { now: () => 0, wall: () => wall };
  return new Measuring(settings, new AgentHome(join(directory, "home")), clock);
}

test("ASM-65: a digest that is due is checked beside the proofs, which go on with it for as long again", async () => {
  const agent = measuring(60);
  const isKnown = async (): Promise<boolean> => (await agent.measure()).image.fromCache;
  expect(await isKnown()).toBe(false);
  wall += 61_000;
  expect(await isKnown()).toBe(true);
  await agent.recheck();
  wall += 119_000;
  expect(await isKnown()).toBe(true);
  wall += 1000;
  expect(await isKnown()).toBe(false);
  // Not due yet: nothing is read.
  await agent.recheck();
  wall += 119_000;
  expect(await isKnown()).toBe(true);
});

test("ASM-65: with 0 the image is read for every proof; one that cannot be checked fails the next proof", async () => {
  const strict = measuring(0);
  await strict.measure();
  await strict.recheck();
  expect((await strict.measure()).image.fromCache).toBe(false);
  const agent = measuring(60);
  await agent.measure();
  rmSync(join(directory, "image"));
  await agent.recheck();
  await expect(agent.measure()).rejects.toThrow(/cannot be read \(ENOENT\)/);
});
