/**
 * The Sec-EM in a thread of its own, as its owner sees it: the same door, calls as messages. A thread that
 * dies, of a bug or of memory, is started anew, ever more seldom; gates go on with what they have, and what
 * the Sec-EM had on disk it finds again.
 */
import type { MessagePort } from "node:worker_threads";
import type { Clock, TimerHandle } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import { startOwnedThread, type OwnedThread } from "../../../util/owned-thread.js";
import type { SecEmSettings } from "../../settings.js";
import { SecEmError, type SecEm } from "../control.js";
import type { Command, PackedError, Report, SecEmMethod, WorkerStart } from "./messages.js";

/** The thread, or what a test puts in its place. */
export type SecEmThread = OwnedThread<Command>;
export interface SecEmThreadEvents {
  report(report: Report): void;
  died(error: Error): void;
}
export type SecEmThreadFactory = (
  settings: SecEmSettings,
  events: SecEmThreadEvents,
) => SecEmThread;

export interface RemoteParts {
  readonly settings: SecEmSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** The thread is up again: who had a port to it needs another one. */
  readonly onUp?: () => void;
  readonly spawn?: SecEmThreadFactory;
}

const HEAP_MB = 512;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;
/** Alive so long, it begins anew with short waits. */
const STEADY_MS = 60_000;
/** What it has to end in. */
const STOP_MS = 3000;
/** Calls under way at most. */
const MOST_WAITING = 1000;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class RemoteSecEm implements SecEm {
  /** Public half of the root, raw, hex: what gates pin. */
  rootKey = "";
  private readonly parts: RemoteParts;
  private readonly spawn: SecEmThreadFactory;
  private readonly waiting = new Map<number, Waiting>();
  private settings: SecEmSettings;
  private thread: SecEmThread | undefined;
  private retry: TimerHandle | undefined;
  private retryMs = FIRST_RETRY_MS;
  private startedAt = 0;
  private lastId = 0;
  private stopped = false;
  /** The first start: told to whoever waits for it, and not tried again. */
  private starting: { resolve(): void; reject(error: Error): void } | undefined;

  private constructor(parts: RemoteParts) {
    this.parts = parts;
    this.settings = parts.settings;
    this.spawn = parts.spawn ?? secEmThread;
  }

  /** Rejects with an error that says what to do, when a port is taken or the directory cannot be used. */
  static async start(parts: RemoteParts): Promise<RemoteSecEm> {
    const remote = new RemoteSecEm(parts);
    await new Promise<void>((resolve, reject) => {
      remote.starting = { resolve, reject };
      remote.begin();
    });
    return remote;
  }

  status: SecEm["status"] = () => this.call("status");
  vnfs: SecEm["vnfs"] = (tenant) => this.call("vnfs", tenant);
  registerVnf: SecEm["registerVnf"] = (vnf, actor) => this.call("registerVnf", vnf, actor);
  removeVnf: SecEm["removeVnf"] = (name, actor) => this.call("removeVnf", name, actor);
  catalogs: SecEm["catalogs"] = (tenant) => this.call("catalogs", tenant);
  setCatalog: SecEm["setCatalog"] = (tenant, entries, actor) =>
    this.call("setCatalog", tenant, entries, actor);
  images: SecEm["images"] = (name) => this.call("images", name);
  registerImage: SecEm["registerImage"] = (image, actor) =>
    this.call("registerImage", image, actor);
  withdrawImage: SecEm["withdrawImage"] = (name, digest, actor) =>
    this.call("withdrawImage", name, digest, actor);
  tokens: SecEm["tokens"] = (scope) => this.call("tokens", scope);
  issueToken: SecEm["issueToken"] = (token, actor) => this.call("issueToken", token, actor);
  withdrawToken: SecEm["withdrawToken"] = (id, actor) => this.call("withdrawToken", id, actor);
  instances: SecEm["instances"] = (query) => this.call("instances", query);
  verify: SecEm["verify"] = (name, actor) => this.call("verify", name, actor);
  revoke: SecEm["revoke"] = (scope, reason, actor) => this.call("revoke", scope, reason, actor);
  restore: SecEm["restore"] = (scope, reason, actor) => this.call("restore", scope, reason, actor);
  removeInstance: SecEm["removeInstance"] = (name, actor) =>
    this.call("removeInstance", name, actor);
  keys: SecEm["keys"] = () => this.call("keys");
  rotateKeys: SecEm["rotateKeys"] = (withdraw, actor) => this.call("rotateKeys", withdraw, actor);
  takeOver: SecEm["takeOver"] = (above, actor) => this.call("takeOver", above, actor);
  breakGlass: SecEm["breakGlass"] = () => this.call("breakGlass");
  openBreakGlass: SecEm["openBreakGlass"] = (request, actor) =>
    this.call("openBreakGlass", request, actor);
  endBreakGlass: SecEm["endBreakGlass"] = (id, actor) => this.call("endBreakGlass", id, actor);
  audit: SecEm["audit"] = (after, limit) => this.call("audit", after, limit);
  verifyAudit: SecEm["verifyAudit"] = () => this.call("verifyAudit");

  async configure(settings: SecEmSettings): Promise<void> {
    await this.call("configure", settings);
    this.settings = settings;
  }

  /** A port to a thread that is not there closes at once; `onUp` asks for another one. */
  subscribe(port: MessagePort): void {
    if (this.thread === undefined) port.close();
    else this.thread.post({ kind: "subscribe", port }, [port]);
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
      this.call("stop").then(done, done);
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
    const { log } = this.parts;
    switch (report.kind) {
      case "ready":
        this.rootKey = report.rootKey;
        if (this.starting === undefined) this.parts.onUp?.();
        this.starting?.resolve();
        this.starting = undefined;
        return;
      case "failed":
        this.thread?.kill();
        this.died(errorOf(report.error));
        return;
      case "log":
        log[report.level](report.fields, report.message);
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
    log.error({ err: error, retryMs: this.retryMs }, "the Sec-EM's thread ended; it starts anew");
    this.retry = clock.setTimer(this.retryMs, () => this.begin());
    this.retryMs = Math.min(LAST_RETRY_MS, this.retryMs * 2);
  }

  private ended(): void {
    this.thread = undefined;
    for (const { reject } of this.waiting.values()) {
      reject(new SecEmError("off", "the Sec-EM's thread ended; it starts anew, ask again"));
    }
    this.waiting.clear();
  }

  private call<M extends SecEmMethod>(
    method: M,
    ...parameters: Parameters<SecEm[M]>
  ): ReturnType<SecEm[M]> {
    const answer = new Promise<never>((resolve, reject) => {
      const { thread } = this;
      if (thread === undefined) {
        reject(new SecEmError("off", "the Sec-EM's thread is being started; ask again"));
        return;
      }
      if (this.waiting.size >= MOST_WAITING) {
        reject(new SecEmError("off", "the Sec-EM does not keep up; ask again later"));
        return;
      }
      const id = ++this.lastId;
      this.waiting.set(id, { resolve, reject });
      thread.post({ kind: "call", id, method, parameters });
    });
    // The thread calls that very method: what it sends back has its type.
    return answer as ReturnType<SecEm[M]>;
  }
}

function errorOf({ message, refusal, code }: PackedError): Error {
  if (refusal !== undefined) return new SecEmError(refusal, message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

function secEmThread(settings: SecEmSettings, events: SecEmThreadEvents): SecEmThread {
  const workerData: WorkerStart = { settings };
  const options = { name: "evpnd-sec-em", workerData, heapMegabytes: HEAP_MB };
  return startOwnedThread<Command, Report>(
    new URL("./worker.js", import.meta.url),
    options,
    events,
  );
}
