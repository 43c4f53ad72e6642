/** The continuous audit in a test's hand: so many steps of a round whenever the test says so. */
import { auditRound, collector, type RoundPace } from "../../../../src/bgp/audit/round.js";
import type { Speaker } from "../../lib/speaker.js";

interface Round {
  readonly steps: Generator<undefined, void>;
  readonly pace: RoundPace;
  readonly found: string[];
}

export class Walker {
  rounds = 0;
  readonly findings: string[] = [];
  private readonly speaker: Speaker;
  private round: Round | undefined;

  constructor(speaker: Speaker) {
    this.speaker = speaker;
  }

  go(steps: number): void {
    if (this.round !== undefined) this.round.pace.fresh = true;
    for (let n = 0; n < steps; n++) {
      const round = (this.round ??= this.begin());
      const done = round.steps.next().done === true;
      this.findings.push(...round.found.splice(0));
      if (!done) continue;
      this.round = undefined;
      this.rounds++;
    }
  }

  /** Two more rounds: the first may be past the place. */
  finish(): void {
    const until = this.rounds + 2;
    while (this.rounds < until) this.go(1);
  }

  private begin(): Round {
    const pace: RoundPace = { fresh: true, progress: 0 };
    const { findings: found, find } = collector();
    return { steps: auditRound(this.speaker.reflector.auditSubject(), find, pace), pace, found };
  }
}
