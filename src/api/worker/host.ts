/**
 * The API's thread as the BGP thread has it: started when the first door opens, told what the backend
 * has, and started again when it dies, with its doors at the addresses they had. Sessions and routes
 * know nothing of it.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { BackOff } from "../../util/back-off.js";
import { startOwnedThread, type OwnedThread } from "../../util/owned-thread.js";
import type { FibHandles } from "../../fib/index.js";
import type { HttpBackend } from "../backend.js";
import type { ApiStats } from "../../telemetry/index.js";
import type { HttpDoor } from "../http.js";
import type { HttpSettings } from "../settings.js";
import { CallServer, shapeOf } from "./call-server.js";
import { unpackError } from "./errors.js";
import {
  API_COUNTERS,
  ApiCounter,
  type ApiWorkerData,
  type ToMain,
  type ToWorker,
} from "./messages.js";

/** A thread, or whatever a test puts there. */
export type ApiThread = OwnedThread<ToWorker>;

export interface ApiThreadEvents {
  message(message: ToMain): void;
  /** It ended by itself: a bug, or its memory ran out. */
  died(error: Error): void;
}

/** @param data for the thread */
export type ApiThreadFactory = (events: ApiThreadEvents, data: ApiWorkerData) => ApiThread;

export interface ApiHostParts {
  readonly backend: HttpBackend;
  /** What the thread reads the FIB by, undefined while there is none; the same object for the same FIB. */
  readonly fib?: () => FibHandles | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly spawn?: ApiThreadFactory;
  /** Runs it in the next turn of the event loop; default `setImmediate`. */
  readonly later?: (run: () => void) => void;
}

/** Beyond this the thread ends, and is started again: BGP has the machine's memory. */
const HEAP_MB = 1024;
const RETRIES = { firstMs: 100, mostMs: 10_000 };
/** Alive so long, it begins anew with short waits. */
const STEADY_MS = 60_000;
/** What a door has to close in. */
const CLOSE_MS = 3000;

export function apiThread(entry: URL = new URL("./entry.js", import.meta.url)): ApiThreadFactory {
  return (events, workerData) => {
    const options = { name: "evpnd-api", workerData, heapMegabytes: HEAP_MB };
    return startOwnedThread(entry, options, {
      report: (message: ToMain) => events.message(message),
      died: (error) => events.died(error),
      // `closed` is said of a door; the thread's own end is never in order, but for `kill`.
      isLast: () => false,
    });
  };
}

/** A door that this side wants open. */
interface Wanted {
  settings: HttpSettings;
  isOpen: boolean;
  /** Its address was given back: it ends, and is not opened again. */
  isRetired: boolean;
  /** As bound; undefined before it was. */
  address: string | undefined;
  /** Waits for the first answer. */
  opening: { resolve(address: string | undefined): void; reject(error: Error): void } | undefined;
  stopped: (() => void) | undefined;
  closed: (() => void) | undefined;
}

export class ApiHost {
  private deaths = 0;
  private callsBefore = 0;
  private readonly counters = new Int32Array(new SharedArrayBuffer(API_COUNTERS * 4));
  /** What the thread has of the FIB. */
  private fib: FibHandles | undefined;
  private readonly parts: ApiHostParts;
  private readonly spawn: ApiThreadFactory;
  private readonly doors = new Map<number, Wanted>();
  private nextDoor = 1;
  private thread: ApiThread | undefined;
  private calls: CallServer | undefined;
  private retry: TimerHandle | undefined;
  private readonly backOff = new BackOff(RETRIES);
  private startedAt = 0;

  constructor(parts: ApiHostParts) {
    this.parts = parts;
    this.spawn = parts.spawn ?? apiThread();
  }

  /** Starts the thread, so that it loads while others do. Needless, as `open` does it. */
  start(): void {
    if (this.thread === undefined && this.retry === undefined) this.begin();
  }

  /** Binds and serves; rejects with the system's error when it cannot. */
  async open(settings: HttpSettings): Promise<HttpDoor | undefined> {
    if (settings.listen === undefined) return undefined;
    const door = this.nextDoor++;
    const address = await new Promise<string | undefined>((resolve, reject) => {
      const opening = { resolve, reject };
      this.doors.set(door, {
        settings,
        isOpen: false,
        isRetired: false,
        address: undefined,
        opening,
        stopped: undefined,
        closed: undefined,
      });
      this.start();
      this.post({ kind: "open", door, settings });
    });
    return address === undefined ? undefined : this.door(door, address);
  }

  /** The backend has other members than before. */
  announce(): void {
    const handles = this.parts.fib?.();
    if (handles !== this.fib) {
      this.fib = handles;
      this.post({ kind: "fib", handles });
    }
    this.post({ kind: "backend", shape: shapeOf(this.parts.backend) });
  }

  stats(): ApiStats {
    const counter = (index: number): number => Atomics.load(this.counters, index) >>> 0;
    return {
      up: this.thread !== undefined,
      deaths: this.deaths,
      calls: this.callsBefore + (this.calls?.taken ?? 0),
      refused: counter(ApiCounter.Refused),
      reads: counter(ApiCounter.Reads),
      retries: counter(ApiCounter.Retries),
      fallbacks: counter(ApiCounter.Fallbacks),
    };
  }

