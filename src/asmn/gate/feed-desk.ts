/**
 * All subscriptions of a gate: one to each Sec-EM of the settings, begun again with growing patience when they
 * end, and one through a port to the Sec-EM of the same daemon. Runs in a thread of its own; what passed the
 * checks goes out in batches, stored first where it must be.
 */
import type { MessagePort } from "node:worker_threads";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { toHex } from "../../util/bytes.js";
import { systemRandom } from "../crypto/index.js";
import { MessageLink, openTls } from "../link/index.js";
import type { TlsIdentity } from "../link/index.js";
import {
  ALPN,
  BreakGlassChecker,
  feedLink,
  FRAME_LIMIT,
  FrameReader,
  KeyRing,
  VerdictChecker,
} from "../protocol/index.js";
import type { Fault, FeedMessage, KnownSecEm, UsedGlasses } from "../protocol/index.js";
import type { FeedSourceSettings } from "../settings.js";
import type { GateEvent } from "./entry.js";
import { FeedReader, type FeedReaderParts } from "./feed-reader.js";
import { GlassShelf } from "./kept-glass.js";
import type { GateFiles, GateMemory } from "./memory.js";

export interface FeedDeskSettings {
  readonly audience: string;
  readonly sources: readonly FeedSourceSettings[];
  /** There is a Sec-EM in this daemon, with these root keys (hex). */
  readonly localRoots: readonly string[] | undefined;
  readonly staleSeconds: number;
}

export interface FeedDeskParts {
  readonly identity: TlsIdentity;
  readonly files: GateFiles;
  readonly clock: Clock;
  readonly tell: (events: readonly GateEvent[]) => void;
  /** A gateway's: what else it reads. */
  readonly gateway?: Pick<FeedReaderParts, "catalog">;
}

/** Name of the Sec-EM of this daemon among the sources. */
export const LOCAL = "local";
const CONNECT_MS = 5000;
const TICK_MS = 1000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
const MOST_BATCH = 512;

/** A subscription's line: messages in, messages out. */
interface Line {
  send(message: FeedMessage): void;
  close(): void;
}

interface Feed {
  readonly name: string;
  /** Settings that it was made of, as text. */
  readonly mark: string;
  readonly ring: KeyRing;
  readonly checker: VerdictChecker;
  readonly last: Map<string, string>;
  readonly target: FeedSourceSettings | undefined;
  reader: FeedReader | undefined;
  line: Line | undefined;
  retry: TimerHandle | undefined;
  waitMs: number;
  closed: boolean;
}

export class FeedDesk {
  private readonly parts: FeedDeskParts;
  private readonly feeds = new Map<string, Feed>();
  private usedGlass: UsedGlasses;
  private readonly known: Record<string, KnownSecEm>;
  private readonly memory: GateMemory;
  private readonly shelf: GlassShelf;
  private settings: FeedDeskSettings;
  private events: GateEvent[] = [];
  private flushing: TimerHandle | undefined;
  private readonly ticking: TimerHandle[] = [];
  private port: MessagePort | undefined;

  /** Throws `GateFileError`. */
  constructor(parts: FeedDeskParts, settings: FeedDeskSettings) {
    this.parts = parts;
    this.settings = settings;
    this.memory = parts.files.load();
    this.usedGlass = this.memory.glass;
    this.known = { ...this.memory.known };
    this.shelf = new GlassShelf(this.memory.open);
    // A gateway keeps what is open with its rules.
    const open = parts.gateway === undefined ? this.shelf.open(parts.clock.wall()) : [];
    for (const entry of open) this.tell({ kind: "glass", entry });
    this.tick();
  }

  /** Subscriptions whose settings did not change go on. */
  configure(settings: FeedDeskSettings): void {
    this.settings = settings;
    const wanted = new Map<string, FeedSourceSettings | undefined>();
    if (settings.localRoots !== undefined) wanted.set(LOCAL, undefined);
    for (const source of settings.sources) wanted.set(source.name, source);
    for (const [name, feed] of this.feeds) {
      const target = wanted.get(name);
      if (wanted.has(name) && feed.mark === this.markOf(target)) wanted.delete(name);
      else this.closeFeed(feed);
    }
    for (const [name, target] of wanted) {
      const feed = this.feedOf(name, target);
      this.feeds.set(name, feed);
      this.connect(feed);
    }
  }

  /** From everybody who can be heard: all of what there is. */
  askAgain(): void {
    for (const feed of this.feeds.values()) {
      if (feed.reader === undefined) continue;
      this.drop(feed);
      this.connect(feed);
    }
  }

  /** A way to the Sec-EM of this daemon; a new one takes the place of the one before. */
  connectLocal(port: MessagePort): void {
    this.port?.close();
    this.port = port;
    const feed = this.feeds.get(LOCAL);
    if (feed === undefined) return;
    this.drop(feed);
    this.connect(feed);
  }

