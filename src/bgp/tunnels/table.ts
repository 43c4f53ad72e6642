/**
 * Tunnels under the fabric as the speaker knows them: their prefixes of VTEPs, and whether each carries. Of
 * prefixes that overlap the longest decides, then any tunnel that is up. A tunnel that goes down counts at
 * once; one that comes back only when it has stayed up for the hold-down, so that routes do not flap with it.
 *
 * A function of the stream (`contract.ts`) and of passed-in time; what it does to routes is `tunnels.ts`.
 */
import type { TunnelChange, TunnelItem } from "../../contract.js";
import { parsePrefixText, type TextPrefix } from "./prefix.js";
import type { CutNextHops } from "../policy/tunnel-gate.js";

export interface KnownTunnel {
  readonly item: TunnelItem;
  readonly prefixes: readonly TextPrefix[];
  /** It carries, as far as routes are concerned. */
  readonly carries: boolean;
  /** Monotonic milliseconds from which on it carries; undefined while it is not up, or does already. */
  readonly carriesFrom: number | undefined;
  /** It has carried once: what never did was not seen to flap. */
  readonly hasCarried: boolean;
  /** Named since the last reset. */
  readonly fresh: boolean;
}

/** Next hops whose answer is remembered. */
const MOST_REMEMBERED = 65_536;

export class TunnelTable implements CutNextHops {
  private readonly tunnels = new Map<string, KnownTunnel>();
  private readonly remembered = new Map<string, boolean>();

  /** Every tunnel, by name. */
  list(): readonly KnownTunnel[] {
    return [...this.tunnels.values()];
  }

  get(name: string): KnownTunnel | undefined {
    return this.tunnels.get(name);
  }

  /** @returns prefixes whose next hops may have another answer now */
  apply(changes: readonly TunnelChange[], now: number, holdDownMs: number): TextPrefix[] {
    const touched: TextPrefix[] = [];
    for (const change of changes) {
      switch (change.kind) {
        case "reset":
          for (const [key, one] of this.tunnels) this.tunnels.set(key, { ...one, fresh: false });
          break;
        case "item":
          touched.push(...this.put(change.item, now, holdDownMs));
          break;
        case "gone":
          touched.push(...this.drop(change.key));
          break;
        case "sync":
          for (const [key, { fresh }] of this.tunnels) if (!fresh) touched.push(...this.drop(key));
      }
    }
    if (touched.length > 0) this.remembered.clear();
    return touched;
  }

  /** Hold-downs that are over; prefixes as of `apply`. */
  expire(now: number): TextPrefix[] {
    const touched: TextPrefix[] = [];
    for (const [key, one] of this.tunnels) {
      if (one.carriesFrom === undefined || one.carriesFrom > now) continue;
      this.tunnels.set(key, { ...one, carries: true, carriesFrom: undefined });
      touched.push(...one.prefixes);
    }
    if (touched.length > 0) this.remembered.clear();
    return touched;
  }

  /** When the next hold-down is over; undefined when there is none. */
  nextExpiry(): number | undefined {
    const times = [...this.tunnels.values()].flatMap(({ carriesFrom }) => carriesFrom ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  cuts(bytes: Uint8Array, at: number, octets: number): boolean {
    if (this.tunnels.size === 0) return false;
    const key = keyOf(bytes, at, octets);
    const known = this.remembered.get(key);
    if (known !== undefined) return known;
    const found = this.deciding(bytes, at, octets);
    const answer = found.length > 0 && !found.some(({ carries }) => carries);
    if (this.remembered.size >= MOST_REMEMBERED) this.remembered.clear();
    this.remembered.set(key, answer);
    return answer;
  }

  why(bytes: Uint8Array, at: number, octets: number): string {
    return this.deciding(bytes, at, octets)
      .map(({ item, carriesFrom }) =>
        carriesFrom === undefined
          ? `tunnel ${item.key} is ${item.state}${item.reason === "" ? "" : `: ${item.reason}`}`
          : `tunnel ${item.key} is up again, and in hold-down`,
      )
      .join("; ");
  }

  /** Whether the next hop would be cut off if that tunnel failed, everything else as it is. */
  wouldCut(name: string, bytes: Uint8Array, at: number, octets: number): boolean {
    const found = this.deciding(bytes, at, octets);
    if (!found.some(({ item }) => item.key === name)) return false;
    return !found.some(({ item, carries }) => item.key !== name && carries);
  }

  /** Tunnels that lead to the next hop, of the longest prefix that has it. */
  private deciding(bytes: Uint8Array, at: number, octets: number): KnownTunnel[] {
    let longest = -1;
    let found: KnownTunnel[] = [];
    for (const tunnel of this.tunnels.values()) {
      let bits = -1;
      for (const prefix of tunnel.prefixes) {
        if (prefix.bits > bits && prefix.octets.length === octets && covers(prefix, bytes, at)) {
          bits = prefix.bits;
        }
      }
      if (bits < 0 || bits < longest) continue;
      if (bits > longest) found = [];
      longest = bits;
      found.push(tunnel);
    }
    return found;
  }

  private put(item: TunnelItem, now: number, holdDownMs: number): readonly TextPrefix[] {
    const before = this.tunnels.get(item.key);
    // Applying an item twice changes nothing.
    if (before !== undefined && before.item.revision === item.revision) {
      this.tunnels.set(item.key, { ...before, fresh: true });
      return [];
    }
    const prefixes = item.vteps.flatMap((text) => parsePrefixText(text) ?? []);
    const isUp = item.state === "up";
    const hasCarried = before?.hasCarried === true;
    const wasCarrying = !hasCarried || before?.carries === true;
    const carries = isUp && (wasCarrying || holdDownMs === 0);
    const carriesFrom = isUp && !carries ? (before?.carriesFrom ?? now + holdDownMs) : undefined;
    this.tunnels.set(item.key, {
      item,
      prefixes,
      carries,
      carriesFrom,
      hasCarried: hasCarried || carries,
      fresh: true,
    });
    return [...(before?.prefixes ?? []), ...prefixes];
  }

  private drop(key: string): readonly TextPrefix[] {
    const before = this.tunnels.get(key);
    this.tunnels.delete(key);
    return before?.prefixes ?? [];
  }
}

export function covers({ octets, bits }: TextPrefix, bytes: Uint8Array, at: number): boolean {
  let left = bits;
  for (let i = 0; left > 0; i++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff00 >> left) & 0xff;
    if (((octets[i]! ^ bytes[at + i]!) & mask) !== 0) return false;
  }
  return true;
}

function keyOf(bytes: Uint8Array, at: number, octets: number): string {
  let key = "";
  for (let i = 0; i < octets; i++) key += String.fromCharCode(bytes[at + i]!);
  return key;
}
