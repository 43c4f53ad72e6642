/**
 * Revocations whose instance is gone (ASM-71): who removes an instance takes no revocation back. Its name and
 * its key stay revoked, on the disk, until an operator restores them; a token for that name is not issued, and
 * whoever comes with that key, under whatever name, is revoked.
 */
import { toHex } from "../../util/bytes.js";
import { SecEmError, type InstanceName, type Scope } from "./control.js";
import type { InstanceRecord } from "./instance-book.js";
import { inScope, instanceText } from "./names.js";
import type { Records } from "./records.js";

export interface Tombstone extends InstanceName {
  readonly identity: string;
  /** Hex; undefined: it had not enrolled. */
  readonly instanceKey: string | undefined;
  /** Why it was revoked. */
  readonly revoked: string;
  /** Wall-clock milliseconds. */
  readonly removedAt: number;
}

/** Beyond these nothing that is revoked can be removed: to forget the oldest would restore it. */
const MOST = 10_000;

export class Tombstones {
  private readonly records: Records;
  private readonly byName = new Map<string, Tombstone>();
  /** How many have this key. */
  private readonly keys = new Map<string, number>();

  constructor(records: Records) {
    this.records = records;
  }

  async load(): Promise<void> {
    for (const { value } of await this.records.all("tombstone/")) {
      this.put(value as unknown as Tombstone);
    }
  }

  find(name: InstanceName): Tombstone | undefined {
    return this.byName.get(instanceText(name));
  }

  hasKey(instanceKey: string): boolean {
    return this.keys.has(instanceKey);
  }

  in(scope: Scope): readonly Tombstone[] {
    return [...this.byName.values()].filter((one) => inScope(one, scope));
  }

  /**
   * Of a revoked instance that is about to be removed; in force at once.
   * Rejects with `SecEmError` `storage`, or `conflict` when there are too many, with nothing changed.
   */
  async add(record: InstanceRecord, revoked: string, wall: number): Promise<void> {
    if (this.byName.size >= MOST) {
      throw new SecEmError(
        "conflict",
        `${MOST} revoked instances were removed already; restore some whose names and keys are of no harm`,
      );
    }
    const { tenant, vnf, instance, identity, chain } = record;
    const instanceKey = chain.instanceKey && toHex(chain.instanceKey);
    const one = { tenant, vnf, instance, identity, instanceKey, revoked, removedAt: wall };
    const former = this.find(record);
    this.put(one);
    try {
      await this.records.write({ key: keyOf(one), value: one });
    } catch (error) {
      if (this.find(record) === one) {
        this.drop(one);
        if (former !== undefined) this.put(former);
      }
      throw error;
    }
  }

  /** Restored. Rejects with `SecEmError` `storage`, and they stay. */
  async clear(found: readonly Tombstone[]): Promise<void> {
    for (const one of found) {
      await this.records.write({ key: keyOf(one), value: undefined });
      if (this.find(one) === one) this.drop(one);
    }
  }

  private put(one: Tombstone): void {
    const former = this.find(one);
    if (former !== undefined) this.drop(former);
    this.byName.set(instanceText(one), one);
    const { instanceKey } = one;
    if (instanceKey !== undefined)
      this.keys.set(instanceKey, (this.keys.get(instanceKey) ?? 0) + 1);
  }

  private drop(one: Tombstone): void {
    this.byName.delete(instanceText(one));
    const left = (this.keys.get(one.instanceKey ?? "") ?? 0) - 1;
    if (left > 0) this.keys.set(one.instanceKey ?? "", left);
    else this.keys.delete(one.instanceKey ?? "");
  }
}

function keyOf(name: InstanceName): string {
  return `tombstone/${instanceText(name)}`;
}
