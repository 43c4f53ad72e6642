/**
 * The trust checks of one daemon: Sec-EM, gate and gateway as the settings name them, begun in the order in
 * which nothing is open meanwhile (the gateway's rules, the Sec-EM, the gate), changed by reloads part by part.
 * Each part has threads of its own; this only holds them.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { TrustGate } from "../contract.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { sameSettings } from "../util/applier.js";
import {
  AsmnError,
  type AsmnControl,
  type AsmnKeyRow,
  type AsmnRoles,
  type AsmnStatus,
  type MeasureJob,
} from "./control.js";
import { GateService, type HandedOver, type LocalSecEm } from "./gate/index.js";
import { GatewayService } from "./gateway/index.js";
import { Listener } from "./listener.js";
import { MeasureDesk } from "./measure-desk.js";
import type { SecEm, SecEmControl } from "./sec-em/control.js";
import { RemoteSecEm } from "./sec-em/index.js";
import type {
  AsmnCatalogEntry,
  AsmnSettings,
  GateSettings,
  GatewaySettings,
  SecEmSettings,
} from "./settings.js";

export interface AsmnParts {
  readonly settings: AsmnSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** A BGP session that an agent carried here inside TLS. */
  readonly handOver: (stream: Duplex, ends: HandedOver) => void;
  /** Parts as a test has them. */
  readonly start?: Partial<PartStarters>;
}

export interface PartStarters {
  secEm(settings: SecEmSettings, onUp: () => void): Promise<SecEm>;
  gate(settings: GateSettings, secEm: LocalSecEm | undefined): Promise<GateService>;
  gateway(settings: GatewaySettings, secEm: LocalSecEm | undefined): Promise<GatewayService>;
}

const NO_ROLES: AsmnRoles = { vim: [], vnfm: [] };

export class AsmnService implements AsmnControl {
  private readonly starters: PartStarters;
  private readonly desk: MeasureDesk;
  private readonly gateListener: Listener<GateSettings, GateService>;
  private readonly gatewayListener: Listener<GatewaySettings, GatewayService>;
  private secEmSettings: SecEmSettings | undefined;
  private runningSecEm: SecEm | undefined;
  /** As gate and gateway listen to it, through a port. */
  private local: LocalSecEm | undefined;

  private constructor(parts: AsmnParts) {
    const { settings, clock, log, handOver } = parts;
    this.desk = new MeasureDesk(clock, settings.secEm?.imageDirectory);
    this.starters = {
      secEm: (one, onUp) => RemoteSecEm.start({ settings: one, clock, log, onUp }),
      gate: (one, secEm) => GateService.start({ settings: one, secEm, handOver, clock, log }),
      gateway: (one, secEm) => GatewayService.start({ settings: one, secEm, clock, log }),
      ...parts.start,
    };
    this.gateListener = new Listener({
      start: (one, secEm) => this.starters.gate(one, secEm),
      started: "trust gate started",
      ended: "trust gate off; peers that need trust have none",
    });
    this.gatewayListener = new Listener({
      start: (one, secEm) => this.starters.gateway(one, secEm),
      started: "gateway started: closed until its catalog is there",
      ended: "gateway off; its rules stay until evpnctl asmn gateway remove, or nft delete table",
    });
  }

