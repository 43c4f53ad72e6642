/**
 * Accounting is never lost: the relay killed in the middle of thousands, killed again while it replays, its
 * system calls, a full disk; and sessions that survive. Real FreeRADIUS, radclient, strace, a real file system.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { DIST } from "./lib/evpnd.js";
import type { Evpnd } from "./lib/evpnd.js";
import { Freeradius } from "./lib/freeradius.js";
import { Lab } from "./lib/lab.js";
import {
  ACCT_PORT,
  CLIENT_SECRET,
  homeEntry,
  HOME_SECRET,
  RadiusLab,
  relayConfig,
  station,
} from "./lib/radius-lab.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const USERS = `DEFAULT Cleartext-Password := "hello"\n    Class = 0x676f6c64\n`;
const REQUESTS = 5000;
const HOMES = `      home-servers:${homeEntry("home", 1912)}`;

describeInterop("RADIUS accounting", ["freeradius", "strace"], () => {
  let lab: Lab;
  let radius: RadiusLab;
  let home: Freeradius;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo");
    radius = new RadiusLab(lab, "lo");
    const options = { name: "freeradius", port: 1912, secret: HOME_SECRET, users: USERS };
    home = await Freeradius.start({ lab, label: "lo", ...options });
  });
  afterAll(() => lab?.close());
  beforeEach(() => showLogsOnFailure(() => lab));
  /** No relay outlives its test, whatever became of that. */
  afterEach(async () => {
    const main = join(DIST, "src", "main.js");
    for (const pid of (await radius.shell(`ip netns pids ${lab.name("lo")}`)).split("\n")) {
      const file = `/proc/${pid}/cmdline`;
      if (pid === "" || !existsSync(file) || !readFileSync(file, "utf8").includes(main)) continue;
      process.kill(Number(pid), "SIGKILL");
      await waitFor("the relay to be gone", () => !existsSync(file));
    }
  });

  const account = (type: string, session: string, more = "", options = "-r 1 -t 10") =>
    radius.radclient(
      `Acct-Status-Type = ${type}, Acct-Session-Id = "${session}", User-Name = bob, ${station(1)}${more}`,
      "acct",
      options,
    );
  const emptied = (evpnd: Evpnd) =>
    waitFor("the spool to be empty", async () => (await radius.spool(evpnd)).waiting === 0);

  test("RAD-10, RAD-11, RAD-13, RAD-16, RAD-66: a session by accounting, over a death of the relay, to its end", async () => {
    const config = relayConfig(HOMES, `  state-directory: ${join(lab.directory, "sessions")}`);
    const first = await radius.start(config, "sessions-1");
    expect(await radius.login("bob")).toContain("Received Access-Accept");
    expect(await account("Start", "s1", ", Event-Timestamp = 1700000000")).toContain(
      "Received Accounting-Response",
    );
    expect(home.records().at(-1)).toBe("Start s1 0 bob 127.0.0.1");
    const [before] = await radius.sessions(first);
    expect(before).toMatchObject({ userName: "bob", acctSessionId: "s1", confirmed: true });
    // Sessions are written a moment after they change.
    const log = join(lab.directory, "sessions");
    await waitFor("the session to be on disk", () => written(log).includes('"acctSessionId":"s1"'));
    await first.kill();
    const second = await radius.start(config, "sessions-2");
    expect(await radius.sessions(second)).toEqual([before]);
    await account("Accounting-Off", "x");
    expect(await radius.sessions(second)).toEqual([]);
    await radius.login("bob");
    await account("Start", "s2");
    await account("Stop", "s2");
    expect(await radius.sessions(second)).toEqual([]);
  });

  test("RAD-65: killed in the middle of 5,000 accounting requests, and again while it replays: no acknowledged one is lost", async () => {
    await home.program.stop("SIGKILL");
    const config = relayConfig(HOMES, `  state-directory: ${join(lab.directory, "killed")}`);
    const first = await radius.start(config, "killed-1");
    const line = (n: number) =>
      `Acct-Status-Type = Start, Acct-Session-Id = "k${n}", User-Name = bob, ${station(1)}`;
    const file = lab.writeFile(
      "requests",
      Array.from({ length: REQUESTS }, (_, n) => line(n)).join("\n\n"),
    );
    const words = ["-x", "-p", "400", "-r", "1", "-t", "1", "-f", file];
    const target = [`127.0.0.1:${ACCT_PORT}`, "acct", CLIENT_SECRET];
    const client = lab.start("lo", "radclient", "stdbuf", [
      "-oL",
      "radclient",
      ...words,
      ...target,
    ]);
    await waitFor(
      "a thousand to be spooled",
      async () => (await radius.spool(first)).waiting > 1000,
      { every: 5 },
    );
    await first.kill();
    await client.stop("SIGKILL");
    const acknowledged = acknowledgedSessions(client.log());
    expect(acknowledged.size).toBeGreaterThan(500);
    expect(acknowledged.size).toBeLessThan(REQUESTS);

    await home.begin();
    const before = home.records().length;
    const second = await radius.start(config, "killed-2");
    await waitFor("some to be replayed", () => home.records().length > before + 100, { every: 5 });
    await second.kill();
    const third = await radius.start(config, "killed-3");
    await emptied(third);
    const counts = new Map<string, number>();
    for (const record of home.records().slice(before)) {
      const session = record.split(" ")[1] ?? "";
      counts.set(session, (counts.get(session) ?? 0) + 1);
    }
    expect([...acknowledged].filter((session) => !counts.has(session))).toEqual([]);
    // Twice at most what was under way at the second death: its answers had not been noted.
    const doubled = [...counts.values()].filter((count) => count > 1);
    expect(doubled.length).toBeLessThanOrEqual(256);
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(2);
  });

  test("RAD-65: with a full disk nothing is acknowledged, authentication goes on, and it heals by itself", async () => {
    const directory = lab.makeDirectory("small");
    const config = relayConfig(
      HOMES.replace("accounting-port: 1913", "accounting-port: 1999"),
      `  state-directory: ${directory}`,
    );
    const file = lab.writeFile("evpnd.yaml", config);
    const main = join(DIST, "src", "main.js");
    // The mount is of this process alone, and goes with it.
    const words = `mount -t tmpfs -o size=8m tmpfs ${directory} && exec ${process.execPath} ${main} --config ${file}`;
    const relayed = lab.start("lo", "full", "sh", ["-c", words]);
    const relay = await lab.relay("lo");
    const spool = async () => {
      const { body } = await relay.get("127.0.0.1", 8179, "/v1/radius/home-servers");
      return (JSON.parse(body) as { spools: { failing: boolean; problem?: string }[] }).spools[0];
    };
    await waitFor(
      "evpnd to answer",
      async () => (await spool().catch(() => undefined)) !== undefined,
    );
    expect(await account("Start", "f1", "", "-r 3 -t 2")).toContain("Accounting-Response");
    const inside = (line: string) => radius.shell(`nsenter -t ${relayed.pid} -m sh -c "${line}"`);
    await inside(`head -c 20000000 /dev/zero > ${directory}/fill`);
    // The last page of the journal still has room for some.
    await waitFor("an answer that stays away", async () =>
      (await account("Start", "f2", "", "-r 1 -t 2")).includes("No reply"),
    );
    expect(await spool()).toMatchObject({ failing: true });
    expect((await spool())?.problem).toContain("free disk space");
    await relayed.says("accounting is not acknowledged before a home server has it");
    expect(await radius.login("bob")).toContain("Received Access-Accept");
    await inside(`rm ${directory}/fill`);
    await waitFor("the spool to work again", async () => (await spool())?.failing === false);
    expect(await account("Start", "f3", "", "-r 3 -t 2")).toContain("Accounting-Response");
  });

  test("RAD-65: the data is on the disk before the answer leaves, as the system calls show", async () => {
    const config = relayConfig(
      HOMES.replace("accounting-port: 1913", "accounting-port: 1999"),
      `  state-directory: ${join(lab.directory, "traced")}`,
    );
    const file = lab.writeFile("evpnd.yaml", config);
    const trace = join(lab.directory, "trace");
    const calls = "trace=write,writev,pwrite64,fdatasync,fsync,sendmsg,sendto,sendmmsg";
    const traced = lab.start("lo", "strace", "strace", [
      ...["-f", "--seccomp-bpf", "-yy", "-s", "4096", "-e", calls, "-o", trace],
      ...[process.execPath, join(DIST, "src", "main.js"), "--config", file],
    ]);
    await waitFor("evpnd to be up", () => {
      traced.mustRun();
      return traced.log().includes("evpnd is up");
    });
    expect(await account("Start", "a-traced-record", "", "-r 5 -t 3")).toContain(
      "Accounting-Response",
    );
    await waitFor("the answer to be in the trace", () => answerAt(linesOf(trace)) >= 0);
    const lines = linesOf(trace);
    const wrote = lines.findIndex(
      (line) =>
        /\bp?write/.test(line) && line.includes("a-traced-record") && line.includes(".log>"),
    );
    expect(wrote).toBeGreaterThanOrEqual(0);
    const synced = syncedAt(lines, wrote);
    expect(synced).toBeGreaterThan(wrote);
    expect(answerAt(lines)).toBeGreaterThan(synced);
  });
});

