/**
 * Everything a Sec-EM has, opened in the order in which one rests on the other: keys, store, audit log,
 * registry, instances, feed. What the protocol's steps, the operator and the clock do with it is in
 * `steps.ts`, `operator/` and `watch.ts`.
 */
import { join } from "node:path";
import { LocalStore, type Store } from "../../store/index.js";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { toHex } from "../../util/bytes.js";
import { auditDirectory, AuditLog, type AuditDisk, type AuditMark } from "../audit/index.js";
import { systemRandom, type RandomSource } from "../crypto/index.js";
import type { SecEmSettings } from "../settings.js";
import { AgentLinks } from "./agent-links.js";
import { BreakGlassBook } from "./break-glass.js";
import { Auditor } from "./auditor.js";
import { Catalogs } from "./catalogs.js";
import { newCounters } from "./counters.js";
import { FeedHub } from "./feed/hub.js";
import { Images } from "./images.js";
import { InstanceBook, type InstanceRecord } from "./instance-book.js";
import { KeyStore, openRootKey } from "./key-store.js";
import { ReservedNumbers } from "./numbers.js";
import { Records } from "./records.js";
import { Registry } from "./registry.js";
import { Reserve, reserveFile, type ReserveDisk } from "./reserve.js";
import { Tokens } from "./tokens.js";
import { Tombstones } from "./tombstones.js";
import { TpmBook } from "./tpm-book.js";
import { VerdictDesk } from "./verdicts.js";

/** Nobody is trusted anew while the disk takes nothing: it is tried again soon. */
const STORE_RETRY_MS = 2000;

export interface CoreParts {
  readonly settings: SecEmSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: RandomSource;
  /** In place of those in the state directory. */
  readonly store?: Store;
  readonly auditDisk?: AuditDisk;
  readonly reserveDisk?: ReserveDisk;
}

export class Core {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: RandomSource;
  readonly store: Store;
  readonly records: Records;
  readonly keys: KeyStore;
  readonly auditor: Auditor;
  readonly catalogs: Catalogs;
  readonly registry: Registry;
  readonly images: Images;
  readonly tokens: Tokens;
  readonly tpm: TpmBook;
  readonly book: InstanceBook;
  readonly reserve: Reserve;
  readonly tombstones: Tombstones;
  readonly desk: VerdictDesk;
  readonly hub: FeedHub;
  readonly glass: BreakGlassBook;
  readonly serials: ReservedNumbers;
  readonly revocations: ReservedNumbers;
  readonly links = new AgentLinks();
  readonly counters = newCounters();
  settings: SecEmSettings;
  epoch = 1;
  private readonly lastTold = new Map<string, string>();
  private readonly listeners = new Set<(identity: string) => void>();
  private readonly wallAtStart: number;
  private readonly nowAtStart: number;

  private constructor(parts: CoreParts, opened: Opened) {
    const { settings, clock, log, random = systemRandom } = parts;
    const { store, records, keys, audit, reserve } = opened;
    this.settings = settings;
    this.clock = clock;
    this.log = log;
    this.random = random;
    this.store = store;
    this.records = records;
    this.keys = keys;
    this.auditor = new Auditor(audit, clock);
    this.wallAtStart = clock.wall();
    this.nowAtStart = clock.now();
    this.serials = new ReservedNumbers(records, "serials");
    this.revocations = new ReservedNumbers(records, "revocations");
    this.catalogs = new Catalogs(records, () => keys.current("catalog"));
    this.registry = new Registry(records, this.catalogs, settings.tenants);
    this.images = new Images(records, clock);
    this.tokens = new Tokens(records, clock, random);
    this.tpm = new TpmBook(records, clock, settings.tpmKeys);
    this.reserve = reserve;
    this.book = new InstanceBook(records, random, reserve);
    this.tombstones = new Tombstones(records);
    const time = (): number => this.time();
    const epoch = (): number => this.epoch;
    const { serials, revocations, book, catalogs } = this;
    const secEm = settings.name;
    this.glass = new BreakGlassBook(records, clock, keys, secEm);
    this.desk = new VerdictDesk({
      ...{ clock, keys, serials, secEm, time, epoch },
      lifetimeSeconds: () => this.settings.verdictLifetimeSeconds,
      renewalSeconds: () => this.settings.renewalSeconds,
      bgpLimits: (record) => this.registry.vnf(record)?.descriptor.bgp,
    });
    this.hub = new FeedHub({
      ...{ clock, secEm, book, desk: this.desk, catalogs, keys, serials, revocations, time, epoch },
      heartbeatSeconds: () => this.settings.heartbeatSeconds,
    });
  }

