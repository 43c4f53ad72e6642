/**
 * IPsec as a reload sees it: on, off, another candidate, another daemon. What is in force changes by an install
 * only; switching IPsec off leaves tunnels and guard as they are.
 */
import type { DaemonSettings } from "../config/index.js";
import type { TunnelSink } from "../contract.js";
import { IpsecService, type IpsecSettings } from "../ipsec/index.js";
import type { Store } from "../store/index.js";
import { sameSettings, type Applier } from "../util/applier.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";

export interface IpsecSwitchParts {
  readonly store: Store | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** What tunnels are goes there. */
  readonly tunnels?: TunnelSink;
  readonly start?: (settings: IpsecSettings) => Promise<IpsecService>;
}

export class IpsecSwitch implements Applier<DaemonSettings> {
  readonly name = "ipsec";
  private readonly parts: IpsecSwitchParts;
  private running: IpsecService | undefined;

  constructor(parts: IpsecSwitchParts) {
    this.parts = parts;
  }

  /** Undefined while it is off. */
  get service(): IpsecService | undefined {
    return this.running;
  }

  /** Settled when what is to be guarded is. Rejects when the secrets cannot be had. */
  async start(settings: IpsecSettings | undefined): Promise<void> {
    if (settings !== undefined) this.running = await this.open(settings);
  }

  async apply(before: DaemonSettings, after: DaemonSettings): Promise<string[]> {
    if (sameSettings(before.ipsec, after.ipsec)) return [];
    if (after.ipsec === undefined) {
      await this.stop();
      return ["IPsec off; tunnels and what is guarded stay as they are"];
    }
    if (this.running !== undefined) return this.running.configure(after.ipsec);
    this.running = await this.open(after.ipsec);
    return ["IPsec on"];
  }

  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    await running?.stop();
  }

  private open(settings: IpsecSettings): Promise<IpsecService> {
    const { start, ...parts } = this.parts;
    return start?.(settings) ?? IpsecService.start({ ...parts, settings });
  }
}
