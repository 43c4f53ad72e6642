/** What one life leaves to the next: on a real directory, with the clock in the test's hand. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  formatRestartState,
  parseRestartState,
  readRestartState,
  RestartState,
  STATE_FILE,
  type RememberedPeer,
} from "../../../src/bgp/restart/state-file.js";
import { silentLog, type Log } from "../../../src/util/log.js";
import { FakeClock } from "../session/harness.js";

const PEERS: readonly RememberedPeer[] = [
  { address: "10.0.0.2", localAddress: "10.0.0.1" },
  { address: "2001:db8::2", localAddress: "2001:db8::1" },
];

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-state-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = (): string => join(directory, STATE_FILE);
const content = (): string => readFileSync(file(), "utf8");

function words(): { log: Log; said: string[] } {
  const said: string[] = [];
  const note = (_fields: object, text: string): void => void said.push(text);
  return { log: { ...silentLog, info: note, warn: note }, said };
}

describe("the text", () => {
  test("is read as it was written", () => {
    expect(parseRestartState(formatRestartState(PEERS))).toEqual(PEERS);
    expect(parseRestartState(formatRestartState([]))).toEqual([]);
  });

  test.each([
    "",
    "{",
    "null",
    "[]",
    '{"format":2,"established":[]}',
    '{"format":1}',
    '{"format":1,"established":["10.0.0.2"]}',
    '{"format":1,"established":[{"address":"10.0.0.2"}]}',
    '{"format":1,"established":[{"address":"x","localAddress":"10.0.0.1"}]}',
    '{"format":1,"established":[null]}',
  ])("is refused as a whole: %s", (text) => {
    expect(parseRestartState(text)).toBeUndefined();
  });
});

describe("at a start", () => {
  const read = (wallMs: number, log: Log = silentLog) =>
    readRestartState(directory, wallMs, 120, log);

  test("a young file tells who was up; an old one does not", async () => {
    writeFileSync(file(), formatRestartState(PEERS));
    utimesSync(file(), 1000, 1000);
    expect(await read(1_000_000)).toEqual(PEERS);
    expect(await read(1_120_000)).toEqual(PEERS);
    expect(await read(1_126_000)).toBeUndefined();
  });

  test("no file, an empty one and a foreign one are a cold start", async () => {
    const { log, said } = words();
    expect(await read(0, log)).toBeUndefined();
    expect(said).toEqual([]);
    writeFileSync(file(), formatRestartState([]));
    expect(await read(Date.now(), log)).toBeUndefined();
    writeFileSync(file(), "something else");
    expect(await read(Date.now(), log)).toBeUndefined();
    expect(said).toEqual(["cold start: the state file is not one of evpnd's"]);
  });

  test("a file of the future is a clock that was set back: the peers may well wait", async () => {
    writeFileSync(file(), formatRestartState(PEERS));
    utimesSync(file(), 9000, 9000);
    expect(await read(1_000_000)).toEqual(PEERS);
  });

  test("half a file, and one that is too large, are a cold start", async () => {
    const { log, said } = words();
    writeFileSync(file(), formatRestartState(PEERS).slice(0, 40));
    expect(await read(Date.now(), log)).toBeUndefined();
    truncateSync(file(), 17 * 1024 * 1024);
    expect(await read(Date.now(), log)).toBeUndefined();
    expect(said).toEqual(Array(2).fill("cold start: the state file is not one of evpnd's"));
  });

  test("a pipe in its place does not hold up the start", async () => {
    const { log, said } = words();
    execFileSync("mkfifo", [file()]);
    expect(await read(Date.now(), log)).toBeUndefined();
    expect(said).toEqual(["cold start: the state file is not one of evpnd's"]);
  });

  test("a directory in its place is said, and a cold start", async () => {
    const { log, said } = words();
    directory = join(directory, "deeper");
    expect(await read(0, log)).toBeUndefined();
    writeFileSync(directory, "");
    expect(await read(0, log)).toBeUndefined();
    expect(said).toEqual(["cold start: the state file cannot be read"]);
  });
});

describe("while it lives", () => {
  test("changes are written once, and the file stays young", async () => {
    const clock = new FakeClock();
    let peers: readonly RememberedPeer[] = [];
    let looks = 0;
    const state = new RestartState(directory, clock, silentLog, () => {
      looks++;
      return peers;
    });
    expect(await state.save()).toBe(true);
    peers = PEERS;
    state.changed();
    state.changed();
    clock.advance(499, () => {});
    expect(looks).toBe(1);
    clock.advance(1, () => {});
    expect(looks).toBe(2);
    expect(await state.save()).toBe(true);
    expect(parseRestartState(content())).toEqual(PEERS);
    expect(await readRestartState(directory, clock.wall(), 1, silentLog)).toEqual(PEERS);
    // Nothing changes for a long time: the file is touched, not written.
    clock.advance(600_000, () => {});
    await state.save();
    expect(looks).toBe(2);
    expect(await readRestartState(directory, clock.wall(), 1, silentLog)).toEqual(PEERS);
    await state.close(false);
    expect(clock.pendingTimers).toBe(0);
    expect(parseRestartState(content())).toEqual(PEERS);
  });

  test("it is gone after a goodbye", async () => {
    const state = new RestartState(directory, new FakeClock(), silentLog, () => PEERS);
    await state.save();
    await state.close(true);
    expect(() => content()).toThrow("ENOENT");
  });

  test("a save that is under way does not bring back what an earlier one had to say", async () => {
    let peers = PEERS;
    const state = new RestartState(directory, new FakeClock(), silentLog, () => peers);
    const first = state.save();
    peers = PEERS.slice(1);
    state.changed();
    const second = state.save();
    expect(await Promise.all([first, second, state.save()])).toEqual([true, true, true]);
    expect(parseRestartState(content())).toEqual(peers);
    await state.close(false);
  });

  test.runIf(existsSync("/dev/full"))("a full disk leaves the file as it was", async () => {
    const { log, said } = words();
    let peers = PEERS;
    const state = new RestartState(directory, new FakeClock(), log, () => peers);
    await state.save();
    symlinkSync("/dev/full", `${file()}.new`);
    peers = PEERS.slice(1);
    state.changed();
    expect(await state.save()).toBe(false);
    expect(said).toEqual(["state-dir cannot be written: the next start will be a cold one"]);
    expect(parseRestartState(content())).toEqual(PEERS);
    rmSync(`${file()}.new`);
    expect(await state.save()).toBe(true);
    expect(parseRestartState(content())).toEqual(peers);
    await state.close(false);
  });

  test("what cannot be written is said once, and written when it can be", async () => {
    const clock = new FakeClock();
    const { log, said } = words();
    const parent = directory;
    directory = join(parent, "state");
    writeFileSync(directory, "a file in the way");
    const state = new RestartState(directory, clock, log, () => PEERS);
    expect(await state.save()).toBe(false);
    expect(await state.save()).toBe(false);
    expect(said).toHaveLength(1);
    rmSync(directory);
    expect(await state.save()).toBe(true);
    expect(parseRestartState(content())).toEqual(PEERS);
    await state.close(false);
    chmodSync(parent, 0o700);
    directory = parent;
  });
});
