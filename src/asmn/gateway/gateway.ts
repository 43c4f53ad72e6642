/**
 * The VNF gateway: what its Sec-EM signs and says, in the kernel. One thing at a time (`Turns`); what is wanted
 * is worked out anew at each turn from catalog, members and settings, so that a turn that failed is made up
 * for by the next one. What was in force stays in force until something better is.
 */
import {
  CatalogLedger,
  openCatalog,
  type CatalogKeys,
  type OpenedCatalog,
} from "../catalog/index.js";
import type { Store } from "../../store/index.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { GateEvent } from "../gate/entry.js";
import { AlarmKeeper } from "./alarm-keeper.js";
import { bridgeTrouble } from "./bridges.js";
import { GatewayError } from "./error.js";
import { GlassBook, letIn, type HeldGlass } from "./glass.js";
import { KernelTable } from "./kernel-table.js";
import { TRACKING } from "./names.js";
import { startNftMonitor, type Monitor, type StartMonitor } from "./monitor.js";
import { ipOver, nftOver, tcOver, type Ip, type Nft, type Tc } from "./nft.js";
import { admitted, Planner, type Plan } from "./plan.js";
import { Roster, type MemberChange } from "./roster.js";
import type { GatewayCoreSettings } from "./settings.js";
import { shapesOf, Shaper } from "./shaping.js";
import { GatewayStore } from "./state.js";
import { Troubles } from "./troubles.js";
import { Turns } from "./turns.js";
import type { CatalogAnswer, GatewayView } from "./view.js";

export interface GatewayParts {
  readonly settings: GatewayCoreSettings;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** In place of the system's. */
  readonly nft?: Nft;
  readonly tc?: Tc;
  readonly ip?: Ip;
  readonly monitor?: StartMonitor;
}

/** Verdicts that were only made longer wait for each other; milliseconds. */
const RENEWAL_MS = 1000;
const LOOK_MS = 10_000;
/** After a hint: events come in heaps. */
const HINT_MS = 30;
const LEAST_RETRY_MS = 1000;
const MOST_RETRY_MS = 30_000;

type TimerName = "renewals" | "end" | "look" | "hint" | "retry";
type Grant = HeldGlass["entry"];
type GlassEvent = Extract<GateEvent, { kind: "glass" | "glass-ended" }>;

export class Gateway {
  readonly kernel: KernelTable;
  readonly alarms: AlarmKeeper;
  private readonly parts: GatewayParts;
  private readonly kept: GatewayStore;
  private readonly shaper: Shaper;
  private readonly ip: Ip;
  private readonly roster = new Roster();
  private readonly glass = new GlassBook();
  private readonly planner = new Planner();
  private ledger = new CatalogLedger();
  private settings: GatewayCoreSettings;
  private plan: Plan;
  /** Trusted and let in: a later catalog that is on its way does not shut them out. */
  private opened: ReadonlySet<string> = new Set();
  private inForce = { since: 0, tookMs: 0 };
  private repairs = 0;
  private removed = false;
  private closed = false;
  private retryMs = LEAST_RETRY_MS;
  /** A catalog that could not be brought into force, for a reason that may pass. */
  private waiting: { readonly opened: OpenedCatalog; readonly key: Uint8Array } | undefined;
  /** Members that the store does not have as they are now. */
  private readonly unkept = new Set<string>();
  private readonly troubles = new Troubles();
  /** The kernel has connection tracking for nftables, as far as we know. */
  private tracked = true;
  private readonly timers = new Map<TimerName, TimerHandle>();
  private monitor: Monitor | undefined;
  private readonly turns = new Turns();
  /** Names by which the kernel may hold a table of ours, of this life or one before. */
  private tables: readonly string[] = [];

  private constructor(parts: GatewayParts) {
    this.parts = parts;
    this.settings = parts.settings;
    this.kept = new GatewayStore(parts.store, parts.clock);
    this.kernel = new KernelTable(parts.nft ?? nftOver());
    this.shaper = new Shaper(parts.tc ?? tcOver());
    this.ip = parts.ip ?? ipOver();
    this.plan = this.planner.plan(this.settings, undefined, { members: [], shaped: [] });
    this.alarms = new AlarmKeeper({
      ...{ kernel: this.kernel, clock: parts.clock, log: parts.log },
      volumes: () => this.plan.volumes,
      inTurn: (work) => this.inTurn(work),
    });
  }