  /** Rejects with `StoreError`, `SecEmError` or the system's error, each with what to do. */
  static async open(parts: CoreParts): Promise<Core> {
    const { settings, clock, log } = parts;
    const { stateDirectory, name } = settings;
    const root = await openRootKey(settings.rootKeyFile, stateDirectory);
    const store =
      parts.store ?? new LocalStore(join(stateDirectory, "store"), clock, STORE_RETRY_MS);
    try {
      const records = new Records(store);
      const keys = await KeyStore.open({ records, clock, name, root });
      const mark = (await records.read("audit")) as AuditMark | undefined;
      const audit = await AuditLog.open(
        {
          ...{ clock, log, maxOctets: settings.limits.auditOctets, key: root.privateKey },
          publicKey: toHex(root.publicKey),
          disk: parts.auditDisk ?? auditDirectory(join(stateDirectory, "audit")),
        },
        mark,
      );
      const file = parts.reserveDisk ?? reserveFile(join(stateDirectory, "reserve"));
      const reserve = await Reserve.open(file, log);
      const core = new Core(parts, { store, records, keys, audit, reserve });
      await core.load();
      return core;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The Sec-EM's time: nobody's setting of the clock moves it while it runs. */
  time(): number {
    return this.wallAtStart + (this.clock.now() - this.nowAtStart);
  }

  /**
   * A record has changed: everybody who reads of it is told now.
   * @param revocation the sequence of the one it tells; 0 = it tells none
   */
  publish(record: InstanceRecord, revocation = 0): void {
    const { state, reason } = this.desk.standing(record);
    this.lastTold.set(record.identity, state === "trusted" ? state : `${state} ${reason}`);
    this.hub.publish(record, revocation);
    for (const listener of this.listeners) listener(record.identity);
  }

  /** What was said of it last: `trusted`, or state and reason; undefined = nothing yet. */
  told({ identity }: InstanceRecord): string | undefined {
    return this.lastTold.get(identity);
  }

  /** It is gone, or somebody else has its name: everybody who reads of it is told now. */
  gone(record: InstanceRecord): void {
    const { identity } = record;
    this.lastTold.delete(identity);
    this.desk.forget(identity);
    this.hub.publish(record);
    for (const listener of this.listeners) listener(identity);
  }

  /** Called with the identity of each record that is published, or is gone. */
  listen(listener: (identity: string) => void): void {
    this.listeners.add(listener);
  }

  /** Stored before anybody sees it. */
  async raiseEpoch(epoch: number): Promise<void> {
    await this.records.write({ key: "epoch", value: { epoch } });
    this.epoch = epoch;
  }

  /** Told at once: whatever is signed from then on is signed by the new ones. */
  async rotateKeys(withdraw: boolean): Promise<void> {
    await this.keys.rotate(this.settings.keyOverlapSeconds, withdraw);
    this.catalogs.signAll();
    this.hub.allChanged();
    this.links.keys(this.keys.certificates());
  }

  async keepAuditMark(): Promise<void> {
    const { sequence, digest } = this.auditor.log.mark;
    await this.records.write({ key: "audit", value: { sequence, digest } });
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.auditor.log.close();
    await this.keepAuditMark().catch(() => {});
    await this.book.flush();
    await this.store.close();
  }

  private async load(): Promise<void> {
    const kept = (await this.records.read("epoch")) as { epoch?: number } | undefined;
    if (kept?.epoch === undefined) await this.raiseEpoch(1);
    else this.epoch = kept.epoch;
    await this.serials.load();
    await this.revocations.load();
    await this.catalogs.load();
    await this.registry.load();
    await this.images.load();
    await this.tokens.load();
    await this.tpm.load();
    await this.book.load();
    await this.tombstones.load();
    await this.glass.load();
    for (const record of this.book.each()) {
      this.desk.restore(record);
      const { state, reason } = this.desk.standing(record);
      this.lastTold.set(record.identity, state === "trusted" ? state : `${state} ${reason}`);
    }
  }
}

interface Opened {
  readonly store: Store;
  readonly records: Records;
  readonly keys: KeyStore;
  readonly audit: AuditLog;
  readonly reserve: Reserve;
}
