import { expect, it } from "vitest";
import type { HttpDoor, HttpSettings } from "../../src/api/index.js";
import { loadConfig } from "../../src/config/index.js";
import type { DaemonSettings } from "../../src/config/index.js";
import { DoorSwitch } from "../../src/reload/door-switch.js";
import { FakeClock } from "../model/lib/fake.js";

function settings(http: string): DaemonSettings {
  const config = loadConfig({ text: `as: 65000\nrouter-id: 10.0.0.1\nhttp: ${http}\n` });
  if (!config.ok) throw new Error(JSON.stringify(config.issues));
  return config.settings;
}

function rig() {
  const notes: string[] = [];
  const clock = new FakeClock();
  const open = (http: HttpSettings): Promise<HttpDoor | undefined> => {
    if (http.listen === undefined) return Promise.resolve(undefined);
    const name = `${http.listen.port} ${http.thread}`;
    notes.push(`open ${name}`);
    return Promise.resolve({
      address: `127.0.0.1:${http.listen.port}`,
      setRules: () => void notes.push(`rules ${name}`),
      stopListening: async () => {
        await Promise.resolve();
        notes.push(`stopped ${name}`);
      },
      close: () => {
        notes.push(`close ${name}`);
        return Promise.resolve();
      },
    });
  };
  const doors = new DoorSwitch(open, clock);
  const change = async (from: string, to: string) => {
    const [before, after] = [settings(from), settings(to)];
    await doors.prepare(before, after);
    return doors.apply(before, after);
  };
  return { doors, notes, clock, change };
}

const ADDRESS = 'listen: "127.0.0.1:8179"';

it("another thread at the same address: the old door gives it back first", async () => {
  const { doors, notes, clock, change } = rig();
  await doors.start(settings(`{${ADDRESS}}`).http);
  expect(await change(`{${ADDRESS}}`, `{${ADDRESS}, thread: main}`)).toEqual([
    "HTTP 127.0.0.1:8179",
  ]);
  clock.advance(1000);
  expect(notes).toEqual([
    "open 8179 worker",
    "stopped 8179 worker",
    "open 8179 main",
    "close 8179 worker",
  ]);
});

it("another address is open before the old one closes; other rules touch neither", async () => {
  const { doors, notes, clock, change } = rig();
  await doors.start(settings(`{${ADDRESS}}`).http);
  await change(`{${ADDRESS}}`, `{${ADDRESS}, allowed-hosts: [rr1]}`);
  const other = 'listen: "127.0.0.1:8180"';
  await change(`{${ADDRESS}}`, `{${other}}`);
  clock.advance(1000);
  expect(notes).toEqual([
    "open 8179 worker",
    "rules 8179 worker",
    "open 8180 worker",
    "close 8179 worker",
  ]);
});
