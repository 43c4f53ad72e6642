/** The gate's thread from outside: begun with the settings of now, its line to this daemon's Sec-EM, break-glass. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { MessagePort } from "node:worker_threads";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { GateError, GateService } from "../../../src/asmn/gate/index.js";
import type { GateEvent } from "../../../src/asmn/gate/entry.js";
import type { FeedNote, FeedThreadData } from "../../../src/asmn/gate/thread.js";
import type { GateSettings } from "../../../src/asmn/settings.js";
import { silentLog } from "../../../src/util/log.js";
import { startOwnedThread } from "../../../src/util/owned-thread.js";
import { settingsOf } from "../../config/lib/check.js";
import { bundleThread } from "../../lib/thread.js";
import { ManualClock } from "../../radius/lib/hand-clock.js";
import { PlayedThread } from "../../util/lib/played-thread.js";

type Played = PlayedThread<undefined, FeedNote, readonly GateEvent[]>;

let directory: string;
let clock: ManualClock;
let threads: Played[];
let data: FeedThreadData[];
let ports: MessagePort[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-gate-"));
  clock = new ManualClock();
  [threads, data, ports] = [[], [], []];
});
afterEach(() => {
  for (const port of ports) port.close();
  rmSync(directory, { recursive: true });
});

const secEm = { rootKeys: ["ab"], subscribe: (port: MessagePort) => void ports.push(port) };
const last = () => threads.at(-1)!;
/** Ports that the last thread was given. */
const given = () =>
  last().commands.flatMap((one) =>
    one.kind === "note" && one.note.kind === "local" ? [one.note.port] : [],
  );

function settings(stale: number): GateSettings {
  const gate = `{stale-seconds: ${stale}, state-directory: ${directory}}`;
  const { asmn } = settingsOf(`as: 65000
router-id: 10.0.0.254
restart: {state-dir: ${directory}}
peers: [{address: 10.0.0.1}]
asmn: {gate: ${gate}, sec-em: {tenants: [{name: red, vnfs: [{name: pe}]}]}}
`);
  return asmn!.gate!;
}

const start = () =>
  GateService.start({
    ...{ settings: settings(10), secEm, clock, log: silentLog, handOver: () => {} },
    spawn: (one, events) => {
      const thread: Played = new PlayedThread(events);
      data.push(one);
      threads.push(thread);
      return thread.owned;
    },
  });
const ready = () => last().say({ kind: "ready", told: undefined });

async function begun(): Promise<GateService> {
  const starting = start();
  await Promise.resolve();
  ready();
  return starting;
}

test("a thread that dies is followed by one with the settings of now, which gets a line of its own", async () => {
  const gate = await begun();
  expect([data[0]?.settings.staleSeconds, given().length]).toEqual([10, 1]);
  await gate.configure(settings(12), secEm);
  expect(last().commands.at(-1)).toMatchObject({ note: { settings: { staleSeconds: 12 } } });
  expect(given()).toHaveLength(1);
  last().die();
  gate.connectLocal();
  expect(ports).toHaveLength(1);
  clock.pass(100);
  expect([data[1]?.settings.staleSeconds, given().length]).toEqual([12, 0]);
  ready();
  expect([given().length, ports.length]).toEqual([1, 2]);
  ports.push(...given());
  const stopping = gate.stop();
  await Promise.resolve();
  last().answer(undefined);
  await stopping;
  expect(last().killed).toBe(true);
});

test("a state that is damaged keeps the gate's own thread from starting, with what to do", async () => {
  const bundle = await bundleThread("src/asmn/gate/worker.ts");
  onTestFinished(() => bundle.remove());
  const file = join(directory, "gate.json");
  const begin = () =>
    GateService.start({
      ...{ settings: settings(10), secEm, clock, log: silentLog, handOver: () => {} },
      spawn: (workerData, events) =>
        startOwnedThread(
          pathToFileURL(bundle.entry),
          { name: "gate", workerData, heapMegabytes: 64 },
          events,
        ),
    });
  writeFileSync(file, "{");
  const starting = begin();
  await expect(starting).rejects.toThrow("gate.json is damaged: restore it");
  await expect(starting).rejects.toBeInstanceOf(GateError);
  rmSync(file);
  await (await begin()).stop();
});

test("ASM-81: a break-glass document is refused with the thread's reason, and not waited for without an end", async () => {
  const gate = await begun();
  const document = Buffer.from("signed").toString("base64");
  const refused = gate.breakGlass(document);
  last().answer("issuer: nobody knows it");
  await expect(refused).rejects.toThrow("nobody knows it");
  const late = gate.breakGlass(document);
  clock.pass(5000);
  await expect(late).rejects.toThrow("did not answer");
  last().die();
  await expect(gate.breakGlass(document)).rejects.toMatchObject({ code: "off" });
});
