/** evpnctl show feeds, mrt, recorder and replay --list, against the HTTP door with a fake speaker behind. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HttpDoor } from "../../src/api/index.js";
import type { FeedsView, RecordingView } from "../../src/bgp/control.js";
import type { FeedsAnswer, RecordingAnswer } from "../../src/cli/feeds-wire.js";
import { FakeControl } from "../lib/fake-control.js";
import { openDoor } from "./lib/door.js";
import { evpnctl } from "./lib/host.js";

/** What the door answers is what evpnctl reads: this fails to compile when it is not. */
export const fits: [(view: FeedsView) => FeedsAnswer, (view: RecordingView) => RecordingAnswer] = [
  (view) => view,
  (view) => view,
];

let control: FakeControl;
let door: HttpDoor | undefined;
let url: string;
let directory: string;

beforeEach(async () => {
  control = new FakeControl();
  door = await openDoor(control);
  url = `http://${door?.address}`;
  directory = mkdtempSync(join(tmpdir(), "evpnctl-"));
});
afterEach(async () => {
  rmSync(directory, { recursive: true });
  await door?.close();
});

const run = (words: string | string[]) => evpnctl(words, { url });

const COLLECTOR: FeedsView["collectors"][number] = {
  name: "archive",
  address: "192.0.2.10",
  port: 11019,
  monitor: ["adj-rib-in-post", "loc-rib"],
  state: "up",
  since: 1_700_000_000_000,
  lastError: undefined,
  connects: 1,
  dropped: 0,
  messages: 1234,
  octets: 56789,
  pendingBytes: 2048,
  backlogBytes: 0,
  backlogEntries: 0,
};
const FILES = {
  directory: "/var/lib/evpnd/mrt",
  file: "updates.20260102.030405",
  files: 4,
  records: 99,
  octets: 1000,
  dropped: 0,
  pendingBytes: 0,
  alarm: undefined,
};

describe("show feeds", () => {
  test("says what is off", async () => {
    const { code, out } = await run("show feeds");
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "No BMP collector is configured.",
        "",
        "MRT updates: off",
        "MRT tables:  off",
        "Recorder:    off",
        "",
      ].join("\n"),
    );
  });

  test("shows collectors, files and alarms in 80 columns", async () => {
    control.feedsView = {
      collectors: [
        COLLECTOR,
        {
          ...COLLECTOR,
          name: "a-collector-with-a-name-that-is-longer-than-any-column",
          state: "down",
          dropped: 3,
          backlogBytes: 12_345_678,
          lastError: "cannot connect: connect ECONNREFUSED",
        },
      ],
      eventLogBytes: 262144,
      updates: { ...FILES, dropped: 7, alarm: "ENOSPC: the disk is full: make room" },
      tables: { ...FILES, running: true, lastDump: undefined },
      recorder: { enabled: true, peers: 2, octets: 131072, octetsTotal: 33554432 },
    };
    const { code, out } = await run("show feeds");
    expect(code).toBe(0);
    expect(
      out
        .split("\n")
        .slice(0, 3)
        .every((line) => line.length <= 80),
    ).toBe(true);
    expect(out).toContain("archive");
    expect(out).toContain("11.8 MiB");
    expect(out).toContain("longer-than-any-column: cannot connect: connect ECONNREFUSED");
    expect(out).toContain("7 records lost, ALARM: ENOSPC");
    expect(out).toContain("a dump is under way");
    expect(out).toContain("on, 2 peers, 128.0 KiB of 32.0 MiB");
    const json = await run("show feeds --json");
    expect(JSON.parse(json.out)).toMatchObject({ eventLogBytes: 262144 });
  });
});

describe("mrt", () => {
  test("dump and rotate say which file it was", async () => {
    expect(await run("mrt dump")).toMatchObject({
      code: 0,
      out: "/var/lib/evpnd/rib.20260102.030405: 4 records, 512 octets\n",
    });
    expect(await run("mrt rotate")).toMatchObject({
      code: 0,
      out: "/var/lib/evpnd/updates.20260102.030405 is whole\n",
    });
  });
});

describe("recorder", () => {
  test("lists what there is", async () => {
    expect((await run("recorder list")).out).toContain("the recorder is off");
    const { recorder } = control.feedsView;
    control.feedsView = { ...control.feedsView, recorder: { ...recorder, enabled: true } };
    expect((await run("recorder list")).out).toContain("no peer has connected since");
    control.recordingViews = [
      {
        peer: "10.0.0.1",
        established: true,
        sessions: 2,
        messages: 17,
        octets: 2048,
        oldest: 1_700_000_000_000,
        newest: 1_700_000_060_000,
        overwritten: 0,
      },
    ];
    const { out } = await run("recorder list");
    expect(out.split("\n").slice(0, 2)).toEqual([
      "Peer      Up   Sessions  Messages   Octets  Since     Until",
      "10.0.0.1  yes         2        17  2.0 KiB  22:13:20  22:14:20",
    ]);
  });

  test("exports to a file, for one peer or all", async () => {
    const file = join(directory, "out.pcap");
    expect(await run(["recorder", "export", "10.0.0.1", "--out", file])).toMatchObject({
      code: 0,
      out: `${file}: 4 octets\n`,
    });
    expect(readFileSync(file).toString("hex")).toBe("a1b2c3d4");
    await run(["recorder", "export", "all", "--out", file, "--format", "mrt"]);
    expect(control.calls).toEqual([
      ["recording", "10.0.0.1", "pcap"],
      ["recording", undefined, "mrt"],
    ]);
    expect(await run(["recorder", "export", "192.0.2.99", "--out", file])).toMatchObject({
      code: 4,
    });
    const nowhere = join(directory, "missing", "out.pcap");
    const refused = await run(["recorder", "export", "10.0.0.1", "--out", nowhere]);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("choose another place");
  });
});

describe("replay", () => {
  const FILE = join(import.meta.dirname, "../replay/bird-frr-speakers/recording.pcap");

  test("--list says who would be played as whom", async () => {
    const { code, out } = await run(["replay", FILE, "--list"]);
    expect(code).toBe(0);
    expect(out).toContain("evpnd was AS 65000, router id 10.99.0.254");
    expect(out).toContain("10.99.0.4  65000  10.99.0.4");
    expect(out).toContain("127.0.1.4");
    const json = await run(["replay", FILE, "--list", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ peers: [{ standIn: "127.0.1.1" }, {}, {}, {}] });
  });

  test("refuses what is no recording", async () => {
    const missing = await run(["replay", join(directory, "none.pcap")]);
    expect(missing).toMatchObject({ code: 2 });
    const text = await run(["replay", join(import.meta.dirname, "feeds.test.ts")]);
    expect(text).toMatchObject({ code: 2 });
    expect(text.err).toContain("neither pcap nor pcapng");
  });
});
