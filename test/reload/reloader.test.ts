/** Reloads in order: confirm in time, rollback, refusals, failures; the clock is the test's. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ConfigResult, DaemonSettings } from "../../src/config/index.js";
import { Reloader } from "../../src/reload/reloader.js";
import type { Applier } from "../../src/util/applier.js";
import { silentLog } from "../../src/util/log.js";
import { FakeClock } from "../bgp/session/harness.js";
import { check } from "../config/lib/check.js";

const TOP = "as: 65000\nrouter-id: 10.0.0.1\nhttp: {listen: off}\n";
const level = (name: string): string => `${TOP}log: {level: ${name}}\n`;

let text: string;
let clock: FakeClock;
let made: string[];
/** The next change fails. */
let failing: boolean;
let reloader: Reloader;
/** Times the file was read. */
let reads: number;

function load(candidate?: string): ConfigResult {
  reads++;
  if (text === "bug") throw new Error("a fault of ours");
  return check(candidate ?? text);
}

beforeEach(() => {
  text = level("info");
  clock = new FakeClock();
  made = [];
  failing = false;
  reads = 0;
  const initial = load();
  if (!initial.ok) throw new Error("the first file is bad");
  const applier: Applier<DaemonSettings> = {
    name: "log",
    async apply(before, after) {
      await Promise.resolve();
      if (failing) {
        failing = false;
        throw new Error("no room left");
      }
      if (before.log.level === after.log.level) return [];
      made.push(after.log.level);
      return [`log level ${after.log.level}`];
    },
  };
  reloader = new Reloader({
    file: "/etc/evpnd/evpnd.yaml",
    load,
    initial,
    appliers: [applier],
    preview: () => Promise.resolve([]),
    log: silentLog,
    clock,
  });
});

/** Lets time pass, and what it set off end. */
async function pass(seconds: number): Promise<void> {
  clock.advance(1000 * seconds, () => {});
  // In turn behind everything asked for by now.
  await reloader.confirm();
}

describe("reload", () => {
  test("applies a good file, and says when nothing differs", async () => {
    expect(await reloader.reload()).toEqual({ ok: true, lines: ["nothing changed"] });
    text = level("debug");
    expect(await reloader.reload()).toEqual({ ok: true, lines: ["log level debug"] });
    expect(reloader.settings.log.level).toBe("debug");
  });

  test("of a bad file changes nothing and lists its faults", async () => {
    text = "as: none\nlissen: []\n";
    const { ok, lines } = await reloader.reload();
    expect(ok).toBe(false);
    expect(lines).toHaveLength(2);
    expect(made).toEqual([]);
    expect(reloader.settings.log.level).toBe("info");
  });

  test("that fails leaves what was", async () => {
    text = level("debug");
    failing = true;
    expect(await reloader.reload()).toEqual({ ok: false, lines: ["no room left"] });
    expect(reloader.settings.log.level).toBe("info");
    expect((await reloader.reload()).ok).toBe(true);
  });

  test("several run one after another", async () => {
    text = level("debug");
    const first = reloader.reload();
    await Promise.resolve();
    const second = reloader.reload();
    expect([(await first).lines, (await second).lines]).toEqual([
      ["log level debug"],
      ["nothing changed"],
    ]);
  });

  test("a storm of them reads the file twice, and the last one asked for has been done", async () => {
    text = level("debug");
    const first = Array.from({ length: 50 }, () => reloader.reload());
    await first[0];
    text = level("error");
    const all = [...first, ...Array.from({ length: 50 }, () => reloader.reload())];
    for (const result of await Promise.all(all)) expect(result.ok).toBe(true);
    expect(reads).toBe(1 + 2);
    expect(made).toEqual(["debug", "error"]);
  });

  test("one behind something else is a reload of its own", async () => {
    text = level("debug");
    const first = reloader.reload();
    const between = reloader.rollback();
    const last = reloader.reload();
    expect(await Promise.all([first, between, last])).toMatchObject([
      { lines: ["log level debug"] },
      { lines: ["log level info"] },
      { lines: ["log level debug"] },
    ]);
  });

  test("that meets a bug is refused, and the next one works", async () => {
    text = "bug";
    expect(await reloader.reload()).toMatchObject({ ok: false });
    text = level("debug");
    expect((await reloader.reload()).ok).toBe(true);
  });

  test("what takes a restart is named", async () => {
    text = `${level("info")}user: evpnd\n`;
    expect((await reloader.reload()).lines).toEqual(["user: needs a restart of evpnd"]);
  });
});

