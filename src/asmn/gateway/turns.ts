/**
 * Work on the kernel's table, one piece at a time: looking at it and changing it is no transaction. Changes go in
 * the order in which they came, and before whoever only wants to look: nobody who asks often holds up a revocation.
 */
type Piece = () => Promise<void>;

export class Turns {
  private readonly changes: Piece[] = [];
  private readonly looks: Piece[] = [];
  private running = false;

  change<T>(work: () => Promise<T>): Promise<T> {
    return this.queue(this.changes, work);
  }

  /** Keep the piece small: a change waits for the one that has begun. */
  look<T>(work: () => Promise<T>): Promise<T> {
    return this.queue(this.looks, work);
  }

  private queue<T>(line: Piece[], work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      line.push(() => Promise.resolve().then(work).then(resolve, reject));
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    for (;;) {
      const next = this.changes.shift() ?? this.looks.shift();
      if (next === undefined) break;
      await next();
    }
    this.running = false;
  }
}

/**
 * A question that many ask is answered once: who asks while an answer is being made shares the next one, so that
 * it is never from before the question.
 */
export class SharedAnswer<T> {
  private readonly make: () => Promise<T>;
  private last: Promise<unknown> = Promise.resolve();
  private next: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.make = make;
  }

  ask(): Promise<T> {
    if (this.next !== undefined) return this.next;
    const begin = (): Promise<T> => {
      this.next = undefined;
      return this.make();
    };
    const answer = this.last.then(begin, begin);
    this.next = answer;
    this.last = answer;
    return answer;
  }
}
