/** The RADIUS relay over reloads: on, changed while it runs, started anew, off. */
import { expect, test } from "vitest";
import type { DaemonSettings } from "../../src/config/index.js";
import type { RadiusRelay, RadiusSettings } from "../../src/radius/index.js";
import { RadiusSwitch } from "../../src/reload/radius-switch.js";
import { silentLog } from "../../src/util/log.js";
import { ManualClock } from "../radius/lib/hand-clock.js";
import { relaySettings, tenant } from "../radius/lib/run.js";

const of = (radius: RadiusSettings | undefined) => ({ radius }) as DaemonSettings;
const OFF = of(undefined);
const ONE = relaySettings([tenant([])], { stateDirectory: "/a" });
const TWO = relaySettings([tenant([]), tenant([], { name: "blue" })], { stateDirectory: "/a" });
const MOVED = relaySettings([tenant([])], { stateDirectory: "/b" });

function played() {
  const done: string[] = [];
  const fails = { start: false };
  const relays = new RadiusSwitch({
    clock: new ManualClock(),
    log: silentLog,
    onSession: () => {},
    start: (settings) => {
      done.push(`start ${settings.stateDirectory} ${settings.tenants.length}`);
      if (fails.start) return Promise.reject(new Error("EADDRINUSE"));
      const relay: Partial<RadiusRelay> = {
        configure: (next) => {
          done.push(`configure ${next.tenants.length}`);
          return Promise.resolve();
        },
        stop: () => {
          done.push("stop");
          return Promise.resolve();
        },
      };
      return Promise.resolve(relay as RadiusRelay);
    },
  });
  return { relays, done, fails };
}

test("RAD-20, RAD-21: off, on, another tenant while it runs, another directory, off", async () => {
  const { relays, done } = played();
  await relays.start(undefined);
  expect(relays.control).toBeUndefined();
  expect(await relays.apply(OFF, of(ONE))).toEqual(["RADIUS relay started"]);
  expect(await relays.apply(of(ONE), of(structuredClone(ONE)))).toEqual([]);
  await relays.apply(of(ONE), of(TWO));
  await relays.apply(of(TWO), of(MOVED));
  await relays.apply(of(MOVED), OFF);
  expect(done).toEqual(["start /a 1", "configure 2", "stop", "start /b 1", "stop"]);
  expect(relays.control).toBeUndefined();
});

test("RAD-24: one that cannot be started is taken back to what was", async () => {
  const { relays, done, fails } = played();
  await relays.start(ONE);
  fails.start = true;
  await expect(relays.apply(of(ONE), of(MOVED))).rejects.toThrow("EADDRINUSE");
  fails.start = false;
  await relays.apply(of(MOVED), of(ONE));
  expect(done.at(-1)).toBe("start /a 1");
  expect(relays.control).toBeDefined();
});
