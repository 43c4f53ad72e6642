/**
 * Revocations that the speaker has not said to be in force: at which addresses they are waited for, and what a
 * Sec-EM may be told. One that is told stands for all before it, so none is told while an earlier one waits
 * anywhere. Of one Sec-EM at one address the first and the last are remembered: fixed size, however many come.
 */
interface Waiting {
  readonly first: number;
  readonly last: number;
}

export interface AppliedRevocation {
  readonly source: string;
  readonly revocation: number;
}

export class WaitingRevocations {
  private readonly byAddress = new Map<string, Map<string, Waiting>>();
  /** The highest that is in force and was not told, because an earlier one waits. */
  private readonly reached = new Map<string, number>();

  has(address: string): boolean {
    return this.byAddress.has(address);
  }

  add(address: string, source: string, revocation: number): void {
    const here = this.byAddress.get(address) ?? new Map<string, Waiting>();
    const { first, last } = here.get(source) ?? { first: revocation, last: revocation };
    here.set(source, { first: Math.min(first, revocation), last: Math.max(last, revocation) });
    this.byAddress.set(address, here);
  }

  /** All that waited there are in force. @returns what can be told by that */
  settle(address: string): readonly AppliedRevocation[] {
    const here = this.byAddress.get(address);
    this.byAddress.delete(address);
    return [...(here ?? [])].flatMap(([source, { last }]) => this.settled(source, last));
  }

  /** One is in force, wherever it was to be. @returns what can be told by that */
  settled(source: string, revocation: number): readonly AppliedRevocation[] {
    const most = Math.max(this.reached.get(source) ?? 0, revocation);
    if (this.earliest(source) <= most) {
      this.reached.set(source, most);
      return [];
    }
    this.reached.delete(source);
    return [{ source, revocation: most }];
  }

  private earliest(source: string): number {
    let least = Infinity;
    for (const here of this.byAddress.values()) {
      least = Math.min(least, here.get(source)?.first ?? Infinity);
    }
    return least;
  }
}
