/**
 * Drives the local IKE daemon: keeps it holding what the installed policy says, keeps up what should be up,
 * and tells what happens. After a restart of the daemon everything is loaded and begun again; after one of
 * ours what is there is found and left alone. Nothing is loaded before its prefixes are guarded.
 *
 * One thing at a time: all that talks to the daemon runs in turn.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import { GiveWay } from "../../util/give-way.js";
import type { Log } from "../../util/log.js";
import type { Guard } from "../guard/index.js";
import type { TunnelSide } from "../model/index.js";
import type { Installer, InstallOutcome, InstallPlan, InstallStep } from "../staging/control.js";
import { interfaceIds, type InterfaceId } from "../vendors/linux/links.js";
import type { Charon, DaemonVersion } from "./charon.js";
import {
  DriverError,
  type DaemonFacts,
  type DriverControl,
  type DriverEvent,
  type TunnelFacts,
} from "./control.js";
import { Credentials, type SecretSource } from "./credentials.js";
import { readEvents, type DaemonEvent } from "./event.js";
import { guardingOf } from "./guarding.js";
import { Holds } from "./holds.js";
import { InstallReport } from "./install-report.js";
import { Keeper } from "./keeper.js";
import { DaemonLink } from "./link.js";
import { Loader, type LoadStep } from "./loader.js";
import { beginMissing, endAll, renew, startOver } from "./operations.js";
import { OURS, planOf, type TunnelPlan } from "./plan.js";
import type { IkeSa } from "./sa.js";
import { Succession } from "./succession.js";
import { TrafficWaiters, USERLAND_ESP, type WaitingChild } from "./traffic.js";
import { TunnelTable } from "./tunnel-table.js";

export interface DriverParts {
  /** Path of the daemon's VICI socket. */
  readonly socket: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: SecretSource;
  readonly guard: Pick<Guard, "protect">;
  /** Kept over restarts by whoever hands them over. */
  readonly holds?: Holds;
}

/** Without any event, so often. */
const LOOK_EVERY_MS = 5_000;
/** While a backup's time runs. */
const LOOK_OFTEN_MS = 1_000;
/** After an event: several come together. */
const LOOK_SOON_MS = 100;

export class Driver implements Installer, DriverControl {
  private readonly parts: DriverParts;
  private readonly link: DaemonLink;
  private readonly credentials: Credentials;
  private readonly loader: Loader;
  private readonly keeper: Keeper;
  private readonly succession = new Succession();
  private readonly table: TunnelTable;
  private readonly listeners = new Set<(event: DriverEvent) => void>();
  private readonly holds: Holds;
  private readonly waiters = new TrafficWaiters();
  /** Undefined until a policy was installed: before that nothing of the daemon's is judged. */
  private plans: ReadonlyMap<string, TunnelPlan> | undefined;
  private charon: Charon | undefined;
  private facts: Omit<DaemonFacts, "planned" | "loaded">;
  private instance = "";
  private turn: Promise<unknown> = Promise.resolve();
  private timer: TimerHandle | undefined;
  private lookingAt = Infinity;
  private stopped = false;
  private logWanted = false;

  constructor(parts: DriverParts) {
    this.parts = parts;
    this.credentials = new Credentials(parts.secrets, () => parts.clock.wall());
    this.loader = new Loader(this.credentials);
    this.table = new TunnelTable((event) => this.tell(event));
    this.holds = parts.holds ?? new Holds();
    const { clock, log } = parts;
    const { holds, loader, credentials, succession, table } = this;
    const tell = (event: DriverEvent): void => this.tell(event);
    this.keeper = new Keeper({ clock, log, holds, loader, credentials, succession, table, tell });
    this.facts = {
      connected: false,
      problem: "not connected yet",
      version: undefined,
      plugins: [],
      since: undefined,
    };
    this.link = new DaemonLink(parts.socket, parts.clock, {
      up: (charon, version) => this.up(charon, version),
      down: (problem) => this.down(problem),
      event: (name, message) => {
        for (const event of readEvents(name, message)) this.heard(event);
        if (name !== "log") this.lookIn(LOOK_SOON_MS);
      },
    });
  }

  start(): void {
    this.link.start();
  }

