/** MRT files written and read again: contents, rotation, retention, trouble with the disk. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FileSink, QUEUE_LIMIT } from "../../../../src/bgp/feeds/mrt/file-sink.js";
import { TableLog } from "../../../../src/bgp/feeds/mrt/table-log.js";
import { UpdateLog } from "../../../../src/bgp/feeds/mrt/update-log.js";
import type { TappedSession } from "../../../../src/bgp/session/types.js";
import type { MrtFileSettings } from "../../../../src/bgp/feeds/settings.js";
import { FEEDS_OFF } from "../../../../src/bgp/feeds/settings.js";
import { Family } from "../../../../src/fast-bgp-codec/family.js";
import { silentLog } from "../../../../src/util/log.js";
import { FakeClock } from "../../../model/lib/fake.js";
import { hexOf } from "../../../model/lib/hex.js";
import { macIp, prefix, rd } from "../../../model/lib/nlri.js";
import { ALL_FAMILIES, maskOf } from "../../../model/lib/peer.js";
import { evpnUpdate, update } from "../../lib/speaker.js";
import { attribute, PLAIN } from "../../lib/tables.js";
import { readMrt, updateOf, type MrtRib } from "../lib/mrt.js";
import { applyUpdate, type Routes } from "../lib/updates.js";
import { World } from "../lib/world.js";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-mrt-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function settings(over: Partial<MrtFileSettings> = {}): MrtFileSettings {
  const keep = { keepFiles: 0, keepOctets: 0, keepSeconds: 0 };
  return { directory, name: "updates", compress: false, ...keep, ...over };
}

function updatesWorld(over: object = {}): World {
  return new World({
    ...FEEDS_OFF,
    mrt: {
      updates: { ...settings(), rotateSeconds: 0, rotateOctets: 0, direction: "both", ...over },
      tables: { ...settings({ name: "rib" }), interval: 0, view: "post-policy" },
    },
  });
}

function read(name: string): Uint8Array {
  const bytes = readFileSync(join(directory, name));
  return name.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

const MAC = macIp({ rd: rd(1), mac: "020000000001", label: 100 });
const V4 = prefix(24, "0a6401");

function talk(world: World): void {
  const four = world.up({ families: ALL_FAMILIES });
  const two = world.up({ families: ALL_FAMILIES, as4: false });
  const paths = world.up({
    families: ALL_FAMILIES,
    addPath: maskOf(Family.Evpn, Family.Ipv4Unicast),
  });
  four.line.say(evpnUpdate([MAC]));
  four.line.say(update("", PLAIN + attribute(3, 0x40, "0a000001"), V4));
  two.line.say(evpnUpdate([macIp({ rd: rd(1), mac: "020000000001", label: 200 })]));
  paths.line.say(evpnUpdate([hexOf(7, 4) + MAC, hexOf(8, 4) + MAC]));
  paths.line.say(update("", PLAIN + attribute(3, 0x40, "0a000003"), hexOf(1, 4) + V4));
  paths.line.say(evpnUpdate([hexOf(9, 4) + macIp({ rd: rd(2), mac: "020000000002", label: 1 })]));
  world.run();
}

describe("updates", () => {
  test("are every message and state change, with the subtype that says how to read them", async () => {
    const world = updatesWorld();
    talk(world);
    const file = await world.feeds.rotate();
    expect(file).toMatch(/updates\.20231114\.\d{6}$/);
    const records = readMrt(readFileSync(file!));
    expect(records.filter(({ kind }) => kind === "state")).toHaveLength(3);
    const got = records.flatMap((record) => (record.kind === "message" ? [record] : []));
    const received = got.filter(({ subtype }) => [1, 4, 8, 9].includes(subtype));
    expect(received.map(({ peer, subtype }) => `${peer} ${String(subtype)}`)).toEqual([
      "10.0.0.2 4",
      "10.0.0.2 4",
      "10.0.0.3 1",
      "10.0.0.4 9",
      "10.0.0.4 9",
      "10.0.0.4 9",
    ]);
    expect(received[0]).toMatchObject({ peerAs: 65000, localAs: 65000, local: "10.99.0.254" });
    expect(Buffer.from(received[0]!.bytes)).toEqual(Buffer.from(evpnUpdate([MAC])));
    const sent = got.filter(({ subtype }) => [6, 7].includes(subtype));
    expect(new Set(sent.map(({ peer }) => peer))).toEqual(
      new Set(["10.0.0.2", "10.0.0.3", "10.0.0.4"]),
    );
    expect(
      sent.filter(({ peer }) => peer === "10.0.0.3").every(({ subtype }) => subtype === 6),
    ).toBe(true);
    await world.feeds.stop();
  });

  test("go to a new file by time and by size, compressed where asked", async () => {
    const world = updatesWorld({ rotateSeconds: 900, rotateOctets: 400, compress: true });
    talk(world);
    world.speaker.clock.advance(900_000);
    const { line } = world.peers[0]!;
    line.say(evpnUpdate([MAC]));
    await world.feeds.stop();
    const number = (name: string): number => Number(/-(\d+)/.exec(name)?.[1] ?? 1);
    const began = (name: string): string => name.replace(/(-\d+)?\.gz$/, "");
    const names = readdirSync(directory).sort(
      (a, b) => began(a).localeCompare(began(b)) || number(a) - number(b),
    );
    expect(names.length).toBeGreaterThan(2);
    expect(new Set(names.map(began)).size).toBe(2);
    expect(names.every((name) => name.endsWith(".gz"))).toBe(true);
    const records = names.flatMap((name) => readMrt(read(name)));
    expect(records.filter(({ kind }) => kind === "state")).toHaveLength(3);
    const last = records.at(-1)!;
    expect(last.kind === "message" && Buffer.from(last.bytes)).toEqual(
      Buffer.from(evpnUpdate([MAC])),
    );
  });
});

describe("table dumps", () => {
  test("have every path of every peer, and what was withdrawn not", async () => {
    const world = updatesWorld();
    talk(world);
    const gone = world.up();
    gone.line.say(evpnUpdate([macIp({ rd: rd(9), mac: "020000000009", label: 1 })]));
    world.run();
    world.down(gone);
    world.run();
    const result = await world.feeds.dumpTable();
    const [index, ...ribs] = readMrt(readFileSync(result!.file));
    expect(result?.records).toBe(ribs.length + 1);
    if (index?.kind !== "peers") throw new Error("no peer index");
    expect(index.peers.map(({ address }) => address)).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
    const tables = new Map(index.peers.map(({ address }) => [address, new Map<string, string>()]));
    for (const [sequence, rib] of (ribs as MrtRib[]).entries()) {
      expect(rib.sequence).toBe(sequence);
      for (const entry of rib.entries) {
        const routes = tables.get(index.peers[entry.peer]!.address)!;
        const own: Routes = new Map();
        applyUpdate(own, updateOf(rib, entry), 0);
        const id = entry.peer === 2 ? `${hexOf(entry.pathId ?? 0, 4)}/` : "";
        for (const [key, value] of own) routes.set(`${id}${key}`, value);
      }
    }
    for (const peer of world.peers) {
      const expected = new Map(
        [...world.expected(peer, "in-post")].map(([key, value]) => {
          const family = Number(key.replace(/^.*\//, "").split(":")[0]);
          const inAddPath = (peer.line.session.negotiated.addPathIn & (1 << family)) !== 0;
          return [
            inAddPath || peer.line.session.negotiated.addPathIn === 0 ? key : `00000000/${key}`,
            value,
          ];
        }),
      );
      expect(tables.get(peer.line.session.peerAddress)).toEqual(expected);
    }
    expect(new Set((ribs as MrtRib[]).map(({ subtype }) => subtype))).toEqual(new Set([8, 12, 6]));
    await world.feeds.stop();
  });
});

describe("a file's life", () => {
  const record = (sink: FileSink, octets = 100): boolean => {
    const room = sink.room(octets);
    if (room === undefined) return false;
    room.bytes.fill(0x5a, room.at, room.at + octets);
    sink.finishRecord(room.at + octets);
    return true;
  };

  test("it is hidden until it is whole; the oldest go when there are too many", async () => {
    const clock = new FakeClock();
    const sink = new FileSink(settings({ keepFiles: 3 }), clock, silentLog);
    writeFileSync(join(directory, "other.20200101.000000"), "not ours");
    writeFileSync(join(directory, ".updates.20200101.000000.part"), "left by a crash");
    for (let i = 0; i < 5; i++) {
      record(sink);
      sink.flush();
      await sink.drained(0);
      expect(readdirSync(directory).some((name) => /^\.updates\..*\.part$/.test(name))).toBe(true);
      await sink.finishFile();
      clock.advance(1000);
    }
    const names = readdirSync(directory).sort();
    expect(names).toHaveLength(4);
    expect(names[0]).toBe("other.20200101.000000");
    expect(sink.view()).toMatchObject({ files: 3, records: 5, octets: 500, dropped: 0 });
  });

  test("two that begin in the same second have names of their own", async () => {
    const sink = new FileSink(settings(), new FakeClock(), silentLog);
    for (let i = 0; i < 3; i++) {
      record(sink);
      await sink.finishFile();
    }
    expect(
      readdirSync(directory)
        .map((name) => name.replace(/^.*\.\d{6}/, ""))
        .sort(),
    ).toEqual(["", "-2", "-3"]);
  });

  test("age and size bound what is kept as well", async () => {
    const clock = new FakeClock();
    const sink = new FileSink(settings({ keepOctets: 250 }), clock, silentLog);
    for (let i = 0; i < 5; i++) {
      record(sink);
      await sink.finishFile();
      clock.advance(1000);
    }
    expect(readdirSync(directory)).toHaveLength(2);
  });

  test("without its directory it is an alarm, records are counted, and it goes on when there is one", async () => {
    const errors: string[] = [];
    const log = { ...silentLog, error: (_fields: object, text: string) => void errors.push(text) };
    const missing = join(directory, "missing");
    const sink = new FileSink(settings({ directory: missing }), new FakeClock(), log);
    for (let i = 0; i < 3; i++) {
      record(sink);
      sink.flush();
      await sink.drained(0);
    }
    expect(sink.view()).toMatchObject({ dropped: 3, records: 0 });
    expect(sink.view().alarm).toContain("create it");
    expect(errors).toHaveLength(1);
    mkdirSync(missing);
    record(sink);
    expect(await sink.finishFile()).toBeDefined();
    expect(sink.view()).toMatchObject({ dropped: 3, records: 1, alarm: undefined });
  });

  test("a file that is removed while it is written is counted as lost, the next one is whole", async () => {
    const sink = new FileSink(settings(), new FakeClock(), silentLog);
    const write = async (): Promise<void> => {
      record(sink);
      sink.flush();
      await sink.drained(0);
    };
    await write();
    await write();
    rmSync(directory, { recursive: true });
    await write();
    expect(sink.view()).toMatchObject({ records: 0, dropped: 3 });
    expect(sink.view().alarm).toContain("create it");
    mkdirSync(directory);
    await write();
    expect(sink.view()).toMatchObject({ records: 1, dropped: 3, alarm: undefined });
    rmSync(join(directory, `.${sink.view().file!}.part`));
    expect(await sink.finishFile()).toBeUndefined();
    expect(sink.view()).toMatchObject({ records: 0, dropped: 4 });
    expect(sink.view().alarm).toContain("was removed");
    await write();
    const file = await sink.finishFile();
    expect(readFileSync(file!)).toHaveLength(100);
    expect(sink.view()).toMatchObject({ records: 1, alarm: undefined });
  });

  test("a file is whole although an older one cannot be removed", async () => {
    const sink = new FileSink(settings({ keepFiles: 1 }), new FakeClock(), silentLog);
    // A directory by the name of a file.
    mkdirSync(join(directory, "updates.20000101.000000"));
    record(sink);
    expect(await sink.finishFile()).toContain("updates.2023");
    expect(sink.view().alarm).toContain("older files cannot be removed");
  });

  test("a disk that does not keep up costs records, not memory", async () => {
    const sink = new FileSink(settings(), new FakeClock(), silentLog);
    let taken = 0;
    // Nothing is written before this turn of the event loop ends.
    for (let i = 0; i < 400; i++) if (record(sink, 60_000)) taken++;
    expect(sink.pendingBytes).toBeLessThanOrEqual(QUEUE_LIMIT + 256 * 1024);
    expect(taken).toBeLessThan(300);
    expect(sink.view().dropped).toBe(400 - taken);
    const file = await sink.finishFile();
    expect(readFileSync(file!)).toHaveLength(taken * 60_000);
  });
});

describe("a disk that does not answer", () => {
  /** Every file it is asked for is never there. */
  function hang(log: UpdateLog | TableLog): FileSink {
    const { sink } = log as unknown as { sink: FileSink };
    return Object.assign(sink, { opened: () => new Promise(() => undefined) });
  }

  test("holds up neither the end nor a reload, and what waits for it is bounded", async () => {
    const clock = new FakeClock();
    const warned: string[] = [];
    const log = { ...silentLog, warn: (_fields: object, text: string) => void warned.push(text) };
    const session: TappedSession = {
      id: 1,
      peerAddress: "10.0.0.2",
      localAs: 65000,
      connection: {
        localAddress: "10.0.0.1",
        localPort: 179,
        remotePort: 1024,
        initiator: "remote",
      },
      agreed: undefined,
      openSent: undefined,
      openReceived: undefined,
    };
    const limits = { rotateSeconds: 0, rotateOctets: 100_000, direction: "both" } as const;
    const updates = new UpdateLog({ ...settings(), ...limits }, clock, log);
    const sink = hang(updates);
    const message = evpnUpdate([MAC]);
    for (let i = 0; i < 200_000; i++) updates.received(session, message, 0, message.length);
    expect(sink.pendingBytes).toBeLessThanOrEqual(QUEUE_LIMIT + 256 * 1024);
    expect(updates.view().dropped).toBeGreaterThan(0);
    let ended = false;
    const end = updates.stop().then(() => (ended = true));
    await Promise.resolve();
    expect(ended).toBe(false);
    clock.advance(3000);
    await end;
    expect(warned).toEqual(["the disk does not answer: an MRT file stays unfinished"]);

    const { table } = updatesWorld().speaker.reflector;
    const tables = new TableLog(
      { ...settings({ name: "rib" }), interval: 0, view: "post-policy" },
      { table, routerId: () => 1, clock, log },
    );
    hang(tables);
    void tables.dump();
    const stopped = tables.stop();
    clock.advance(3000);
    await stopped;
    expect(warned).toHaveLength(2);
    expect(tables.view().running).toBe(true);
  });
});
