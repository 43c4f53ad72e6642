/**
 * The gateway of a daemon as its owner has it: its thread, begun, changed by a reload, begun anew when it dies,
 * ended. The rules outlive it: while the thread is away nobody new is let in, and who is in goes when his
 * verdict ends.
 */
import { MessageChannel } from "node:worker_threads";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { startOwnedThread, type OwnedThread } from "../../util/owned-thread.js";
import { GateFiles } from "../gate/memory.js";
import type { LocalSecEm } from "../gate/service.js";
import { tlsIdentity } from "../link/index.js";
import { ASMN_DEFAULTS, type GatewaySettings } from "../settings.js";
import type { GatewayControl } from "./control.js";
import { GatewayError } from "./error.js";
import type { PackedError, StationCommand, StationReport, StationStart } from "./messages.js";
import { stationSettings } from "./station-settings.js";

export interface GatewayServiceParts {
  readonly settings: GatewaySettings;
  /** Of the same daemon. */
  readonly secEm: LocalSecEm | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const HEAP_MB = 512;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;
const CLOSE_MS = 3000;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class GatewayService implements GatewayControl {
  /** Its own key towards Sec-EMs, hexadecimal: what they have to list. */
  readonly publicKey: string;
  private readonly parts: GatewayServiceParts;
  private readonly start: StationStart;
  private settings: GatewaySettings;
  private secEm: LocalSecEm | undefined;
  private thread: OwnedThread<StationCommand> | undefined;
  private starting: { resolve(): void; reject(error: Error): void } | undefined;
  private retry: TimerHandle | undefined;
  private retryMs = FIRST_RETRY_MS;
  private readonly waiting = new Map<number, Waiting>();
  private lastCall = 0;
  private stopped = false;
  private closed: (() => void) | undefined;

  private constructor(parts: GatewayServiceParts) {
    this.parts = parts;
    this.settings = parts.settings;
    this.secEm = parts.secEm;
    const { stateDirectory, keyFile, name } = parts.settings;
    const key = new GateFiles(stateDirectory).key(keyFile);
    this.publicKey = Buffer.from(key.publicKey).toString("hex");
    const settings = stationSettings(parts.settings, parts.secEm?.rootKeys, ASMN_DEFAULTS.gate);
    this.start = { settings, identity: tlsIdentity(key, name), stateDirectory };
  }

  /** Settled when the rules are in force. Rejects with `GatewayError`, or `GateFileError` for its directory. */
  static async start(parts: GatewayServiceParts): Promise<GatewayService> {
    const service = new GatewayService(parts);
    await new Promise<void>((resolve, reject) => {
      service.starting = { resolve, reject };
      service.begin();
    });
    return service;
  }

  status = () => this.call<"status">("status");
  members = () => this.call<"members">("members");
  flows = () => this.call<"flows">("flows");
  script = () => this.call<"script">("script");
  compare = (catalog: unknown) => this.call<"compare">("compare", catalog);
  repair = (actor: string) => this.call<"repair">("repair", actor);
  remove = (actor: string) => this.call<"remove">("remove", actor);
  install = (actor: string) => this.call<"install">("install", actor);

  /** All or nothing. Rejects with `GatewayError`. @returns what was done, a line each */
  async configure(settings: GatewaySettings, secEm: LocalSecEm | undefined): Promise<string[]> {
    const next = stationSettings(settings, secEm?.rootKeys, ASMN_DEFAULTS.gate);
    await this.send("configure", [next]);
    const anew = secEm !== this.secEm;
    this.settings = settings;
    this.secEm = secEm;
    if (anew) this.connectLocal();
    return ["asmn.gateway: in force"];
  }

  /** The Sec-EM of this daemon is there, or there anew. */
  connectLocal(): void {
    const { secEm, thread } = this;
    if (secEm === undefined || thread === undefined) return;
    const { port1, port2 } = new MessageChannel();
    thread.post({ kind: "local", port: port1 }, [port1]);
    secEm.subscribe(port2);
  }

  /** The rules stay. Never rejects. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.retry?.cancel();
    const { thread } = this;
    if (thread === undefined) return;
    await new Promise<void>((resolve) => {
      const late = this.parts.clock.setTimer(CLOSE_MS, resolve);
      this.closed = () => {
        late.cancel();
        resolve();
      };
      thread.post({ kind: "close" });
    });
    thread.kill();
    this.ended();
  }

  private begin(): void {
    const settings = stationSettings(this.settings, this.secEm?.rootKeys, ASMN_DEFAULTS.gate);
    const workerData: StationStart = { ...this.start, settings };
    const options = { name: "evpnd-gateway", workerData, heapMegabytes: HEAP_MB };
    const thread = startOwnedThread<StationCommand, StationReport>(
      new URL("./worker.js", import.meta.url),
      options,
      {
        report: (report) => {
          if (this.thread === thread) this.report(report);
        },
        died: (error) => {
          if (this.thread === thread) this.died(error);
        },
      },
    );
    this.thread = thread;
  }

  private report(report: StationReport): void {
    switch (report.kind) {
      case "ready":
        this.retryMs = FIRST_RETRY_MS;
        this.connectLocal();
        this.starting?.resolve();
        this.starting = undefined;
        return;
      case "failed":
        this.thread?.kill();
        this.died(errorOf(report.error));
        return;
      case "log":
        this.parts.log[report.level](report.fields, report.message);
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
        this.closed?.();
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
    log.error(
      { err: error, retryMs: this.retryMs },
      "the ASMN gateway's thread ended; it starts anew",
    );
    this.retry = clock.setTimer(this.retryMs, () => this.begin());
    this.retryMs = Math.min(LAST_RETRY_MS, this.retryMs * 2);
  }

  private ended(): void {
    this.thread = undefined;
    for (const { reject } of this.waiting.values()) reject(away());
    this.waiting.clear();
  }

  private call<M extends keyof GatewayControl>(
    method: M,
    ...parameters: Parameters<GatewayControl[M]>
  ): ReturnType<GatewayControl[M]> {
    // The thread calls that very method: what it sends back has its type.
    return this.send(method, parameters) as ReturnType<GatewayControl[M]>;
  }

  private send(
    method: keyof GatewayControl | "configure",
    parameters: readonly unknown[],
  ): Promise<never> {
    return new Promise<never>((resolve, reject) => {
      const { thread } = this;
      if (thread === undefined) return reject(away());
      const id = ++this.lastCall;
      this.waiting.set(id, { resolve, reject });
      thread.post({ kind: "call", id, method, parameters });
    });
  }
}

function away(): GatewayError {
  return new GatewayError("off", "the gateway's thread is being started anew; ask again");
}

function errorOf({ message, code }: PackedError): Error {
  return code === undefined ? new Error(message) : new GatewayError(code, message);
}
