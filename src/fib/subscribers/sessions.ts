/**
 * The consumer of the contract's stream of subscribers' sessions: who has a session now, by MAC. A stream
 * that begins anew leaves what is here as it was until the new snapshot is complete; `isKnown` says so.
 */
import type { SubscriberChange, SubscriberItem } from "../../contract.js";
import { fromHex, readI32, readU16 } from "../../util/bytes.js";

interface Held {
  readonly item: SubscriberItem;
  readonly mac: number | undefined;
  /** Of the snapshot that named it last. */
  generation: number;
}

interface Idle {
  readonly mac: number;
  /** Of the clock: since when nobody announces it, as far as was looked. */
  goneAt: number | undefined;
}

/** Sessions that ended for silence, remembered; further ones push others out. */
const MOST_IDLE = 65_536;
/** So long after nobody announces the MAC any more. */
const IDLE_GONE_MS = 3_600_000;

export class SubscriberSessions {
  /** The snapshot is complete, and its source is there. */
  isKnown = false;
  private generation = 0;
  private readonly byKey = new Map<string, Held>();
  private readonly byMac = new Map<number, SubscriberItem[]>();
  /** Ended for silence: that takes nothing away. By tenant and MAC. */
  private readonly idle = new Map<string, Idle>();
  private readonly idleMacs = new Map<number, number>();

  get count(): number {
    return this.byKey.size;
  }

  apply(changes: readonly SubscriberChange[]): void {
    for (const change of changes) {
      switch (change.kind) {
        case "reset":
          this.isKnown = false;
          this.generation++;
          break;
        case "item":
          this.take(change.item);
          break;
        case "gone":
          this.drop(change.key);
          break;
        case "sync":
          for (const [key, { generation }] of this.byKey) {
            if (generation !== this.generation) this.drop(key);
          }
          this.isKnown = true;
      }
    }
  }

  /** Sessions of a MAC, of any tenant. @param mac as `macNumber` gives it */
  of(mac: number): readonly SubscriberItem[] {
    return this.byMac.get(mac) ?? NONE;
  }

  /** Whether a session of the MAC ended for silence, and none has begun since. */
  wasIdle(mac: number, tenant: string): boolean {
    return this.idleMacs.has(mac) && this.idle.has(keyOf(tenant, macOfNumber(mac)));
  }

  /**
   * Looks at some of them in turn: of those that nobody announces for an hour, what they were excused for is over.
   * @param now of the clock
   */
  forgetIdle(isGone: (mac: number) => boolean, now: number, most: number): void {
    const some: [string, Idle][] = [];
    for (const row of this.idle) if (some.push(row) >= most) break;
    for (const [key, idle] of some) {
      idle.goneAt = isGone(idle.mac) ? (idle.goneAt ?? now) : undefined;
      if (idle.goneAt !== undefined && now - idle.goneAt > IDLE_GONE_MS) this.dropIdle(key);
      else {
        // To the end of the turn.
        this.idle.delete(key);
        this.idle.set(key, idle);
      }
    }
  }

  private take(item: SubscriberItem): void {
    const { key } = item;
    const known = this.byKey.get(key);
    if (known !== undefined && known.item.revision > item.revision) return;
    if (known !== undefined) this.drop(key);
    const name = keyOf(item.tenant, item.mac);
    this.dropIdle(name);
    if (item.state === "ended") {
      if (item.reason === "idle") this.keepIdle(name, item);
      return;
    }
    const mac = macNumber(item.mac);
    this.byKey.set(key, { item, mac, generation: this.generation });
    if (mac === undefined) return;
    this.byMac.set(mac, [...(this.byMac.get(mac) ?? NONE), item]);
  }

  private drop(key: string): void {
    const held = this.byKey.get(key);
    if (held === undefined) return;
    this.byKey.delete(key);
    if (held.mac === undefined) return;
    const others = (this.byMac.get(held.mac) ?? NONE).filter((one) => one.key !== key);
    if (others.length === 0) this.byMac.delete(held.mac);
    else this.byMac.set(held.mac, others);
  }

  private keepIdle(key: string, item: SubscriberItem): void {
    const mac = macNumber(item.mac);
    if (mac === undefined) return;
    this.idle.set(key, { mac, goneAt: undefined });
    this.idleMacs.set(mac, (this.idleMacs.get(mac) ?? 0) + 1);
    if (this.idle.size > MOST_IDLE) this.dropIdle(this.idle.keys().next().value!);
  }

  private dropIdle(key: string): void {
    const mac = this.idle.get(key)?.mac;
    if (mac === undefined) return;
    this.idle.delete(key);
    const left = (this.idleMacs.get(mac) ?? 1) - 1;
    if (left === 0) this.idleMacs.delete(mac);
    else this.idleMacs.set(mac, left);
  }
}

const NONE: readonly SubscriberItem[] = [];

/** Whose sessions they are. */
export function keyOf(tenant: string, mac: string): string {
  return `${tenant} ${mac}`;
}

/** 48 bits; undefined for what is no MAC of the form `aa:bb:cc:dd:ee:ff`. */
export function macNumber(mac: string): number | undefined {
  if (mac.length !== 17) return undefined;
  const octets = fromHex(mac.replaceAll(":", ""));
  return octets?.length === 6 ? numberOf(readU16(octets, 0), readI32(octets, 2)) : undefined;
}

/** Of the two words that the FIB's entries have. */
export function numberOf(high: number, low: number): number {
  return high * 0x1_0000_0000 + (low >>> 0);
}

export function macOfNumber(mac: number): string {
  return (mac.toString(16).padStart(12, "0").match(/../g) ?? []).join(":");
}
