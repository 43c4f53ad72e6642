/**
 * Addresses out of ranges of our own, the one that was free longest first. The accept names the pool
 * (Framed-Pool, ERX Address-Pool-Name), or a service manager does by the bundle it put there.
 */
import type { Lease } from "../session/session.js";
import type { AddressPoolSettings, LocalAddressSettings } from "../settings.js";
import { AddressError } from "./source.js";
import type { AddressSource, Subscriber } from "./source.js";

export class LocalSource implements AddressSource {
  private readonly pools: ReadonlyMap<string, Range>;
  private readonly settings: LocalAddressSettings;

  constructor(settings: LocalAddressSettings) {
    this.settings = settings;
    this.pools = new Map(settings.pools.map((pool) => [pool.name, new Range(pool)]));
  }

  acquire({ session }: Subscriber): Promise<Lease> {
    const { bundles, pools } = this.settings;
    const chosen = session.bundles.find((bundle) => bundles[bundle] !== undefined);
    const bundled = chosen === undefined ? undefined : bundles[chosen];
    const name = bundled ?? session.addressPool ?? pools[0]?.name ?? "";
    const pool = this.pools.get(name);
    if (pool === undefined) {
      return Promise.reject(new AddressError(`there is no address pool "${name}"; configure it`));
    }
    const address = pool.take();
    if (address === undefined) {
      return Promise.reject(new AddressError(`address pool "${name}" is used up; widen it`));
    }
    return Promise.resolve({ address, from: name, until: undefined, renewAt: undefined });
  }

  renew(_session: unknown, lease: Lease): Promise<Lease> {
    return Promise.resolve(lease);
  }

  release(_session: unknown, { from, address }: Lease): void {
    this.pools.get(from)?.give(address);
  }

  adopt({ from, address }: Lease): void {
    this.pools.get(from)?.occupy(address);
  }

  close(): void {}
}

/** One pool. */
class Range {
  private readonly first: number;
  private readonly last: number;
  private readonly used = new Set<number>();
  /** Came back, the one that did so first at the front. */
  private readonly returned = new Set<number>();
  /** Lowest that was never lent. */
  private next: number;

  constructor({ first, last }: AddressPoolSettings) {
    this.first = numberOf(first);
    this.last = numberOf(last);
    this.next = this.first;
  }

  take(): string | undefined {
    while (this.next <= this.last && this.used.has(this.next)) this.next++;
    const [old] = this.returned;
    const address = this.next <= this.last ? this.next++ : old;
    if (address === undefined) return undefined;
    this.returned.delete(address);
    this.used.add(address);
    return textOf(address);
  }

  give(text: string): void {
    const address = numberOf(text);
    if (this.used.delete(address) && address < this.next) this.returned.add(address);
  }

  occupy(text: string): void {
    const address = numberOf(text);
    if (address < this.first || address > this.last) return;
    this.used.add(address);
    this.returned.delete(address);
  }
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}
