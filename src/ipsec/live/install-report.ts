/** How an install goes on, tunnel by tunnel: each that is to change is told of once. */
import type { InstallPlan, InstallStep } from "../staging/control.js";

export class InstallReport {
  readonly problems: string[] = [];
  private readonly actions = new Map<string, InstallStep["action"]>();
  private readonly progress: (step: InstallStep) => void;

  constructor(
    { added, changed, removed }: Pick<InstallPlan, "added" | "changed" | "removed">,
    progress: (step: InstallStep) => void,
  ) {
    this.progress = progress;
    for (const tunnel of added) this.actions.set(tunnel, "add");
    for (const tunnel of changed) this.actions.set(tunnel, "change");
    for (const tunnel of removed) this.actions.set(tunnel, "remove");
  }

  step(tunnel: string, problem: string | undefined): void {
    if (problem !== undefined) this.problems.push(`${tunnel}: ${problem}`);
    const action = this.actions.get(tunnel);
    if (action === undefined) return;
    this.actions.delete(tunnel);
    this.progress({ tunnel, action, problem });
  }

  /** Those that there was nothing to do for are done. */
  finish(): void {
    for (const tunnel of [...this.actions.keys()]) this.step(tunnel, undefined);
  }
}