describe("reload --confirm", () => {
  beforeEach(async () => {
    text = level("debug");
    expect((await reloader.reload(60)).lines).toEqual([
      "log level debug",
      "goes back in 60 s unless confirmed: evpnctl config confirm",
    ]);
  });

  test("goes back by itself", async () => {
    clock.advance(59_000, () => {});
    expect(reloader.pending()).toEqual({ secondsLeft: 1 });
    await pass(1);
    expect(made).toEqual(["debug", "info"]);
    expect(reloader.pending()).toBeUndefined();
    expect(reloader.running().configuration).toMatchObject({ log: { level: "info" } });
  });

  test("stays when confirmed", async () => {
    expect(await reloader.confirm()).toEqual({ ok: true, lines: ["confirmed"] });
    await pass(3600);
    expect(made).toEqual(["debug"]);
    expect((await reloader.confirm()).ok).toBe(false);
  });

  test("can be taken back at once, and the timer is off", async () => {
    expect(await reloader.rollback()).toEqual({ ok: true, lines: ["log level info"] });
    await pass(3600);
    expect(made).toEqual(["debug", "info"]);
  });

  test("confirm and the end of time at once: who comes first has it", async () => {
    const confirmed = reloader.confirm();
    clock.advance(60_000, () => {});
    expect((await confirmed).ok).toBe(true);
    await pass(60);
    expect(made).toEqual(["debug"]);

    text = level("warn");
    await reloader.reload(60);
    clock.advance(60_000, () => {});
    expect((await reloader.confirm()).ok).toBe(false);
    expect(made).toEqual(["debug", "warn", "debug"]);
  });

  test("rollback and the end of time at once go back once", async () => {
    clock.advance(60_000, () => {});
    expect((await reloader.rollback()).ok).toBe(false);
    expect(made).toEqual(["debug", "info"]);
  });

  test("going back is tried again until it works", async () => {
    failing = true;
    clock.advance(60_000, () => {});
    await vi.waitFor(() => expect(reloader.pending()).toEqual({ secondsLeft: 10 }));
    expect(reloader.settings.log.level).toBe("debug");
    await pass(10);
    expect(made.at(-1)).toBe("info");
    expect(reloader.pending()).toBeUndefined();
  });

  test("refuses other reloads meanwhile, and says how long", async () => {
    text = level("error");
    clock.advance(20_000, () => {});
    const { ok, lines } = await reloader.reload();
    expect(ok).toBe(false);
    expect(lines[0]).toContain("waits to be confirmed (40 s left)");
    await reloader.confirm();
    expect((await reloader.reload()).ok).toBe(true);
  });

  test("a bad file or a failure starts no wait", async () => {
    await reloader.confirm();
    text = "as: 0\n";
    expect((await reloader.reload(60)).ok).toBe(false);
    text = level("error");
    failing = true;
    expect((await reloader.reload(60)).ok).toBe(false);
    expect(reloader.pending()).toBeUndefined();
  });

  test("ends with the daemon", async () => {
    reloader.stop();
    expect(clock.pendingTimers).toBe(0);
    expect((await reloader.reload()).ok).toBe(false);
  });
});

describe("rollback", () => {
  test("goes to the settings before the last change, and back again", async () => {
    expect((await reloader.rollback()).ok).toBe(false);
    text = level("debug");
    await reloader.reload();
    await reloader.rollback();
    expect(reloader.settings.log.level).toBe("info");
    await reloader.rollback();
    expect(reloader.settings.log.level).toBe("debug");
  });
});

test("a reload that changes nothing leaves what a rollback goes back to", async () => {
  text = level("debug");
  await reloader.reload();
  await reloader.reload();
  await reloader.rollback();
  expect(reloader.settings.log.level).toBe("info");
});

describe("diff", () => {
  test("says what the file, or another text, would change; nothing happens", async () => {
    text = `${level("debug")}fib: {enabled: true}\nuser: evpnd\n`;
    const diff = await reloader.diff();
    expect(diff.lines).toEqual([
      "fib: starts",
      'log: applies live: level "info" -> "debug"',
      "user: needs a restart of evpnd",
    ]);
    expect((await reloader.diff(level("info"))).changes).toEqual([]);
    expect(made).toEqual([]);
  });

  test("lists the faults of a file that would be refused", async () => {
    const diff = await reloader.diff("as: 0\n");
    expect(diff).toMatchObject({ ok: false, changes: [] });
    expect(diff.issues[0]).toContain("out of range");
  });
});

test("the running configuration hides secrets", async () => {
  text = `${TOP}peers: [{address: 10.0.0.2, password: hunter2}]\n`;
  await reloader.reload();
  const shown = JSON.stringify(reloader.running());
  expect(shown).not.toContain("hunter2");
  expect(shown).toContain("[hidden]");
});