  applied(source: string, revocation: number): void {
    this.feeds.get(source)?.reader?.applied(revocation);
  }

  /** An operator's document, whose signer must be certified by a root of some source. Returns why not. */
  breakGlass(document: Uint8Array): string | undefined {
    let why = "no Sec-EM is known here: its root key certifies who may sign";
    for (const feed of this.feeds.values()) {
      const refused = this.glassOf(feed, document);
      if (refused === undefined) return undefined;
      if (refused.reason !== "issuer" || feed.reader !== undefined) {
        why = `${refused.reason}: ${refused.sentence}`;
      }
    }
    return why;
  }

  /** What a document opened was ended by hand where it had been opened. */
  glassEnded(keys: readonly string[]): void {
    for (const key of keys) this.shelf.remove(key);
    this.flush();
  }

  close(): void {
    for (const feed of this.feeds.values()) this.closeFeed(feed);
    for (const timer of this.ticking) timer.cancel();
    this.flushing?.cancel();
    this.port?.close();
  }

  private glassOf({ ring }: Feed, document: Uint8Array): Fault | undefined {
    const { clock } = this.parts;
    const checker = new BreakGlassChecker(this.settings.audience, ring, [...this.usedGlass]);
    const accepted = checker.accept(document, clock.wall());
    if (!accepted.ok) return accepted;
    const { grant, remainingMs } = accepted.value;
    const { serial, operator, why, tenant, vnf, instance, address, secEm } = grant;
    const key = `${secEm} ${serial}`;
    const entry = { key, serial, operator, why, tenant, vnf, instance, address, remainingMs };
    const before = [...this.usedGlass];
    this.usedGlass = checker.usedGlasses();
    if (this.parts.gateway === undefined) this.shelf.put(entry, clock.wall());
    try {
      this.store();
    } catch (error) {
      this.usedGlass = before;
      this.shelf.remove(key);
      const sentence = `that it was taken cannot be written down: ${(error as Error).message}`;
      return { reason: "storage", sentence };
    }
    this.tell({ kind: "glass", entry });
    // Whoever gave it looks for it as soon as it has the answer.
    this.flush();
    return undefined;
  }

  private feedOf(name: string, target: FeedSourceSettings | undefined): Feed {
    const { floors, epochs } = this.memory;
    const roots = target?.rootKeys ?? this.settings.localRoots ?? [];
    const raw = roots.map((hex) => new Uint8Array(Buffer.from(hex, "hex")));
    const ring = new KeyRing(raw, () => this.parts.clock.wall(), floors);
    for (const hex of this.memory.certificates) this.recall(ring, hex);
    return {
      name,
      target,
      ring,
      mark: this.markOf(target),
      checker: new VerdictChecker(this.settings.audience, ring, epochs),
      last: new Map(),
      reader: undefined,
      line: undefined,
      retry: undefined,
      waitMs: FIRST_WAIT_MS,
      closed: false,
    };
  }

  /** A certificate of a life before: whether it counts is the ring's to say. */
  private recall(ring: KeyRing, hex: string): void {
    const octets = new Uint8Array(Buffer.from(hex, "hex"));
    const taken = ring.take(octets);
    if (taken.ok) this.shelf.certified(taken.value, octets);
  }

  private markOf(target: FeedSourceSettings | undefined): string {
    const { audience, localRoots, staleSeconds } = this.settings;
    return JSON.stringify([target ?? localRoots, audience, staleSeconds]);
  }

  private connect(feed: Feed): void {
    feed.retry = undefined;
    if (feed.target === undefined) {
      if (this.port !== undefined) this.throughPort(feed, this.port);
      return;
    }
    const { endpoint, publicKey } = feed.target;
    const target = {
      ...endpoint,
      alpn: ALPN.feed,
      identity: this.parts.identity,
      timeoutMs: CONNECT_MS,
    };
    openTls(target).then(
      (peer) => {
        if (feed.closed) return void peer.socket.destroy();
        if (toHex(peer.publicKey) !== publicKey.toLowerCase()) {
          peer.socket.destroy();
          return this.again(feed, "whoever answers there has another key (public-key)");
        }
        const send = (message: FeedMessage): void => link.send(message);
        const reader = this.readerFor(feed, peer.publicKey, send);
        const link = new MessageLink<FeedMessage>(
          peer.socket,
          feedLink,
          new FrameReader(FRAME_LIMIT),
          {
            message: (message) => reader.take(message),
            fault: (sentence) => this.lost(feed, reader, sentence),
            closed: () => this.lost(feed, reader, "the connection ended"),
          },
        );
        feed.line = { send, close: () => link.destroy() };
        feed.reader = reader;
      },
      (error: unknown) => this.again(feed, error instanceof Error ? error.message : String(error)),
    );
  }

