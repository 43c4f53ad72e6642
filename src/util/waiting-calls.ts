/** Questions that wait for their answers from elsewhere, by number; all are refused at once when nobody can answer any more. */
interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class WaitingCalls {
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  get size(): number {
    return this.waiting.size;
  }

  /** @param send carries the question over, with its number; when that throws, nothing waits and the call rejects */
  begin<T>(send: (id: number) => void): Promise<T> {
    const id = ++this.lastId;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      try {
        send(id);
      } catch (error) {
        this.reject(id, error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** An answer that nobody waits for is nothing. */
  resolve(id: number, value: unknown): void {
    this.take(id)?.resolve(value as never);
  }

  reject(id: number, error: Error): void {
    this.take(id)?.reject(error);
  }

  rejectAll(error: Error): void {
    const all = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of all) reject(error);
  }

  private take(id: number): Waiting | undefined {
    const one = this.waiting.get(id);
    this.waiting.delete(id);
    return one;
  }
}