  /**
   * Closed at once where nothing was in force yet; then as the life before left it. Rejects with `GatewayError`
   * when the kernel does not take the rules.
   */
  static async start(parts: GatewayParts): Promise<Gateway> {
    const gateway = new Gateway(parts);
    await gateway.inTurn(async () => {
      // What an earlier life left keeps the door as well as anything, and its flows go on.
      if (!(await gateway.isKept())) await gateway.enforce();
      await gateway.restore();
      await gateway.enforce();
      await gateway.lookForBridges();
    });
    gateway.watch();
    return gateway;
  }

  view(): GatewayView {
    const { settings, inForce, plan, repairs, troubles } = this;
    const catalog = this.ledger.get(settings.tenant);
    const enforced = catalog === undefined ? "closed" : "enforcing";
    const working = troubles.isFailing ? "failing" : enforced;
    const members = admitted(this.roster.all(), catalog?.catalog.version ?? 0, this.opened);
    const glass = this.glass.all();
    return {
      state: this.removed ? "removed" : working,
      ...{ settings, catalog, plan, repairs, ...inForce },
      ...{ members: letIn(members, glass), glass },
      problems: [...troubles.sentences, ...plan.problems],
      shaped: this.shaper.shaped,
    };
  }

  /** All or nothing: rejects with `GatewayError`, and goes on as before. */
  configure(settings: GatewayCoreSettings): Promise<void> {
    return this.inTurn(async () => {
      const another = settings.tenant !== this.settings.tenant;
      // While the settings still say whose they are.
      if (another) await this.keep();
      const former = { settings: this.settings, ledger: this.ledger, members: this.roster.all() };
      const open = this.glass.all();
      this.settings = settings;
      if (another) await this.restore();
      if (this.removed) return;
      try {
        await this.enforce();
      } catch (error) {
        this.settings = former.settings;
        this.ledger = former.ledger;
        this.roster.clear();
        this.roster.restore(former.members);
        if (another) this.glass.restore(open);
        throw error;
      }
      await this.lookForBridges();
    });
  }

  /** Settled when the kernel enforces it, or it was refused. Never rejects. */
  catalog(document: Uint8Array, keyOf: CatalogKeys): Promise<CatalogAnswer> {
    const begun = this.parts.clock.now();
    const outcome = openCatalog(document, keyOf);
    if (outcome.kind === "refused") return Promise.resolve(this.refuse(outcome.reason));
    const { opened } = outcome;
    const key = keyOf(opened.issuer);
    if (key === undefined) return Promise.resolve(this.refuse("its key ended"));
    return this.inTurn(() => this.takeCatalog(opened, key, begun));
  }

  /**
   * What the feeds tell of the members. What cuts somebody off or lets somebody in is done at once; settled when
   * it is in force, with false when the kernel did not take it (it is tried again). Never rejects.
   */
  members(changes: readonly MemberChange[]): Promise<boolean> {
    if (this.closed || this.removed) return Promise.resolve(false);
    const { clock } = this.parts;
    const delta = this.roster.take(changes, clock.now(), clock.wall());
    const { refused } = this.roster;
    const crowd = `${refused} instances were not taken: a gateway holds 16384`;
    this.troubles.note("members", refused === 0 ? undefined : crowd);
    for (const { id } of delta.changed) this.unkept.add(id);
    for (const id of delta.gone) this.unkept.add(id);
    if (delta.urgent) return this.soon();
    if (delta.changed.length > 0 && !this.timers.has("renewals")) {
      this.arm("renewals", RENEWAL_MS, () => void this.soon());
    }
    return Promise.resolve(true);
  }

  /**
   * A way in that an operator opened by a signed document, or its end: of another tenant's nothing comes. Settled when it
   * is in force, with false when the kernel did not take it. Never rejects.
   */
  breakGlass(event: GlassEvent): Promise<boolean> {
    const { clock } = this.parts;
    if (this.closed || this.removed) return Promise.resolve(false);
    if (event.kind === "glass-ended") return this.endGlass(({ entry }) => entry.key === event.key);
    const { entry } = event;
    if (entry.tenant !== this.settings.tenant) return Promise.resolve(true);
    this.glass.take(entry, clock.now());
    this.sayGlass("a way in is open", entry);
    return this.soon();
  }

