/**
 * When to try again (RFC 5080 section 2.2.1): twice as long each time, a tenth more or less by chance, up
 * to a limit. No clock in here.
 */
export interface BackOffSettings {
  readonly firstMs: number;
  readonly mostMs: number;
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

  next(): number {
    const { firstMs, mostMs } = this.settings;
    const base = this.last === 0 ? firstMs : Math.min(mostMs, 2 * this.last);
    this.last = base;
    return base * (0.9 + 0.2 * this.chance());
  }

  reset(): void {
    this.last = 0;
  }
}
