/**
 * Looks at what the daemon has, and brings about what should be: begins tunnels that are down, ends what is
 * there twice or belongs to nobody any more, gives backups their turn. Called in the driver's turn only.
 */
import type { Clock } from "../../util/clock.js";
import { GiveWay } from "../../util/give-way.js";
import type { Log } from "../../util/log.js";
import { Backups } from "./backup.js";
import type { Charon } from "./charon.js";
import type { DriverEvent } from "./control.js";
import type { Credentials } from "./credentials.js";
import type { Holds } from "./holds.js";
import type { Loader } from "./loader.js";
import { endIfThere } from "./operations.js";
import { OURS, type TunnelPlan } from "./plan.js";
import type { IkeSa } from "./sa.js";
import type { Succession } from "./succession.js";
import type { TunnelTable } from "./tunnel-table.js";
import { Upkeep, type UpkeepAction } from "./upkeep.js";

export interface KeeperParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly holds: Holds;
  readonly loader: Loader;
  readonly credentials: Credentials;
  readonly succession: Succession;
  readonly table: TunnelTable;
  readonly tell: (event: DriverEvent) => void;
}

type Beginning = Extract<UpkeepAction, { kind: "initiate" }>;

export class Keeper {
  /** Tunnels whose newest credential is to be used first. */
  readonly turned = new Set<string>();
  private readonly parts: KeeperParts;
  private readonly upkeep = new Upkeep();
  private readonly backups = new Backups();

  constructor(parts: KeeperParts) {
    this.parts = parts;
  }

  /** A time runs that a backup's turn waits for. */
  get isWaiting(): boolean {
    return this.backups.isWaiting;
  }

  isActiveBackup(tunnel: string): boolean {
    return this.backups.isActive(tunnel);
  }

  /** The next look may try it at once. */
  forget(tunnel: string): void {
    this.upkeep.forget(tunnel);
  }

  async look(charon: Charon, plans: ReadonlyMap<string, TunnelPlan>): Promise<void> {
    const { table, succession, clock } = this.parts;
    const way = new GiveWay();
    const sas = await charon.sas();
    table.update(sas, plans);
    await way.turn();
    await this.endUnplanned(charon, sas, plans);
    const current = new Map<string, readonly IkeSa[]>();
    for (const plan of plans.values()) {
      await this.succeed(charon, plan);
      const own = table.byConnection.get(plan.connection) ?? [];
      current.set(plan.connection, succession.current(plan.tunnel, own));
      await way.turn();
    }
    this.stepBackups(charon, plans);
    const wants = (plan: TunnelPlan): boolean => this.wants(plan);
    for (const action of this.upkeep.decide(plans.values(), wants, current, clock.now())) {
      await way.turn();
      if (action.kind === "terminate-double") await endIfThere(charon, { ikeId: action.ikeId });
      else if (action.kind === "terminate-double-child") {
        await endIfThere(charon, { childId: action.childId });
      } else await this.begin(charon, plans, action);
    }
  }

  private async begin(
    charon: Charon,
    plans: ReadonlyMap<string, TunnelPlan>,
    { tunnel, connection, child, attempt }: Beginning,
  ): Promise<void> {
    const { loader, credentials, table } = this.parts;
    const plan = plans.get(tunnel);
    if (plan === undefined || !loader.has(plan)) return;
    if (attempt > 0) {
      // Perhaps the peer has the other one of two credentials.
      if (!this.turned.delete(tunnel)) this.turned.add(tunnel);
      await credentials.load(charon, plan, this.turned.has(tunnel)).catch(() => {});
    }
    try {
      await charon.initiate(connection, child);
    } catch (error) {
      if (!charon.isOpen) throw error;
      table.problem(tunnel, error instanceof Error ? error.message : String(error));
    }
  }

  /** SAs of ours whose tunnel was removed. */
  private async endUnplanned(
    charon: Charon,
    sas: readonly IkeSa[],
    plans: ReadonlyMap<string, TunnelPlan>,
  ): Promise<void> {
    for (const { connection, uniqueId, state } of sas) {
      if (!connection.startsWith(OURS) || plans.has(connection.slice(OURS.length))) continue;
      if (state !== "DELETING") await endIfThere(charon, { ikeId: uniqueId });
    }
  }

  private async succeed(charon: Charon, plan: TunnelPlan): Promise<void> {
    const { succession, table } = this.parts;
    const sas = table.byConnection.get(plan.connection) ?? [];
    for (const { kind, id } of succession.decide(plan, sas)) {
      await endIfThere(charon, kind === "end-ike" ? { ikeId: id } : { childId: id });
    }
  }

  private stepBackups(charon: Charon, plans: ReadonlyMap<string, TunnelPlan>): void {
    const { clock, log, table, tell } = this.parts;
    const backups = [...plans.values()].flatMap(({ tunnel, backupOf }) =>
      backupOf === undefined ? [] : [{ tunnel, of: backupOf.tunnel, times: backupOf }],
    );
    const isUp = (tunnel: string): boolean => table.isUp(tunnel);
    for (const { tunnel, of, active } of this.backups.step(backups, isUp, clock.now())) {
      log.warn({ tunnel, of }, active ? "backup tunnel takes over" : "backup tunnel gives back");
      tell({ kind: "backup", tunnel, active });
      if (active) continue;
      for (const { uniqueId } of table.byConnection.get(`${OURS}${tunnel}`) ?? []) {
        void charon.terminate({ ikeId: uniqueId }).catch(() => {
          // It has gone by itself.
        });
      }
    }
  }

  private wants({ tunnel, start, backupOf }: TunnelPlan): boolean {
    const { holds, succession } = this.parts;
    if (holds.has(tunnel)) return false;
    if (backupOf !== undefined) return this.backups.isActive(tunnel);
    // What carried before it was changed is not left without a successor until traffic comes.
    return start === "start" || (start === "trap" && succession.isPending(tunnel));
  }
}
