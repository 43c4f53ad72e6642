/**
 * Every instance that the Sec-EM knows, by identity and by name. A name has one instance (ASM-64); one that
 * enrols anew has its new identity beside the old one until its first step is confirmed, and takes the
 * name then. What is written is on the disk before it counts, with one exception: trust that is taken away
 * is taken away at once, and written as soon as the disk lets it; until then it is in the reserve.
 */
import { StoreError } from "../../store/index.js";
import { fromHex, toHex } from "../../util/bytes.js";
import { ID_NONCE_OCTETS, instanceId, type RandomSource } from "../crypto/index.js";
import {
  decodeChain,
  encodeChain,
  NEW_CHAIN,
  stopChain,
  type ChainRecord,
  type Reason,
  type RootKind,
  type TrustState,
} from "../protocol/index.js";
import { SecEmError, type BgpFacts, type InstanceName } from "./control.js";
import { instanceText } from "./names.js";
import type { RecordWrite, Records } from "./records.js";
import type { Reserve, ReserveEntry } from "./reserve.js";

export interface InstanceRecord extends InstanceName {
  /** ID and its nonce, hex. */
  readonly identity: string;
  readonly nonce: string;
  /** It has not taken its name yet: another identity may have it. */
  readonly enrolling: boolean;
  readonly bgp: BgpFacts;
  /** 32 hexadecimal digits; a secret. */
  readonly md5Key: string | undefined;
  /** Key, counters and states; a secret. */
  readonly chain: ChainRecord;
  /** As the last evidence that was taken said. */
  readonly image: string | undefined;
  readonly manifest: string | undefined;
  readonly root: RootKind;
  readonly catalogVersion: number;
  readonly catalogDigest: string;
  readonly state: TrustState;
  readonly reason: Reason;
  readonly sentence: string;
  /** Wall-clock milliseconds of the state, and of the last step that was confirmed as trusted. */
  readonly since: number;
  readonly attestedAt: number | undefined;
  /** By an operator: why. */
  readonly revoked: string | undefined;
  /** Of the last revocation that was told of it. */
  readonly revocation: number;
}

/** Of the whole Sec-EM. */
const MOST_INSTANCES = 50_000;
/** Records in one stroke of what was deferred. */
const MOST_FLUSHED = 256;

export class InstanceBook {
  private readonly records: Records;
  private readonly random: RandomSource;
  private readonly reserve: Reserve;
  private readonly byIdentity = new Map<string, InstanceRecord>();
  private readonly byName = new Map<string, string>();
  /** Those without their name. */
  private readonly waiting = new Set<string>();
  /** In force, and not on the disk. */
  private readonly unwritten = new Set<string>();
  /** On the disk with the next pass. */
  private readonly deferred = new Set<string>();

  constructor(records: Records, random: RandomSource, reserve: Reserve) {
    this.records = records;
    this.random = random;
    this.reserve = reserve;
  }

  /** With what the life before could only put into the reserve. */
  async load(): Promise<void> {
    for (const { value } of await this.records.all("instance/")) {
      this.adopt(unpacked(value as unknown as PackedInstance));
    }
    for (const entry of this.reserve.found) this.recover(entry);
    await this.retry();
  }

  get size(): number {
    return this.byName.size;
  }

  get(identity: string): InstanceRecord | undefined {
    return this.byIdentity.get(identity);
  }

  named(name: InstanceName): InstanceRecord | undefined {
    return this.byIdentity.get(this.byName.get(instanceText(name)) ?? "");
  }

  /** Identities that were enrolled for a name which another one has. */
  waitingFor(name: InstanceName): readonly InstanceRecord[] {
    const text = instanceText(name);
    return [...this.waiting]
      .map((identity) => this.byIdentity.get(identity))
      .filter((record) => record !== undefined)
      .filter((record) => instanceText(record) === text);
  }

