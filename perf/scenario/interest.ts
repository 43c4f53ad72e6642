/**
 * Every PE is in a few of many VNIs and gets the routes of these: by memberships (RFC 4684), by lists in
 * the target's configuration, or, to compare, all of them or none. CPU is counted until the target
 * rests, so that a run without a receiver has an end too.
 */
import { median } from "../fleet/statistics.js";
import { buildMembership, ByteSink, MEMBERSHIP_END_OF_RIB } from "../fleet/wire.js";
import { everyPeer, type Figures, type Lab, type Scenario } from "./lab.js";

/** The target rests when it used no more than a tick of CPU in this time. */
const REST_SECONDS = 0.5;
const TICK_SECONDS = 0.011;
const WARM_SHARE = 0.05;
const WITHDRAWN_AT_ONCE = 50;

export const interest: Scenario = {
  name: "interest",
  summary: "every PE is in a few of many VNIs and gets exactly their routes",
  defaults: { peers: 200, routes: 200_000, vnis: 1000, vnisPerPeer: 10, interest: "memberships" },
  async run(lab) {
    const { fleet, parameters } = lab;
    wishes(lab);
    await fleet.connect(everyPeer(lab));
    if (parameters.interest === "memberships" || parameters.interest === "nobody") ask(lab);
    await fleet.settle(parameters.settle);
    await rest(lab);
    await warmTarget(lab);
    const announced = fleet.total("announced");
    const before = lab.meter.read();
    const wall = await fleet.announceTables(everyPeer(lab));
    await rest(lab);
    const after = lab.meter.read();
    await fleet.verify();
    const figures: Figures = {
      wallSeconds: wall / 1000,
      nlriReceived: fleet.total("announced") - announced,
      ...(before && after
        ? { cpuSeconds: after.cpu - before.cpu, rssMegabytes: after.rss / 1e6 }
        : {}),
    };
    if (parameters.interest === "memberships") Object.assign(figures, await change(lab));
    return { figures, problems: [] };
  },
};

/** Tells the receivers which VNIs they want. */
function wishes(lab: Lab): void {
  const { fleet, parameters } = lab;
  if (parameters.interest === "everything") return;
  for (const { peer, receiver } of fleet.sessions) {
    receiver.interest = new Uint8Array(parameters.vnis);
    if (parameters.interest === "nobody") continue;
    for (const vni of fleet.universe.vnisOf(peer)) receiver.interest[vni] = 1;
  }
}

function ask(lab: Lab): void {
  const { fleet, parameters } = lab;
  for (const session of fleet.sessions) {
    const vnis = parameters.interest === "nobody" ? [] : fleet.universe.vnisOf(session.peer);
    if (vnis.length > 0) session.write(buildMembership(session.peer, parameters.as, vnis, true));
    session.write(MEMBERSHIP_END_OF_RIB);
  }
}

/**
 * Some routes come and go before anything is counted: those who exchange memberships have had the target
 * read and send UPDATEs by now, and the others would pay for its first ones.
 */
async function warmTarget(lab: Lab): Promise<void> {
  const { fleet } = lab;
  const some = (peer: number): Int32Array => {
    const all = fleet.universe.homeOf(peer);
    return all.subarray(0, Math.ceil(all.length * WARM_SHARE));
  };
  fleet.phase = "warming up";
  const sink = new ByteSink();
  for (const session of fleet.sessions) {
    fleet.writer.announceAll(sink, session.peer, some(session.peer));
    session.write(sink.take());
  }
  await rest(lab);
  for (const session of fleet.sessions) {
    const indexes = some(session.peer);
    for (let from = 0; from < indexes.length; from += WITHDRAWN_AT_ONCE) {
      const to = Math.min(indexes.length, from + WITHDRAWN_AT_ONCE);
      fleet.writer.withdraw(sink, session.peer, indexes, from, to);
    }
    session.write(sink.take());
  }
  await rest(lab);
}

/** Waits until the target has taken everything and does nothing any more. */
async function rest(lab: Lab): Promise<void> {
  const { fleet, meter } = lab;
  await fleet.until(() => fleet.unsent() === 0);
  if (!meter.present) return fleet.sleep(1);
  for (let last = meter.read()?.cpu ?? 0; ;) {
    await fleet.sleep(REST_SECONDS);
    const now = meter.read()?.cpu ?? 0;
    if (now - last <= TICK_SECONDS) return;
    last = now;
  }
}

/** A PE enters one more VNI and leaves it again; the time until its table is right, each way. */
async function change(lab: Lab): Promise<Figures> {
  const { fleet, parameters } = lab;
  fleet.phase = "changing memberships";
  const times: { came: number[]; went: number[] } = { came: [], went: [] };
  for (let turn = 0; turn < parameters.changes; turn++) {
    const peer = (turn * 7) % parameters.peers;
    const { receiver } = fleet.session(peer);
    const vni = (turn * 37 + 500) % parameters.vnis;
    if (receiver.interest === undefined || receiver.interest[vni] === 1) continue;
    for (const wanted of [1, 0]) {
      receiver.interest[vni] = wanted;
      fleet.recountPeer(peer);
      const message = buildMembership(peer, parameters.as, [vni], wanted === 1);
      const start = performance.now();
      fleet.session(peer).write(message);
      const took = (await fleet.untilComplete()) - start;
      times[wanted === 1 ? "came" : "went"].push(took);
      await fleet.sleep(0.02);
    }
  }
  await fleet.verify();
  return {
    membershipMilliseconds: median(times.came),
    membershipMillisecondsMost: Math.max(...times.came),
    membershipGoneMilliseconds: median(times.went),
    membershipGoneMillisecondsMost: Math.max(...times.went),
  };
}
