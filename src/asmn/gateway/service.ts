/**
 * The gateway of a daemon as its owner has it: its thread, begun, changed by a reload, begun anew when it dies,
 * ended. The rules outlive it: while the thread is away nobody new is let in, and who is in goes when his
 * verdict ends.
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import {
  startOwnedThread,
  type OwnedThread,
  type OwnedThreadEvents,
} from "../../util/owned-thread.js";
import { SupervisedThread } from "../../util/supervised-thread.js";
import { GateFiles } from "../gate/memory.js";
import type { LocalSecEm } from "../gate/service.js";
import { tlsIdentity } from "../link/index.js";
import { ASMN_DEFAULTS, type GatewaySettings } from "../settings.js";
import type { GatewayControl } from "./control.js";
import { GatewayError } from "./error.js";
import type { StationCommand, StationDoor, StationReport, StationStart } from "./messages.js";
import { stationSettings } from "./station-settings.js";

export type StationThreadEvents = OwnedThreadEvents<StationReport>;
/** Begins the thread, or what a test puts in its place. */
export type StationThreadFactory = (
  start: StationStart,
  events: StationThreadEvents,
) => OwnedThread<StationCommand>;

export interface GatewayServiceParts {
  readonly settings: GatewaySettings;
  /** Of the same daemon. */
  readonly secEm: LocalSecEm | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly spawn?: StationThreadFactory;
}

const HEAP_MB = 512;

export class GatewayService implements GatewayControl {
  /** Its own key towards Sec-EMs, hexadecimal: what they have to list. */
  readonly publicKey: string;
  private readonly thread: SupervisedThread<StationDoor, undefined, MessagePort>;
  private settings: GatewaySettings;
  private secEm: LocalSecEm | undefined;

  private constructor(parts: GatewayServiceParts) {
    const { settings, secEm, clock, log, spawn = stationThread } = parts;
    this.settings = settings;
    this.secEm = secEm;
    const { stateDirectory, keyFile, name } = settings;
    const key = new GateFiles(stateDirectory).key(keyFile);
    this.publicKey = Buffer.from(key.publicKey).toString("hex");
    const identity = tlsIdentity(key, name);
    this.thread = new SupervisedThread({
      ...{ name: "the ASMN gateway", clock, log, refusal: GatewayError },
      spawn: (events) => {
        const now = stationOf(this.settings, this.secEm);
        return spawn({ settings: now, identity, stateDirectory }, events);
      },
      onUp: () => this.connectLocal(),
    });
  }

  /** Settled when the rules are in force. Rejects with `GatewayError`, or `GateFileError` for its directory. */
  static async start(parts: GatewayServiceParts): Promise<GatewayService> {
    const service = new GatewayService(parts);
    await service.thread.start();
    return service;
  }

  status = () => this.thread.call("status");
  members = () => this.thread.call("members");
  flows = () => this.thread.call("flows");
  script = () => this.thread.call("script");
  compare = (catalog: unknown) => this.thread.call("compare", catalog);
  repair = (actor: string) => this.thread.call("repair", actor);
  remove = (actor: string) => this.thread.call("remove", actor);
  install = (actor: string) => this.thread.call("install", actor);
  breakGlass = (document: string) => this.thread.call("breakGlass", document);
  endBreakGlass = (serial: number) => this.thread.call("endBreakGlass", serial);

  /** All or nothing. Rejects with `GatewayError`. @returns what was done, a line each */
  async configure(settings: GatewaySettings, secEm: LocalSecEm | undefined): Promise<string[]> {
    await this.thread.call("configure", stationOf(settings, secEm));
    const anew = secEm !== this.secEm;
    this.settings = settings;
    this.secEm = secEm;
    if (anew) this.connectLocal();
    return ["asmn.gateway: in force"];
  }

  /** The Sec-EM of this daemon is there, or there anew. */
  connectLocal(): void {
    if (this.secEm === undefined || !this.thread.isThere) return;
    const { port1, port2 } = new MessageChannel();
    this.thread.note(port1, [port1]);
    this.secEm.subscribe(port2);
  }

  /** The rules stay. Never rejects. */
  stop(): Promise<void> {
    return this.thread.stop();
  }
}

function stationOf(settings: GatewaySettings, secEm: LocalSecEm | undefined) {
  return stationSettings(settings, secEm?.rootKeys, ASMN_DEFAULTS.gate);
}

function stationThread(
  workerData: StationStart,
  events: StationThreadEvents,
): OwnedThread<StationCommand> {
  const options = { name: "evpnd-gateway", workerData, heapMegabytes: HEAP_MB };
  return startOwnedThread(new URL("./worker.js", import.meta.url), options, events);
}
