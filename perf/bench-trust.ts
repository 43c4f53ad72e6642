/**
 * What trust costs a reflector: UPDATEs of peers that need none, of trusted ones and of held ones; and a change
 * of one peer's trust beside its loss: `node dist/perf/bench-trust.js [--json]`.
 */
import { Reflector } from "../src/bgp/reflector.js";
import {
  NEGOTIATED_DEFAULTS,
  type EstablishedSession,
  type Negotiated,
} from "../src/bgp/session/types.js";
import { PEER_OPTION_DEFAULTS, type PeerOptions } from "../src/bgp/settings.js";
import { PeerTrust } from "../src/bgp/trust/peer-trust.js";
import type { TrustAnswer, TrustGate } from "../src/contract.js";
import { Family } from "../src/fast-bgp-codec/family.js";
import { systemClock } from "../src/util/clock.js";
import { silentLog } from "../src/util/log.js";
import { TableBench, UpdateSet } from "./bench-data.js";

const PEERS = 8;
const ROUTES = 100_000;
const ROUNDS = 5;

const updates = new UpdateSet(PEERS, ROUTES);
const bench = new TableBench();
const EVPN = 1 << Family.Evpn;
/** Whose trust changes. */
const FIRST = "10.0.0.1";
const NO_LIMITS = { sessions: 0, updatesPerSecond: 0, prefixes: 0 };

const negotiated = (peer: number): Negotiated => ({
  ...NEGOTIATED_DEFAULTS,
  localAs: 65000,
  peerAs: 65000,
  peerId: peer + 1,
  families: EVPN,
});

const answer = (trusted: boolean): TrustAnswer => ({
  revision: 1,
  state: trusted ? "trusted" : "untrusted",
  reason: "",
  effect: trusted ? "admit" : "hold",
  spared: undefined,
  until: undefined,
  subject: "t/v/1",
  vnf: "t/v",
  binding: "address",
  limits: NO_LIMITS,
  community: 0,
});

class World {
  readonly reflector: Reflector;
  readonly sessions: EstablishedSession[] = [];
  private readonly turns: (() => void)[] = [];

  constructor(trust: PeerOptions["trust"], gate: TrustGate | undefined) {
    this.reflector = new Reflector({
      as: 65000,
      routerId: 0x0a6300fe,
      clusterId: 0x0a6300fe,
      compareMobility: true,
      flushIntervalMs: 0,
      log: silentLog,
      clock: systemClock,
      soon: (run) => this.turns.push(run),
    });
    const { reflector } = this;
    if (gate !== undefined) {
      const joined = new PeerTrust(
        {
          sources: reflector.sources,
          livePeers: () => reflector.livePeers(),
          regrip: (peer, grip, done) => reflector.regrip(peer, grip, done),
          retains: () => false,
          abandon: () => {},
          optionsFor: () => undefined,
          connect: () => {},
          waitsFor: () => undefined,
          hasPeer: () => true,
          rekey: () => new Set(),
        },
        systemClock,
        silentLog,
      );
      reflector.trust = joined;
      joined.attach(gate);
    }
    for (let peer = 0; peer < PEERS; peer++) this.connect(peer, trust);
    this.rest();
  }

  private connect(peer: number, trust: PeerOptions["trust"]): void {
    const session: EstablishedSession = {
      id: peer + 1,
      peerAddress: `10.0.0.${peer + 1}`,
      localAddress: "10.0.0.254",
      options: { ...PEER_OPTION_DEFAULTS, trust },
      negotiated: negotiated(peer),
      pendingBytes: 0,
      send: () => {},
      sendMany: () => {},
      pause: () => {},
      resume: () => {},
      reset: () => {},
    };
    this.sessions.push(session);
    this.reflector.established(session);
  }

  get routesOfFirst(): number {
    const first = this.reflector.peer(this.sessions[0]!.id)!;
    return first.routes(this.reflector.sources);
  }

  lose(peer: number): void {
    this.reflector.closed(this.sessions[peer]!, { reason: "tcp", detail: "" });
  }

  /** The reflector's own turns, to their end or until that. */
  rest(isOver: () => boolean = () => false): void {
    for (let run = this.turns.shift(); run !== undefined; run = this.turns.shift()) {
      run();
      if (isOver()) return;
    }
  }

  /** All UPDATEs of all peers; the turns behind them are not timed. */
  announce(name: string): void {
    const { reflector, sessions } = this;
    bench.time(name, updates.messages, () => {
      for (let k = 0; k < updates.messages; k++) {
        const session = sessions[updates.peerOf[k] ?? 0]!;
        reflector.update(
          session,
          updates.bytes,
          updates.bounds[k] ?? 0,
          updates.bounds[k + 1] ?? 0,
        );
      }
    });
    this.rest();
  }
}

function round(): void {
  let trusted = true;
  let applied = false;
  let told = (): void => {};
  const gate: TrustGate = {
    admit: ({ address }) => answer(trusted || address !== FIRST),
    keyFor: () => undefined,
    instanceAt: () => undefined,
    subscribe: (sink) => {
      told = () => sink([{ kind: "reset" }, { kind: "sync" }]);
      return () => {};
    },
    gateApplied: ({ address, routes }) => {
      if (address === FIRST && routes > 0) applied = true;
    },
  };
  new World(undefined, undefined).announce("UPDATE, no trust checks in the daemon");
  new World(undefined, gate).announce("UPDATE, trust checks on, none for this peer");
  const asked = { tenant: "t", vnf: undefined, effect: "hold", dryRun: false } as const;
  const world = new World(asked, gate);
  world.announce("UPDATE, of trusted peers");
  const own = world.routesOfFirst;
  const turn = (name: string, work: () => void, isOver: () => boolean): void => {
    bench.time(name, own, () => {
      work();
      world.rest(isOver);
    });
    world.rest();
  };
  turn(
    "one peer loses trust: per route of it, until the last is held",
    () => {
      trusted = false;
      told();
    },
    () => applied,
  );
  applied = false;
  world.announce("UPDATE, one peer held, nothing changed");
  turn(
    "it is trusted again: until the last counts",
    () => {
      trusted = true;
      told();
    },
    () => applied,
  );
  turn(
    "it is lost: until the last is removed",
    () => world.lose(0),
    () => !world.reflector.isRemoving,
  );
  for (let peer = 1; peer < PEERS; peer++) world.lose(peer);
  world.rest();
  if (world.reflector.stats()["routes"] !== 0) throw new Error("routes are left over");
}

for (let n = 0; n < ROUNDS; n++) round();
bench.print(`trust, ${ROUTES} routes of ${PEERS} PEs, ten to an UPDATE`);
process.exit(0);
