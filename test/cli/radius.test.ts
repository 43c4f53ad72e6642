/** evpnctl radius, through the HTTP door, with a relay and a FIB behind it. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../src/api/index.js";
import { TITLES } from "../../src/cli/radius-text.js";
import { LocalFibControl, LocalSubscriberControl } from "../../src/fib/index.js";
import { listenerCounters } from "../../src/radius/statistics/counters.js";
import { silentLog } from "../../src/util/log.js";
import { Compared, session } from "../fib/subscribers/lib.js";
import { MAC } from "../fib/quarantine/lib/rig.js";
import { FakeControl } from "../lib/fake-control.js";
import { FakeRadius, radiusSession, SUBSCRIBER } from "../lib/fake-radius.js";
import { evpnctl } from "./lib/host.js";

let radius: FakeRadius;
let compared: Compared;
let door: HttpDoor | undefined;
let directory: string;

beforeEach(async () => {
  radius = new FakeRadius();
  compared = new Compared().known(session({ accessPoint: "02:00:00:00:01:02" }));
  compared.rig.say(1).say(1, { mac: SUBSCRIBER }).run();
  compared.pass(20);
  const backend = {
    control: new FakeControl(),
    fib: new LocalFibControl(compared.rig.fib, []),
    subscribers: new LocalSubscriberControl(compared.check),
    radius,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
  directory = mkdtempSync(join(tmpdir(), "evpnd-radius-"));
});
afterEach(async () => {
  await door?.close();
  rmSync(directory, { recursive: true });
});

const run = (words: string | string[]) =>
  evpnctl(words, { url: `http://${door?.address}`, now: 1_700_000_160_000 });
const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

describe("servers", () => {
  test("RAD-40: authentication, then accounting: address, mask, what stands for the secret, port", async () => {
    const { out } = await run("radius servers");
    expect(out).toMatch(
      /^RADIUS relay authentication server of default\nIP Address +IP Mask +Secret.*\n10\.10\.15\.0 +255\.255\.255\.0 +0123456789ab\nUdp Port: 1812\n\nRADIUS relay accounting server of default\n/,
    );
    expect(out).toMatch(/Udp Port: 1813\n$/);
    expect(widest(out)).toBeLessThanOrEqual(80);
  });

  test("RAD-41: no secret, but its fingerprint", async () => {
    expect((await run("radius servers --json")).out).toContain('"fingerprints"');
    expect((await run("radius servers --json")).out).not.toMatch(/secret/i);
  });
});

describe("statistics", () => {
  test("RAD-30: authentication, by its names", async () => {
    const { out } = await run("radius statistics authentication");
    for (const line of [
      /^Access Requests: +22$/m,
      /^Access Accepts: +10$/m,
      /^Access Challenges: +5$/m,
      /^Access Rejects: +3$/m,
      /^Pending Requests: +2$/m,
      /^Duplicate Requests: +1$/m,
      /^Malformed Requests: +0$/m,
      /^Bad Authenticators: +0$/m,
      /^Unknown Requests: +2$/m,
      /^Dropped Packets: +1$/m,
      /^Invalid Requests: +0$/m,
    ]) {
      expect(out).toMatch(line);
    }
    expect(out).not.toContain("Accounting");
  });

  test("RAD-31: accounting, by its names, in total and by status", async () => {
    const { out } = await run("radius statistics accounting");
    expect(out).toMatch(
      /Accounting Requests: +22\n +Start: +0\n +Stop: +0\n +Interim: +0\nAccounting Responses: +0\n +Start: /,
    );
    expect(out).not.toContain("Access");
  });

  test("RAD-33: every counter of a listener is shown, so that the sums can be seen to balance", () => {
    const shown = new Set([...TITLES.authentication, ...TITLES.accounting].map(([, name]) => name));
    expect(Object.keys(listenerCounters()).filter((name) => !shown.has(name))).toEqual([]);
  });

  test("RAD-34: baseline says when it was set, and has no way back", async () => {
    expect((await run("radius baseline")).out).toBe("baseline set Tue, 14 Nov 2023 22:13:20 GMT\n");
    expect(await run("radius baseline off")).toMatchObject({ code: 2 });
  });

  test("RAD-35: of one client, or the difference since the baseline with its time in UTC", async () => {
    expect((await run("radius statistics delta")).out).toMatch(/^no baseline is set/);
    await run("radius baseline");
    const { out } = await run("radius statistics accounting 10.10.15.7 delta");
    expect(out).toMatch(/^baseline set Tue, 14 Nov 2023 22:13:20 GMT\n/);
    expect(radius.asked.at(-1)).toEqual({
      kind: "accounting",
      client: "10.10.15.7",
      delta: true,
    });
    expect(await run("radius statistics 10.0.0.1 10.0.0.2")).toMatchObject({ code: 2 });
  });
});

test("RAD-42: udp-checksum says enabled, the kernel's counter, and where that is from", async () => {
  expect((await run("radius udp-checksum")).out).toBe(
    "udp-checksums enabled\nbad checksums: 4\nsource: platform default; a test\n",
  );
});

test("RAD-43: what is shown takes begin, include and exclude, as options or behind |", async () => {
  const include = await run(["radius", "statistics", "authentication", "|", "include", "Access"]);
  expect(include.out.split("\n")).toHaveLength(5);
  expect((await run("radius statistics authentication --include Access")).out).toBe(include.out);
  const exclude = await run(["radius", "servers", "|", "exclude", "IP"]);
  expect(exclude.out).not.toContain("IP");
  const begin = await run(["radius", "servers", "|", "begin", "relay accounting"]);
  expect(begin.out).toMatch(/^RADIUS relay accounting/);
  const both = await run(["radius", "servers", "|", "begin", "accounting", "|", "include", "Udp"]);
  expect(both.out).toBe("Udp Port: 1813\n");
  for (const name of [
    "servers",
    "home-servers",
    "statistics",
    "udp-checksum",
    "sessions",
    "findings",
  ]) {
    const { out } = await run(["radius", name, "|", "include", "no line has this"]);
    expect(out, name).toBe("");
  }
  expect(await run(["radius", "servers", "|", "reverse", "x"])).toMatchObject({ code: 2 });
});

describe("sessions", () => {
  test("RAD-07: with where the fabric has them, and what is wrong", async () => {
    const { out } = await run("radius sessions");
    expect(out).toMatch(/^02:aa:bb:cc:dd:01 +bob +02:00:00:00:00:01 +100 +10\.0\.0\.1 ! +yes/m);
    expect(widest(out)).toBeLessThanOrEqual(80);
    const { out: one } = await run("radius sessions 02-AA-BB-CC-DD-01");
    expect(one).toMatch(/^In the fabric: +10\.0\.0\.1 in 65000:100, ALARM: without-session$/m);
    expect(one).toMatch(/^Address: +10\.1\.2\.3$/m);
  });

  test("RAD-71: asked for by a MAC in any notation; 4 is the exit code when there is none", async () => {
    expect((await run("radius sessions 02aa.bbcc.dd01")).out).toMatch(/^MAC: +02:aa/);
    expect(await run("radius sessions 02:aa:bb:cc:dd:99")).toMatchObject({
      code: 4,
      out: "No sessions.\n",
    });
  });

  test("RAD-66: by pages, by what they are, and as lines of JSON with all that is kept", async () => {
    radius.sessionList = Array.from({ length: 250 }, (_, n) =>
      radiusSession({
        id: n + 1,
        mac: `02:aa:bb:cc:${n < 100 ? "00" : "01"}:01`,
        userName: `u${n}`,
      }),
    );
    expect((await run("radius sessions --json")).out.trim().split("\n")).toHaveLength(250);
    expect((await run("radius sessions --user u7 --json")).out.trim().split("\n")).toHaveLength(1);
    const [line = ""] = (await run("radius sessions --user u7 --json")).out.split("\n");
    expect(JSON.parse(line)).toMatchObject({
      userName: "u7",
      classes: ["abcd"],
      acctSessionId: "s1",
      eventTimestamp: 1_700_000_100,
    });
    expect(line).not.toContain("clientPort");
  });

  test("RAD-15: disconnect ends one; what is not there is said", async () => {
    expect((await run(`radius disconnect default ${SUBSCRIBER}`)).out).toContain("ended");
    await run(`radius disconnect default ${SUBSCRIBER} --access-point 02-00-00-00-00-02`);
    expect(radius.disconnectedAt).toBe("02-00-00-00-00-02");
    expect(await run("radius disconnect default 02:00:00:00:00:99")).toMatchObject({ code: 4 });
    expect(await run(`radius disconnect nobody ${SUBSCRIBER}`)).toMatchObject({ code: 4 });
  });
});

test("RAD-75: drain, and back", async () => {
  expect((await run("radius drain")).out).toBe("taking no new requests\n");
  expect(radius.isDraining).toBe(true);
  await run("radius drain off");
  expect(radius.isDraining).toBe(false);
  expect((await run("radius drain --tenant red")).out).toBe(
    "taking no new requests for tenant red\n",
  );
  expect([radius.isDraining, radius.drainedTenant]).toEqual([true, "red"]);
});

test("RAD-59: home servers with state and spool", async () => {
  const { out } = await run("radius home-servers");
  expect(out).toMatch(/^default +authentication +first +alive +1 +7 +6 +0$/m);
  expect(out).toContain(
    "Accounting spool of default: 3 waiting, 1 of them PARKED: not answered while others are\n",
  );
});

test("RAD-07: show mac names the subscriber that a MAC is there by, and the alarm", async () => {
  const { out } = await run(`show mac ${MAC}`);
  expect(out).toMatch(
    /^Subscriber: +bob \(default\) by 02:00:00:00:01:02, belongs at 10\.0\.0\.2$/m,
  );
  expect(out).toMatch(/^Session alarm: +away$/m);
});

test("findings are listed, and an exit code", async () => {
  const { out, code } = await run("radius findings");
  expect(code).toBe(1);
  expect(out).toMatch(new RegExp(`^${MAC} +65000:100 +away +alarm +10\\.0\\.0\\.1`, "m"));
  expect(widest(out)).toBeLessThanOrEqual(80);
  expect((await run("radius findings --kind without-session --json")).out).toContain(SUBSCRIBER);
});

describe("lines", () => {
  const LINES = `radius relay authentication server
 key 10.10.15.0 255.255.255.0 a-long-secret-word
 udp-port 1812
radius authentication server 10.20.0.1
 key another-long-secret
`;

  test("RAD-44: import writes secrets for their owner alone, and a block without them", async () => {
    const file = join(directory, "router.txt");
    const secrets = join(directory, "secrets");
    writeFileSync(file, LINES);
    const ran = await run(["radius", "import", file, "--secrets", secrets]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toMatch(/^radius:\n {2}tenants:\n/);
    expect(ran.out).not.toContain("secret-word");
    const name = join(secrets, "default-authentication-10.10.15.0-24");
    expect(readFileSync(name, "utf8")).toBe("a-long-secret-word\n");
    expect(statSync(name).mode & 0o777).toBe(0o600);
    // Again is the same; another secret in its place is kept.
    expect((await run(["radius", "import", file, "--secrets", secrets])).code).toBe(0);
    writeFileSync(name, "changed\n");
    expect(await run(["radius", "import", file, "--secrets", secrets])).toMatchObject({ code: 5 });
    expect(readFileSync(name, "utf8")).toBe("changed\n");
  });

  test("a line that is wrong is named, and nothing is written", async () => {
    const file = join(directory, "router.txt");
    writeFileSync(file, `${LINES} udp-port 99999\n`);
    const ran = await run(["radius", "import", file, "--secrets", join(directory, "none")]);
    expect(ran).toMatchObject({ code: 1, out: "" });
    expect(ran.err).toBe(`${file}:6: error: "99999" is no port; use 1 to 65535\n`);
    expect(() => statSync(join(directory, "none"))).toThrow();
  });

  test("RAD-44: the running servers are printed as lines, fingerprints for secrets", async () => {
    expect((await run("radius lines")).out).toBe(`radius relay authentication server
 key 10.10.15.0 255.255.255.0 <0123456789ab>
 udp-port 1812
radius relay accounting server
 key 10.10.15.0 255.255.255.0 <0123456789ab>
 udp-port 1813
!
`);
  });
});

test("RAD-63: secret makes one of 160 bits or more", async () => {
  const { out } = await run("radius secret");
  expect(Buffer.from(out.trim(), "base64url").length * 8).toBeGreaterThanOrEqual(160);
});

test("without a relay it is said how to have one", async () => {
  await door?.close();
  const backend = {
    control: new FakeControl(),
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  door = await openHttpDoor(backend, {
    listen: { address: "127.0.0.1", port: 0 },
    allowedHosts: [],
  });
  const { code, err } = await run("radius servers");
  expect(code).toBe(5);
  expect(err).toContain("add a radius block");
});

test("watch shows what happens to sessions, a line each, and says what was lost", async () => {
  let asked = 0;
  radius.sessionEvents = () =>
    Promise.resolve(
      asked++ === 0
        ? { events: [], lost: 0, next: 0 }
        : {
            events: [
              { kind: "begun", session: radiusSession() },
              { kind: "ended", session: radiusSession(), reason: "stop" },
            ],
            lost: 3,
            next: 5,
          },
    );
  const { out } = await run("radius watch --count 3");
  expect(out).toBe(
    "lost: 3 events are gone\n" +
      "begun   02:aa:bb:cc:dd:01 bob (default) 02:00:00:00:00:01 VLAN 100\n" +
      "ended   02:aa:bb:cc:dd:01 bob (default) 02:00:00:00:00:01 VLAN 100 stop\n",
  );
});