  /** Those that have their name, in the order of names. */
  all(): readonly InstanceRecord[] {
    return [...this.byName]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, identity]) => this.byIdentity.get(identity))
      .filter((record) => record !== undefined);
  }

  /** Those that have their name, as they come. */
  *each(): Generator<InstanceRecord> {
    for (const identity of this.byName.values()) {
      const record = this.byIdentity.get(identity);
      if (record !== undefined) yield record;
    }
  }

  /** An identity that nobody has yet, for a name (ASM-64). */
  draw(name: InstanceName, bgp: BgpFacts, wall: number): InstanceRecord {
    if (this.byIdentity.size >= MOST_INSTANCES) {
      throw new SecEmError("conflict", `there are ${MOST_INSTANCES} instances; remove some first`);
    }
    const { tenant, vnf, instance } = name;
    const nonce = this.random(ID_NONCE_OCTETS);
    const identity = toHex(instanceId(name, nonce));
    if (this.byIdentity.has(identity)) {
      throw new SecEmError("conflict", "the identity that was drawn is somebody's; try again");
    }
    return {
      ...{ tenant, vnf, instance, identity, nonce: toHex(nonce), bgp },
      enrolling: this.named(name) !== undefined,
      md5Key: bgp.binding === "tcp-md5" ? toHex(this.random(16)) : undefined,
      chain: NEW_CHAIN,
      ...{ image: undefined, manifest: undefined, root: "none" },
      ...{ catalogVersion: 0, catalogDigest: "00".repeat(32) },
      ...{ state: "unknown", reason: "none", sentence: "not enrolled yet", since: wall },
      ...{ attestedAt: undefined, revoked: undefined, revocation: 0 },
    };
  }

  /**
   * Rejects with `SecEmError` `storage`, with everything as before; with `conflict` when trust was taken away
   * while the disk worked: that counts, here and on the disk, and this does not.
   */
  async write(record: InstanceRecord): Promise<void> {
    await this.writeBy(record, (writes) => this.records.write(...writes));
  }

  /** The same, with whatever else `store` writes in that stroke. */
  async writeBy<T>(
    record: InstanceRecord,
    store: (writes: readonly RecordWrite[]) => Promise<T>,
  ): Promise<T> {
    const { identity } = record;
    const displaced = this.displacedBy(record);
    const before = new Map(
      [identity, ...displaced].map((one) => [one, this.byIdentity.get(one)] as const),
    );
    const writes = displaced.map((one) => ({ key: `instance/${one}`, value: undefined }));
    // The store keeps the order of writes: what is older must not be written behind this.
    const deferred = [...before.keys()].filter((one) => this.deferred.delete(one));
    let written: T;
    try {
      written = await store([{ key: `instance/${identity}`, value: packed(record) }, ...writes]);
    } catch (error) {
      for (const one of deferred) this.deferred.add(one);
      throw error;
    }
    const isAsBefore =
      [...before].every(([one, then]) => this.byIdentity.get(one) === then) &&
      this.displacedBy(record).every((one) => before.has(one));
    if (isAsBefore) {
      for (const one of [identity, ...displaced]) this.unwritten.delete(one);
      for (const one of displaced) this.drop(one);
      this.adopt(record);
      // What counts no more must not come back from there.
      if (!this.reserve.isEmpty) await this.keepUnwritten();
      return written;
    }
    for (const one of before.keys()) {
      this.unwritten.add(one);
      await this.writeForced(one);
    }
    await this.keepUnwritten();
    throw new SecEmError(
      "conflict",
      `${instanceText(record)} was changed by somebody else meanwhile; look at it and try again`,
    );
  }

  /**
   * Identities that end in the same stroke: whoever takes a name ends the one before; whoever begins to
   * wait for it, those that wait.
   */
  private displacedBy(record: InstanceRecord): readonly string[] {
    const { identity, enrolling } = record;
    const named = this.byName.get(instanceText(record));
    if (!enrolling) return named === undefined || named === identity ? [] : [named];
    if (this.byIdentity.has(identity)) return [];
    return this.waitingFor(record).map((one) => one.identity);
  }

  private drop(identity: string): void {
    this.byIdentity.delete(identity);
    this.waiting.delete(identity);
  }

  /** In memory only: what needs no disk. */
  adopt(record: InstanceRecord): void {
    this.byIdentity.set(record.identity, record);
    if (record.enrolling) {
      this.waiting.add(record.identity);
      return;
    }
    this.waiting.delete(record.identity);
    const name = instanceText(record);
    const former = this.byName.get(name);
    if (former !== undefined && former !== record.identity) this.byIdentity.delete(former);
    this.byName.set(name, record.identity);
  }

  /** For what may be lost: a death before the next pass takes it back. */
  defer(record: InstanceRecord): void {
    this.adopt(record);
    this.deferred.add(record.identity);
  }

  /** What was deferred, in few strokes; what the disk does not take stays for the next pass. */
  async flush(): Promise<void> {
    for (let left = this.deferred.size; left > 0; left -= MOST_FLUSHED) {
      const some = [...this.deferred].slice(0, MOST_FLUSHED);
      for (const identity of some) this.deferred.delete(identity);
      // As they are now: what was written since, a revocation, must not be written over with what was before.
      const records = some.flatMap((identity) => this.byIdentity.get(identity) ?? []);
      const writes = records.map((one) => ({
        key: `instance/${one.identity}`,
        value: packed(one),
      }));
      try {
        await this.records.write(...writes);
      } catch {
        for (const { identity } of records) this.deferred.add(identity);
        return;
      }
    }
  }

  /** In force at once. @returns whether it is on the disk, too: in the store, or in the reserve */
  async force(record: InstanceRecord): Promise<boolean> {
    this.adopt(record);
    return this.writeOrReserve(record.identity);
  }

  /** What the disk did not take before. */
  async retry(): Promise<void> {
    if (this.unwritten.size === 0) return;
    for (const identity of [...this.unwritten]) {
      if (!(await this.writeForced(identity))) break;
    }
    await this.keepUnwritten();
  }

  get unwrittenCount(): number {
    return this.unwritten.size;
  }

  /** Whether the reserve has all that the store has not. */
  get isReserved(): boolean {
    return this.reserve.size >= this.unwritten.size;
  }

  /** Of any instance, those that wait for their names among them. @param key hex */
  isRevokedKey(key: string): boolean {
    for (const { revoked, chain } of this.byIdentity.values()) {
      if (revoked === undefined || chain.instanceKey === undefined) continue;
      if (toHex(chain.instanceKey) === key) return true;
    }
    return false;
  }

  /** Gone at once. @returns whether it is gone from the disk, too */
  async remove(record: InstanceRecord): Promise<boolean> {
    const { identity } = record;
    this.byIdentity.delete(identity);
    this.waiting.delete(identity);
    if (this.byName.get(instanceText(record)) === identity)
      this.byName.delete(instanceText(record));
    return this.writeOrReserve(identity);
  }

  private async writeOrReserve(identity: string): Promise<boolean> {
    this.unwritten.add(identity);
    const written = await this.writeForced(identity);
    const kept = await this.keepUnwritten();
    return written || kept;
  }

  /** @returns whether all that the store has not is in the reserve */
  private keepUnwritten(): Promise<boolean> {
    return this.reserve.keep(() =>
      [...this.unwritten].map((identity) => reserved(identity, this.byIdentity.get(identity))),
    );
  }

  private recover(entry: ReserveEntry): void {
    const record = this.byIdentity.get(entry.identity);
    if (record === undefined) return;
    this.unwritten.add(entry.identity);
    if (entry.gone) {
      this.drop(entry.identity);
      const name = instanceText(record);
      if (this.byName.get(name) === entry.identity) this.byName.delete(name);
      return;
    }
    const { identity, state, reason, sentence, since, revoked, stopped, revocation } = entry;
    const chain = stopped === undefined ? record.chain : stopChain(record.chain, stopped);
    const lost = { identity, state, reason, sentence, since, revocation, chain };
    this.adopt({ ...record, ...lost, revoked: revoked ?? record.revoked });
  }

  private async writeForced(identity: string): Promise<boolean> {
    const record = this.byIdentity.get(identity);
    const value = record === undefined ? undefined : packed(record);
    this.deferred.delete(identity);
    try {
      await this.records.write({ key: `instance/${identity}`, value });
    } catch {
      return false;
    }
    // Changed again meanwhile: that change writes itself.
    if (this.byIdentity.get(identity) === record) this.unwritten.delete(identity);
    return true;
  }
}

function reserved(identity: string, record: InstanceRecord | undefined): ReserveEntry {
  if (record === undefined) return { identity, gone: true };
  const { state, reason, sentence, since, revoked, chain, revocation } = record;
  const { stopped } = chain;
  return { identity, gone: false, state, reason, sentence, since, revoked, stopped, revocation };
}

type PackedInstance = Omit<InstanceRecord, "chain"> & { readonly chain: string };

function packed(record: InstanceRecord): PackedInstance {
  return { ...record, chain: toHex(encodeChain(record.chain)) };
}

function unpacked(value: PackedInstance): InstanceRecord {
  const chain = decodeChain(fromHex(value.chain) ?? new Uint8Array(0));
  if (chain.ok) return { ...value, chain: chain.value };
  throw new StoreError(
    "corrupt",
    `the chain of ${instanceText(value)} cannot be read (${chain.sentence}); restore the state directory from a copy`,
  );
}
