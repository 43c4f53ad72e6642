/**
 * Candidate, install, roll-back. The candidate is what the configuration says; what is installed is in force
 * and survives restarts; the one before it is what a roll-back goes to. One install runs at a time, and one
 * that fails half-way is taken back.
 */
import { createHash } from "node:crypto";
import type { Store } from "../../store/index.js";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { checkModelInSlices, type CheckContext } from "../check/index.js";
import type { Finding } from "../check/finding.js";
import { EMPTY_MODEL, type IpsecModel, type TunnelSide } from "../model/index.js";
import { Archive, type ArchivedPolicy } from "./archive.js";
import {
  StagingError,
  type InstalledPolicy,
  type InstallOrder,
  type InstallPlan,
  type InstallProgress,
  type Installer,
  type InstallStep,
  type PolicyDiff,
  type StagingControl,
  type StagingStatus,
} from "./control.js";
import { diffModels } from "./diff.js";
import { localSides, planBetween } from "./plan.js";

export interface StagingParts {
  /** Undefined: what is installed is forgotten at a restart. */
  readonly store: Store | undefined;
  readonly installer: Installer;
  /** The local gateway's name; asked at each install. */
  readonly local: () => string | undefined;
  readonly context: () => CheckContext;
  readonly clock: Clock;
  readonly log: Log;
}

const MOST_STEPS = 100;
const SHOWN = 3;

const IDLE: InstallProgress = {
  state: "idle",
  revision: 0,
  reason: "install",
  done: 0,
  total: 0,
  steps: [],
  problems: [],
  ended: undefined,
};

export class Staging implements StagingControl {
  private readonly parts: StagingParts;
  private readonly archive: Archive | undefined;
  private candidate: IpsecModel = EMPTY_MODEL;
  private installed: ArchivedPolicy | undefined;
  private previous: ArchivedPolicy | undefined;
  private progress: InstallProgress = IDLE;
  private running = false;
  private unrestored = false;
  private isUnknown = false;

  constructor(parts: StagingParts) {
    this.parts = parts;
    this.archive = parts.store && new Archive(parts.store);
  }

  /** What is in force; empty before the first install. */
  get model(): IpsecModel {
    return this.installed?.model ?? EMPTY_MODEL;
  }

  /** What the configuration says. Takes effect with the next install only. */
  stage(model: IpsecModel): void {
    this.candidate = model;
  }

  /**
   * After a start: reads what was installed and has the installer see to it that it is so. What runs as it
   * should is not touched.
   */
  async restore(): Promise<void> {
    const kept = await this.archive?.load();
    for (const problem of [kept?.unread.current, kept?.unread.previous]) {
      if (problem === undefined) continue;
      this.parts.log.error({ problem }, "what IPsec policy was installed cannot be read");
    }
    this.isUnknown = kept?.unread.current !== undefined;
    if (kept?.current === undefined) return;
    this.installed = kept.current;
    this.previous = kept.previous;
    await this.reapply();
  }

  /**
   * Has the installer see to what is in force once more: there is another installer, or it could not before.
   * Rejects with `busy`.
   */
  async reapply(): Promise<void> {
    const { installed } = this;
    if (installed === undefined) return;
    const { policy, model } = installed;
    await this.alone(async () => {
      this.unrestored = !(await this.drive([], this.sides(model), policy.revision, "restore"));
    });
  }

  /** Something was installed before the start, nobody knows what: until the next install. */
  get lost(): boolean {
    return this.isUnknown;
  }

  /** What is in force could not be brought about the last time: nothing is guarded or loaded for it. */
  get needsReapply(): boolean {
    return this.unrestored && !this.running;
  }

  status(): Promise<StagingStatus> {
    const digest = digestOf(this.candidate);
    return Promise.resolve({
      candidate: { digest, tunnels: this.candidate.tunnels.length },
      installed: this.installed?.policy,
      previous: this.previous?.policy,
      differs: digest !== digestOf(this.model),
      progress: this.progress,
    });
  }

  check(): Promise<readonly Finding[]> {
    return checkModelInSlices(this.candidate, this.parts.context());
  }

  async diff(): Promise<PolicyDiff> {
    const changes = diffModels(this.model, this.candidate);
    const findings = await this.check();
    const installable = !findings.some(({ severity }) => severity === "error");
    return { installed: this.installed?.policy.revision ?? 0, changes, findings, installable };
  }

  install(order: InstallOrder): Promise<InstallProgress> {
    return this.alone(async () => {
      const model = this.candidate;
      const digest = digestOf(model);
      if (order.expect !== undefined && order.expect !== digest) {
        throw new StagingError(
          "conflict",
          "the candidate has changed since it was looked at; look at the difference again",
        );
      }
      const findings = await checkModelInSlices(model, this.parts.context());
      const faults = findings.filter(({ severity }) => severity === "error");
      if (faults.length > 0) throw refusal(faults);
      return this.enforce(model, order.actor, "install");
    });
  }

