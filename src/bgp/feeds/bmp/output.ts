/** Messages on their way to one collector: written one behind the other into slabs that are given away. */
const SLAB = 64 * 1024;

export class Output {
  /** Octets finished and not taken. */
  pending = 0;
  messages = 0;
  private slab: Uint8Array = new Uint8Array(0);
  private from = 0;
  private top = 0;
  private readonly full: Uint8Array[] = [];

  /** Where the next message goes, with room for `most` octets. */
  room(most: number): { readonly bytes: Uint8Array; readonly at: number } {
    if (this.top + most > this.slab.length) {
      this.close();
      this.slab = Buffer.allocUnsafeSlow(Math.max(SLAB, most));
      this.from = 0;
      this.top = 0;
    }
    return { bytes: this.slab, at: this.top };
  }

  /** Ends the message begun by `room`. */
  finish(end: number): void {
    this.pending += end - this.top;
    this.messages++;
    this.top = end;
  }

  push(message: Uint8Array): void {
    const { bytes, at } = this.room(message.length);
    bytes.set(message, at);
    this.finish(at + message.length);
  }

  /** What is finished; the caller's from now on. */
  take(): Uint8Array[] {
    this.close();
    this.pending = 0;
    return this.full.splice(0);
  }

  private close(): void {
    if (this.top > this.from) this.full.push(this.slab.subarray(this.from, this.top));
    this.from = this.top;
  }
}