function linesOf(trace: string): string[] {
  return existsSync(trace) ? readFileSync(trace, "utf8").split("\n") : [];
}

/** Line of the trace where our accounting port begins to answer its client. */
function answerAt(lines: readonly string[]): number {
  return lines.findIndex(
    (line) => /send(m?msg|to)/.test(line) && line.includes(`127.0.0.1:${ACCT_PORT}`),
  );
}

/** Line where the first sync of the file that line `wrote` writes to has ended well; -1 = nowhere. */
function syncedAt(lines: readonly string[], wrote: number): number {
  const file = /<[^>]*>/.exec(lines[wrote] ?? "")?.[0] ?? "no file";
  const begun = lines.findIndex(
    (line, at) => at > wrote && /f(data)?sync\(/.test(line) && line.includes(file),
  );
  const line = lines[begun] ?? "";
  if (/= 0$/.test(line)) return begun;
  // Another thread came between: its end has a line of its own.
  const [thread = "none"] = line.split(" ");
  return lines.findIndex(
    (one, at) => at > begun && one.startsWith(`${thread} `) && /sync resumed>.*= 0$/.test(one),
  );
}

/** What LevelDB has in its journals. */
function written(directory: string): string {
  if (!existsSync(directory)) return "";
  return readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .map((name) => readFileSync(join(directory, name), "latin1"))
    .join("");
}

/** radclient -x: `Sent … Id 7 from …:PORT` with its attributes, later `Received … Id 7 … to …:PORT`. */
function acknowledgedSessions(text: string): Set<string> {
  const open = new Map<string, string>();
  const acknowledged = new Set<string>();
  let sent: string | undefined;
  for (const line of text.split("\n")) {
    const out = /^Sent Accounting-Request Id (\d+) from \S+?:(\d+)/.exec(line);
    if (out !== null) sent = `${out[1]} ${out[2]}`;
    const session = /Acct-Session-Id = "(.*)"/.exec(line)?.[1];
    if (session !== undefined && sent !== undefined) open.set(sent, session);
    const back = /^Received Accounting-Response Id (\d+) from \S+ to \S+?:(\d+)/.exec(line);
    if (back === null) continue;
    const known = open.get(`${back[1]} ${back[2]}`);
    if (known !== undefined) acknowledged.add(known);
  }
  return acknowledged;
}
