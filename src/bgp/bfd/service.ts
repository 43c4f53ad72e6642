/**
 * BFD as the speaker's thread sees it: which peers have a session, what state it is in, and who is told
 * when one goes down. The work is done by a host (`host.ts`), which exists only while some peer has BFD.
 */
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { BfdHost, BfdHostFactory } from "./host.js";
import type { DownCause } from "./machine.js";
import type { BfdReport, BfdSnapshot, BfdSpec, BfdStats } from "./messages.js";
import type { BfdStateName } from "./packet.js";

/** What is known here without asking the thread. */
export interface BfdStatus {
  readonly state: BfdStateName;
  readonly diag: string;
  /** Wall-clock milliseconds. */
  readonly since: number;
}

export interface BfdOverview {
  readonly sessions: readonly BfdSnapshot[];
  readonly stats: BfdStats;
}

/** Told of what matters to BGP. */
export interface BfdListener {
  /** The session was Up and failed; never for an AdminDown of either side (RFC 5882 section 4.2). */
  down(peer: string, detail: string, independent: boolean): void;
  up(peer: string): void;
}

export interface BfdServiceParts {
  readonly host: BfdHostFactory;
  readonly listener: BfdListener;
  readonly clock: Clock;
  readonly log: Log;
}

/** Longest wait for the thread's answer to a question. */
const ANSWER_MS = 2000;
/** A thread that died comes back after this. */
const REVIVE_MS = 1000;
/** The farewell of a thread that stops. */
const STOP_MS = 500;

/** What there is to say where no BFD runs. */
export const NO_BFD: BfdOverview = {
  sessions: [],
  stats: {
    received: 0,
    malformed: 0,
    unknownDiscriminator: 0,
    unknownSource: 0,
    ttlChecked: false,
  },
};

export class BfdService {
  private readonly parts: BfdServiceParts;
  private readonly wanted = new Map<string, BfdSpec>();
  private readonly states = new Map<string, BfdStatus>();
  private readonly questions = new Map<number, (overview: BfdOverview) => void>();
  private host: BfdHost | undefined;
  private lastRequest = 0;
  private failures = 0;
  private stopped: (() => void) | undefined;
  private closed = false;

  constructor(parts: BfdServiceParts) {
    this.parts = parts;
  }

  /** Sessions that are wanted. */
  get size(): number {
    return this.wanted.size;
  }

  /** Numbers of the sessions by state. */
  get counts(): Record<string, number> {
    let up = 0;
    for (const { state } of this.states.values()) if (state === "Up") up++;
    return {
      bfd_sessions: this.wanted.size,
      bfd_sessions_up: up,
      bfd_failures_total: this.failures,
    };
  }

  spec(peer: string): BfdSpec | undefined {
    return this.wanted.get(peer);
  }

  status(peer: string): BfdStatus | undefined {
    return this.states.get(peer);
  }

  /** Makes the peer's session or changes it; nothing when it is so already. */
  want(spec: BfdSpec): void {
    if (this.closed) return;
    const before = this.wanted.get(spec.peer);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(spec)) return;
    this.wanted.set(spec.peer, spec);
    if (before === undefined) this.note(spec.peer, "Down", "none");
    this.host ??= this.revive();
    this.host.command({ kind: "set", spec });
  }

  drop(peer: string): void {
    if (!this.wanted.delete(peer)) return;
    this.states.delete(peer);
    this.host?.command({ kind: "remove", peer });
  }

  /** Everything the thread knows; without it, nothing. */
  overview(): Promise<BfdOverview> {
    const { host } = this;
    if (host === undefined) return Promise.resolve(NO_BFD);
    const request = ++this.lastRequest;
    return new Promise((resolve) => {
      const timer = this.parts.clock.setTimer(ANSWER_MS, () => {
        if (this.questions.delete(request)) resolve(NO_BFD);
      });
      this.questions.set(request, (overview) => {
        timer.cancel();
        resolve(overview);
      });
      host.command({ kind: "snapshot", request });
    });
  }

  /** AdminDown to every peer. */
  close(): Promise<void> {
    this.closed = true;
    const { host } = this;
    if (host === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.parts.clock.setTimer(STOP_MS, () => {
        host.kill();
        resolve();
      });
      this.stopped = () => {
        timer.cancel();
        resolve();
      };
      host.command({ kind: "stop" });
    });
  }

  private revive(): BfdHost {
    const { host, clock, log } = this.parts;
    return host({
      report: (report) => this.reported(report),
      died: (error) => {
        if (this.closed) return;
        // BGP stays: that our thread died says nothing about a peer.
        log.error({ err: error }, "BFD stopped by a bug and starts again: please report it");
        for (const peer of this.wanted.keys()) this.note(peer, "Down", "none");
        clock.setTimer(REVIVE_MS, () => {
          if (this.closed) return;
          this.host = this.revive();
          for (const spec of this.wanted.values()) this.host.command({ kind: "set", spec });
        });
      },
    });
  }

  private reported(report: BfdReport): void {
    switch (report.kind) {
      case "state":
        return this.stateChanged(report);
      case "snapshot": {
        const answer = this.questions.get(report.request);
        this.questions.delete(report.request);
        return answer?.(report);
      }
      case "problem":
        return this.parts.log.error({ peer: report.peer }, `BFD: ${report.text}`);
      case "stopped":
        return this.stopped?.();
    }
  }

  private stateChanged(report: BfdReport & { readonly kind: "state" }): void {
    const { peer, state, diag, cause, detail } = report;
    // A session that says farewell is nobody's concern.
    if (!this.wanted.has(peer)) return;
    this.note(peer, state, diag);
    const { listener, log } = this.parts;
    if (state === "Up") {
      log.info({ peer }, "BFD is up");
      listener.up(peer);
    } else if (cause !== undefined) {
      log.warn({ peer, state, diag }, `BFD is down: ${detail}`);
      if (!isFailure(cause)) return;
      this.failures++;
      listener.down(peer, detail, report.independent);
    }
  }

  private note(peer: string, state: BfdStateName, diag: string): void {
    this.states.set(peer, { state, diag, since: this.parts.clock.wall() });
  }
}

function isFailure(cause: DownCause): boolean {
  return cause === "expired" || cause === "neighbor-down";
}
