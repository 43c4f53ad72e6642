/** Long work of an async function in slices: other work of the thread gets its turn in between. */
export class GiveWay {
  private readonly sliceMs: number;
  private until: number;

  /** @param sliceMs longest stretch, milliseconds */
  constructor(sliceMs = 5) {
    this.sliceMs = sliceMs;
    this.until = performance.now() + sliceMs;
  }

  /** Settled at once while the slice lasts, else after everybody else has had a turn. */
  async turn(): Promise<void> {
    if (performance.now() < this.until) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.until = performance.now() + this.sliceMs;
  }
}