  /** Rejects with a sentence when some part cannot begin; none runs then, and the gateway's rules stay. */
  static async start(parts: AsmnParts): Promise<AsmnService> {
    const service = new AsmnService(parts);
    try {
      await service.configure(parts.settings);
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  get secEm(): SecEmControl | undefined {
    return this.runningSecEm;
  }

  get gate(): GateService | undefined {
    return this.gateListener.running;
  }

  get gateway(): GatewayService | undefined {
    return this.gatewayListener.running;
  }

  /** What the speaker asks; undefined without a gate. */
  get trustGate(): TrustGate | undefined {
    return this.gate?.gate;
  }

  /** Where the parts keep what they have, with what is inside. */
  get directories(): readonly string[] {
    const { secEmSettings, gateListener, gatewayListener } = this;
    const all = [secEmSettings, gateListener.settings, gatewayListener.settings];
    const tops = all.flatMap((part) => part?.stateDirectory ?? []);
    return tops.flatMap((top) => [top, ...inside(top)]);
  }

  /**
   * Other settings: parts that did not change go on as they are. Rejects at the first part that cannot follow;
   * called with the settings before, it takes back what was done until then.
   * @returns what was done, a line each
   */
  async configure(next: AsmnSettings): Promise<string[]> {
    const lines: string[] = [];
    // A gateway that begins is closed from then on: before anybody can be trusted.
    const setGateway = () => this.gatewayListener.set(next.gateway, this.local);
    if (this.gateway === undefined) lines.push(...(await setGateway()));
    lines.push(...(await this.setSecEm(next.secEm)));
    lines.push(...(await this.gateListener.set(next.gate, this.local)));
    lines.push(...(await setGateway()));
    this.desk.directory = next.secEm?.imageDirectory;
    return lines;
  }

  /** Never rejects. The gateway's rules stay in the kernel. */
  async stop(): Promise<void> {
    this.desk.close();
    const listeners = [this.gateListener.release(), this.gatewayListener.release()];
    const parts = [...listeners, this.runningSecEm];
    this.runningSecEm = undefined;
    this.local = undefined;
    for (const part of parts) await part?.stop().catch(() => {});
  }

  async status(): Promise<AsmnStatus> {
    // A part whose thread is being started anew has nothing to say; the others have.
    const quiet = <T>(work: Promise<T> | undefined): Promise<T | undefined> =>
      Promise.resolve(work).catch(() => undefined);
    const [secEm, gate, gateway] = await Promise.all([
      quiet(this.runningSecEm?.status()),
      quiet(this.gate?.status()),
      quiet(this.gateway?.status()),
    ]);
    return { secEm, gate, gateway };
  }

  roles(): Promise<AsmnRoles> {
    return Promise.resolve(this.secEmSettings?.roles ?? NO_ROLES);
  }

  async keys(): Promise<readonly AsmnKeyRow[]> {
    const rows: AsmnKeyRow[] = [...((await this.runningSecEm?.keys()) ?? [])];
    const own = async (use: "gate" | "gateway"): Promise<void> => {
      const publicKey =
        use === "gate" ? (await this.gate?.status())?.publicKey : this.gateway?.publicKey;
      if (publicKey === undefined) return;
      rows.push({ id: use, use, publicKey, state: "current", since: undefined, until: undefined });
    };
    await own("gate");
    await own("gateway");
    return rows;
  }

  configuredCatalog(tenant: string): Promise<readonly AsmnCatalogEntry[]> {
    const found = this.secEmSettings?.tenants.find(({ name }) => name === tenant);
    if (found !== undefined) return Promise.resolve(found.catalog);
    return Promise.reject(new AsmnError("not-found", `the Sec-EM has no tenant "${tenant}"`));
  }

  startMeasure(file: string): Promise<MeasureJob> {
    return this.desk.start(file);
  }

  measureJob(id: number, waitMs: number): Promise<MeasureJob> {
    return this.desk.look(id, waitMs);
  }

  endMeasure(id: number): Promise<void> {
    this.desk.end(id);
    return Promise.resolve();
  }

  private async setSecEm(next: SecEmSettings | undefined): Promise<string[]> {
    const before = this.secEmSettings;
    const running = this.runningSecEm;
    if (sameSettings(before, next) && (running !== undefined) === (next !== undefined)) return [];
    if (running !== undefined && before !== undefined && next !== undefined) {
      if (isLive(before, next)) {
        await running.configure(next);
        this.secEmSettings = next;
        return ["Sec-EM: other settings; instances keep their state"];
      }
    }
    await running?.stop();
    this.runningSecEm = undefined;
    this.local = undefined;
    this.secEmSettings = undefined;
    if (next === undefined) return ["Sec-EM off; what it has on disk stays"];
    const started = await this.starters.secEm(next, () => this.secEmIsUp());
    this.runningSecEm = started;
    this.secEmSettings = next;
    const { rootKey } = await started.status();
    this.local = { rootKeys: [rootKey], subscribe: (port) => started.subscribe(port) };
    return ["Sec-EM started"];
  }

  /** Its thread began anew: whoever listens through a port of ours has lost it. */
  private secEmIsUp(): void {
    if (this.local === undefined) return;
    this.gate?.connectLocal();
    this.gateway?.connectLocal();
  }
}

function inside(top: string): string[] {
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What is its name and its state cannot be another's. */
function isLive(before: SecEmSettings, next: SecEmSettings): boolean {
  return (
    before.name === next.name &&
    before.stateDirectory === next.stateDirectory &&
    before.rootKeyFile === next.rootKeyFile
  );
}
