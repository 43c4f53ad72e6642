/** A thousand tunnels between distinct pairs of addresses; what a change of ten costs us. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import { Driver } from "../../../src/ipsec/live/index.js";
import type { TunnelSide } from "../../../src/ipsec/model/index.js";
import { systemClock } from "../../../src/util/clock.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeCharon } from "../lib/fake-charon.js";
import { sideFor } from "../lib/sides.js";

const TUNNELS = 1000;
/** Milliseconds of CPU; the daemon, here in the same process, counts as well. */
const MOST_CPU = 5_000;

function sides(lifetime: (n: number) => number): TunnelSide[] {
  return Array.from({ length: TUNNELS }, (_, n) => {
    const [high, low] = [Math.floor(n / 250), n % 250];
    const side = sideFor({
      name: `t${n}`,
      addresses: [`198.18.${high}.${low}`, `198.19.${high}.${low}`],
      networks: [[`10.${high}.${low}.0/24`], [`10.${100 + high}.${low}.0/24`]],
    });
    const child = { ...side.child, lifetimeSeconds: lifetime(n) };
    return { ...side, start: n < 5 ? "start" : "respond", child };
  });
}

test("a change of ten among a thousand loads ten, and costs little", async () => {
  const directory = mkdtempSync(join(tmpdir(), "evpnd-thousand-"));
  const charon = new FakeCharon(join(directory, "vici"));
  await charon.start();
  const driver = new Driver({
    socket: charon.path,
    clock: systemClock,
    log: silentLog,
    secrets: { live: () => [Buffer.from(canary("thousand"))], facts: () => undefined },
    guard: { protect: () => Promise.resolve() },
  });
  const connected = new Promise<void>((resolve) => {
    driver.subscribe(({ kind }) => kind === "daemon-up" && resolve());
  });
  driver.start();
  await connected;
  const empty = {
    revision: 1,
    reason: "install",
    before: [],
    removed: [],
    changed: [],
    added: [],
  } as const;
  const before = sides(() => 3600);
  await driver.install({ ...empty, after: before }, () => {});
  expect(charon.connections.size).toBe(TUNNELS);
  const loads = charon.count("load-conn");
  const start = process.cpuUsage();
  const after = sides((n) => (n % 100 === 7 ? 7200 : 3600));
  const steps: string[] = [];
  const changed = after.filter((_, n) => n % 100 === 7).map(({ tunnel }) => tunnel);
  const outcome = await driver.install({ ...empty, after, changed }, ({ tunnel }) =>
    steps.push(tunnel),
  );
  const { user, system } = process.cpuUsage(start);
  expect(outcome).toEqual({ ok: true, problems: [] });
  expect(steps.sort()).toEqual([...changed].sort());
  expect(charon.count("load-conn") - loads).toBe(10);
  expect((user + system) / 1000).toBeLessThan(MOST_CPU);
  await driver.stop();
  await charon.kill();
  rmSync(directory, { recursive: true, force: true });
});
