/**
 * One PE stops reading while the fabric churns. Three questions: do the others notice, does the
 * reflector's memory grow, and what does the sleeper get when it reads on?
 *
 * The last PE sleeps; it holds no MACs, sends KEEPALIVEs all the time and its TCP window is shut.
 * Churn: `rate` events a second; a `freshShare` of them are MACs never seen before, which are
 * withdrawn after `freshLife` seconds, the rest are moves among the other PEs. It stops before the
 * sleeper wakes, so that nothing need be sent to it but the final state.
 *
 * What lay in the kernel's buffers at that moment (our receive queue and the target's send queue) was
 * sent before; a program may hold a little more that its kernel did not take any more. Behind that,
 * each MAC may be announced once at most: of two announcements of a MAC, the earlier one must lie
 * within the first `slack` KiB behind the kernel's octets. How far behind it lay is reported.
 */
import { Mover, pace } from "../fleet/mover.js";
import { octetsInFlight } from "../fleet/tcp-queues.js";
import { macText, packRoute } from "../fleet/universe.js";
import { type Lab, loadTables, type Figures, type Scenario } from "./lab.js";
import { latencyFigures, MoveRound } from "./moves.js";

interface Fresh {
  readonly index: number;
  readonly peer: number;
  readonly dies: number;
}

/** Steady churn among the PEs that are awake. */
class Churn {
  private readonly lab: Lab;
  readonly mover: Mover;
  private readonly awake: number;
  private readonly round: MoveRound;
  private readonly living: Fresh[] = [];
  private nextFresh: number;
  private freshDebt = 0;
  private k = 0;

  constructor(lab: Lab) {
    this.lab = lab;
    this.awake = lab.parameters.peers - 1;
    this.mover = new Mover(lab.fleet, this.awake);
    this.round = new MoveRound(lab, this.mover);
    this.nextFresh = lab.parameters.routes;
  }

  /** `timed`: PEs that must learn each change, its own PE not counted. */
  async run(seconds: number, timed: number): Promise<void> {
    const { fleet, parameters } = this.lab;
    await pace(
      parameters.rate,
      seconds,
      (count) => {
        for (let n = 0; n < count; n++) this.step();
        this.mover.sendTimed(timed);
      },
      (test) => fleet.until(test),
    );
  }

  private step(): void {
    const { fleet, parameters } = this.lab;
    this.expire();
    this.freshDebt += parameters.freshShare;
    const k = this.k++;
    if (this.freshDebt < 1 || this.nextFresh >= fleet.universe.size) {
      this.round.next();
      return;
    }
    this.freshDebt -= 1;
    const index = this.nextFresh++;
    const peer = k % this.awake;
    this.mover.announce(index, peer, 0);
    fleet.expect(index, packRoute(peer, 0));
    if (parameters.freshLife > 0)
      this.living.push({ index, peer, dies: performance.now() + parameters.freshLife * 1000 });
  }

  private expire(): void {
    const now = performance.now();
    for (let oldest = this.living[0]; oldest && oldest.dies <= now; oldest = this.living[0]) {
      this.living.shift();
      if (this.lab.fleet.board.left[oldest.index] !== 0) this.mover.superseded++;
      this.lab.fleet.board.left[oldest.index] = 0;
      this.mover.withdraw(oldest.index, oldest.peer);
      this.lab.fleet.expect(oldest.index, 0);
    }
  }
}

