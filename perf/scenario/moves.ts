/** MAC moves: flat out, and at a given rate with the latency until the last PE knows. */
import { Mover, pace, interleaved } from "../fleet/mover.js";
import type { Histogram } from "../fleet/statistics.js";
import { type Figures, type Lab, loadTables, measured, type Scenario } from "./lab.js";

export const moves: Scenario = {
  name: "moves",
  summary: "every MAC moves once, all at the same time",
  defaults: { peers: 8, routes: 100_000 },
  async run(lab) {
    const { fleet, parameters } = lab;
    await loadTables(lab);
    const count = Math.min(parameters.moves || parameters.routes, parameters.routes);
    const mover = new Mover(fleet, parameters.peers);
    const order = interleaved(parameters.routes, parameters.peers);
    for (let k = 0; k < count; k++) {
      const index = order[k] ?? 0;
      fleet.board.expected[index] = mover.move(index, k);
    }
    const bursts = mover.take();
    fleet.recount();
    const before = fleet.total("announced") + fleet.total("withdrawn");
    fleet.phase = "moving";
    const figures = await measured(lab, async () => {
      const start = performance.now();
      for (const { peer, bytes } of bursts) fleet.session(peer).write(bytes);
      return (await fleet.untilComplete()) - start;
    });
    await fleet.verify();
    figures["movesPerSecond"] = count / (figures["wallSeconds"] ?? NaN);
    figures["nlriReceivedPerMove"] =
      (fleet.total("announced") + fleet.total("withdrawn") - before) / count;
    return { figures, problems: [] };
  },
};

export function latencyFigures(latency: Histogram): Figures {
  return {
    p50Milliseconds: latency.quantileMillis(0.5),
    p99Milliseconds: latency.quantileMillis(0.99),
    p999Milliseconds: latency.quantileMillis(0.999),
    maxMilliseconds: latency.maxMillis,
  };
}

/** Steady churn: each call moves the next MAC of the table, round and round; clocks start with `sendTimed`. */
export class MoveRound {
  private readonly lab: Lab;
  private readonly mover: Mover;
  private readonly order: Int32Array;
  private k = 0;

  constructor(lab: Lab, mover: Mover) {
    this.lab = lab;
    this.mover = mover;
    this.order = interleaved(lab.parameters.routes, lab.parameters.peers);
  }

  next(community = 0): void {
    const k = this.k++;
    const index = this.order[k % this.order.length] ?? 0;
    this.lab.fleet.expect(index, this.mover.move(index, k, community));
  }
}

export const moveLatency: Scenario = {
  name: "move-latency",
  summary: "MACs move at a fixed rate; time until the last PE has the new route",
  defaults: { peers: 24, routes: 50_000, rate: 5000, seconds: 5 },
  async run(lab) {
    const { fleet, parameters } = lab;
    await loadTables(lab);
    const mover = new Mover(fleet, parameters.peers);
    const round = new MoveRound(lab, mover);
    fleet.phase = "moving at a rate";
    const figures = await measured(lab, async () => {
      const start = performance.now();
      await pace(
        parameters.rate,
        parameters.seconds,
        (count) => {
          for (let n = 0; n < count; n++) round.next();
          mover.sendTimed(parameters.peers - 1);
        },
        (test) => fleet.until(test),
      );
      return (await fleet.untilComplete()) - start;
    });
    await fleet.verify();
    Object.assign(figures, latencyFigures(fleet.board.latency), {
      moves: mover.moves,
      movesTimed: fleet.board.latency.count,
      movesSuperseded: mover.superseded,
    });
    const lost = mover.moves - mover.superseded - fleet.board.latency.count;
    return {
      figures,
      problems: lost === 0 ? [] : [`${lost} moves were never announced to every PE`],
    };
  },
};