  /** Ends the thread, whatever is open. */
  stop(): void {
    this.retry?.cancel();
    this.retry = undefined;
    this.calls?.close();
    this.thread?.kill();
    this.thread = undefined;
    for (const wanted of this.doors.values()) settle(wanted, new Error("evpnd is stopping"));
    this.doors.clear();
  }

  private begin(): void {
    const { backend, clock, later = setImmediate } = this.parts;
    this.startedAt = clock.now();
    const { counters } = this;
    const events: ApiThreadEvents = {
      message: (message) => {
        if (this.thread === thread) this.take(message);
      },
      died: (error) => {
        if (this.thread === thread) this.died(error);
      },
    };
    const thread = this.spawn(events, { counters });
    this.thread = thread;
    this.fib = undefined;
    this.calls = new CallServer({
      backend,
      send: (message) => thread.post(message),
      now: () => clock.now(),
      later: (run) => void later(run),
    });
    this.announce();
  }

  private post(message: ToWorker): void {
    this.thread?.post(message);
  }

  private take(message: ToMain): void {
    if (message.kind === "call") {
      this.calls?.take(message);
      return;
    }
    if (message.kind === "log") {
      this.parts.log[message.level](message.fields, message.text);
      return;
    }
    const { door } = message;
    const wanted = this.doors.get(door);
    if (wanted === undefined) {
      // Given up while it opened.
      if (message.kind === "opened") this.post({ kind: "close", door });
      return;
    }
    switch (message.kind) {
      case "opened":
        this.opened(wanted, message.address);
        return;
      case "failed":
        this.failed(door, wanted, unpackError(message.error));
        return;
      case "stopped":
        wanted.stopped?.();
        return;
      case "closed":
        this.doors.delete(door);
        wanted.closed?.();
        return;
      default:
        message satisfies never;
    }
  }

  private opened(wanted: Wanted, address: string | undefined): void {
    const { opening } = wanted;
    wanted.opening = undefined;
    if (opening === undefined) this.parts.log.info({ http: address }, "the API is back");
    wanted.address = address;
    wanted.isOpen = true;
    opening?.resolve(address);
  }

  /** The first time it is the caller's to say what to do; after a death, the address may be free later. */
  private failed(door: number, wanted: Wanted, error: Error): void {
    const { opening } = wanted;
    if (opening !== undefined) {
      this.doors.delete(door);
      opening.reject(error);
      return;
    }
    this.parts.log.error(
      { err: error, http: wanted.address, retryMs: this.tryLater() },
      "the API cannot have its address back; it tries again",
    );
  }

  private died(error: Error): void {
    this.deaths++;
    this.thread = undefined;
    this.calls?.close();
    this.callsBefore += this.calls?.taken ?? 0;
    this.calls = undefined;
    const { log, clock } = this.parts;
    if (clock.now() - this.startedAt >= STEADY_MS) this.backOff.reset();
    for (const [door, wanted] of this.doors) {
      if (wanted.opening !== undefined || wanted.closed !== undefined) this.doors.delete(door);
      wanted.isOpen = false;
      settle(wanted, error);
    }
    log.error(
      { err: error, deaths: this.deaths, retryMs: this.tryLater() },
      "the API thread ended; it is started again, and BGP goes on",
    );
  }

  /** @returns milliseconds until then; undefined when it was arranged before */
  private tryLater(): number | undefined {
    if (this.retry !== undefined) return undefined;
    const retryMs = this.backOff.next();
    this.retry = this.parts.clock.setTimer(retryMs, () => {
      this.retry = undefined;
      if (this.thread === undefined) this.begin();
      for (const [door, wanted] of this.doors) {
        if (!wanted.isOpen && !wanted.isRetired) this.reopen(door, wanted);
      }
    });
    return retryMs;
  }

  /** At the port it had, if the settings left the choice to the system. */
  private reopen(door: number, { settings, address }: Wanted): void {
    const { listen } = settings;
    if (listen === undefined) return;
    const port = Number(/:(\d+)$/.exec(address ?? "")?.[1] ?? listen.port);
    this.post({ kind: "open", door, settings: { ...settings, listen: { ...listen, port } } });
  }

  private door(door: number, address: string): HttpDoor {
    const ask = (kind: "close" | "stop-listening", name: "closed" | "stopped"): Promise<void> =>
      new Promise((resolve) => {
        const wanted = this.doors.get(door);
        if (wanted === undefined || this.thread === undefined) {
          resolve();
          return;
        }
        const limit = this.parts.clock.setTimer(CLOSE_MS, resolve);
        wanted[name] = () => {
          limit.cancel();
          resolve();
        };
        this.post({ kind, door });
      });
    return {
      address,
      setRules: (settings) => {
        const wanted = this.doors.get(door);
        if (wanted !== undefined) wanted.settings = settings;
        this.post({ kind: "rules", door, settings });
      },
      stopListening: () => {
        const wanted = this.doors.get(door);
        if (wanted !== undefined) wanted.isRetired = true;
        return ask("stop-listening", "stopped");
      },
      close: async () => {
        await ask("close", "closed");
        this.doors.delete(door);
        if (this.doors.size === 0) this.stop();
      },
    };
  }
}

function settle(wanted: Wanted, error: Error): void {
  wanted.opening?.reject(error);
  wanted.stopped?.();
  wanted.closed?.();
}
