/** Subscriptions to a feed: what passes the checks, what does not, and what is remembered. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FeedDesk, LOCAL } from "../../../src/asmn/gate/feed-desk.js";
import { FeedReader } from "../../../src/asmn/gate/feed-reader.js";
import type { GateEntry, GateEvent } from "../../../src/asmn/gate/entry.js";
import { GateFileError, GateFiles } from "../../../src/asmn/gate/memory.js";
import { MessageLink, tlsIdentity, tlsServer } from "../../../src/asmn/link/index.js";
import {
  ALPN,
  feedLink,
  FRAME_LIMIT,
  FrameReader,
  KeyRing,
  VerdictChecker,
  type FeedMessage,
  type KnownSecEm,
} from "../../../src/asmn/protocol/index.js";
import { toHex } from "../../../src/util/bytes.js";
import { systemClock } from "../../../src/util/clock.js";
import { FakeClock } from "../../model/lib/fake.js";
import { Random } from "../../model/lib/random.js";
import { ID, ScriptedSecEm, seeded, stranger } from "./sec-em.js";

const NONCE = new Uint8Array(32).fill(5);

class Reading {
  readonly clock = new FakeClock();
  readonly secEm = new ScriptedSecEm("em", () => this.clock.wall());
  readonly events: GateEvent[] = [];
  readonly sent: FeedMessage[] = [];
  readonly ring = new KeyRing([this.secEm.root.publicKey], () => this.clock.wall());
  readonly checker = new VerdictChecker("gate", this.ring);
  readonly last = new Map<string, string>();
  readonly known: Record<string, KnownSecEm> = {};
  ended: string | undefined;
  reader = this.subscribe();

  subscribe(transportKey: Uint8Array | undefined = this.secEm.transport.publicKey): FeedReader {
    this.ended = undefined;
    this.secEm.begin();
    return new FeedReader({
      source: "em",
      audience: "gate",
      ring: this.ring,
      checker: this.checker,
      last: this.last,
      nonce: NONCE,
      transportKey,
      staleSeconds: 15,
      clock: this.clock,
      knownOf: (name) => this.known[name],
      keep: ({ secEm, epoch, revocation }) => {
        this.known[secEm] = { epoch, revocation };
      },
      send: (message) => this.sent.push(message),
      tell: (event) => this.events.push(event),
      glass: () => undefined,
      end: (why) => (this.ended = why),
    });
  }

  say(...messages: FeedMessage[]): void {
    for (const message of messages) this.reader.take(message);
  }

  /** Hello and the first heartbeat. */
  open(): void {
    this.say(this.secEm.hello(), this.secEm.heartbeat("gate", NONCE));
  }

  entries(): GateEntry[] {
    return this.events.flatMap((event) => (event.kind === "entries" ? [...event.entries] : []));
  }

  refusals(): string[] {
    return this.events.flatMap((event) => (event.kind === "refused" ? [event.reason] : []));
  }
}