  private throughPort(feed: Feed, port: MessagePort): void {
    const frames = new FrameReader(FRAME_LIMIT);
    const send = (message: FeedMessage): void => port.postMessage(feedLink.encode(message));
    const reader = this.readerFor(feed, undefined, send);
    feed.reader = reader;
    feed.line = { send, close: () => {} };
    port.removeAllListeners();
    port.on("message", (chunk: Uint8Array) => {
      const read = frames.push(chunk, (frame) => {
        const message = feedLink.decode(frame);
        if (message.ok) reader.take(message.value);
        else this.lost(feed, reader, message.sentence);
        return message.ok;
      });
      if (!read.ok) this.lost(feed, reader, read.sentence);
    });
    port.once("close", () => {
      if (this.port === port) this.port = undefined;
      this.lost(feed, reader, "the Sec-EM of this daemon has stopped");
    });
    // Asks for a new beginning, as a new connection would.
    port.postMessage(new Uint8Array(0));
  }

  private readerFor(
    feed: Feed,
    transportKey: Uint8Array | undefined,
    send: (message: FeedMessage) => void,
  ): FeedReader {
    const { audience, staleSeconds } = this.settings;
    const { ring, checker, last, name } = feed;
    const reader: FeedReader = new FeedReader({
      ...{ ring, checker, last, audience, staleSeconds, transportKey, send },
      ...(this.parts.gateway !== undefined && { reader: "gateway", ...this.parts.gateway }),
      source: name,
      nonce: systemRandom(32),
      clock: this.parts.clock,
      tell: (event) => {
        if (event.kind === "alive") feed.waitMs = FIRST_WAIT_MS;
        if (event.kind === "glass-ended") this.shelf.remove(event.key);
        this.tell(event);
      },
      knownOf: (secEm) => this.known[secEm],
      keep: ({ secEm, epoch, revocation }) => {
        this.known[secEm] = { epoch, revocation };
      },
      glass: (document) => this.glassOf(feed, document),
      certified: (certificate, octets) => this.shelf.certified(certificate, octets),
      end: (why) => this.lost(feed, reader, why),
    });
    this.tell({ kind: "link", source: name, state: "up", why: "" });
    return reader;
  }

  private lost(feed: Feed, reader: FeedReader, why: string): void {
    if (feed.reader !== reader) return;
    this.drop(feed);
    this.again(feed, why);
  }

  private drop(feed: Feed): void {
    const { line } = feed;
    feed.reader = undefined;
    feed.line = undefined;
    line?.close();
  }

  private again(feed: Feed, why: string): void {
    if (feed.closed) return;
    this.tell({ kind: "link", source: feed.name, state: "down", why });
    feed.retry?.cancel();
    const wait = feed.waitMs * (0.75 + Math.random() / 2);
    feed.waitMs = Math.min(LONGEST_WAIT_MS, feed.waitMs * 2);
    feed.retry = this.parts.clock.setTimer(wait, () => this.connect(feed));
  }

  private closeFeed(feed: Feed): void {
    feed.closed = true;
    feed.retry?.cancel();
    this.feeds.delete(feed.name);
    this.drop(feed);
  }

  private tick(): void {
    this.ticking[0] = this.parts.clock.setTimer(TICK_MS, () => this.tick());
    for (const { reader } of this.feeds.values()) reader?.tick();
  }

  /** What one read of the sockets brought goes out together, behind one write where one is due. */
  private tell(event: GateEvent): void {
    this.events.push(event);
    if (this.events.length >= MOST_BATCH) return this.flush();
    this.flushing ??= this.parts.clock.setTimer(0, () => this.flush());
  }

  private flush(): void {
    this.flushing?.cancel();
    this.flushing = undefined;
    const events = this.events;
    this.events = [];
    try {
      this.store();
    } catch (error) {
      const sentence = `epochs cannot be stored: ${(error as Error).message}`;
      this.parts.tell(events.flatMap((event) => withoutTrust(event, sentence)));
      return;
    }
    this.parts.tell(events);
  }

  private store(): void {
    const epochs: Record<string, number> = { ...this.memory.epochs };
    const floors: Record<string, number> = { ...this.memory.floors };
    for (const { ring, checker } of this.feeds.values()) {
      raise(epochs, checker.epochsSeen());
      raise(floors, ring.floors());
    }
    const { certificates } = this.shelf;
    const open = this.shelf.kept(this.parts.clock.wall());
    const { usedGlass: glass, known } = this;
    this.parts.files.store({ epochs, floors, glass, open, certificates, known });
  }
}

function raise(known: Record<string, number>, seen: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(seen)) {
    known[name] = Math.max(known[name] ?? 0, value);
  }
}

/** Nobody is let in on what could not be written down; whoever is to be shut out is. */
function withoutTrust(event: GateEvent, sentence: string): GateEvent[] {
  if (event.kind !== "entries") return [event];
  const entries = event.entries.filter(({ state }) => state !== "trusted");
  const refused = { kind: "refused", source: event.source, reason: "storage", sentence } as const;
  if (entries.length === event.entries.length) return [event];
  return [{ ...event, entries }, refused];
}
