/** Initial convergence, and its extremes: one source for many; a million routes; hundreds of sessions. */
import { connectAll, everyPeer, type Figures, type Lab, measured, type Scenario } from "./lab.js";

/** From the first octet sent until the last receiver has everything. */
async function converge(lab: Lab): Promise<Figures> {
  const { fleet, parameters } = lab;
  await connectAll(lab);
  const empty = lab.meter.read();
  const figures = await measured(lab, () => fleet.announceTables(everyPeer(lab)));
  await fleet.verify();
  const wall = figures["wallSeconds"] ?? NaN;
  figures["routesPerSecond"] = parameters.routes / wall;
  figures["nlriPerUpdateReceived"] = fleet.total("announced") / fleet.total("updates");
  figures["repeatedNlri"] = fleet.total("repeated");
  const after = lab.meter.read();
  if (empty && after) {
    figures["rssMegabytes"] = after.rss / 1e6;
    figures["rssBytesPerRoute"] = (after.rss - empty.rss) / parameters.routes;
  }
  return figures;
}

export const convergence: Scenario = {
  name: "convergence",
  summary: "every PE announces its share of the routes at once",
  defaults: { peers: 8, routes: 200_000 },
  run: async (lab) => ({ figures: await converge(lab), problems: [] }),
};

export const fanout: Scenario = {
  name: "fanout",
  summary: "one PE announces all routes, the others receive",
  defaults: { peers: 32, routes: 50_000, senders: 1 },
  run: async (lab) => ({ figures: await converge(lab), problems: [] }),
};

export const million: Scenario = {
  name: "million",
  summary: "a million routes from half of the PEs; memory per route",
  defaults: { peers: 8, routes: 1_000_000, senders: 4 },
  async run(lab) {
    const { fleet, meter, parameters } = lab;
    await connectAll(lab);
    const empty = meter.read();
    const figures = await measured(lab, () => fleet.announceTables(everyPeer(lab)));
    const atEnd = meter.read();
    await fleet.verify(2);
    const rested = meter.read();
    if (empty && atEnd && rested) {
      const rss = Math.max(atEnd.rss, rested.rss);
      figures["rssMegabytes"] = rss / 1e6;
      figures["rssBytesPerRoute"] = (rss - empty.rss) / parameters.routes;
      figures["rssBytesPerRouteWithProgram"] = rss / parameters.routes;
    }
    return { figures, problems: [] };
  },
};

export const sessions: Scenario = {
  name: "sessions",
  summary: "many sessions, a short hold time, and nobody may be dropped",
  defaults: { peers: 500, routes: 20_000, hold: 9, seconds: 30 },
  async run(lab) {
    const { fleet, parameters } = lab;
    const start = performance.now();
    const up = await fleet.connect(everyPeer(lab));
    await fleet.settle(parameters.settle);
    const figures = await measured(lab, () => fleet.announceTables(everyPeer(lab)));
    figures["connectSeconds"] = (up - start) / 1000;
    fleet.phase = "holding the sessions";
    await fleet.sleep(parameters.seconds);
    await fleet.verify();
    figures["sessionsUp"] = fleet.sessions.filter((session) => session.established).length;
    return { figures, problems: [] };
  },
};
