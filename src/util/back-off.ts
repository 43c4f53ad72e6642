/** How long to wait before the next attempt: twice as long each time, up to a limit. No clock in here. */
export interface BackOffSettings {
  readonly firstMs: number;
  readonly mostMs: number;
  /** By how much of it a wait is longer or shorter by chance, so that many do not come together; default 0. */
  readonly spread?: number;
}

export class BackOff {
  private readonly settings: BackOffSettings;
  private readonly chance: () => number;
  private last = 0;

  /** @param chance from 0 up to 1 */
  constructor(settings: BackOffSettings, chance: () => number = Math.random) {
    this.settings = settings;
    this.chance = chance;
  }

  /** Milliseconds until the next attempt; the one after that waits longer. */
  next(): number {
    const { firstMs, mostMs, spread = 0 } = this.settings;
    this.last = this.last === 0 ? firstMs : Math.min(mostMs, 2 * this.last);
    return this.last * (1 - spread + 2 * spread * this.chance());
  }

  /** After a success. */
  reset(): void {
    this.last = 0;
  }
}
