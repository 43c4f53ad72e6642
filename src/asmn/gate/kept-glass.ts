/**
 * What break-glass needs of a life before: the documents that are open, and the certificates of the keys that sign them.
 * Without these nobody could be let in after a restart while no Sec-EM is there, which is what it is for.
 */
import { toHex } from "../../util/bytes.js";
import type { KeyCertificate } from "../protocol/index.js";
import type { GlassEntry } from "./entry.js";

/** An open document; times are wall-clock milliseconds. */
export interface KeptGlass {
  readonly entry: GlassEntry;
  readonly until: number;
  readonly savedAt: number;
}

const MOST_OPEN = 256;
const MOST_KEYS = 32;

export class GlassShelf {
  private readonly held = new Map<string, KeptGlass>();
  /** By Sec-EM and key: octets as hexadecimal. */
  private readonly signers = new Map<string, string>();

  constructor(open: readonly KeptGlass[]) {
    for (const one of open) this.held.set(one.entry.key, one);
  }

  put(entry: GlassEntry, wall: number): void {
    this.held.set(entry.key, { entry, until: wall + entry.remainingMs, savedAt: wall });
    dropOldest(this.held, MOST_OPEN);
  }

  remove(key: string): void {
    this.held.delete(key);
  }

  /** What is open still, for what is left of it. A wall clock that went back says nothing: then it is over. */
  open(wall: number): GlassEntry[] {
    return this.kept(wall).map(({ entry, until }) => ({ ...entry, remainingMs: until - wall }));
  }

  kept(wall: number): KeptGlass[] {
    return [...this.held.values()].filter(({ until, savedAt }) => until > wall && savedAt <= wall);
  }

  certified({ purpose, secEm, publicKey }: KeyCertificate, octets: Uint8Array): void {
    if (purpose !== "break-glass") return;
    const name = `${secEm} ${toHex(publicKey)}`;
    this.signers.delete(name);
    this.signers.set(name, toHex(octets));
    dropOldest(this.signers, MOST_KEYS);
  }

  get certificates(): readonly string[] {
    return [...this.signers.values()];
  }
}

function dropOldest<K>(map: Map<K, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}
