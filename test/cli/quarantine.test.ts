/** evpnctl quarantine, and what show mac says of it, through the HTTP door with a FIB behind. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../src/api/index.js";
import type { QuarantinedMacAnswer } from "../../src/cli/quarantine-wire.js";
import {
  LocalFibControl,
  LocalQuarantineControl,
  type QuarantineRow,
} from "../../src/fib/index.js";
import { silentLog } from "../../src/util/log.js";
import { MAC, Rig } from "../fib/quarantine/lib/rig.js";
import { FakeControl } from "../lib/fake-control.js";
import { evpnctl } from "./lib/host.js";

export const fits: (row: QuarantineRow) => QuarantinedMacAnswer = (row) => row;

const TWO = { targets: ["65000:100", "65000:200"] };
let rig: Rig;
let door: HttpDoor | undefined;

beforeEach(async () => {
  rig = new Rig({
    duplicates: {
      moves: 5,
      seconds: 180,
      action: "none",
      releaseSeconds: 60,
      rateSeconds: 10,
      exemptMacs: [],
      exemptOuis: [],
    },
  });
  const backend = {
    control: new FakeControl(),
    fib: new LocalFibControl(rig.fib, []),
    quarantine: new LocalQuarantineControl(rig.fib),
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
});
afterEach(() => door?.close());

const run = (words: string) =>
  evpnctl(words, { url: `http://${door?.address}`, now: rig.speaker.clock.wall() });
const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

describe("quarantine", () => {
  test("list shows duplicates, and that there are none", async () => {
    expect(await run("quarantine list")).toMatchObject({
      code: 0,
      out: "No duplicates, and nothing in quarantine.\n",
    });
    expect((await run("show mac")).out).toBe("No MAC yet: no PE has announced one.\n");
    rig.flap(5);
    const { out } = await run("quarantine list");
    expect(out).toMatch(new RegExp(`^${MAC} +65000:100 +alarm +5 *$`, "m"));
    expect(widest(out)).toBeLessThanOrEqual(80);
    const { out: json } = await run("quarantine list --json");
    expect(JSON.parse(json)).toMatchObject({ mac: MAC, duplicate: { moves: 5 }, held: 0 });
  });

  test("add and release, in every domain that has the MAC or in one", async () => {
    const receiver = rig.receiver();
    rig
      .say(1, TWO)
      .say(2, { ...TWO, sequence: 1 })
      .run();
    const { code, out, err } = await run(`quarantine add ${MAC} --pe 10.0.0.1`);
    rig.run();
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(new RegExp(`^${MAC} +65000:100 +pin +10.0.0.1 .* by hand$`, "m"));
    expect(out).toMatch(/65000:200/);
    expect(receiver.hops).toEqual(["0a000001"]);
    expect(widest(out)).toBeLessThanOrEqual(80);
    const listed = await run("quarantine list");
    expect(listed.out).toMatch(new RegExp(`^${MAC} +65000:100 +pin +10.0.0.1 +1 `, "m"));
    expect((await run(`show mac ${MAC} --domain 65000:100`)).out).toMatch(
      /^Quarantine: +pin, by hand; only 10.0.0.1 counts; ends by hand$/m,
    );
    const one = await run(`quarantine release ${MAC} --domain 65000:200`);
    expect(one.out).toBe(`${MAC} released in 65000:200\n`);
    rig.run();
    // The other domain still holds it: a route is held as a whole.
    expect(receiver.hops).toEqual(["0a000001"]);
    expect((await run(`quarantine release ${MAC}`)).out).toBe(`${MAC} released in 65000:100\n`);
    rig.run();
    expect(receiver.hops).toEqual(["0a000001", "0a000002"]);
    expect(rig.held).toBe(0);
  });

  test("add with a time is over by itself, and puts an alarm into effect", async () => {
    rig.flap(5);
    await run(`quarantine add ${MAC} --action hold --release 30`);
    rig.run();
    expect(rig.held).toBe(1);
    expect((await run(`show mac ${MAC}`)).out).toMatch(
      /^Quarantine: +hold, by hand; only 10.0.0.2 counts; ends in \S+$/m,
    );
    rig.pass(32);
    expect(rig.held).toBe(0);
    expect((await run("quarantine list")).out).toMatch(/ released +/);
  });

  test("refuses with what to do", async () => {
    const unknown = await run("quarantine add 02:00:00:00:00:99");
    expect([unknown.code, unknown.err]).toEqual([
      4,
      "evpnctl: no domain has the MAC 02:00:00:00:00:99; evpnctl show mac lists those there are\n",
    ]);
    const part = await run("quarantine add 02:00");
    expect([part.code, part.err]).toEqual([
      2,
      'evpnctl: "02:00" is no MAC address; write all of it, for example 52:54:00:00:00:01\n',
    ]);
    rig.say(1).run();
    const none = await run(`quarantine release ${MAC}`);
    expect(none.code).toBe(4);
    expect(none.err).toMatch(/is neither a duplicate nor in quarantine; evpnctl quarantine list/);
    const elsewhere = await run(`quarantine add ${MAC} --action hold --pe 10.0.0.9`);
    expect(elsewhere).toMatchObject({
      code: 4,
      err: `evpnctl: 10.0.0.9 does not announce ${MAC}; evpnctl explain mac ${MAC} shows who does\n`,
    });
    expect((await run(`show mac ${MAC}`)).out).not.toContain("Quarantine");
    const bad = await run(`quarantine add ${MAC} --pe nowhere`);
    expect([bad.code, bad.err]).toEqual([
      2,
      'evpnctl: pe "nowhere" is no address; write an IPv4 or IPv6 address\n',
    ]);
    expect((await run(`quarantine add ${MAC} --action sleep`)).code).toBe(2);
  });
});
