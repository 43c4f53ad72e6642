/** BFD as the speaker's thread sees it, over a host that a test plays. */
import { beforeEach, describe, expect, it } from "vitest";
import type { BfdHostEvents } from "../../../src/bgp/bfd/host.js";
import type { BfdCommand, BfdReport } from "../../../src/bgp/bfd/messages.js";
import { BfdService, NO_BFD } from "../../../src/bgp/bfd/service.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeClock } from "../session/harness.js";
import { RIGHT, spec } from "./lib/pair.js";

const NOTHING = (): void => undefined;

let clock: FakeClock;
let commands: BfdCommand[];
let hosts: BfdHostEvents[];
let killed: number;
let told: string[];
let errors: string[];
let service: BfdService;

beforeEach(() => {
  clock = new FakeClock();
  commands = [];
  hosts = [];
  told = [];
  errors = [];
  killed = 0;
  service = new BfdService({
    clock,
    log: { ...silentLog, error: (_fields: object, message: string) => errors.push(message) },
    host: (events) => {
      hosts.push(events);
      return { command: (command) => commands.push(command), kill: () => killed++ };
    },
    listener: {
      up: (peer) => told.push(`up ${peer}`),
      down: (peer, detail, independent) => told.push(`down ${peer} ${detail} ${independent}`),
    },
  });
});

function state(over: Partial<BfdReport & { kind: "state" }>): BfdReport {
  return {
    kind: "state",
    peer: RIGHT,
    state: "Down",
    diag: "none",
    cause: undefined,
    independent: false,
    detail: "",
    ...over,
  };
}

describe("the service", () => {
  it("has no thread while nobody wants BFD", () => {
    service.drop(RIGHT);
    expect(hosts).toHaveLength(0);
    service.want(spec(RIGHT));
    expect(hosts).toHaveLength(1);
    expect(service.status(RIGHT)).toMatchObject({ state: "Down" });
  });

  it("tells the thread what is new only", () => {
    service.want(spec(RIGHT));
    service.want(spec(RIGHT));
    service.want(spec(RIGHT, { minTx: 1 }));
    service.drop(RIGHT);
    service.drop(RIGHT);
    expect(commands.map(({ kind }) => kind)).toEqual(["set", "set", "remove"]);
    expect(service.status(RIGHT)).toBeUndefined();
  });

  it("tells of failures, not of sessions that were switched off", () => {
    service.want(spec(RIGHT));
    const host = hosts[0]!;
    host.report(state({ state: "Up" }));
    host.report(state({ cause: "neighbor-admin-down", detail: "off" }));
    host.report(state({ state: "Up" }));
    host.report(state({ cause: "expired", detail: "silence", independent: true }));
    host.report(state({ cause: "neighbor-down", detail: "deaf" }));
    expect(told).toEqual([
      `up ${RIGHT}`,
      `up ${RIGHT}`,
      `down ${RIGHT} silence true`,
      `down ${RIGHT} deaf false`,
    ]);
    expect(service.counts).toEqual({ bfd_sessions: 1, bfd_sessions_up: 0, bfd_failures_total: 2 });
  });

  it("hears nothing of a session that it let go", () => {
    service.want(spec(RIGHT));
    service.drop(RIGHT);
    hosts[0]!.report(state({ cause: "expired" }));
    expect(told).toEqual([]);
  });

  it("a thread that dies takes no BGP session along, and is started again with what is wanted", () => {
    service.want(spec(RIGHT));
    hosts[0]!.report(state({ state: "Up" }));
    hosts[0]!.died(new Error("bug"));
    expect(told).toEqual([`up ${RIGHT}`]);
    expect(service.status(RIGHT)).toMatchObject({ state: "Down" });
    expect(errors).toHaveLength(1);
    commands = [];
    clock.advance(1500, NOTHING);
    expect(hosts).toHaveLength(2);
    expect(commands).toMatchObject([{ kind: "set", spec: { peer: RIGHT } }]);
  });

  it("answers questions with what the thread says, or after a while with nothing", async () => {
    expect(await service.overview()).toEqual(NO_BFD);
    service.want(spec(RIGHT));
    const answer = service.overview();
    const command = commands.at(-1);
    const stats = { ...NO_BFD.stats, received: 5 };
    if (command?.kind !== "snapshot") throw new Error("no question");
    hosts[0]!.report({ kind: "snapshot", request: command.request, sessions: [], stats });
    expect((await answer).stats.received).toBe(5);
    const silence = service.overview();
    clock.advance(3000, NOTHING);
    expect(await silence).toEqual(NO_BFD);
    expect(clock.pendingTimers).toBe(0);
  });

  it("closes when the thread has said farewell, or kills it", async () => {
    service.want(spec(RIGHT));
    const closing = service.close();
    expect(commands.at(-1)).toEqual({ kind: "stop" });
    hosts[0]!.report({ kind: "stopped" });
    await closing;
    expect(killed).toBe(0);
    const stubborn = service.close();
    clock.advance(1000, NOTHING);
    await stubborn;
    expect(killed).toBe(1);
    service.want(spec(RIGHT));
    expect(hosts).toHaveLength(1);
  });

  it("logs what the sockets complain of", () => {
    service.want(spec(RIGHT));
    hosts[0]!.report({ kind: "problem", peer: undefined, text: "cannot listen" });
    expect(errors).toEqual(["BFD: cannot listen"]);
  });
});