describe("a subscription", () => {
  test("ASM-67: a verdict signed by a certified key becomes an entry, with what is left of its life", () => {
    const one = new Reading();
    one.open();
    expect(one.sent).toMatchObject([{ kind: "subscribe", audience: "gate", reader: "gate" }]);
    one.clock.advance(2000);
    const item = one.secEm.item({ maxSessions: 2, maxPrefixes: 1000 });
    one.clock.advance(10_000);
    one.say(item, one.secEm.marker());
    expect(one.entries()).toMatchObject([
      {
        id: toHex(ID),
        state: "trusted",
        as: 65000,
        routerId: "1.1.1.1",
        limits: { sessions: 2, updatesPerSecond: 0, prefixes: 1000 },
      },
    ]);
    const [entry] = one.entries();
    expect(entry!.remainingMs).toBeGreaterThan(285_000);
    expect(entry!.remainingMs).toBeLessThanOrEqual(290_100);
    expect(one.events.at(-1)).toEqual({ kind: "sync", source: "em" });
  });

  test("ASM-67: another audience, another's signature, an older serial or epoch, one from then: refused", () => {
    const one = new Reading();
    one.open();
    one.say(one.secEm.item({ audience: "other" }));
    const forged = one.secEm.verdict({}, stranger);
    one.say({ kind: "item", verdict: forged, md5Key: undefined, revocation: 0 });
    one.say(one.secEm.item({ epoch: 3, serial: 50 }));
    one.say(one.secEm.item({ epoch: 3, serial: 49 }));
    one.say(one.secEm.item({ epoch: 2, serial: 90 }));
    one.say(one.secEm.item({ epoch: 3, serial: 51, issued: one.clock.wall() - 400_000 }));
    expect(one.refusals()).toEqual(["audience", "issuer", "serial", "epoch", "expired"]);
    expect(one.entries()).toHaveLength(1);
  });

  test("ASM-69, ASM-75: a TCP MD5 key that is not the verdict's is no key", () => {
    const one = new Reading();
    one.open();
    const key = Buffer.from("k".repeat(32));
    one.say(one.secEm.item({ binding: "tcp-md5" }, key));
    expect(one.entries().at(-1)?.md5Key).toBe("k".repeat(32));
    const wrong = { ...one.secEm.item({ binding: "tcp-md5" }, key), md5Key: Buffer.alloc(32, 120) };
    one.say(wrong);
    expect(one.entries().at(-1)?.md5Key).toBeUndefined();
    expect(one.refusals()).toEqual(["commitment"]);
  });

  test("ASM-62: what stands is taken again by a new subscription, a recorded heartbeat is not", () => {
    const one = new Reading();
    one.open();
    const item = one.secEm.item();
    one.say(item, one.secEm.marker());
    one.reader = one.subscribe();
    one.open();
    one.say(item, one.secEm.marker());
    expect(one.entries()).toHaveLength(2);
    expect(one.refusals()).toEqual([]);
    const recorded = one.secEm.heartbeat("gate", NONCE);
    one.reader = one.subscribe();
    one.say(one.secEm.hello(), recorded);
    expect(one.ended).toBeDefined();
    one.reader = one.subscribe();
    one.say(one.secEm.hello(), one.secEm.heartbeat("gate", new Uint8Array(32)));
    expect(one.ended).toContain("another subscription");
  });

  test("ASM-67: a heartbeat that knows of a revocation which did not come: not believed, and anew", () => {
    const one = new Reading();
    one.open();
    one.say(one.secEm.item(), one.secEm.marker());
    one.secEm.revocation = 1;
    one.say(one.secEm.heartbeat("gate", NONCE));
    expect(one.events.at(-1)).toMatchObject({ kind: "suspect" });
    expect(one.ended).toContain("revocation");
    // A snapshot that lacks it as well is not the end of that.
    one.reader = one.subscribe();
    const before = one.events.length;
    one.open();
    one.say({ kind: "marker", items: 1, catalogs: 0, revocation: 0 });
    const kinds = one.events.slice(before).map(({ kind }) => kind);
    expect(kinds).toContain("suspect");
    expect(kinds).not.toContain("sync");
  });

  test("a revocation that came is told with its number, and acknowledged when it is in force", () => {
    const one = new Reading();
    one.open();
    one.say(one.secEm.marker(0));
    one.secEm.revocation = 1;
    one.say(one.secEm.item({ state: "untrusted", reason: "revoked" }, undefined, 1));
    one.say(one.secEm.heartbeat("gate", NONCE));
    expect(one.ended).toBeUndefined();
    expect(one.entries()).toMatchObject([{ state: "untrusted", revocation: 1 }]);
    one.reader.applied(1);
    expect(one.sent.at(-1)).toEqual({ kind: "applied", revocation: 1 });
  });

  test("ASM-67: a Sec-EM that was replaced, or restored from an older copy, is refused", () => {
    const one = new Reading();
    one.secEm.epoch = 2;
    one.secEm.revocation = 5;
    one.open();
    one.say(one.secEm.marker(0));
    one.reader = one.subscribe();
    one.secEm.revocation = 4;
    one.open();
    expect(one.ended).toContain("restored from an older copy");
    one.reader = one.subscribe();
    one.secEm.epoch = 1;
    one.open();
    expect(one.ended).toContain("replaced");
  });

  test("a stranger's root, or a transport key that no root certifies: nothing begins", () => {
    const one = new Reading();
    one.say(one.secEm.hello(stranger));
    expect(one.ended).toContain("transport");
    expect(one.sent).toEqual([]);
    one.reader = one.subscribe(stranger.publicKey);
    one.say(one.secEm.hello());
    expect(one.ended).toContain("no certified transport key");
  });

  test("silence ends it: before the first heartbeat, and later", () => {
    const one = new Reading();
    one.clock.advance(5100);
    one.reader.tick();
    expect(one.ended).toBe("it said nothing within 5 s");
    one.reader = one.subscribe();
    one.open();
    one.say(one.secEm.marker(0));
    one.clock.advance(14_000);
    one.reader.tick();
    expect(one.ended).toBeUndefined();
    one.clock.advance(2000);
    one.reader.tick();
    expect(one.ended).toContain("heartbeats have stopped");
  });

  test("mutated messages: errors with a sentence, and nobody is let in by them", () => {
    const random = new Random(1);
    const one = new Reading();
    one.open();
    const good = [one.secEm.item(), one.secEm.marker(), one.secEm.heartbeat("gate", NONCE)].map(
      (message) => feedLink.encode(message),
    );
    const rounds = process.env["EVPND_FUZZ"] === undefined ? 400 : 100_000;
    for (let round = 0; round < rounds; round++) {
      const octets = Uint8Array.from(random.pick(good));
      for (let flips = 1 + random.below(3); flips > 0; flips--) {
        octets[random.below(octets.length)]! ^= 1 << random.below(8);
      }
      if (one.ended !== undefined) {
        one.reader = one.subscribe();
        one.open();
        one.events.length = 0;
      }
      new FrameReader(FRAME_LIMIT).push(octets, (frame) => {
        const message = feedLink.decode(frame);
        if (message.ok) one.reader.take(message.value);
        return message.ok;
      });
      const entered = one.entries().filter(({ id, as }) => id !== toHex(ID) || as !== 65000);
      expect(entered).toEqual([]);
    }
  });
});