  /** Before their time. Settled as above, at once with true where it ends none. */
  endGlass(which: (one: HeldGlass) => boolean): Promise<boolean> {
    const over = this.glass.end(which);
    for (const { entry } of over) this.sayGlass("ended by hand", entry);
    return over.length === 0 ? Promise.resolve(true) : this.soon();
  }

  /** A Sec-EM that cannot be listened to, and why; undefined: it can. */
  sourceTrouble(source: string, why: string | undefined): void {
    if (!this.troubles.noteSource(source, why) || why === undefined) return;
    this.parts.log.warn({ source, why }, "ASMN gateway: its Sec-EM is not to be had");
  }

  /**
   * Whether something had to be put back. Rejects with `GatewayError`.
   * @param actor who asked for it; undefined: it was time
   */
  look(actor?: string): Promise<boolean> {
    return this.inTurn(async () => {
      if (this.removed) return false;
      await this.lookForBridges();
      if (await this.kernel.isWhole(this.parts.clock.now())) {
        await this.shape();
        return false;
      }
      this.kernel.distrust();
      await this.enforce();
      this.repairs++;
      const { table } = this.settings;
      this.parts.log.warn(
        { table, actor },
        "ASMN gateway: somebody changed its rules; they were put back",
      );
      return true;
    });
  }

  /** Everything passes from then on. Rejects with `GatewayError`. */
  remove(actor: string): Promise<void> {
    return this.inTurn(async () => {
      const { table, interfaces, tenant } = this.settings;
      await this.kernel.remove([...new Set([...this.tables, table])]);
      this.removed = true;
      await this.keepTables([]);
      this.parts.log.warn({ actor, table, audit: true }, "ASMN gateway: rules removed");
      this.unwatch();
      const problems = await this.shaper.removeAll(interfaces.map(({ name }) => name));
      const floor = this.ledger.floor(tenant);
      this.ledger = new CatalogLedger();
      if (floor !== undefined) this.ledger.restore(tenant, floor);
      this.roster.clear();
      this.glass.restore([]);
      this.unkept.clear();
      this.opened = new Set();
      this.waiting = undefined;
      this.troubles.clear();
      await this.kept.forget(tenant).catch((error: unknown) => problems.push(sentence(error)));
      if (problems.length > 0) throw new GatewayError("refused", problems.join("; "));
    });
  }

  /** After `remove`. Rejects with `GatewayError`. */
  async install(actor: string): Promise<void> {
    if (!this.removed) return;
    await this.inTurn(async () => {
      await this.enforce();
      this.removed = false;
    });
    this.parts.log.warn({ actor, audit: true }, "ASMN gateway: rules installed");
    this.watch();
  }

  /** The rules stay in the kernel: without us nobody is let in, and who is in goes when his verdict ends. */
  async close(): Promise<void> {
    this.closed = true;
    this.unwatch();
    await this.inLull(() => Promise.resolve());
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.change(work);
  }