export const slowPe: Scenario = {
  name: "slow-pe",
  summary: "one PE stops reading under churn; the others' latency, the memory, and its waking up",
  defaults: {
    peers: 9,
    senders: 8,
    routes: 20_000,
    rate: 2000,
    before: 15,
    seconds: 60,
    freshShare: 0.5,
    freshLife: 5,
    slack: 512,
  },
  spare: (p) => Math.ceil((p.before + p.seconds) * p.rate * p.freshShare) + 1,
  async run(lab) {
    const { fleet, meter, parameters } = lab;
    const sleeper = parameters.peers - 1;
    const asleep = fleet.session(sleeper);
    await loadTables(lab);
    asleep.receiver.timed = false;
    const churn = new Churn(lab);
    const figures: Figures = {};

    fleet.phase = "churning, everyone reads";
    // its first fifth warms both programs up and is not counted
    await churn.run(parameters.before / 5, parameters.peers - 2);
    fleet.board.latency.clear();
    await churn.run((parameters.before * 4) / 5, parameters.peers - 2);
    const calm = latencyFigures(fleet.board.latency);
    const rssBefore = meter.read()?.rss;

    fleet.phase = "churning, one PE sleeps";
    fleet.absent.add(sleeper);
    fleet.recount();
    asleep.pauseReading();
    fleet.board.latency.clear();
    let rssPeak = 0;
    const sampler = setInterval(() => (rssPeak = Math.max(rssPeak, meter.read()?.rss ?? 0)), 250);
    try {
      await churn.run(parameters.seconds, parameters.peers - 2);
      await fleet.untilComplete();
    } finally {
      clearInterval(sampler);
    }
    const troubled = latencyFigures(fleet.board.latency);
    if (rssBefore !== undefined) {
      rssPeak = Math.max(rssPeak, meter.read()?.rss ?? 0);
      figures["rssGrowthMegabytes"] = (rssPeak - rssBefore) / 1e6;
    }
    for (const [name, value] of Object.entries(calm)) figures[`${name}Before`] = value;
    for (const [name, value] of Object.entries(troubled)) figures[`${name}During`] = value;

    const woken = await wake(lab);
    return {
      figures: { ...figures, ...woken.figures },
      problems: [...woken.problems, ...judge({ ...figures })],
    };
  },
};

/** Lets the sleeper read on and watches what it gets. */
async function wake(lab: Lab): Promise<{ figures: Figures; problems: string[] }> {
  const { fleet, parameters } = lab;
  const asleep = fleet.session(parameters.peers - 1);
  fleet.phase = "waking the sleeper";
  const inFlight = octetsInFlight(asleep.localPort, lab.targetPort, lab.targetPid);
  const start = asleep.bytesRead;
  const sentBefore = start + (inFlight ?? 0);
  const lastSeen = new Float64Array(fleet.universe.size);
  const slack = parameters.slack * 1024;
  let farthest = 0;
  const repeats: number[] = [];
  asleep.receiver.lastSeen = lastSeen;
  asleep.receiver.onRepeat = (index, earlier) => {
    farthest = Math.max(farthest, earlier - sentBefore);
    if (earlier > sentBefore + slack) repeats.push(index);
  };
  fleet.absent.delete(asleep.peer);
  fleet.recount();
  const began = performance.now();
  asleep.resumeReading();
  const done = await fleet.untilComplete();
  await fleet.verify(1);
  const figures: Figures = {
    sleeperConvergedSeconds: (done - began) / 1000,
    sleeperOctetsRead: asleep.bytesRead - start,
    sleeperOctetsInKernel: inFlight ?? NaN,
    sleeperSlackUsedOctets: farthest,
    sleeperRepeats: repeats.length,
  };
  const problems =
    repeats.length === 0
      ? []
      : [
          `the sleeper was sent ${repeats.length} MACs twice beyond what lay in the socket's buffers, e.g. ${macText(repeats[0] ?? 0)}`,
        ];
  return { figures, problems };
}

/** The limits of a reflector that takes a slow PE in its stride. */
function judge(figures: Figures): string[] {
  const before = figures["p99MillisecondsBefore"] ?? NaN;
  const during = figures["p99MillisecondsDuring"] ?? NaN;
  const growth = figures["rssGrowthMegabytes"];
  const problems: string[] = [];
  if (during > 2 * before)
    problems.push(
      `p99 of the others went from ${before.toFixed(1)} to ${during.toFixed(1)} ms while one PE slept: more than twice`,
    );
  if (growth !== undefined && growth >= 50)
    problems.push(`the target grew by ${growth.toFixed(1)} MB while one PE slept: 50 or more`);
  return problems;
}
