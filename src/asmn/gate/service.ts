/** The gate of a daemon: its thread, its answers, its proxy door; begun, changed by a reload, ended. */
import type { Duplex } from "node:stream";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Clock } from "../../util/clock.js";
import { toHex } from "../../util/bytes.js";
import type { Log } from "../../util/log.js";
import {
  startOwnedThread,
  type OwnedThread,
  type OwnedThreadEvents,
} from "../../util/owned-thread.js";
import { SupervisedThread } from "../../util/supervised-thread.js";
import { tlsIdentity } from "../link/index.js";
import type { TlsIdentity } from "../link/index.js";
import { ProxyServer, type ProxyAnswer, type ProxyClaim } from "../proxy/index.js";
import type { GateSettings } from "../settings.js";
import {
  GateError,
  type BreakGlassView,
  type GateControl,
  type GatedView,
  type GateInstanceView,
  type GateStatus,
} from "./control.js";
import type { GateEvent } from "./entry.js";
import { LOCAL, type FeedDeskSettings } from "./feed-desk.js";
import { LocalGate, type LocalGateSettings } from "./local-gate.js";
import { GateFiles } from "./memory.js";
import type { FeedCommand, FeedDoor, FeedNote, FeedReport, FeedThreadData } from "./thread.js";

/** The Sec-EM of the same daemon. */
export interface LocalSecEm {
  /** Hex. */
  readonly rootKeys: readonly string[];
  /** The feed comes through that port: frames as octets, both ways. */
  subscribe(port: MessagePort): void;
}

export type FeedThreadEvents = OwnedThreadEvents<FeedReport>;
/** Begins the thread, or what a test puts in its place. */
export type FeedThreadFactory = (
  data: FeedThreadData,
  events: FeedThreadEvents,
) => OwnedThread<FeedCommand>;

export interface GateParts {
  readonly settings: GateSettings;
  readonly secEm: LocalSecEm | undefined;
  readonly handOver: (stream: Duplex, ends: HandedOver) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly spawn?: FeedThreadFactory;
}

/** A session as the speaker takes it. */
export interface HandedOver {
  readonly localAddress: string;
  readonly localPort: number;
  /** Of the instance, as its verdict has it. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Hex identity. */
  readonly instance: string;
}

const HEAP_MB = 256;
const GLASS_MS = 5000;
const MOST_GLASS_OCTETS = 4096;

export class GateService implements GateControl {
  readonly gate: LocalGate;
  private readonly parts: GateParts;
  private settings: GateSettings;
  private secEm: LocalSecEm | undefined;
  private readonly identity: TlsIdentity;
  private readonly publicKey: string;
  private proxy: ProxyServer | undefined;
  /** Keys of break-glass documents that were ended by hand here: few, as operators sign them. */
  private readonly endedGlass = new Set<string>();
  private readonly thread: SupervisedThread<FeedDoor, undefined, FeedNote, readonly GateEvent[]>;

  private constructor(parts: GateParts) {
    const { settings, clock, log, spawn = feedThread } = parts;
    this.parts = parts;
    this.settings = settings;
    this.secEm = parts.secEm;
    const key = new GateFiles(settings.stateDirectory).key(settings.keyFile);
    this.publicKey = toHex(key.publicKey);
    this.identity = tlsIdentity(key, settings.audience);
    this.gate = new LocalGate({
      settings: gateOf(settings),
      clock,
      log,
      applied: (source, revocation) => this.thread.note({ kind: "applied", source, revocation }),
    });
    this.gate.configure(gateOf(settings), this.sourceNames());
    this.thread = new SupervisedThread({
      ...{ name: "the trust gate", clock, log, refusal: GateError },
      spawn: (events) => {
        const { identity } = this;
        const { stateDirectory } = this.settings;
        return spawn({ settings: this.deskSettings(), identity, stateDirectory }, events);
      },
      onUp: () => this.connectLocal(),
      onNote: (events) => this.events(events),
    });
  }

