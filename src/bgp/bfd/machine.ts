/**
 * The state machine of one BFD session (RFC 5880 sections 6.2, 6.5 and 6.8), pure: variables and an
 * event go in, new variables and what to do come out. No clock, no socket, no randomness.
 *
 * Intervals are microseconds. What is announced and what is in force differ while a Poll Sequence
 * runs: a slower transmission waits for the peer's Final, and so does a shorter detection (6.8.3).
 */
import { BfdState, Diag, type BfdPacket } from "./packet.js";

/** No faster than this while the session is not Up (section 6.8.3). */
export const SLOW_TX = 1_000_000;

/** The section 6.8.1 variables that change. */
export interface Vars {
  readonly state: BfdState;
  readonly diag: number;
  readonly remoteState: BfdState;
  readonly remoteDiag: number;
  /** 0 = not known. */
  readonly remoteDiscriminator: number;
  readonly remoteMinTx: number;
  readonly remoteMinRx: number;
  readonly remoteMultiplier: number;
  readonly remoteDemand: boolean;
  readonly remoteIndependent: boolean;
  /** As configured. */
  readonly minTx: number;
  readonly minRx: number;
  readonly multiplier: number;
  readonly passive: boolean;
  /** A Poll Sequence runs: periodic packets carry P. */
  readonly polling: boolean;
  /** In force, see above. */
  readonly txInForce: number;
  readonly rxInForce: number;
}

export interface Timers {
  readonly minTx: number;
  readonly minRx: number;
  readonly multiplier: number;
}

export type BfdEvent =
  | { readonly kind: "packet"; readonly packet: BfdPacket }
  /** Detection time passed without a packet. */
  | { readonly kind: "expired" }
  | { readonly kind: "adminDown" }
  | { readonly kind: "timers"; readonly timers: Timers };

/** Why a session that was Up is no more. */
export type DownCause = "expired" | "neighbor-down" | "neighbor-admin-down" | "admin-down";

export interface BfdStep {
  readonly vars: Vars;
  /** A packet goes out at once: the peer waits for a Final, or should know of our new state. */
  readonly send: "none" | "now" | "final";
  /** Only when the session left Up. */
  readonly cause: DownCause | undefined;
}

export function initialVars(timers: Timers, passive: boolean): Vars {
  return {
    ...timers,
    state: BfdState.Down,
    diag: Diag.None,
    remoteState: BfdState.Down,
    remoteDiag: Diag.None,
    remoteDiscriminator: 0,
    remoteMinTx: 0,
    remoteMinRx: 1,
    remoteMultiplier: 0,
    remoteDemand: false,
    remoteIndependent: false,
    passive,
    polling: false,
    txInForce: Math.max(SLOW_TX, timers.minTx),
    rxInForce: timers.minRx,
  };
}

export function step(vars: Vars, event: BfdEvent): BfdStep {
  switch (event.kind) {
    case "packet":
      return received(vars, event.packet);
    case "expired":
      return expired(vars);
    case "adminDown":
      return enter(vars, BfdState.AdminDown, Diag.AdministrativelyDown, "admin-down");
    case "timers":
      return retimed(vars, event.timers);
  }
}

/** What our packets say as Desired Min TX: slow until Up. */
export function announcedTx(vars: Vars): number {
  return vars.state === BfdState.Up ? vars.minTx : Math.max(SLOW_TX, vars.minTx);
}

/** Microseconds between periodic packets, before jitter; 0 = none are sent (section 6.8.7). */
export function txInterval(vars: Vars): number {
  if (vars.remoteMinRx === 0) return 0;
  if (vars.passive && vars.remoteDiscriminator === 0) return 0;
  const demand =
    vars.remoteDemand && vars.state === BfdState.Up && vars.remoteState === BfdState.Up;
  if (demand && !vars.polling) return 0;
  return Math.max(vars.txInForce, vars.remoteMinRx);
}

/** Microseconds of silence that mean failure (section 6.8.4); 0 = nothing heard yet. */
export function detectionTime(vars: Vars): number {
  return vars.remoteMultiplier * Math.max(vars.rxInForce, vars.remoteMinTx);
}

/** Section 6.8.6 from where the session is known. */
function received(before: Vars, packet: BfdPacket): BfdStep {
  let vars: Vars = {
    ...before,
    remoteDiscriminator: packet.myDiscriminator,
    remoteState: packet.state,
    remoteDiag: packet.diag,
    remoteDemand: packet.demand,
    remoteIndependent: packet.independent,
    remoteMinTx: packet.minTx,
    remoteMinRx: packet.minRx,
    remoteMultiplier: packet.multiplier,
  };
  if (vars.polling && packet.final) vars = inForce({ ...vars, polling: false });
  if (vars.state === BfdState.AdminDown) return { vars, send: "none", cause: undefined };
  const next = transition(vars, packet.state);
  if (packet.poll) return { ...next, send: "final" };
  return next;
}

function transition(vars: Vars, remote: BfdState): BfdStep {
  const { state } = vars;
  const same: BfdStep = { vars, send: "none", cause: undefined };
  if (remote === BfdState.AdminDown) {
    if (state === BfdState.Down) return same;
    return enter(vars, BfdState.Down, Diag.NeighborSignaledDown, "neighbor-admin-down");
  }
  switch (state) {
    case BfdState.Down:
      if (remote === BfdState.Down) return enter(vars, BfdState.Init, vars.diag, undefined);
      if (remote === BfdState.Init) return enter(vars, BfdState.Up, Diag.None, undefined);
      return same;
    case BfdState.Init:
      if (remote >= BfdState.Init) return enter(vars, BfdState.Up, Diag.None, undefined);
      return same;
    case BfdState.Up:
      if (remote !== BfdState.Down) return same;
      return enter(vars, BfdState.Down, Diag.NeighborSignaledDown, "neighbor-down");
    default:
      return same;
  }
}

function expired(vars: Vars): BfdStep {
  // Nobody there: what it said of itself holds no longer (section 6.8.1).
  const alone = { ...vars, remoteDiscriminator: 0, remoteMinRx: 1, remoteMultiplier: 0 };
  if (vars.state !== BfdState.Up && vars.state !== BfdState.Init) {
    return { vars: alone, send: "none", cause: undefined };
  }
  return enter(alone, BfdState.Down, Diag.DetectionTimeExpired, "expired");
}

function enter(vars: Vars, state: BfdState, diag: number, cause: DownCause | undefined): BfdStep {
  const was = vars.state;
  if (was === state) return { vars, send: "none", cause: undefined };
  const next = inForce({ ...vars, state, diag, polling: false });
  // The faster transmission is news to the peer: it must be polled (section 6.8.3).
  const polling = state === BfdState.Up && announcedTx(next) !== announcedTx(vars);
  return {
    vars: { ...next, polling },
    send: "now",
    cause: was === BfdState.Up ? cause : undefined,
  };
}

function retimed(before: Vars, timers: Timers): BfdStep {
  const vars = { ...before, ...timers };
  if (timers.minTx === before.minTx && timers.minRx === before.minRx) {
    return { vars, send: "none", cause: undefined };
  }
  if (vars.state !== BfdState.Up) return { vars: inForce(vars), send: "none", cause: undefined };
  return {
    vars: {
      ...vars,
      polling: true,
      txInForce: Math.min(before.txInForce, vars.minTx),
      rxInForce: Math.max(before.rxInForce, vars.minRx),
    },
    send: "now",
    cause: undefined,
  };
}

function inForce(vars: Vars): Vars {
  return { ...vars, txInForce: announcedTx(vars), rxInForce: vars.minRx };
}
