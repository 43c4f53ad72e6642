/** RAD-14, RAD-66: whose session ended for silence is known over a restart, for some time. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Code } from "../../../src/radius/packet/iana.js";
import { SILENT_MAX, SilentEnds } from "../../../src/radius/session/silent-ends.js";
import { radiusSession } from "../../lib/fake-radius.js";
import { TestDisk } from "../lib/engine.js";
import { accessRequest, Endpoint, STATION } from "../lib/packets.js";
import { CLIENT_SECRET, homeServer, PlayedHome, Run, tenant, until } from "../lib/run.js";

const DAY = 86_400_000;
let nas: Endpoint;
let home: PlayedHome;
beforeEach(async () => {
  nas = await Endpoint.open();
  home = await PlayedHome.open();
});
afterEach(() => {
  nas.close();
  home.close();
});

test("RAD-14, RAD-66: a restart does not forget who fell silent; a new session does", async () => {
  const disk = new TestDisk();
  const one = tenant([homeServer(home.port)], { sessionIdleMs: 60_000 });
  const start = () => Run.start([one], { engine: disk.open });
  const login = async (run: Run): Promise<void> => {
    const before = run.events.length;
    home.onRequest = (request) => home.answer(request, Code.AccessAccept);
    nas.send(accessRequest(STATION, CLIENT_SECRET, { identifier: before + 1 }), run.authPort);
    await until(() => run.events.length > before);
  };
  const silent = async (run: Run) =>
    (await run.service.silentEnds(undefined)).rows.map(({ mac }) => mac);
  let run = await start();
  await login(run);
  run.clock.pass(61_000);
  await until(() => run.events.at(-1)?.kind === "ended");
  const [mac] = await silent(run);
  expect(run.events.at(-1)).toMatchObject({ reason: "idle", session: { mac } });
  await run.service.stop();
  run = await start();
  expect(await silent(run)).toEqual([mac]);
  await login(run);
  expect(await silent(run)).toEqual([]);
  await run.service.stop();
  run = await start();
  expect(await silent(run)).toEqual([]);
  expect((await run.service.sessions({})).rows).toHaveLength(1);
  await run.service.stop();
});

test("RAD-14: a bounded number of them, the oldest go first, and none is kept for ever", () => {
  const changes: string[] = [];
  const ends = new SilentEnds(({ mac, end }) => changes.push(end === undefined ? `-${mac}` : mac));
  for (let n = 0; n <= SILENT_MAX; n++) {
    ends.note({ kind: "ended", session: radiusSession({ mac: `m${n}` }), reason: "idle" }, n);
  }
  expect(changes.filter((change) => change.startsWith("-"))).toEqual(["-m0"]);
  const count = () => ends.size;
  expect(count()).toBe(SILENT_MAX);
  ends.note({ kind: "ended", session: radiusSession({ mac: "m5" }), reason: "stop" }, 0);
  expect(count()).toBe(SILENT_MAX - 1);
  // Who is there throughout is in a page, whoever else goes meanwhile.
  const first = ends.list(0, 100);
  ends.note({ kind: "begun", session: radiusSession({ mac: "m7" }) }, 0);
  const second = ends.list(first.last, 100);
  expect(first.rows.at(-1)?.mac).toBe("m101");
  expect(second.rows.map(({ mac }) => mac).slice(0, 2)).toEqual(["m102", "m103"]);
  for (let call = 0; call < 2000; call++) ends.expire(31 * DAY);
  expect(count()).toBe(0);
});
