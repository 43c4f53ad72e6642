/**
 * The relay in a thread of its own, as its owner sees it: the same door, calls as messages. A thread that
 * dies, of a bug or of memory, is started anew, ever more seldom; the rest of the daemon goes on, and what
 * the relay had on disk it finds again.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { startOwnedThread } from "../../util/owned-thread.js";
import type { OwnedThread } from "../../util/owned-thread.js";
import { RadiusError } from "../control.js";
import type { RadiusRelay, SessionListener, SessionQuery, StatisticsQuery } from "../control.js";
import type { RadiusSettings } from "../settings.js";
import type { Call, PackedError, Report, WorkerStart } from "./messages.js";

/** The thread, or what a test puts in its place. */
export type RadiusThread = OwnedThread<Call>;
export interface RadiusThreadEvents {
  report(report: Report): void;
  died(error: Error): void;
}
export type RadiusThreadFactory = (
  settings: RadiusSettings,
  events: RadiusThreadEvents,
) => RadiusThread;

export interface RemoteParts {
  readonly settings: RadiusSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSession: SessionListener;
  /** The thread is up, for the first time or again: its sessions are to be read anew. */
  readonly onUp?: (relay: RadiusRelay) => void;
  /** The thread is gone. */
  readonly onDown?: () => void;
  readonly spawn?: RadiusThreadFactory;
}

const HEAP_MB = 1024;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;
/** Alive so long, it begins anew with short waits. */
const STEADY_MS = 60_000;
/** What it has to end in. */
const STOP_MS = 3000;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class RemoteRadius implements RadiusRelay {
  private readonly parts: RemoteParts;
  private readonly spawn: RadiusThreadFactory;
  private readonly waiting = new Map<number, Waiting>();
  private settings: RadiusSettings;
  private thread: RadiusThread | undefined;
  private retry: TimerHandle | undefined;
  private retryMs = FIRST_RETRY_MS;
  private startedAt = 0;
  /** A thread that takes another's place drains as that one did. */
  private draining = false;
  private lastId = 0;
  private stopped = false;
  /** The first start: told to whoever waits for it, and not tried again. */
  private starting: { resolve(): void; reject(error: Error): void } | undefined;

  private constructor(parts: RemoteParts) {
    this.parts = parts;
    this.settings = parts.settings;
    this.spawn = parts.spawn ?? radiusThread;
  }

  /** Rejects with the system's error (and its code) when a port is taken. */
  static async start(parts: RemoteParts): Promise<RemoteRadius> {
    const remote = new RemoteRadius(parts);
    await new Promise<void>((resolve, reject) => {
      remote.starting = { resolve, reject };
      remote.begin();
    });
    return remote;
  }

  servers = () => this.call<"servers">("servers");
  homeServers = () => this.call<"homeServers">("homeServers");
  statistics = (query: StatisticsQuery) => this.call<"statistics">("statistics", query);
  baseline = () => this.call<"baseline">("baseline");
  udpChecksum = () => this.call<"udpChecksum">("udpChecksum");
  clientCounters = () => this.call<"clientCounters">("clientCounters");
  sessions = (query: SessionQuery) => this.call<"sessions">("sessions", query);
  sessionCounts = () => this.call<"sessionCounts">("sessionCounts");
  sessionEvents = (after: number | undefined, most: number, waitMs: number) =>
    this.call<"sessionEvents">("sessionEvents", after, most, waitMs);
  disconnect = (tenant: string, mac: string) => this.call<"disconnect">("disconnect", tenant, mac);
  radsec = () => this.call<"radsec">("radsec");
  dynamic = () => this.call<"dynamic">("dynamic");
  spools = () => this.call<"spools">("spools");
  drain = async (on: boolean): Promise<void> => {
    await this.call<"drain">("drain", on);
    this.draining = on;
  };

  async configure(settings: RadiusSettings): Promise<void> {
    await this.call<"configure">("configure", settings);
    this.settings = settings;
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.retry?.cancel();
    const { thread } = this;
    if (thread === undefined) return;
    await new Promise<void>((resolve) => {
      const late = this.parts.clock.setTimer(STOP_MS, resolve);
      const done = (): void => {
        late.cancel();
        resolve();
      };
      this.call<"stop">("stop").then(done, done);
    });
    thread.kill();
    this.ended();
  }

  private begin(): void {
    this.startedAt = this.parts.clock.now();
    const thread = this.spawn(this.settings, {
      report: (report) => {
        if (this.thread === thread) this.report(report);
      },
      died: (error) => {
        if (this.thread === thread) this.died(error);
      },
    });
    this.thread = thread;
  }

  private report(report: Report): void {
    const { log, onSession } = this.parts;
    switch (report.kind) {
      case "ready":
        this.starting?.resolve();
        this.starting = undefined;
        // One that dies at once is told again.
        if (this.draining) this.drain(true).catch(() => {});
        this.parts.onUp?.(this);
        return;
      case "failed":
        this.thread?.kill();
        this.died(errorOf(report.error));
        return;
      case "log":
        log[report.level](report.fields, report.message);
        return;
      case "sessions":
        for (const event of report.events) onSession(event);
        return;
      case "result":
        this.waiting.get(report.id)?.resolve(report.value as never);
        this.waiting.delete(report.id);
        return;
      case "refused":
        this.waiting.get(report.id)?.reject(errorOf(report.error));
        this.waiting.delete(report.id);
        return;
      case "closed":
    }
  }

  private died(error: Error): void {
    this.ended();
    if (this.starting !== undefined) {
      this.starting.reject(error);
      this.starting = undefined;
      return;
    }
    if (this.stopped) return;
    const { clock, log } = this.parts;
    if (clock.now() - this.startedAt > STEADY_MS) this.retryMs = FIRST_RETRY_MS;
    log.error(
      { err: error, retryMs: this.retryMs },
      "the RADIUS relay's thread ended; it starts anew",
    );
    this.retry = clock.setTimer(this.retryMs, () => this.begin());
    this.retryMs = Math.min(LAST_RETRY_MS, this.retryMs * 2);
  }

  private ended(): void {
    if (this.thread !== undefined) this.parts.onDown?.();
    this.thread = undefined;
    for (const { reject } of this.waiting.values()) {
      reject(new RadiusError("off", "the RADIUS relay's thread ended; it starts anew, ask again"));
    }
    this.waiting.clear();
  }

  private call<M extends keyof RadiusRelay>(
    method: M,
    ...parameters: Parameters<RadiusRelay[M]>
  ): ReturnType<RadiusRelay[M]> {
    const answer = new Promise<never>((resolve, reject) => {
      const { thread } = this;
      if (thread === undefined) {
        reject(new RadiusError("off", "the RADIUS relay's thread is being started; ask again"));
        return;
      }
      const id = ++this.lastId;
      this.waiting.set(id, { resolve, reject });
      thread.post({ id, method, parameters });
    });
    // The thread calls that very method: what it sends back has its type.
    return answer as ReturnType<RadiusRelay[M]>;
  }
}

function errorOf({ message, refusal, code }: PackedError): Error {
  if (refusal !== undefined) return new RadiusError(refusal, message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

function radiusThread(settings: RadiusSettings, events: RadiusThreadEvents): RadiusThread {
  const workerData: WorkerStart = { settings };
  const options = { name: "evpnd-radius", workerData, heapMegabytes: HEAP_MB };
  return startOwnedThread<Call, Report>(new URL("./worker.js", import.meta.url), options, events);
}