  /** Rejects with a sentence when its files or its proxy's address cannot be had. */
  static async start(parts: GateParts): Promise<GateService> {
    const service = new GateService(parts);
    await service.openProxy();
    try {
      await service.thread.start();
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  /** What did not change goes on: subscriptions, sessions. Returns what was done, a line each. */
  async configure(settings: GateSettings, secEm: LocalSecEm | undefined): Promise<string[]> {
    const before = this.settings;
    this.settings = settings;
    const lines: string[] = [];
    const anew = secEm !== this.secEm;
    this.secEm = secEm;
    this.thread.note({ kind: "configure", settings: this.deskSettings() });
    if (anew) this.connectLocal();
    this.gate.configure(gateOf(settings), this.sourceNames());
    if (JSON.stringify(before.proxy) !== JSON.stringify(settings.proxy)) {
      await this.proxy?.stop();
      this.proxy = undefined;
      await this.openProxy();
      lines.push("asmn.gate: BGP proxy moved; sessions through the one before have ended");
    }
    return ["asmn.gate: in force", ...lines];
  }

  /** The Sec-EM of this daemon is there, or there anew. */
  connectLocal(): void {
    const { secEm } = this;
    if (secEm === undefined || !this.thread.isThere) return;
    const { port1, port2 } = new MessageChannel();
    this.thread.note({ kind: "local", port: port1 }, [port1]);
    secEm.subscribe(port2);
  }

  async stop(): Promise<void> {
    this.gate.close();
    await this.proxy?.stop();
    await this.thread.stop();
  }

  status(): Promise<GateStatus> {
    const { gate, settings, publicKey } = this;
    const sources = gate.sources();
    const instances = gate.instances();
    return Promise.resolve({
      audience: settings.audience,
      dryRun: settings.dryRun,
      publicKey,
      sources,
      instances: instances.length,
      trusted: instances.filter(({ state }) => state === "trusted").length,
      inGrace: instances.some(({ grace }) => grace),
      breakGlass: gate.openGlass(),
      applied: gate.applied(),
    });
  }

  instances(): Promise<readonly GateInstanceView[]> {
    return Promise.resolve(this.gate.instances());
  }

  gated(): Promise<readonly GatedView[]> {
    return Promise.resolve(this.gate.gated());
  }

  async breakGlass(document: string): Promise<BreakGlassView> {
    const octets = new Uint8Array(Buffer.from(document, "base64"));
    if (octets.length === 0 || octets.length > MOST_GLASS_OCTETS) {
      throw new GateError("invalid", "a break-glass document is some hundred octets in base64");
    }
    const before = new Set(this.gate.openGlass().map(({ serial }) => serial));
    const why = await new Promise<string | undefined>((resolve, reject) => {
      const { clock } = this.parts;
      const late = clock.setTimer(GLASS_MS, () => resolve("the gate did not answer"));
      const answer = this.thread.call("breakGlass", octets).finally(() => late.cancel());
      answer.then(resolve, reject);
    });
    if (why !== undefined) throw new GateError("refused", why);
    const open = this.gate.openGlass();
    const view = open.find(({ serial }) => !before.has(serial)) ?? open.at(-1);
    if (view === undefined) throw new GateError("refused", "it has ended already");
    const { operator, serial, tenant, secondsLeft } = view;
    this.parts.log.warn({ operator, serial, tenant, secondsLeft }, "break-glass: a way in is open");
    return view;
  }

  endBreakGlass(serial: number): Promise<void> {
    const keys = this.gate.endGlass(serial);
    if (keys.length > 0) {
      for (const key of keys) this.endedGlass.add(key);
      this.thread.note({ kind: "glass-ended", keys });
      this.parts.log.warn({ serial }, "break-glass: ended by hand");
      return Promise.resolve();
    }
    return Promise.reject(new GateError("not-found", `no break-glass ${serial} is open here`));
  }

  private events(events: readonly GateEvent[]): void {
    // What was ended here while the thread was away: it tells of it as open.
    const isEnded = (event: GateEvent): boolean =>
      event.kind === "glass" && this.endedGlass.has(event.entry.key);
    const ended = events.flatMap((event) =>
      event.kind === "glass" && isEnded(event) ? [event.entry.key] : [],
    );
    if (ended.length > 0) this.thread.note({ kind: "glass-ended", keys: ended });
    this.gate.take(events.filter((event) => !isEnded(event)));
    const { proxy } = this;
    if (proxy === undefined) return;
    // One that has lost trust is held by the speaker, without a reset.
    for (const event of events) if (event.kind === "gone") proxy.cut(event.id);
  }

  private async openProxy(): Promise<void> {
    const { proxy } = this.settings;
    if (proxy === undefined) return;
    this.proxy = await ProxyServer.start({
      listen: proxy,
      identity: this.identity,
      admit: (claim) => this.admitProxy(claim),
      accept: (claim, stream) => this.acceptProxy(claim, stream),
      log: this.parts.log,
    });
  }

  private admitProxy({ tenant, id, publicKey }: ProxyClaim): ProxyAnswer {
    const entry = this.gate.trustedInstance(id);
    if (entry?.tenant !== tenant) {
      const sentence = "no trusted instance has that identity here";
      return { ok: false, reason: "unknown", sentence };
    }
    if (entry.instanceKey !== publicKey) {
      return { ok: false, reason: "wrong-key", sentence: "the key is not the instance's" };
    }
    if (entry.addresses.length === 0) {
      return { ok: false, reason: "address", sentence: "the instance has no BGP address" };
    }
    return { ok: true, audience: this.settings.audience };
  }

  private acceptProxy({ id }: ProxyClaim, stream: Parameters<GateParts["handOver"]>[0]): void {
    const socket = stream as Duplex & {
      localAddress?: string;
      localPort?: number;
      remotePort?: number;
    };
    const [remoteAddress] = this.gate.trustedInstance(id)?.addresses ?? [];
    if (remoteAddress === undefined) return void stream.destroy();
    this.parts.handOver(stream, {
      localAddress: (socket.localAddress ?? "").replace(/^::ffff:/, ""),
      localPort: socket.localPort ?? 0,
      remoteAddress,
      remotePort: socket.remotePort ?? 0,
      instance: id,
    });
  }

  private sourceNames(): string[] {
    const names = this.settings.sources.map(({ name }) => name);
    return this.secEm === undefined ? names : [LOCAL, ...names];
  }

  private deskSettings(): FeedDeskSettings {
    const { audience, sources, staleSeconds } = this.settings;
    return { audience, sources, staleSeconds, localRoots: this.secEm?.rootKeys };
  }
}

function feedThread(
  workerData: FeedThreadData,
  events: FeedThreadEvents,
): OwnedThread<FeedCommand> {
  const options = { name: "evpnd-gate", workerData, heapMegabytes: HEAP_MB };
  return startOwnedThread(new URL("./worker.js", import.meta.url), options, events);
}

/** `AS:NUMBER` as 4 octets. */
function communityOf(text: string): number {
  const [as = "0", number = "0"] = text.split(":");
  return ((Number(as) << 16) | Number(number)) >>> 0;
}

function gateOf(settings: GateSettings): LocalGateSettings {
  const { staleSeconds, graceSeconds, dryRun, markCommunity } = settings;
  return { staleSeconds, graceSeconds, dryRun, community: communityOf(markCommunity) };
}
