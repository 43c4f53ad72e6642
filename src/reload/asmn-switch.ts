/**
 * The trust checks as a reload sees them: on, off, part by part. The speaker is told which gate to ask; while
 * there is none, peers that need trust have none.
 */
import { AsmnService, type AsmnParts, type AsmnSettings } from "../asmn/index.js";
import type { DaemonSettings } from "../config/index.js";
import type { TrustGate } from "../contract.js";
import { sameSettings, type Applier } from "../util/applier.js";

export interface AsmnSwitchParts extends Omit<AsmnParts, "settings"> {
  /** Who is asked from now on. */
  readonly attach: (gate: TrustGate | undefined) => void;
}

export class AsmnSwitch implements Applier<DaemonSettings> {
  readonly name = "asmn";
  private readonly parts: AsmnSwitchParts;
  private running: AsmnService | undefined;
  private attached: TrustGate | undefined;

  constructor(parts: AsmnSwitchParts) {
    this.parts = parts;
  }

  /** Undefined while they are off. */
  get service(): AsmnService | undefined {
    return this.running;
  }

  /** Where its parts keep what they have. */
  get directories(): readonly string[] {
    return this.running?.directories ?? [];
  }

  /** Settled when the gateway is closed, the Sec-EM up and the gate in place; rejects with a sentence. */
  async start(settings: AsmnSettings | undefined): Promise<void> {
    if (settings === undefined) return;
    this.running = await this.open(settings);
    this.follow();
  }

  async apply(before: DaemonSettings, after: DaemonSettings): Promise<string[]> {
    if (sameSettings(before.asmn, after.asmn)) return [];
    const { asmn: next } = after;
    try {
      if (next === undefined) {
        await this.stop();
        return ["trust checks off; what they have on disk stays"];
      }
      if (this.running !== undefined) return await this.running.configure(next);
      this.running = await this.open(next);
      return ["trust checks on"];
    } finally {
      this.follow();
    }
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    await running?.stop();
  }

  private follow(): void {
    const gate = this.running?.trustGate;
    if (gate === this.attached) return;
    this.attached = gate;
    this.parts.attach(gate);
  }

  private open(settings: AsmnSettings): Promise<AsmnService> {
    return AsmnService.start({ ...this.parts, settings });
  }
}
