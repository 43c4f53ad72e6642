/** The gateway's thread from outside: its settings of now after a death, and its line to this daemon's Sec-EM. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GatewayError, GatewayService } from "../../../src/asmn/gateway/index.js";
import type { StationStart } from "../../../src/asmn/gateway/messages.js";
import type { GatewaySettings } from "../../../src/asmn/settings.js";
import { silentLog } from "../../../src/util/log.js";
import { settingsOf } from "../../config/lib/check.js";
import { ManualClock } from "../../radius/lib/hand-clock.js";
import { PlayedThread } from "../../util/lib/played-thread.js";

let directory: string;
let clock: ManualClock;
let threads: PlayedThread<undefined, MessagePort>[];
let starts: StationStart[];
let ports: MessagePort[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-gateway-"));
  clock = new ManualClock();
  [threads, starts, ports] = [[], [], []];
});
afterEach(() => {
  for (const port of ports) port.close();
  rmSync(directory, { recursive: true });
});

const secEm = { rootKeys: ["ab"], subscribe: (port: MessagePort) => void ports.push(port) };
const last = () => threads.at(-1)!;
/** Ports that the last thread was given. */
const given = () => last().commands.flatMap((one) => (one.kind === "note" ? [one.note] : []));

function settings(table: string): GatewaySettings {
  const gateway = `{tenant: red, interfaces: [{name: eth1}], table: ${table}, state-directory: ${directory}}`;
  const { asmn } = settingsOf(`as: 65000
router-id: 10.0.0.254
restart: {state-dir: ${directory}}
peers: [{address: 10.0.0.1}]
asmn: {gateway: ${gateway}, sec-em: {tenants: [{name: red, vnfs: [{name: pe}]}]}}
`);
  return asmn!.gateway!;
}

async function begun(): Promise<GatewayService> {
  const starting = GatewayService.start({
    ...{ settings: settings("first"), secEm, clock, log: silentLog },
    spawn: (start, events) => {
      const thread = new PlayedThread<undefined, MessagePort>(events);
      starts.push(start);
      threads.push(thread);
      return thread.owned;
    },
  });
  last().say({ kind: "ready", told: undefined });
  return starting;
}

test("a thread that dies is followed by one with the settings of now, which gets a line of its own", async () => {
  const gateway = await begun();
  expect([starts[0]?.settings.core.table, given().length]).toEqual(["first", 1]);
  const configured = gateway.configure(settings("second"), secEm);
  last().answer(undefined);
  await configured;
  expect(given()).toHaveLength(1);
  const asked = gateway.members();
  last().die();
  await expect(asked).rejects.toBeInstanceOf(GatewayError);
  await expect(gateway.status()).rejects.toMatchObject({ code: "off" });
  gateway.connectLocal();
  expect(ports).toHaveLength(1);
  clock.pass(100);
  last().say({ kind: "ready", told: undefined });
  expect([starts[1]?.settings.core.table, given().length, ports.length]).toEqual(["second", 1, 2]);
  for (const port of given()) ports.push(port);
  const again = gateway.members();
  last().answer([]);
  expect(await again).toEqual([]);
});

test("settings that the thread refuses are not those of the next one", async () => {
  const gateway = await begun();
  const configured = gateway.configure(settings("second"), undefined);
  const error = { message: "no such table", refusal: "refused", code: undefined };
  last().say({ kind: "refused", id: last().calls[0]!.id, error });
  await expect(configured).rejects.toMatchObject({ code: "refused" });
  last().die();
  clock.pass(100);
  expect(starts[1]?.settings.core.table).toBe("first");
  const stopping = gateway.stop();
  clock.pass(3000);
  await stopping;
});
