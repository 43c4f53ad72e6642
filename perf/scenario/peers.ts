/** PEs that come, go, and ask again. */
import type { PeSession } from "../fleet/session.js";
import {
  addFigures,
  connectAll,
  everyPeer,
  loadTables,
  measured,
  type Figures,
  type Scenario,
} from "./lab.js";

export const lateJoiner: Scenario = {
  name: "late-joiner",
  summary: "one more PE connects and takes the whole table; --times: and another one, …",
  defaults: { peers: 9, routes: 200_000, senders: 8 },
  async run(lab) {
    const { fleet, parameters } = lab;
    const first = parameters.peers - parameters.times;
    await loadTables(
      lab,
      everyPeer(lab).filter((peer) => peer < first),
    );
    const figures: Figures = {};
    for (let late = first; late < parameters.peers; late++) {
      fleet.absent.delete(late);
      fleet.recount();
      let established = 0;
      const joined = await measured(lab, async () => {
        const start = performance.now();
        established = (await fleet.connect([late])) - start;
        fleet.phase = "joining late";
        return (await fleet.untilComplete()) - start;
      });
      joined["fromEstablishedSeconds"] = (joined["wallSeconds"] ?? NaN) - established / 1000;
      addFigures(figures, joined);
      await fleet.verify();
    }
    return { figures, problems: [] };
  },
};

export const peLoss: Scenario = {
  name: "pe-loss",
  summary:
    "a PE with many routes dies; until the last withdraw at the last PE; --times: and another one, …",
  defaults: { peers: 8, routes: 200_000, lossRoutes: 50_000 },
  firstPeerRoutes: ({ routes, peers, lossRoutes, times }) =>
    times > 1 ? Math.ceil(routes / peers) : Math.min(lossRoutes, routes),
  async run(lab) {
    const { fleet, parameters } = lab;
    await loadTables(lab);
    const figures: Figures = {};
    for (let lost = 0; lost < parameters.times; lost++) {
      for (const index of fleet.universe.homeOf(lost)) fleet.board.expected[index] = 0;
      fleet.absent.add(lost);
      fleet.recount();
      fleet.phase = "losing a PE";
      const gone = await measured(lab, async () => {
        const start = performance.now();
        fleet.session(lost).close(parameters.goodbye);
        return (await fleet.untilComplete()) - start;
      });
      addFigures(figures, gone);
      await fleet.verify();
    }
    return { figures, problems: [] };
  },
};

/** Announcements a refresh must bring again: everything the PE holds. */
function seenAgain(session: PeSession, size: number): () => number {
  const lastSeen = new Float64Array(size);
  session.receiver.lastSeen = lastSeen;
  return () => lastSeen.reduce((sum, position) => sum + (position > 0 ? 1 : 0), 0);
}

export const refresh: Scenario = {
  name: "refresh",
  summary: "PEs ask for the whole table again (--enhanced: with BoRR and EoRR)",
  defaults: { peers: 8, routes: 200_000 },
  async run(lab) {
    const { fleet, parameters } = lab;
    await loadTables(lab);
    const { sessions, universe } = fleet;
    const before = fleet.total("announced");
    const held = sessions.map((session) => session.receiver.held);
    const again = sessions.map((session) => seenAgain(session, universe.size));
    const target = before + held.reduce((sum, each) => sum + each, 0);
    fleet.phase = "refreshing";
    const figures = await measured(lab, async () => {
      const start = performance.now();
      for (const session of sessions) session.requestRefresh();
      const last = await fleet.until(
        () =>
          fleet.total("announced") >= target &&
          (!parameters.enhanced || sessions.every((session) => session.refreshEnded)) &&
          again.every((count, peer) => count() === held[peer]),
      );
      return last - start;
    });
    await fleet.verify();
    figures["nlriPerRouteAndPe"] = (fleet.total("announced") - before) / (target - before);
    const unmarked = sessions.filter((session) => !session.refreshBegun).length;
    return {
      figures,
      problems:
        parameters.enhanced && unmarked > 0
          ? [`${unmarked} PEs got no Begin-of-RR: does the target do enhanced refresh?`]
          : [],
    };
  },
};

export const connectOnly: Scenario = {
  name: "connect",
  summary: "all PEs connect and wait for End-of-RIB; tells whether target and addresses are right",
  defaults: { peers: 8, routes: 8 },
  async run(lab) {
    const start = performance.now();
    await connectAll(lab);
    return { figures: { wallSeconds: (performance.now() - start) / 1000 }, problems: [] };
  },
};