describe("the desk", () => {
  let directory: string;
  let events: GateEvent[];
  const closing: (() => void)[] = [];
  const secEm = new ScriptedSecEm("em", () => systemClock.wall());
  const root = toHex(secEm.root.publicKey);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "gate-"));
    events = [];
  });

  afterEach(() => {
    for (const close of closing.splice(0)) close();
    rmSync(directory, { recursive: true });
  });

  function desk(
    sources: { port: number; publicKey: string }[],
    files = new GateFiles(directory),
  ): FeedDesk {
    const settings = {
      audience: "gate",
      staleSeconds: 15,
      localRoots: sources.length === 0 ? [root] : undefined,
      sources: sources.map(({ port, publicKey }, index) => ({
        name: `em${String(index)}`,
        endpoint: { address: "127.0.0.1", port },
        publicKey,
        rootKeys: [root],
      })),
    };
    const identity = tlsIdentity(files.key(undefined), "gate");
    const made = new FeedDesk(
      { identity, files, clock: systemClock, tell: (more) => events.push(...more) },
      settings,
    );
    made.configure(settings);
    closing.push(() => made.close());
    return made;
  }

  /** Serves one snapshot to whoever subscribes. */
  function answer(message: FeedMessage, send: (message: FeedMessage) => void): void {
    if (message.kind !== "subscribe") return;
    secEm.begin();
    send(secEm.heartbeat(message.audience, message.nonce));
    send(secEm.item());
    send(secEm.marker());
  }

  function serve(key = secEm.transport): Promise<number> {
    const server = tlsServer({
      alpn: ALPN.feed,
      identity: tlsIdentity(key, "em"),
      most: 10,
      onPeer: ({ socket }) => {
        const link: MessageLink<FeedMessage> = new MessageLink<FeedMessage>(
          socket,
          feedLink,
          new FrameReader(FRAME_LIMIT),
          {
            message: (message) => answer(message, (one) => link.send(one)),
            fault: () => {},
            closed: () => {},
          },
        );
        link.send(secEm.hello());
        closing.push(() => socket.destroy());
      },
    });
    closing.push(() => server.close());
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
  }

  const until = async (is: (event: GateEvent) => boolean): Promise<GateEvent> => {
    for (;;) {
      const found = events.find(is);
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  test("ASM-60: TLS between pinned keys brings a snapshot", async () => {
    const port = await serve();
    desk([{ port, publicKey: toHex(secEm.transport.publicKey) }]);
    await until(({ kind }) => kind === "sync");
    expect(events.map(({ kind }) => kind)).toEqual(["link", "begin", "alive", "entries", "sync"]);
  });

  test("whoever answers with another key is none of ours", async () => {
    const port = await serve(seeded(77));
    desk([{ port, publicKey: toHex(secEm.transport.publicKey) }]);
    const down = await until((event) => event.kind === "link" && event.state === "down");
    expect(down).toMatchObject({ why: expect.stringContaining("another key") as string });
    expect(events.some(({ kind }) => kind === "begin")).toBe(false);
  });

  test("the Sec-EM of the same daemon, through a port", async () => {
    const { port1, port2 } = new MessageChannel();
    const one = desk([]);
    port2.on("message", (chunk: Uint8Array) => {
      new FrameReader(FRAME_LIMIT).push(chunk, (frame) => {
        const message = feedLink.decode(frame);
        if (message.ok) answer(message.value, (more) => port2.postMessage(feedLink.encode(more)));
        return message.ok;
      });
    });
    one.connectLocal(port1);
    port2.postMessage(feedLink.encode(secEm.hello()));
    await until(({ kind }) => kind === "sync");
    expect(events).toContainEqual(expect.objectContaining({ kind: "entries", source: LOCAL }));
    port2.close();
    await until((event) => event.kind === "link" && event.state === "down");
  });

  test("ASM-81: a break-glass document counts once, also over a restart, and from a certified signer alone", async () => {
    const port = await serve();
    const publicKey = toHex(secEm.transport.publicKey);
    const one = desk([{ port, publicKey }]);
    await until(({ kind }) => kind === "sync");
    expect(one.breakGlass(secEm.glass({}, stranger))).toContain("issuer");
    expect(one.breakGlass(secEm.glass({ audience: "other" }))).toContain("audience");
    expect(one.breakGlass(secEm.glass())).toBeUndefined();
    const found = events.find(({ kind }) => kind === "glass");
    expect(found).toMatchObject({ entry: { operator: "ann", why: "a fire", tenant: "t" } });
    expect(one.breakGlass(secEm.glass())).toContain("taken before");
    one.close();
    events.length = 0;
    const two = desk([{ port, publicKey }]);
    await until(({ kind }) => kind === "sync");
    expect(two.breakGlass(secEm.glass())).toContain("taken before");
  });

  test("ASM-81: after a restart without a Sec-EM what was open is, and a document that is new is taken", async () => {
    const port = await serve();
    const publicKey = toHex(secEm.transport.publicKey);
    const one = desk([{ port, publicKey }]);
    await until(({ kind }) => kind === "sync");
    for (const serial of [1, 2]) expect(one.breakGlass(secEm.glass({ serial }))).toBeUndefined();
    one.glassEnded(["em 2"]);
    one.close();
    events.length = 0;
    // Nobody answers there.
    const two = desk([{ port: 1, publicKey }]);
    await until(({ kind }) => kind === "glass");
    const told = () => events.flatMap((event) => (event.kind === "glass" ? [event.entry] : []));
    expect(told()).toMatchObject([{ key: "em 1", operator: "ann" }]);
    expect(told()[0]!.remainingMs).toBeLessThanOrEqual(3_600_000);
    expect(two.breakGlass(secEm.glass({ serial: 3 }))).toBeUndefined();
    expect(told().map(({ key }) => key)).toEqual(["em 1", "em 3"]);
    expect(two.breakGlass(secEm.glass({ serial: 2 }))).toContain("taken before");
  });

  test("a full disk: nobody new is let in on what cannot be remembered, and it is said", async () => {
    class FullDisk extends GateFiles {
      override store(): void {
        throw new Error("ENOSPC: no space left on device");
      }
    }
    const port = await serve();
    const publicKey = toHex(secEm.transport.publicKey);
    desk([{ port, publicKey }], new FullDisk(directory));
    await until(({ kind }) => kind === "sync");
    expect(events.flatMap((event) => (event.kind === "entries" ? event.entries : []))).toEqual([]);
    expect(events).toContainEqual(expect.objectContaining({ kind: "refused", reason: "storage" }));
  });

  test("a damaged memory is no empty one", () => {
    writeFileSync(join(directory, "gate.json"), "{");
    expect(() => new GateFiles(directory).load()).toThrow(GateFileError);
    expect(() => new GateFiles(directory).load()).toThrow("is damaged");
  });
});
