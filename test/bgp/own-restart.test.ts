import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SETTLE_MS } from "../../src/bgp/restart/deferral.js";
import { OwnRestart } from "../../src/bgp/own-restart.js";
import {
  formatRestartState,
  parseRestartState,
  STATE_FILE,
  type RememberedPeer,
} from "../../src/bgp/restart/state-file.js";
import { PEER_OPTION_DEFAULTS, SPEAKER_DEFAULTS } from "../../src/bgp/settings.js";
import type { PeerOptions } from "../../src/bgp/settings.js";
import { silentLog } from "../../src/util/log.js";
import { Speaker } from "./lib/speaker.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-state-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const FULL: PeerOptions = {
  ...PEER_OPTION_DEFAULTS,
  gracefulRestart: { ...PEER_OPTION_DEFAULTS.gracefulRestart, mode: "full" },
};
const LOCAL = "10.0.0.254";

function remember(speaker: Speaker, ...addresses: readonly string[]): void {
  const peers: RememberedPeer[] = addresses.map((address) => ({ address, localAddress: LOCAL }));
  const file = join(directory, STATE_FILE);
  writeFileSync(file, formatRestartState(peers));
  const now = speaker.clock.wall() / 1000;
  utimesSync(file, now, now);
}

function bench(
  optionsFor: () => PeerOptions | undefined = () => FULL,
  keepOnStop = true,
  range: PeerOptions = FULL,
) {
  const speaker = new Speaker();
  const { restarts } = speaker.reflector;
  const recalled: string[] = [];
  const own = new OwnRestart({
    settings: () => ({
      ...SPEAKER_DEFAULTS,
      as: 65000,
      routerId: LOCAL,
      clusterId: LOCAL,
      dynamic: [{ ...range, prefix: "10.0.0.0/24", maxPeers: 0, allow: [], deny: [] }],
      restart: { stateDir: directory, deferralTime: 120, keepOnStop },
    }),
    restarts,
    optionsFor,
    recall: (address, local) => recalled.push(`${address} from ${local}`),
    endRecall: () => recalled.push("end"),
    clock: speaker.clock,
    log: silentLog,
  });
  return { speaker, restarts, own, recalled };
}

test("a restart waits for the peers of before, and calls them once it listens", async () => {
  const { speaker, restarts, own, recalled } = bench();
  remember(speaker, "10.0.0.2", "10.0.0.3");
  await own.begin();
  expect(restarts.isRestarting).toBe(true);
  expect(recalled).toEqual([]);
  own.started();
  expect(recalled).toEqual([`10.0.0.2 from ${LOCAL}`, `10.0.0.3 from ${LOCAL}`]);
  restarts.abandon("10.0.0.2", "");
  // Restarted again now: who is still missed is missed then, too.
  expect(restarts.toRemember()).toEqual([{ address: "10.0.0.3", localAddress: LOCAL }]);
  restarts.abandon("10.0.0.3", "");
  speaker.clock.advance(SETTLE_MS);
  expect(recalled.at(-1)).toBe("end");
  await own.end();
});

test("nobody to wait for: strangers by now, or shut down", async () => {
  for (const options of [undefined, { ...FULL, shutdown: true }]) {
    const { speaker, restarts, own } = bench(() => options);
    remember(speaker, "10.0.0.2");
    await own.begin();
    expect(restarts.isRestarting).toBe(false);
  }
});

test("an ordinary stop keeps the file; cease, or a start that failed, does otherwise", async () => {
  const kept = bench();
  await kept.own.begin();
  kept.own.started();
  expect(await kept.own.end()).toBe(true);
  const ceased = bench(() => FULL, false);
  await ceased.own.begin();
  ceased.own.started();
  expect(await ceased.own.end()).toBe(false);
  const failed = bench();
  await failed.own.begin();
  expect(await failed.own.end()).toBe(false);
});

test("who asks nobody to keep its routes has not restarted, but remembers: a reload may ask", async () => {
  const { speaker, restarts, own } = bench(() => PEER_OPTION_DEFAULTS, true, PEER_OPTION_DEFAULTS);
  remember(speaker, "10.0.0.2");
  await own.begin();
  expect(restarts.isRestarting).toBe(false);
  own.started();
  speaker.up({ address: "10.0.0.3" });
  expect(await own.end()).toBe(true);
  const text = readFileSync(join(directory, STATE_FILE), "utf8");
  expect(parseRestartState(text)?.map(({ address }) => address)).toEqual(["10.0.0.3"]);
});

test("a directory that cannot be written costs the grace, not the start, and the stop says goodbye", async () => {
  const parent = directory;
  directory = join(parent, "in-the-way");
  writeFileSync(directory, "");
  const { own, restarts } = bench();
  await own.begin();
  own.started();
  expect(restarts.isRestarting).toBe(false);
  expect(await own.end()).toBe(false);
  directory = parent;
});
