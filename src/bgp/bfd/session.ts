/**
 * One BFD session: the machine of `machine.ts` with its two timers, its packets and its numbers.
 * Where packets go out, what time it is and who is told are passed in.
 *
 * A silence is believed only when a poll phase has passed since: packets that lay in the socket while
 * this thread did not run are heard first.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import { Authenticator } from "./auth.js";
import {
  announcedTx,
  detectionTime,
  initialVars,
  step,
  txInterval,
  type BfdEvent,
  type DownCause,
  type Vars,
} from "./machine.js";
import type { BfdReport, BfdSnapshot, BfdSpec } from "./messages.js";
import { BfdState, diagName, encodePacket, STATE_NAMES, type BfdPacket } from "./packet.js";

export interface BfdSessionParts {
  readonly clock: Clock;
  readonly random: () => number;
  /** Runs `check` when what was readable has been read. */
  readonly afterPoll: (check: () => void) => void;
  readonly send: (bytes: Uint8Array) => void;
  readonly report: (report: BfdReport) => void;
}

const MS = 1000;
/** How long AdminDown is said at least before the session is forgotten (section 6.8.16). */
const FAREWELL_MS = 1000;

export class BfdSession {
  readonly localDiscriminator: number;
  spec: BfdSpec;
  sendErrors = 0;
  private readonly parts: BfdSessionParts;
  private readonly auth: Authenticator | undefined;
  private vars: Vars;
  private sendTimer: TimerHandle | undefined;
  /** Interval the timer that runs was armed for. */
  private armedFor = 0;
  private detectTimer: TimerHandle | undefined;
  private farewellTimer: TimerHandle | undefined;
  /** When the timer that runs fires. */
  private detectDue = 0;
  private lastHeard = 0;
  private closed = false;
  private packetsIn = 0;
  private packetsOut = 0;
  private authFailures = 0;
  private since: number;
  private upCount = 0;
  private downCount = 0;

  constructor(spec: BfdSpec, discriminator: number, parts: BfdSessionParts) {
    this.spec = spec;
    this.localDiscriminator = discriminator;
    this.parts = parts;
    this.auth = spec.auth === undefined ? undefined : new Authenticator(spec.auth);
    this.vars = initialVars(spec, spec.passive);
    this.since = parts.clock.wall();
  }

  start(): void {
    if (txInterval(this.vars) > 0) this.transmit(false);
    this.armSend();
  }

  /** New timers: a Poll Sequence tells the peer, and nothing flaps. */
  retime(spec: BfdSpec): void {
    this.spec = spec;
    this.run({ kind: "timers", timers: spec });
  }

  /** A decoded packet that is this session's, with its datagram for the digest. */
  receive(packet: BfdPacket, bytes: Uint8Array): void {
    if (this.closed) return;
    const { auth } = this;
    if (packet.authenticated !== (auth !== undefined) || auth?.accepts(bytes, packet) === false) {
      this.authFailures++;
      return;
    }
    this.packetsIn++;
    this.lastHeard = this.parts.clock.now();
    this.run({ kind: "packet", packet });
    this.armDetect();
  }

  /** AdminDown to the peer for a detection time of its, then `gone`. */
  close(gone: () => void): void {
    this.detectTimer?.cancel();
    this.run({ kind: "adminDown" });
    const farewell = Math.max(FAREWELL_MS, (this.spec.multiplier * txInterval(this.vars)) / MS);
    this.closed = true;
    this.farewellTimer = this.parts.clock.setTimer(Math.min(farewell, 10 * FAREWELL_MS), () => {
      this.abandon();
      gone();
    });
  }

  /** At once and without a word. */
  abandon(): void {
    this.closed = true;
    this.farewellTimer?.cancel();
    this.sendTimer?.cancel();
    this.detectTimer?.cancel();
  }

  snapshot(): BfdSnapshot {
    const { spec, vars } = this;
    return {
      peer: spec.peer,
      state: STATE_NAMES[vars.state],
      remoteState: STATE_NAMES[vars.remoteState],
      diag: diagName(vars.diag),
      remoteDiag: diagName(vars.remoteDiag),
      localAddress: spec.localAddress,
      multihop: spec.multihop,
      localDiscriminator: this.localDiscriminator,
      remoteDiscriminator: vars.remoteDiscriminator,
      txIntervalMs: txInterval(vars) / MS,
      detectionTimeMs: detectionTime(vars) / MS,
      remoteMinTxMs: vars.remoteMinTx / MS,
      remoteMinRxMs: vars.remoteMinRx / MS,
      remoteMultiplier: vars.remoteMultiplier,
      remoteIndependent: vars.remoteIndependent,
      authentication: spec.auth?.type ?? "none",
      packetsIn: this.packetsIn,
      packetsOut: this.packetsOut,
      sendErrors: this.sendErrors,
      authFailures: this.authFailures,
      since: this.since,
      upCount: this.upCount,
      downCount: this.downCount,
    };
  }