  /** The daemon keeps what it has, and the kernel what it guards. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.link.stop();
    await this.turn;
  }

  async install(plan: InstallPlan, progress: (step: InstallStep) => void): Promise<InstallOutcome> {
    const sides = plan.after.filter(({ enabled }) => enabled);
    const ids = interfaceIds(sides);
    const next = new Map<string, TunnelPlan>();
    const way = new GiveWay();
    for (const side of sides) {
      next.set(side.tunnel, planOf(side, boundTo(side, ids.get(side.tunnel))));
      await way.turn();
    }
    try {
      const { prefixes, ways } = guardingOf(sides, ids);
      await this.parts.guard.protect(prefixes, ways);
    } catch (error) {
      // Fail closed also here: what cannot be guarded is not loaded.
      return { ok: false, problems: [`nothing was installed: ${messageOf(error)}`] };
    }
    return this.inTurn(async () => {
      this.replacePlans(next);
      const report = new InstallReport(plan, progress);
      const before = this.charon;
      await this.reconcile(({ tunnel, problem }) => report.step(tunnel, problem));
      report.finish();
      const { problems } = report;
      if (before !== undefined && before === this.charon)
        return { ok: problems.length === 0, problems };
      const why = this.facts.problem ?? "the IKE daemon is away";
      return {
        ok: true,
        problems: [...problems, `loaded as soon as there is an IKE daemon: ${why}`],
      };
    });
  }

  daemon(): DaemonFacts {
    const plans = [...(this.plans?.values() ?? [])];
    const loaded = plans.filter((plan) => this.facts.connected && this.loader.has(plan)).length;
    return { ...this.facts, planned: plans.length, loaded };
  }

  tunnels(name?: string): readonly TunnelFacts[] {
    const plans = [...(this.plans?.values() ?? [])];
    const chosen = name === undefined ? plans : plans.filter(({ tunnel }) => tunnel === name);
    return chosen.map((plan) =>
      this.table.facts(plan, {
        loaded: this.facts.connected && this.loader.has(plan),
        held: this.holds.has(plan.tunnel),
        backup: plan.backupOf && {
          of: plan.backupOf.tunnel,
          active: this.keeper.isActiveBackup(plan.tunnel),
        },
      }),
    );
  }

  async sas(tunnel?: string): Promise<readonly IkeSa[]> {
    const plan = tunnel === undefined ? undefined : this.planned(tunnel);
    return this.inTurn(() => this.connected().sas(plan?.connection));
  }

  async initiate(tunnel: string): Promise<void> {
    const plan = this.planned(tunnel);
    this.holds.release(tunnel);
    await this.command((charon) =>
      beginMissing(charon, plan, (sas) => this.succession.current(tunnel, sas)),
    );
  }

  async terminate(tunnel: string): Promise<number> {
    const plan = this.planned(tunnel);
    const held = this.holds.hold(tunnel);
    try {
      return await this.command((charon) => endAll(charon, plan));
    } finally {
      await held;
    }
  }

  async rekey(tunnel: string, what: "ike" | "child"): Promise<void> {
    const plan = this.planned(tunnel);
    await this.command((charon) => renew(charon, plan, what));
  }

  async renegotiate(tunnel: string): Promise<void> {
    const plan = this.planned(tunnel);
    this.holds.release(tunnel);
    await this.command((charon) => startOver(charon, plan));
    this.keeper.forget(tunnel);
  }

  listenToLog(on: boolean): Promise<void> {
    this.logWanted = on;
    return this.listen();
  }

  subscribe(listener: (event: DriverEvent) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Steps of loading so far: for figures. */
  get loadSteps(): number {
    return this.loader.steps;
  }

  /** Secrets may have changed: loads what is new, ends what has gone. */
  async refreshCredentials(): Promise<void> {
    await this.inTurn(() => this.reconcile());
  }

  private replacePlans(next: ReadonlyMap<string, TunnelPlan>): void {
    for (const [tunnel, { digest }] of next) {
      if (this.plans?.get(tunnel)?.digest !== digest) this.keeper.forget(tunnel);
    }
    this.plans = next;
    this.awaitTraffic();
    this.holds.keepOnly(next);
  }

  private up(charon: Charon, { version, since, plugins }: DaemonVersion): void {
    this.charon = charon;
    // Perhaps another process: loading what it has already costs little and changes nothing.
    this.loader.forget();
    if (since !== this.instance) this.succession.forget();
    this.instance = since;
    const now = this.parts.clock.wall();
    this.facts = { connected: true, problem: undefined, version, plugins, since: now };
    this.awaitTraffic();
    this.parts.log.info({ version }, "IKE daemon connected");
    this.tell({ kind: "daemon-up", version });
    void this.inTurn(() => this.reconcile()).catch(() => {});
  }

