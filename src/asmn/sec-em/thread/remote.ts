/**
 * The Sec-EM in a thread of its own, as its owner sees it: the same door, calls as messages. A thread that
 * dies is started anew; gates go on with what they have, and what the Sec-EM had on disk it finds again.
 */
import type { MessagePort } from "node:worker_threads";
import type { Clock } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import {
  startOwnedThread,
  type OwnedThread,
  type OwnedThreadEvents,
} from "../../../util/owned-thread.js";
import { SupervisedThread } from "../../../util/supervised-thread.js";
import type { SecEmSettings } from "../../settings.js";
import { SecEmError, type SecEm } from "../control.js";
import type { Command, Report, SecEmDoor, Told, WorkerStart } from "./messages.js";

export type SecEmThreadEvents = OwnedThreadEvents<Report>;
/** Begins the thread, or what a test puts in its place. */
export type SecEmThreadFactory = (
  settings: SecEmSettings,
  events: SecEmThreadEvents,
) => OwnedThread<Command>;

export interface RemoteParts {
  readonly settings: SecEmSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** The thread is up again: who had a port to it needs another one. */
  readonly onUp?: () => void;
  readonly spawn?: SecEmThreadFactory;
}

const HEAP_MB = 512;

export class RemoteSecEm implements SecEm {
  /** Public half of the root, raw, hex: what gates pin. */
  rootKey = "";
  private readonly thread: SupervisedThread<SecEmDoor, Told, MessagePort>;
  private settings: SecEmSettings;

  private constructor({ settings, clock, log, onUp, spawn = secEmThread }: RemoteParts) {
    this.settings = settings;
    this.thread = new SupervisedThread({
      ...{ name: "the Sec-EM", clock, log, refusal: SecEmError },
      spawn: (events) => spawn(this.settings, events),
      onUp: ({ rootKey }, isFirst) => {
        this.rootKey = rootKey;
        if (!isFirst) onUp?.();
      },
    });
  }

  /** Rejects with an error that says what to do, when a port is taken or the directory cannot be used. */
  static async start(parts: RemoteParts): Promise<RemoteSecEm> {
    const remote = new RemoteSecEm(parts);
    await remote.thread.start();
    return remote;
  }

  status: SecEm["status"] = () => this.thread.call("status");
  vnfs: SecEm["vnfs"] = (tenant) => this.thread.call("vnfs", tenant);
  registerVnf: SecEm["registerVnf"] = (vnf, actor) => this.thread.call("registerVnf", vnf, actor);
  removeVnf: SecEm["removeVnf"] = (name, actor) => this.thread.call("removeVnf", name, actor);
  catalogs: SecEm["catalogs"] = (tenant) => this.thread.call("catalogs", tenant);
  setCatalog: SecEm["setCatalog"] = (tenant, entries, actor) =>
    this.thread.call("setCatalog", tenant, entries, actor);
  images: SecEm["images"] = (name) => this.thread.call("images", name);
  registerImage: SecEm["registerImage"] = (image, actor) =>
    this.thread.call("registerImage", image, actor);
  withdrawImage: SecEm["withdrawImage"] = (name, digest, actor) =>
    this.thread.call("withdrawImage", name, digest, actor);
  tpmKeys: SecEm["tpmKeys"] = () => this.thread.call("tpmKeys");
  registerTpmKey: SecEm["registerTpmKey"] = (key, actor) =>
    this.thread.call("registerTpmKey", key, actor);
  removeTpmKey: SecEm["removeTpmKey"] = (name, actor) =>
    this.thread.call("removeTpmKey", name, actor);
  tokens: SecEm["tokens"] = (scope) => this.thread.call("tokens", scope);
  issueToken: SecEm["issueToken"] = (token, actor) => this.thread.call("issueToken", token, actor);
  withdrawToken: SecEm["withdrawToken"] = (id, actor) =>
    this.thread.call("withdrawToken", id, actor);
  instances: SecEm["instances"] = (query) => this.thread.call("instances", query);
  verify: SecEm["verify"] = (name, actor) => this.thread.call("verify", name, actor);
  revoke: SecEm["revoke"] = (scope, reason, actor) =>
    this.thread.call("revoke", scope, reason, actor);
  restore: SecEm["restore"] = (scope, reason, actor) =>
    this.thread.call("restore", scope, reason, actor);
  removeInstance: SecEm["removeInstance"] = (name, actor) =>
    this.thread.call("removeInstance", name, actor);
  keys: SecEm["keys"] = () => this.thread.call("keys");
  rotateKeys: SecEm["rotateKeys"] = (withdraw, actor) =>
    this.thread.call("rotateKeys", withdraw, actor);
  takeOver: SecEm["takeOver"] = (above, actor) => this.thread.call("takeOver", above, actor);
  breakGlass: SecEm["breakGlass"] = () => this.thread.call("breakGlass");
  openBreakGlass: SecEm["openBreakGlass"] = (request, actor) =>
    this.thread.call("openBreakGlass", request, actor);
  endBreakGlass: SecEm["endBreakGlass"] = (id, actor) =>
    this.thread.call("endBreakGlass", id, actor);
  audit: SecEm["audit"] = (after, limit) => this.thread.call("audit", after, limit);
  verifyAudit: SecEm["verifyAudit"] = () => this.thread.call("verifyAudit");

  async configure(settings: SecEmSettings): Promise<void> {
    await this.thread.call("configure", settings);
    this.settings = settings;
  }

  /** A port to a thread that is not there closes at once; `onUp` asks for another one. */
  subscribe(port: MessagePort): void {
    if (!this.thread.note(port, [port])) port.close();
  }

  /** Never rejects. */
  stop(): Promise<void> {
    return this.thread.stop();
  }
}

function secEmThread(settings: SecEmSettings, events: SecEmThreadEvents): OwnedThread<Command> {
  const workerData: WorkerStart = { settings };
  const options = { name: "evpnd-sec-em", workerData, heapMegabytes: HEAP_MB };
  return startOwnedThread(new URL("./worker.js", import.meta.url), options, events);
}
