/**
 * After every reload what runs is what a fresh start with that file would give: options, routes, what
 * each peer holds, the MAC FIB. Sessions whose settings did not change live on, and `config diff` had
 * said beforehand which would end.
 */
import { describe, expect, test } from "vitest";
import { previewSettings } from "../../src/bgp/live/settings-preview.js";
import { Random } from "../model/lib/random.js";
import { edit, firstDraft, textOf } from "./lib/edits.js";
import { compareWithFreshStart, load, Rig } from "./lib/rig.js";
import { ROLES } from "./lib/roles.js";

/** More with EVPND_RELOAD_SEEDS=100 EVPND_RELOAD_STEPS=40. */
const SEEDS = Number(process.env["EVPND_RELOAD_SEEDS"] ?? 6);
const STEPS = Number(process.env["EVPND_RELOAD_STEPS"] ?? 8);

async function run(seed: number): Promise<void> {
  const random = new Random(seed);
  const draft = firstDraft();
  const rig = new Rig(textOf(draft), ROLES);
  expect(rig.sessions().size).toBe(ROLES.length);
  for (let step = 0; step < STEPS; step++) {
    const before = structuredClone(draft);
    edit(draft, random);
    const text = textOf(draft);
    const next = load(text);
    if (!next.ok) throw new Error(`the edits made a bad file: ${JSON.stringify(next.issues)}`);
    const announced = new Set(
      previewSettings(
        rig.reloader.settings.speaker,
        next.settings.speaker,
        rig.peers.views(),
      ).flatMap(({ sessions }) => sessions),
    );
    const sessions = rig.sessions();
    const lines = await rig.reload(text);
    const story = `seed ${seed}, step ${step}: ${difference(before, draft)}\n${lines.join("\n")}`;
    for (const [address, id] of sessions) {
      // Limits are known to end a session only when its routes are counted.
      const limited =
        rig.peers.view(address)?.lastError?.includes("limit") === true ||
        lines.some((line) => line.startsWith(`${address}: reset`) && line.includes("its limit"));
      if (announced.has(address) || limited) continue;
      expect(rig.sessions().get(address), `${address} was reset\n${story}`).toBe(id);
    }
    expect(await compareWithFreshStart(rig, text), story).toEqual([]);
  }
}

function difference(before: object, after: object): string {
  return Object.entries(after)
    .filter(([name, value]) => {
      const old = (before as Readonly<Record<string, unknown>>)[name];
      return JSON.stringify(old) !== JSON.stringify(value);
    })
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join("\n");
}

describe("random edits", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    test(`seed ${seed}`, { timeout: 120_000 }, () => run(seed));
  }

  for (let seed = 1; seed <= SEEDS; seed++) {
    test(`in a hurry, seed ${seed}`, { timeout: 120_000 }, () => runInHurry(seed));
  }
});

/** The next reload comes while tables are still being sent, refreshed or withdrawn because of the last. */
async function runInHurry(seed: number): Promise<void> {
  const random = new Random(1000 + seed);
  const draft = firstDraft();
  const rig = new Rig(textOf(draft), ROLES);
  for (let round = 0; round < STEPS / 2; round++) {
    const story: string[] = [];
    for (let count = 2 + random.below(4); count > 0; count--) {
      const before = structuredClone(draft);
      edit(draft, random);
      story.push(difference(before, draft), ...(await rig.reloadInHurry(textOf(draft))));
      rig.network.advance(random.pick([0, 1, 5, 200, 1500]));
    }
    rig.settle();
    const found = await compareWithFreshStart(rig, textOf(draft));
    expect(found, `seed ${seed}, round ${round}:\n${story.join("\n")}`).toEqual([]);
  }
}