  private down(problem: string): void {
    this.charon = undefined;
    const { version, plugins } = this.facts;
    const since = this.parts.clock.wall();
    this.facts = { connected: false, problem, version, plugins, since };
    this.parts.log.warn({ problem }, "IKE daemon not connected");
    this.tell({ kind: "daemon-down", problem });
    // A daemon that has gone took its SAs along; one that only hung up tells again.
    this.table.update([], this.plans ?? new Map<string, TunnelPlan>());
  }

  /** Userland ESP tells only its log of packets that want an SA. */
  private awaitTraffic(): void {
    const userland = this.facts.plugins.includes(USERLAND_ESP);
    const plans = userland ? [...(this.plans?.values() ?? [])] : [];
    this.waiters.replace(
      plans
        .filter(({ start }) => start === "trap")
        .flatMap(({ connection, children }) =>
          children.map(({ name }) => ({ connection, child: name })),
        ),
    );
    void this.listen().catch(() => {
      // The connection was lost: the next one begins with what is wanted then.
    });
  }

  private listen(): Promise<void> {
    return this.link.listenAlso(this.logWanted || this.waiters.size > 0 ? ["log"] : []);
  }

  private heard(event: DaemonEvent): void {
    if (event.kind !== "log" || this.logWanted) this.tell(event);
    const child = this.waiters.heard(event, this.parts.clock.now());
    if (child === undefined) return;
    void this.inTurn(() => this.bringUp(child)).catch(() => {
      // The next packet asks again.
    });
  }

  private async bringUp({ connection, child }: WaitingChild): Promise<void> {
    const { charon } = this;
    if (charon === undefined || this.holds.has(connection.slice(OURS.length))) return;
    const sas = await charon.sas(connection);
    const busy = sas.some(({ state, tasks }) => state === "CONNECTING" || tasks.length > 0);
    const has = sas.some(({ children }) => children.some(({ name }) => name === child));
    if (!busy && !has) await charon.initiate(connection, child);
  }

  /** Loads what is to be loaded, then looks. */
  private async reconcile(progress: (step: LoadStep) => void = () => {}): Promise<void> {
    const { charon, plans } = this;
    if (charon === undefined || plans === undefined) return;
    try {
      await this.loader.reconcile(charon, plans, this.keeper.turned, {
        progress: (step) => {
          const { tunnel, problem } = step;
          this.table.problem(tunnel, problem);
          if (problem !== undefined) this.parts.log.error({ tunnel, problem }, "tunnel not loaded");
          progress(step);
        },
        replacing: async ({ tunnel, connection }) => {
          this.succession.changed(tunnel, await charon.sas(connection));
        },
      });
      await this.look(charon, plans);
    } catch (error) {
      if (charon.isOpen) throw error;
    }
  }

  private async look(charon: Charon, plans: ReadonlyMap<string, TunnelPlan>): Promise<void> {
    try {
      await this.keeper.look(charon, plans);
    } finally {
      this.lookIn(this.keeper.isWaiting ? LOOK_OFTEN_MS : LOOK_EVERY_MS);
    }
  }

  private lookIn(milliseconds: number): void {
    const at = this.parts.clock.now() + milliseconds;
    if (this.stopped || (this.timer !== undefined && this.lookingAt <= at)) return;
    this.timer?.cancel();
    this.lookingAt = at;
    this.timer = this.parts.clock.setTimer(milliseconds, () => {
      this.timer = undefined;
      void this.inTurn(async () => {
        const { charon, plans } = this;
        if (charon !== undefined && plans !== undefined) await this.look(charon, plans);
      }).catch(() => {
        // The connection was lost: the link begins anew.
      });
    });
  }

  private planned(tunnel: string): TunnelPlan {
    const plan = this.plans?.get(tunnel);
    if (plan === undefined) {
      throw new DriverError("not-found", `no tunnel "${tunnel}" is installed here`);
    }
    return plan;
  }

  private connected(): Charon {
    if (this.charon === undefined) {
      throw new DriverError("unavailable", this.facts.problem ?? "the IKE daemon is away");
    }
    return this.charon;
  }

  /** A command and, soon, a look at what came of it. */
  private async command<T>(work: (charon: Charon) => Promise<T>): Promise<T> {
    try {
      return await this.inTurn(() => work(this.connected()));
    } catch (error) {
      if (error instanceof DriverError) throw error;
      throw new DriverError("refused", messageOf(error));
    } finally {
      this.lookIn(LOOK_SOON_MS);
    }
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work, work);
    this.turn = result.catch(() => {});
    return result;
  }

  private tell(event: DriverEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}

/** Only what is bound to an interface has one of its own; other policies are for all traffic. */
function boundTo({ binding }: TunnelSide, id: InterfaceId | undefined): number | undefined {
  return binding.kind === "interface" ? id?.id : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
