/**
 * The relay in a thread of its own, as its owner sees it: the same door, calls as messages. A thread that
 * dies is started anew; the rest of the daemon goes on, and what the relay had on disk it finds again.
 */
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { startOwnedThread } from "../../util/owned-thread.js";
import type { OwnedThread, OwnedThreadEvents } from "../../util/owned-thread.js";
import { SupervisedThread } from "../../util/supervised-thread.js";
import { RadiusError } from "../control.js";
import type { RadiusRelay, SessionListener, SessionQuery, StatisticsQuery } from "../control.js";
import type { SessionEvent } from "../session/session.js";
import type { RadiusSettings } from "../settings.js";
import type { Command, Report, WorkerStart } from "./messages.js";

export type RadiusThreadEvents = OwnedThreadEvents<Report>;
/** Begins the thread, or what a test puts in its place. */
export type RadiusThreadFactory = (
  settings: RadiusSettings,
  events: RadiusThreadEvents,
) => OwnedThread<Command>;

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
/** A hundred requests are under way, not a second's: what is new is soon looked through. */
const YOUNG_MB = 3;

export class RemoteRadius implements RadiusRelay {
  private readonly thread: SupervisedThread<RadiusRelay, undefined, never, readonly SessionEvent[]>;
  private settings: RadiusSettings;
  /** What was said of draining, in order: a thread that takes another's place drains as that one did. */
  private drains: readonly (readonly [on: boolean, tenant: string | undefined])[] = [];

  private constructor(parts: RemoteParts) {
    const { settings, clock, log, onSession, onUp, onDown, spawn = radiusThread } = parts;
    this.settings = settings;
    this.thread = new SupervisedThread({
      ...{ name: "the RADIUS relay", clock, log, refusal: RadiusError, onDown },
      spawn: (events) => spawn(this.settings, events),
      onUp: () => {
        // One that dies at once is told again.
        for (const [on, tenant] of this.drains) {
          this.thread.call("drain", on, tenant).catch(() => {});
        }
        onUp?.(this);
      },
      onNote: (events) => {
        for (const event of events) onSession(event);
      },
    });
  }

  /** Rejects with the system's error (and its code) when a port is taken. */
  static async start(parts: RemoteParts): Promise<RemoteRadius> {
    const remote = new RemoteRadius(parts);
    await remote.thread.start();
    return remote;
  }

  servers = () => this.thread.call("servers");
  homeServers = () => this.thread.call("homeServers");
  statistics = (query: StatisticsQuery) => this.thread.call("statistics", query);
  baseline = () => this.thread.call("baseline");
  udpChecksum = () => this.thread.call("udpChecksum");
  clientCounters = () => this.thread.call("clientCounters");
  sessions = (query: SessionQuery) => this.thread.call("sessions", query);
  sessionCounts = () => this.thread.call("sessionCounts");
  sessionEvents = (after: number | undefined, most: number, waitMs: number) =>
    this.thread.call("sessionEvents", after, most, waitMs);
  disconnect = (tenant: string, mac: string, accessPoint?: string) =>
    this.thread.call("disconnect", tenant, mac, accessPoint);
  silentEnds = (after: string | undefined) => this.thread.call("silentEnds", after);
  radsec = () => this.thread.call("radsec");
  dynamic = () => this.thread.call("dynamic");
  spools = () => this.thread.call("spools");

  async drain(on: boolean, tenant?: string): Promise<void> {
    await this.thread.call("drain", on, tenant);
    const others = tenant === undefined ? [] : this.drains.filter(([, one]) => one !== tenant);
    this.drains = [...others, [on, tenant]];
  }

  async configure(settings: RadiusSettings): Promise<void> {
    await this.thread.call("configure", settings);
    this.settings = settings;
  }

  /** Never rejects. */
  stop(): Promise<void> {
    return this.thread.stop();
  }
}

function radiusThread(settings: RadiusSettings, events: RadiusThreadEvents): OwnedThread<Command> {
  const workerData: WorkerStart = { settings };
  const options = {
    name: "evpnd-radius",
    workerData,
    heapMegabytes: HEAP_MB,
    youngMegabytes: YOUNG_MB,
  };
  return startOwnedThread(new URL("./worker.js", import.meta.url), options, events);
}