  private run(event: BfdEvent): void {
    const before = this.vars;
    const { vars, send, cause } = step(before, event);
    this.vars = vars;
    if (vars.state !== before.state) this.changed(vars, cause);
    if (send !== "none") {
      this.auth?.contentChanged();
      this.transmit(send === "final");
    }
    if (send === "now") this.armSend();
    else if (txInterval(vars) !== this.armedFor) this.armSend();
  }

  private changed(vars: Vars, cause: DownCause | undefined): void {
    this.since = this.parts.clock.wall();
    if (vars.state === BfdState.Up) this.upCount++;
    if (cause !== undefined) this.downCount++;
    this.parts.report({
      kind: "state",
      peer: this.spec.peer,
      state: STATE_NAMES[vars.state],
      diag: diagName(vars.diag),
      cause,
      independent: vars.remoteIndependent,
      detail: cause === undefined ? "" : this.explain(cause, vars),
    });
  }

  private explain(cause: DownCause, vars: Vars): string {
    switch (cause) {
      case "expired":
        return `BFD heard nothing for ${Math.round(this.parts.clock.now() - this.lastHeard)} ms`;
      case "neighbor-down":
        return `the peer's BFD is down (${diagName(vars.remoteDiag)})`;
      case "neighbor-admin-down":
        return "the peer switched BFD off";
      case "admin-down":
        return "BFD was switched off here";
    }
  }

  private transmit(final: boolean): void {
    const { vars, auth } = this;
    const bytes = encodePacket(
      {
        diag: vars.diag,
        state: vars.state,
        // A packet never has both (section 6.5).
        poll: vars.polling && !final,
        final,
        // BFD is part of this process: it dies with the control plane.
        independent: false,
        demand: false,
        multiplier: vars.multiplier,
        myDiscriminator: this.localDiscriminator,
        yourDiscriminator: vars.remoteDiscriminator,
        minTx: announcedTx(vars),
        minRx: vars.minRx,
        minEchoRx: 0,
        authenticated: auth !== undefined,
      },
      auth?.length ?? 0,
    );
    auth?.sign(bytes);
    this.packetsOut++;
    this.parts.send(bytes);
  }

  private armSend(): void {
    this.sendTimer?.cancel();
    this.sendTimer = undefined;
    this.armedFor = txInterval(this.vars);
    if (this.armedFor === 0) return;
    this.sendTimer = this.parts.clock.setTimer(this.jittered(this.armedFor) / MS, () => {
      this.sendTimer = undefined;
      this.transmit(false);
      this.armSend();
    });
  }

  /** Section 6.8.7: up to a quarter less, and at least a tenth less when one packet decides. */
  private jittered(interval: number): number {
    const { multiplier } = this.vars;
    const least = 0.75;
    const most = multiplier === 1 ? 0.9 : 1;
    return interval * (least + (most - least) * this.parts.random());
  }

  /** One timer that is moved only forward: a packet stores a time and arms nothing. */
  private armDetect(): void {
    const detection = detectionTime(this.vars) / MS;
    if (detection === 0 || this.closed) return;
    const due = this.lastHeard + detection;
    if (this.detectTimer !== undefined && this.detectDue <= due) return;
    this.detectTimer?.cancel();
    this.detectDue = due;
    this.detectTimer = this.parts.clock.setTimer(due - this.parts.clock.now(), () => {
      this.detectTimer = undefined;
      if (this.silent()) this.parts.afterPoll(() => this.confirmSilence());
      else this.armDetect();
    });
  }

  private silent(): boolean {
    const detection = detectionTime(this.vars) / MS;
    return detection > 0 && this.parts.clock.now() - this.lastHeard >= detection;
  }

  private confirmSilence(): void {
    if (this.closed) return;
    if (!this.silent()) return this.armDetect();
    this.auth?.forget();
    this.run({ kind: "expired" });
  }
}
