/** Ids to be looked at, each once: added as often as one likes, taken in any order. */
export class Marks {
  private readonly list: number[] = [];
  private marked = new Uint8Array(1024);

  get size(): number {
    return this.list.length;
  }

  add(id: number): void {
    if (id >= this.marked.length) this.grow(id);
    if (this.marked[id] !== 0) return;
    this.marked[id] = 1;
    this.list.push(id);
  }

  /** One of them, which is in no longer; 0 when there is none. */
  take(): number {
    const id = this.list.pop();
    if (id === undefined) return 0;
    this.marked[id] = 0;
    return id;
  }

  private grow(id: number): void {
    const wider = new Uint8Array(Math.max(id + 1, 2 * this.marked.length));
    wider.set(this.marked);
    this.marked = wider;
  }
}
