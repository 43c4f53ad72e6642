/**
 * Who was refused lately, for the status: who has proved nothing is no instance, and no list of instances names
 * him. A fixed number, by place, name and reason; of an address block's many addresses the last one is shown.
 */
import { addressBlock } from "../../util/address-block.js";
import type { RefusalRow } from "./control.js";

/** The oldest go first. */
const MOST = 20;
const MOST_TEXT = 240;

export class Refusals {
  private readonly kept = new Map<string, RefusalRow>();

  /**
   * @param subject `tenant/vnf/instance` that it claims to be; "" where that is not known
   * @param at wall-clock milliseconds
   */
  note(address: string, subject: string, reason: string, at: number): void {
    const text = reason.slice(0, MOST_TEXT);
    const key = JSON.stringify([addressBlock(address) ?? address, subject, text]);
    const times = (this.kept.get(key)?.times ?? 0) + 1;
    this.kept.delete(key);
    this.kept.set(key, { address, subject, reason: text, times, at });
    if (this.kept.size > MOST) this.kept.delete(this.kept.keys().next().value!);
  }

  /** The last one first. */
  rows(): readonly RefusalRow[] {
    return [...this.kept.values()].reverse();
  }
}