  /** To the policy before; once more goes forward again. Weaknesses whose opt-ins ran out since go along. */
  rollback(order: InstallOrder): Promise<InstallProgress> {
    return this.alone(() => {
      if (this.previous === undefined) {
        throw new StagingError("nothing", "there is no policy to go back to");
      }
      return this.enforce(this.previous.model, order.actor, "rollback");
    });
  }

  private async enforce(
    model: IpsecModel,
    actor: string,
    reason: "install" | "rollback",
  ): Promise<InstallProgress> {
    const { clock, log } = this.parts;
    const [before, after] = [this.sides(this.model), this.sides(model)];
    const revision = (this.installed?.policy.revision ?? 0) + 1;
    const ok = await this.drive(before, after, revision, reason);
    if (!ok) {
      const failed = this.progress;
      await this.takeBack(after, before, revision);
      this.progress = failed;
      return failed;
    }
    const policy: InstalledPolicy = {
      revision,
      actor,
      installed: clock.wall(),
      digest: digestOf(model),
      tunnels: model.tunnels.length,
    };
    this.previous = this.installed ?? {
      policy: { revision: 0, actor: "", installed: 0, digest: digestOf(EMPTY_MODEL), tunnels: 0 },
      model: EMPTY_MODEL,
    };
    this.installed = { policy, model };
    this.unrestored = false;
    this.isUnknown = false;
    log.info({ actor, revision, tunnels: policy.tunnels, audit: true }, `IPsec policy: ${reason}`);
    await this.keep();
    return this.progress;
  }

  private async takeBack(
    from: readonly TunnelSide[],
    to: readonly TunnelSide[],
    revision: number,
  ): Promise<void> {
    const { installer, log } = this.parts;
    try {
      const outcome = await installer.install(
        planBetween(from, to, revision, "rollback"),
        () => {},
      );
      if (outcome.ok)
        log.warn({ revision }, "IPsec policy: taken back, the one before is in force");
      else
        log.error(
          { revision, problems: outcome.problems },
          "IPsec policy: could not be taken back",
        );
    } catch (error) {
      log.error({ err: error, revision }, "IPsec policy: could not be taken back");
    }
  }

  private async drive(
    before: readonly TunnelSide[],
    after: readonly TunnelSide[],
    revision: number,
    reason: InstallPlan["reason"],
  ): Promise<boolean> {
    const { installer, clock, log } = this.parts;
    const plan = planBetween(before, after, revision, reason);
    const total = plan.added.length + plan.removed.length + plan.changed.length;
    this.progress = { ...IDLE, state: "running", revision, reason, total };
    let problems: readonly string[];
    let ok = false;
    try {
      const outcome = await installer.install(plan, (step) => this.advance(step));
      ({ ok, problems } = outcome);
    } catch (error) {
      problems = [error instanceof Error ? error.message : String(error)];
    }
    const state = ok ? "done" : "failed";
    this.progress = { ...this.progress, state, problems, ended: clock.wall() };
    if (!ok) log.error({ revision, reason, problems }, "IPsec policy: the install failed");
    return ok;
  }

  private advance(step: InstallStep): void {
    const { steps, done } = this.progress;
    this.progress = {
      ...this.progress,
      done: done + 1,
      steps: [...steps, step].slice(-MOST_STEPS),
    };
  }

  private async keep(): Promise<void> {
    try {
      await this.archive?.save({ current: this.installed, previous: this.previous });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const problem = `it is in force, but could not be kept: a restart of evpnd goes back to the one before (${why})`;
      this.progress = { ...this.progress, problems: [...this.progress.problems, problem] };
      this.parts.log.error({ err: error }, `IPsec policy: ${problem}`);
    }
  }

  private sides(model: IpsecModel): TunnelSide[] {
    return localSides(model, this.parts.local());
  }

  private async alone<T>(run: () => Promise<T>): Promise<T> {
    if (this.running) {
      throw new StagingError("busy", "an install is running; wait until it is done");
    }
    this.running = true;
    try {
      return await run();
    } finally {
      this.running = false;
    }
  }
}

function refusal(faults: readonly Finding[]): StagingError {
  const few = faults
    .slice(0, SHOWN)
    .map(({ tunnel, gateway, message }) => `${tunnel === "" ? gateway : tunnel}: ${message}`);
  const more = faults.length > SHOWN ? `; and ${faults.length - SHOWN} more` : "";
  return new StagingError("refused", `the check has faults: ${few.join("; ")}${more}`, faults);
}

/** Models never change: what was worked out once holds. */
const digests = new WeakMap<IpsecModel, string>();

/** Of a model's text: 16 hex digits. */
export function digestOf(model: IpsecModel): string {
  let digest = digests.get(model);
  if (digest === undefined) {
    digest = createHash("sha256").update(JSON.stringify(model)).digest("hex").slice(0, 16);
    digests.set(model, digest);
  }
  return digest;
}
