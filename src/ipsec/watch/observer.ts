/**
 * Looks at tunnels again and again, and keeps what each one is: its health, its monitor, what it passes. Tells
 * of changes. Probes run beside it, a few at a time.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import { tunnelMtu } from "../check/mtu.js";
import type { Diagnoser, DiagnosedTunnel } from "../diagnosis/diagnoser.js";
import type { DriverControl, TunnelFacts } from "../live/control.js";
import type { TunnelSide } from "../model/index.js";
import {
  installedChildren,
  judge,
  networksOf,
  type MonitorState,
  type TunnelHealth,
} from "./health.js";
import { Monitor } from "./monitor.js";
import { largestPacket, ping, type RunProgram } from "./ping.js";
import { countersOf, probeTarget } from "./tests-by-hand.js";

export interface ObserverParts {
  readonly clock: Clock;
  readonly driver: DriverControl;
  readonly diagnoser: Diagnoser;
  readonly run: RunProgram;
  /** Tunnels of this gateway that are installed. */
  readonly tunnels: () => readonly DiagnosedTunnel[];
  readonly changed: (
    tunnel: DiagnosedTunnel,
    health: TunnelHealth,
    before: TunnelHealth | undefined,
  ) => void;
  /** Packets came through for the first time since its keys were made. */
  readonly decrypted: (tunnel: DiagnosedTunnel, facts: TunnelFacts) => void;
  /** All of them were looked at: there are no others. */
  readonly looked: (names: ReadonlySet<string>) => void;
}

const LOOK_MS = 1000;
const LOOK_SOON_MS = 50;
/** Probes under way at once. */
const MOST_PROBES = 8;

/** Tunnels looked at in one turn of the event loop: there may be thousands, and BGP waits. */
const SLICE = 100;

interface Round {
  readonly tunnels: readonly DiagnosedTunnel[];
  readonly facts: ReadonlyMap<string, TunnelFacts>;
  readonly silent: string | undefined;
  next: number;
}

interface Watched {
  health: TunnelHealth | undefined;
  monitor: Monitor | undefined;
  /** The same object as long as the tunnel is the same. */
  side: TunnelSide;
  /** Of the monitor's rules and the target, to see that they are others. */
  rules: string;
  probing: boolean;
  measured: boolean;
  passed: boolean;
}

export class Observer {
  private readonly parts: ObserverParts;
  private readonly watched = new Map<string, Watched>();
  private round: Round | undefined;
  private timer: TimerHandle | undefined;
  private dueAt = Infinity;
  private probes = 0;
  private stopped = false;

  constructor(parts: ObserverParts) {
    this.parts = parts;
  }

