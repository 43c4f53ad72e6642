/**
 * Recordings played to a fresh evpnd (evpnctl replay): a bug report becomes a folder here, with
 * `recording.pcap`, `evpnd.yaml` and in `expected.txt` the routes that there must be in the end.
 * EVPND_UPDATE_REPLAY=1 writes expected.txt: read it before you keep it.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createSpeaker, type Speaker } from "../../src/bgp/speaker.js";
import { play, standIn } from "../../src/cli/replay/player.js";
import { readScript } from "../../src/cli/replay/script.js";
import { loadConfig } from "../../src/config/index.js";
import { systemClock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";
import { Random } from "../model/lib/random.js";

const HERE = import.meta.dirname;
const SCENARIOS = readdirSync(HERE, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const DEADLINE_MS = 30_000;

test.each(SCENARIOS)("%s", async (name) => {
  const folder = join(HERE, name);
  const config = loadConfig({ file: join(folder, "evpnd.yaml") });
  if (!config.ok) throw new Error(JSON.stringify(config.issues));
  const port = await freePort();
  const speaker = createSpeaker({
    settings: { ...config.settings.speaker, listen: [{ address: "127.0.0.1", port }] },
    log: silentLog,
    clock: systemClock,
  });
  await speaker.start();
  try {
    const script = readScript(readFileSync(join(folder, "recording.pcap")), undefined);
    const result = await play(script, {
      address: "127.0.0.1",
      port,
      paceMs: 1,
      patienceMs: DEADLINE_MS,
    });
    expect(result.problems).toEqual([]);
    const names = new Map(script.peers.map(({ address }, index) => [standIn(index), address]));
    const file = join(folder, "expected.txt");
    if (process.env["EVPND_UPDATE_REPLAY"] !== undefined) {
      await sleep(1000);
      writeFileSync(file, await routesOf(speaker, names));
    }
    const expected = readFileSync(file, "utf8");
    const until = performance.now() + DEADLINE_MS;
    // What was played may still be on its way.
    while ((await routesOf(speaker, names)) !== expected && performance.now() < until) await sleep(20);
    expect(await routesOf(speaker, names)).toBe(expected);
    expect(await speaker.control.audit()).toMatchObject({ ok: true, findings: [] });
    result.close();
  } finally {
    await speaker.stop("");
  }
});

test.each([1, 2, 3])("damaged messages are played, and evpnd answers for each session (seed %i)", async (seed) => {
  const random = new Random(seed);
  const port = await freePort();
  const folder = join(HERE, "bird-frr-speakers");
  const config = loadConfig({ file: join(folder, "evpnd.yaml") });
  if (!config.ok) throw new Error(JSON.stringify(config.issues));
  const speaker = createSpeaker({
    settings: { ...config.settings.speaker, listen: [{ address: "127.0.0.1", port }] },
    log: silentLog,
    clock: systemClock,
  });
  await speaker.start();
  try {
    const script = readScript(readFileSync(join(folder, "recording.pcap")), undefined);
    const steps = script.steps.map((step) => {
      if (step.kind !== "message") return step;
      const bytes = Uint8Array.from(step.bytes);
      // Behind the header: the length stays right, and with it the messages behind.
      for (let n = 0; n < 3; n++) bytes[19 + random.below(bytes.length - 19)] = random.below(256);
      return { ...step, bytes };
    });
    const result = await play(
      { ...script, steps },
      { address: "127.0.0.1", port, paceMs: 0, patienceMs: DEADLINE_MS },
    );
    result.close();
    expect(await speaker.control.audit()).toMatchObject({ ok: true, findings: [] });
    // Whole again, it is taken as before.
    const again = await play(script, { address: "127.0.0.1", port, paceMs: 1, patienceMs: DEADLINE_MS });
    expect(again.problems.filter((problem) => !problem.includes("did not bring"))).toEqual([]);
    again.close();
  } finally {
    await speaker.stop("");
  }
});

/** A line per route: the peer's address in the recording, prefix, next hop, whether it is best. */
async function routesOf(speaker: Speaker, names: ReadonlyMap<string, string>): Promise<string> {
  const { routes } = await speaker.control.routes({ table: "all", limit: 1000 });
  return routes
    .map(({ peer, family, prefix, nextHop, best }) => {
      const from = names.get(peer) ?? peer;
      return `${from} ${family} ${prefix} via ${nextHop}${best ? " best" : ""}\n`;
    })
    .sort()
    .join("");
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}