  /** For who only looks at the kernel's table: when nothing waits to be changed. */
  inLull<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.look(work);
  }

  /** Whether a table of ours is in the kernel, under the name of now or of a life before. */
  private async isKept(): Promise<boolean> {
    this.tables = await this.kept.tables().catch(() => []);
    for (const table of new Set([this.settings.table, ...this.tables])) {
      if (await this.kernel.exists(table)) return true;
    }
    return false;
  }

  private async keepTables(names: readonly string[]): Promise<void> {
    if (names.join(" ") === this.tables.join(" ")) return;
    this.tables = names;
    await this.keeping(() => this.kept.keepTables(names));
  }

  private async takeCatalog(
    opened: OpenedCatalog,
    key: Uint8Array,
    begun: number,
  ): Promise<CatalogAnswer> {
    const { catalog, digest, content } = opened;
    const { tenant, version } = catalog;
    if (this.removed) return this.refuse("the gateway's rules were removed");
    if (tenant !== this.settings.tenant) {
      return this.refuse(`the catalog is of ${tenant}, the gateway of ${this.settings.tenant}`);
    }
    const judged = this.ledger.judge(opened);
    if (judged.kind === "refused") return this.refuse(judged.reason);
    if (judged.kind === "same") return { kind: "same", version };
    const former = { ledger: this.ledger, floor: this.ledger.floor(tenant) };
    try {
      // First: a kernel that has it and a disk that forgot would let an older one in after a restart.
      await this.kept.keepFloor(tenant, { version, content });
      this.ledger = new CatalogLedger();
      this.ledger.take(opened);
      await this.enforce();
    } catch (error) {
      this.ledger = former.ledger;
      this.ledger.restore(tenant, { version, content });
      const reason = `catalog ${version} is not in force, what was before is: ${sentence(error)}`;
      this.troubles.note("catalog", reason);
      this.waiting = { opened, key };
      return this.refuse(reason);
    }
    const { clock, log } = this.parts;
    const tookMs = Math.round((clock.now() - begun) * 10) / 10;
    this.inForce = { since: clock.wall(), tookMs };
    this.troubles.note("catalog", undefined);
    this.waiting = undefined;
    log.info({ tenant, version, digest, tookMs }, "ASMN gateway: catalog in force");
    await this.keeping(() => this.kept.keepCatalog(opened, key));
    return { kind: "taken", version, tookMs };
  }

  private refuse(reason: string): CatalogAnswer {
    this.parts.log.warn({ reason, audit: true }, "ASMN gateway: catalog refused");
    return { kind: "refused", reason };
  }

  /** What the store has of this tenant, as far as it can be read: what cannot, comes from the feed. */
  private async restore(): Promise<void> {
    const { tenant } = this.settings;
    this.ledger = new CatalogLedger();
    this.roster.clear();
    this.glass.restore([]);
    this.opened = new Set();
    try {
      const { catalog, floor, members, glass } = await this.kept.load(tenant);
      if (catalog !== undefined) this.ledger.take(catalog);
      if (floor !== undefined) this.ledger.restore(tenant, floor);
      this.roster.restore(members);
      this.glass.restore(glass);
      this.inForce = { since: this.parts.clock.wall(), tookMs: 0 };
      this.troubles.note("store", undefined);
    } catch (error) {
      this.troubles.note("store", `nothing could be restored: ${sentence(error)}`);
    }
  }

  /** Brings into the kernel what is wanted now; rejects with `GatewayError`, the kernel as it was. */
  private async enforce(): Promise<void> {
    try {
      await this.enforceAs();
    } catch (error) {
      if (!this.tracked || !isAboutTracking(error)) throw error;
      this.tracked = false;
      this.troubles.note("tracking", `${UNTRACKED}: ${sentence(error)}`);
      await this.enforceAs();
    }
  }

  private async enforceAs(): Promise<void> {
    const { clock } = this.parts;
    const { settings } = this;
    await this.shape();
    const catalog = this.ledger.get(settings.tenant)?.catalog;
    const members = admitted(this.roster.all(), catalog?.version ?? 0, this.opened);
    const { tracked, shaper, glass } = this;
    const parts = { members, shaped: shaper.shaped, glass: glass.all(), tracked };
    const plan = this.planner.plan(settings, catalog, parts);
    if (this.kernel.script !== undefined && this.kernel.script !== plan.script) {
      // What was counted so far counts for the alarms.
      await this.alarms.beforeRewrite().catch(() => {});
    }
    const { table } = settings;
    // First: a table that nobody remembers would stay for ever.
    await this.keepTables([...new Set([...this.tables, table])]);
    await this.kernel.apply(table, plan.script, plan.openings.open, clock.now(), this.tables);
    await this.keepTables([table]);
    this.plan = plan;
    this.opened = new Set(members.filter(({ state }) => state === "trusted").map(({ id }) => id));
    this.troubles.note("kernel", undefined);
    this.retryMs = LEAST_RETRY_MS;
    this.armEnd();
  }

  private async shape(): Promise<void> {
    const problems = await this.shaper.apply(shapesOf(this.settings));
    this.troubles.note("shaping", problems.join("; "));
  }

  private async lookForBridges(): Promise<void> {
    const trouble = await bridgeTrouble(this.ip, this.settings.interfaces);
    if (this.troubles.note("bridges", trouble) && trouble !== undefined) {
      this.parts.log.warn({ trouble }, "ASMN gateway: it does not see all of the traffic");
    }
  }

  private soon(): Promise<boolean> {
    this.cancel("renewals");
    return this.inTurn(async () => {
      if (this.closed || this.removed) return false;
      const done = await this.enforceOrRetry();
      await this.keep();
      return done;
    });
  }

  private async keep(): Promise<void> {
    const { glass } = this;
    if (!glass.kept) {
      glass.kept = true;
      await this.keeping(() => this.kept.keepGlass(this.settings.tenant, glass.all()));
    }
    const ids = [...this.unkept];
    if (ids.length === 0) return;
    const members = new Map(this.roster.all().map((member) => [member.id, member]));
    this.unkept.clear();
    await this.keeping(() =>
      this.kept.keepMembers(
        this.settings.tenant,
        ids.flatMap((id) => members.get(id) ?? []),
        ids.filter((id) => !members.has(id)),
      ),
    );
  }

  /** A small change that fails is tried as a whole, and that again and again. */
  private async enforceOrRetry(): Promise<boolean> {
    try {
      await this.enforce();
      return true;
    } catch {
      this.kernel.distrust();
      try {
        await this.enforce();
        return true;
      } catch (error) {
        const reason = sentence(error);
        if (this.troubles.note("kernel", reason)) {
          this.parts.log.error({ reason }, "ASMN gateway: the rules are not as they should be");
        }
        this.arm("retry", this.retryMs, () => void this.soon());
        this.retryMs = Math.min(MOST_RETRY_MS, this.retryMs * 2);
        return false;
      }
    }
  }

  /** A full disk keeps nothing from being enforced. */
  private async keeping(write: () => Promise<void>): Promise<void> {
    try {
      await write();
      this.troubles.note("store", undefined);
    } catch (error) {
      const what = "what is in force may be forgotten at a restart";
      this.troubles.note("store", `${what}: ${sentence(error)}`);
    }
  }

  private watch(): void {
    this.alarms.start();
    this.monitor = (this.parts.monitor ?? startNftMonitor)(this.settings.table, () => {
      if (!this.timers.has("hint")) this.arm("hint", HINT_MS, () => void this.lookAgain());
    });
    this.arm("look", LOOK_MS, () => void this.lookAgain());
  }

  private unwatch(): void {
    this.monitor?.close();
    this.monitor = undefined;
    this.alarms.stop();
    for (const name of [...this.timers.keys()]) this.cancel(name);
  }

  private async lookAgain(): Promise<void> {
    try {
      await this.look();
    } catch {
      await this.inTurn(() => this.enforceOrRetry());
    }
    const { waiting } = this;
    if (waiting !== undefined) {
      const begun = this.parts.clock.now();
      await this.inTurn(() => this.takeCatalog(waiting.opened, waiting.key, begun));
    }
    if (!this.closed && !this.removed) this.arm("look", LOOK_MS, () => void this.lookAgain());
  }

  /** The kernel closes by itself when a verdict ends; we say so then. */
  private armEnd(): void {
    const end = least(this.roster.nextEnd(), this.glass.nextEnd());
    if (end === undefined) {
      this.cancel("end");
      return;
    }
    this.arm("end", Math.max(0, end - this.parts.clock.now()), () => {
      const now = this.parts.clock.now();
      const changed = this.roster.expire(now);
      for (const { id } of changed) this.unkept.add(id);
      const over = this.glass.end(({ until }) => until <= now);
      for (const { entry } of over) this.sayGlass("over", entry);
      if (changed.length + over.length === 0) this.armEnd();
      else void this.soon();
    });
  }

  private sayGlass(what: string, { serial, operator, why, vnf, instance, address }: Grant): void {
    const fields = { serial, operator, why, vnf, instance, address, audit: true };
    this.parts.log.warn(fields, `ASMN gateway: break-glass: ${what}`);
  }

  private arm(name: TimerName, milliseconds: number, run: () => void): void {
    this.cancel(name);
    if (this.closed) return;
    const timer = this.parts.clock.setTimer(milliseconds, () => {
      this.timers.delete(name);
      run();
    });
    this.timers.set(name, timer);
  }

  private cancel(name: TimerName): void {
    this.timers.get(name)?.cancel();
    this.timers.delete(name);
  }
}

const UNTRACKED =
  "answers of UDP are told by their port alone, as the kernel tracks no connections for nftables";

function isAboutTracking(error: unknown): boolean {
  return error instanceof GatewayError && error.message.includes(TRACKING);
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
