/** Feeds and gateway together: what comes while other settings are brought into force is not lost. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Station } from "../../../src/asmn/gateway/station.js";
import type { StationSettings } from "../../../src/asmn/gateway/messages.js";
import { tlsIdentity } from "../../../src/asmn/link/index.js";
import {
  feedLink,
  FRAME_LIMIT,
  FrameReader,
  type FeedMessage,
} from "../../../src/asmn/protocol/index.js";
import { KvStore, MemoryKv } from "../../../src/store/index.js";
import { toHex } from "../../../src/util/bytes.js";
import { systemClock } from "../../../src/util/clock.js";
import { silentLog } from "../../../src/util/log.js";
import { ScriptedSecEm, seeded } from "../gate/sec-em.js";
import { FakeKernel } from "./lib/fake-kernel.js";
import { SETTINGS } from "./lib/gateway-bench.js";

const MEMBERS = [
  { tenant: "acme", vnf: "pe1", address: "10.0.1.2" },
  { tenant: "acme", vnf: "rr", address: "10.0.2.2" },
  { tenant: "other", vnf: "pe1", address: "10.7.1.2" },
] as const;

/** A Sec-EM behind a port: each subscription gets all of what there is, once. */
class Teller {
  readonly secEm = new ScriptedSecEm("em", () => systemClock.wall());
  subscriptions = 0;
  private readonly frames = new FrameReader(FRAME_LIMIT);
  private readonly channel = new MessageChannel();

  get port() {
    return this.channel.port1;
  }

  constructor() {
    this.channel.port2.on("message", (chunk: Uint8Array) => {
      // Nothing is said: the other side begins anew.
      if (chunk.length === 0) return this.say(this.secEm.hello());
      this.frames.push(chunk, (frame) => {
        const message = feedLink.decode(frame);
        if (message.ok && message.value.kind === "subscribe") this.tellAll(message.value.nonce);
        return message.ok;
      });
    });
  }

  say(...messages: FeedMessage[]): void {
    for (const message of messages) this.channel.port2.postMessage(feedLink.encode(message));
  }

  member(index: number, state: "trusted" | "untrusted" = "trusted"): FeedMessage {
    const { tenant, vnf, address } = MEMBERS[index]!;
    const id = new Uint8Array(32).fill(index + 1);
    const named = { id, tenant, vnf, instance: "1", addresses: [address] };
    return this.secEm.item({ ...named, state, catalogVersion: 0 });
  }

  close(): void {
    this.channel.port2.close();
  }

  private tellAll(nonce: Uint8Array): void {
    this.subscriptions++;
    this.secEm.begin();
    const all = MEMBERS.map((_, index) => this.member(index));
    this.say(this.secEm.heartbeat("gate", nonce), ...all, this.secEm.marker(all.length));
  }
}

let directory = "";
let kernel: FakeKernel;
let teller: Teller;
let station: Station;
let settings: StationSettings;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-station-"));
  kernel = new FakeKernel();
  teller = new Teller();
  settings = {
    core: SETTINGS,
    feeds: {
      ...{ audience: "gate", sources: [], staleSeconds: 15 },
      localRoots: [toHex(teller.secEm.root.publicKey)],
    },
    times: { staleSeconds: 15, graceSeconds: 120 },
  };
  const start = { settings, identity: tlsIdentity(seeded(8), "gw"), stateDirectory: directory };
  const programs = { nft: kernel.nft, tc: kernel.tc, ip: kernel.ip };
  station = await Station.start(start, systemClock, silentLog, {
    ...programs,
    store: new KvStore(new MemoryKv(), systemClock),
    monitor: () => ({ close: () => {} }),
  });
  station.connectLocal(teller.port);
  await until(["10.0.1.2", "10.0.2.2"]);
});

afterEach(async () => {
  await station.close();
  teller.close();
  rmSync(directory, { recursive: true });
});

async function until(open: readonly string[]): Promise<void> {
  while (kernel.open().sort().join() !== open.join()) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Configures, and does that while the kernel has not taken it yet. */
async function during(next: StationSettings, work: () => void): Promise<void> {
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  kernel.pace = () => gate;
  const done = station.configure(next).finally(() => (kernel.pace = undefined));
  work();
  // Time for what was said to arrive.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  go();
  await done;
}

test("ASM-71: what is told while the tenant changes counts for the new one", async () => {
  const other = { ...settings, core: { ...SETTINGS, tenant: "other" } };
  await during(other, () => teller.say(teller.member(2, "untrusted"), teller.member(0)));
  await until(["10.7.1.2"]);
  // All was asked for again: its members, whom nobody had kept, and its catalog.
  expect(teller.subscriptions).toBe(2);
  expect((await station.desk.members()).map(({ vnf }) => vnf)).toEqual(["pe1"]);
  await station.configure(settings);
  await until(["10.0.1.2", "10.0.2.2"]);
  await vi.waitFor(() => expect(teller.subscriptions).toBe(3), { timeout: 60_000 });
});

test("ASM-71: what is told while settings are refused is not lost with them", async () => {
  kernel.lacks = "add set inet elsewhere";
  const table = { ...settings, core: { ...SETTINGS, table: "elsewhere" } };
  const refused = during(table, () => teller.say(teller.member(0, "untrusted")));
  await expect(refused).rejects.toThrow("Could not process rule");
  await until(["10.0.2.2"]);
  expect(teller.subscriptions).toBe(1);
});

test("ASM-76: installed again behind a removal it is told everything anew", async () => {
  await station.desk.remove("op");
  teller.say(teller.member(0, "untrusted"));
  await station.desk.install("op");
  await until(["10.0.1.2", "10.0.2.2"]);
  expect(teller.subscriptions).toBe(2);
});

test("ASM-81: the Sec-EM's break-glass opens the gateway of its tenant as well", async () => {
  teller.say(teller.member(0, "untrusted"), teller.member(1, "untrusted"));
  await until([]);
  const glass = { tenant: "acme", vnf: "pe1", address: undefined };
  teller.say({ kind: "glass", document: teller.secEm.glass(glass) });
  await until(["10.0.1.2"]);
  expect((await station.desk.status()).breakGlass).toMatchObject([{ operator: "ann", serial: 1 }]);
  // The same document, given by hand, was taken already; one more is taken.
  const again = Buffer.from(teller.secEm.glass(glass)).toString("base64");
  await expect(station.desk.breakGlass(again)).rejects.toThrow("it was taken before");
  const second = teller.secEm.glass({ ...glass, vnf: "rr", serial: 2 });
  await station.desk.breakGlass(Buffer.from(second).toString("base64"));
  await until(["10.0.1.2", "10.0.2.2"]);
  teller.say({ kind: "glass-end", serial: 1 });
  await until(["10.0.2.2"]);
});