  start(): void {
    this.look();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  /** Something happened: looks again in a moment. */
  soon(): void {
    this.arm(LOOK_SOON_MS);
  }

  health(tunnel: string): TunnelHealth | undefined {
    return this.watched.get(tunnel)?.health;
  }

  monitorState(tunnel: string): MonitorState {
    return this.watched.get(tunnel)?.health?.monitor ?? "off";
  }

  /** One slice of a round over all tunnels; the next follows at once, the next round later. */
  look(): void {
    const round = (this.round ??= this.beginRound());
    const { tunnels, facts, silent } = round;
    const stop = Math.min(tunnels.length, round.next + SLICE);
    for (; round.next < stop; round.next++) {
      const tunnel = tunnels[round.next]!;
      this.lookAt(tunnel, facts.get(tunnel.side.tunnel), silent);
    }
    if (round.next < tunnels.length) return this.arm(0);
    this.round = undefined;
    const seen = new Set(tunnels.map(({ side }) => side.tunnel));
    for (const name of this.watched.keys()) if (!seen.has(name)) this.watched.delete(name);
    this.parts.looked(seen);
    this.arm(LOOK_MS);
  }

  private beginRound(): Round {
    const { driver, tunnels } = this.parts;
    const daemon = driver.daemon();
    return {
      tunnels: tunnels(),
      facts: new Map(driver.tunnels().map((one) => [one.tunnel, one])),
      silent: daemon.connected ? undefined : (daemon.problem ?? "the IKE daemon is away"),
      next: 0,
    };
  }

  private lookAt(
    tunnel: DiagnosedTunnel,
    facts: TunnelFacts | undefined,
    silent: string | undefined,
  ): void {
    const { clock, diagnoser } = this.parts;
    const { side } = tunnel;
    const watched = this.of(tunnel);
    const sas = silent === undefined ? (facts?.sas ?? []) : [];
    const up = facts?.up === true && silent === undefined;
    if (!up) {
      watched.monitor?.reset(clock.now());
      watched.measured = false;
      watched.passed = false;
    }
    const uncovered = facts?.uncovered ?? [];
    diagnoser.look(tunnel, sas, networksOf(uncovered), clock.wall());
    if (up && watched.monitor !== undefined) this.probe(tunnel, watched, watched.monitor, facts);
    const counters = countersOf(sas);
    if (up && !watched.passed && counters.decaps > 0) {
      watched.passed = true;
      this.parts.decrypted(tunnel, facts);
    }
    const problem = facts?.problem;
    const verdict = judge({
      side,
      sas,
      uncovered,
      monitor: watched.monitor === undefined ? "off" : watched.monitor.state,
      probeText: watched.monitor?.text ?? "",
      diagnosis: diagnoser.current(side.tunnel)?.text ?? problem ?? "",
      silent,
    });
    const before = watched.health;
    const same = before?.state === verdict.state;
    watched.health = { ...verdict, since: same ? before.since : clock.wall() };
    if (!same || before.reason !== verdict.reason) {
      this.parts.changed(tunnel, watched.health, before);
    }
  }

  private probe(
    tunnel: DiagnosedTunnel,
    watched: Watched,
    monitor: Monitor,
    facts: TunnelFacts,
  ): void {
    if (watched.probing || this.probes >= MOST_PROBES) return;
    const { side } = tunnel;
    const destination = probeTarget(side);
    const children = installedChildren(facts.sas);
    if (destination === undefined || children.length === 0) return;
    const { encaps, decaps } = countersOf(facts.sas);
    const step = monitor.step(this.parts.clock.now(), { packetsIn: decaps, packetsOut: encaps });
    if (step === "wait") return;
    watched.probing = true;
    this.probes++;
    void this.runProbe(tunnel, watched, monitor, destination)
      .catch(() => {
        // The daemon went away meanwhile: the next look says so.
      })
      .then(() => {
        watched.probing = false;
        this.probes--;
        this.soon();
      });
  }

  private async runProbe(
    tunnel: DiagnosedTunnel,
    watched: Watched,
    monitor: Monitor,
    destination: string,
  ): Promise<void> {
    const { driver, run, diagnoser, clock } = this.parts;
    const { side } = tunnel;
    const source = side.monitor?.source;
    const before = countersOf(await driver.sas(side.tunnel));
    const { received } = await ping(run, { destination, source, count: 1 });
    const after = countersOf(await driver.sas(side.tunnel));
    const counters = ({
      encaps,
      decaps,
    }: typeof before): { packetsIn: number; packetsOut: number } => ({
      packetsIn: decaps,
      packetsOut: encaps,
    });
    const wants = monitor.answered(received > 0, counters(before), counters(after));
    if (monitor.state === "down") {
      const sign = { code: "passes-nothing", certain: true, text: monitor.text } as const;
      diagnoser.tell(side.tunnel, sign, undefined, clock.wall());
    } else diagnoser.end(side.tunnel, clock.wall(), (code) => code === "passes-nothing");
    if (wants) await driver.renegotiate(side.tunnel);
    if (received > 0 && !watched.measured) {
      watched.measured = true;
      await this.measure(tunnel, destination, source);
    }
  }

  /** Once for each time that it comes up: large packets may be lost though small ones pass. */
  private async measure(
    { side }: DiagnosedTunnel,
    destination: string,
    source: string | undefined,
  ): Promise<void> {
    const { run, diagnoser, clock } = this.parts;
    const { inner } = tunnelMtu(side);
    const largest = await largestPacket(run, { destination, source }, inner);
    if (largest === undefined || largest >= inner) {
      return diagnoser.end(side.tunnel, clock.wall(), (code) => code === "mtu");
    }
    const sign = {
      code: "mtu",
      certain: true,
      text: `packets over ${largest} octets are lost in the tunnel, ${inner} should pass`,
      ours: String(inner),
      theirs: String(largest),
    } as const;
    diagnoser.tell(side.tunnel, sign, undefined, clock.wall());
  }

  private of({ side }: DiagnosedTunnel): Watched {
    const known = this.watched.get(side.tunnel);
    if (known?.side === side) return known;
    const { monitor } = side;
    const rules = monitor === undefined ? "" : JSON.stringify([monitor, probeTarget(side)]);
    if (known?.rules === rules) {
      known.side = side;
      return known;
    }
    const made: Watched = {
      health: known?.health,
      monitor: monitor === undefined ? undefined : new Monitor(monitor, this.parts.clock.now()),
      side,
      rules,
      probing: false,
      measured: false,
      passed: known?.passed ?? false,
    };
    this.watched.set(side.tunnel, made);
    return made;
  }

  private arm(milliseconds: number): void {
    const at = this.parts.clock.now() + milliseconds;
    if (this.stopped || (this.timer !== undefined && this.dueAt <= at)) return;
    this.timer?.cancel();
    this.dueAt = at;
    this.timer = this.parts.clock.setTimer(milliseconds, () => {
      this.timer = undefined;
      this.look();
    });
  }
}
