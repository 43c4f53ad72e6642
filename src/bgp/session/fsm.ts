/**
 * The BGP state machine (RFC 4271 section 8.2.2, RFC 6608) as a pure function: no I/O, no clock.
 *
 * Optional session attributes, as this speaker chooses them: AllowAutomaticStart, DampPeerOscillations
 * and SendNOTIFICATIONwithoutOPEN on; DelayOpen, TrackTcpState and CollisionDetectEstablishedState off.
 * A machine runs per connection from OpenSent on (`session.ts`); Idle, Connect and Active belong to the
 * peer (`peer.ts`), which performs the same actions.
 *
 * Three departures from the letter, all common practice: a failed connect goes to Active with
 * ConnectRetry running (not to Idle), a NOTIFICATION is never answered with one, and a second OPEN on an
 * Established session is an error (5/3) instead of being ignored.
 */

export const State = {
  Idle: "Idle",
  Connect: "Connect",
  Active: "Active",
  OpenSent: "OpenSent",
  OpenConfirm: "OpenConfirm",
  Established: "Established",
} as const;
export type State = (typeof State)[keyof typeof State];

/** RFC 4271 section 8.1 event numbers; `routeRefresh` (RFC 2918) came later and has none. */
export const EVENT_NUMBER = {
  manualStart: 1,
  manualStop: 2,
  automaticStart: 3,
  manualStartPassive: 4,
  automaticStartPassive: 5,
  automaticStartDamped: 6,
  automaticStartDampedPassive: 7,
  automaticStop: 8,
  connectRetryExpires: 9,
  holdExpires: 10,
  keepaliveExpires: 11,
  delayOpenExpires: 12,
  idleHoldExpires: 13,
  tcpRequestValid: 14,
  tcpRequestInvalid: 15,
  tcpConnected: 16,
  tcpAccepted: 17,
  tcpFails: 18,
  open: 19,
  openWhileDelayed: 20,
  headerError: 21,
  openError: 22,
  collisionDump: 23,
  versionNotification: 24,
  notification: 25,
  keepalive: 26,
  update: 27,
  updateError: 28,
  sendHoldExpires: 29,
  routeRefresh: 0,
} as const;
export type EventKind = keyof typeof EVENT_NUMBER;

/** What a NOTIFICATION is made of; code 0 means close without one. */
export interface Fault {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
  /** Meant for good although its codes do not say so (RFC 8538). */
  readonly hard?: boolean;
}

export type Event =
  | { readonly kind: "idleHoldExpires"; readonly passive: boolean }
  | { readonly kind: FaultEvent; readonly fault: Fault }
  | { readonly kind: Exclude<EventKind, FaultEvent | "idleHoldExpires"> };
/** Events that say themselves what the peer is told. */
export type FaultEvent =
  "headerError" | "openError" | "updateError" | "manualStop" | "automaticStop" | "collisionDump";

export type Action =
  | { readonly kind: "connect" }
  | { readonly kind: "send"; readonly message: "open" | "keepalive" }
  | { readonly kind: "notify"; readonly fault: Fault }
  /** Zero or restart a timer. Hold is `large` until both OPENs are in, then `negotiated`. */
  | { readonly kind: "arm"; readonly timer: "connectRetry" | "keepalive" }
  | { readonly kind: "arm"; readonly timer: "hold"; readonly time: "large" | "negotiated" }
  | { readonly kind: "disarm"; readonly timer: "connectRetry" }
  | { readonly kind: "established" }
  | { readonly kind: "update" }
  | { readonly kind: "refresh" }
  /** Drop TCP and everything of this connection; `damp` waits in Idle before the next start. */
  | { readonly kind: "close"; readonly damp: boolean };

export interface Step {
  readonly next: State;
  readonly actions: readonly Action[];
}

const NO_DATA = new Uint8Array(0);
const CONNECT: Action = { kind: "connect" };
const ARM_RETRY: Action = { kind: "arm", timer: "connectRetry" };
const DISARM_RETRY: Action = { kind: "disarm", timer: "connectRetry" };
const ARM_KEEPALIVE: Action = { kind: "arm", timer: "keepalive" };
const HOLD_LARGE: Action = { kind: "arm", timer: "hold", time: "large" };
const HOLD: Action = { kind: "arm", timer: "hold", time: "negotiated" };
const SEND_OPEN: Action = { kind: "send", message: "open" };
const SEND_KEEPALIVE: Action = { kind: "send", message: "keepalive" };

const CLOSE: Step = { next: State.Idle, actions: [{ kind: "close", damp: true }] };
const CLOSE_UNDAMPED: Step = { next: State.Idle, actions: [{ kind: "close", damp: false }] };
const HOLD_TIMER_EXPIRED: Fault = { code: 4, subcode: 0, data: NO_DATA };

export function step(state: State, event: Event): Step {
  switch (state) {
    case State.Idle:
      return stepIdle(event);
    case State.Connect:
      return stepConnect(event);
    case State.Active:
      return stepActive(event);
    case State.OpenSent:
      return stepOpenSent(event);
    case State.OpenConfirm:
      return stepOpenConfirm(event);
    case State.Established:
      return stepEstablished(event);
  }
}

function stepIdle(event: Event): Step {
  switch (event.kind) {
    case "manualStart":
    case "automaticStart":
    case "automaticStartDamped":
      return { next: State.Connect, actions: [ARM_RETRY, CONNECT] };
    case "manualStartPassive":
    case "automaticStartPassive":
    case "automaticStartDampedPassive":
      return { next: State.Active, actions: [ARM_RETRY] };
    case "idleHoldExpires":
      return event.passive
        ? { next: State.Active, actions: [ARM_RETRY] }
        : { next: State.Connect, actions: [ARM_RETRY, CONNECT] };
    default:
      return stay(State.Idle);
  }
}

function stepConnect(event: Event): Step {
  if (isStart(event)) return stay(State.Connect);
  switch (event.kind) {
    case "manualStop":
      return CLOSE_UNDAMPED;
    case "connectRetryExpires":
      return {
        next: State.Connect,
        actions: [{ kind: "close", damp: false }, ARM_RETRY, CONNECT],
      };
    case "tcpConnected":
    case "tcpAccepted":
      return { next: State.OpenSent, actions: [DISARM_RETRY, SEND_OPEN, HOLD_LARGE] };
    case "tcpFails":
      return { next: State.Active, actions: [{ kind: "close", damp: false }, ARM_RETRY] };
    case "headerError":
    case "openError":
      return notifyAndClose(event.fault, true);
    default:
      return CLOSE;
  }
}

function stepActive(event: Event): Step {
  if (isStart(event)) return stay(State.Active);
  switch (event.kind) {
    case "manualStop":
      return CLOSE_UNDAMPED;
    case "connectRetryExpires":
      return { next: State.Connect, actions: [ARM_RETRY, CONNECT] };
    case "tcpConnected":
    case "tcpAccepted":
      return { next: State.OpenSent, actions: [DISARM_RETRY, SEND_OPEN, HOLD_LARGE] };
    case "headerError":
    case "openError":
      return notifyAndClose(event.fault, true);
    default:
      return CLOSE;
  }
}

function stepOpenSent(event: Event): Step {
  if (isStart(event)) return stay(State.OpenSent);
  switch (event.kind) {
    case "open":
      return {
        next: State.OpenConfirm,
        actions: [DISARM_RETRY, SEND_KEEPALIVE, ARM_KEEPALIVE, HOLD],
      };
    case "tcpFails":
      return { next: State.Active, actions: [{ kind: "close", damp: false }, ARM_RETRY] };
    case "holdExpires":
      return notifyAndClose(HOLD_TIMER_EXPIRED, true);
    case "headerError":
    case "openError":
    case "automaticStop":
    case "collisionDump":
      return notifyAndClose(event.fault, true);
    case "manualStop":
      return notifyAndClose(event.fault, false);
    case "versionNotification":
      return CLOSE_UNDAMPED;
    case "notification":
    case "sendHoldExpires":
      return CLOSE;
    default:
      return unexpected(event, 1);
  }
}

function stepOpenConfirm(event: Event): Step {
  if (isStart(event)) return stay(State.OpenConfirm);
  switch (event.kind) {
    case "keepalive":
      return { next: State.Established, actions: [HOLD, { kind: "established" }] };
    case "keepaliveExpires":
      return { next: State.OpenConfirm, actions: [SEND_KEEPALIVE, ARM_KEEPALIVE] };
    case "holdExpires":
      return notifyAndClose(HOLD_TIMER_EXPIRED, true);
    case "headerError":
    case "openError":
    case "automaticStop":
    case "collisionDump":
      return notifyAndClose(event.fault, true);
    case "manualStop":
      return notifyAndClose(event.fault, false);
    case "versionNotification":
      return CLOSE_UNDAMPED;
    case "tcpFails":
    case "notification":
    case "sendHoldExpires":
      return CLOSE;
    default:
      return unexpected(event, 2);
  }
}

function stepEstablished(event: Event): Step {
  if (isStart(event)) return stay(State.Established);
  switch (event.kind) {
    case "update":
      return { next: State.Established, actions: [HOLD, { kind: "update" }] };
    case "routeRefresh":
      return { next: State.Established, actions: [HOLD, { kind: "refresh" }] };
    case "keepalive":
      return { next: State.Established, actions: [HOLD] };
    case "keepaliveExpires":
      return { next: State.Established, actions: [SEND_KEEPALIVE, ARM_KEEPALIVE] };
    case "holdExpires":
      return notifyAndClose(HOLD_TIMER_EXPIRED, true);
    case "headerError":
    case "updateError":
    case "automaticStop":
    case "collisionDump":
      return notifyAndClose(event.fault, true);
    case "manualStop":
      return notifyAndClose(event.fault, false);
    case "tcpFails":
    case "notification":
    case "versionNotification":
    case "sendHoldExpires":
      return CLOSE;
    default:
      return unexpected(event, 3);
  }
}

/** Message type named in an FSM error's data; 0 where the event is no message. */
const MESSAGE_TYPE: Partial<Record<EventKind, number>> = {
  open: 1,
  openWhileDelayed: 1,
  openError: 1,
  update: 2,
  updateError: 2,
  notification: 3,
  keepalive: 4,
  routeRefresh: 5,
};

/** FSM error (RFC 6608 sections 3 and 4): the subcode is the state, the data the type of the message. */
function unexpected(event: Event, subcode: number): Step {
  const type = MESSAGE_TYPE[event.kind];
  const data = type === undefined ? NO_DATA : Uint8Array.of(type);
  return notifyAndClose({ code: 5, subcode, data }, true);
}

function notifyAndClose(fault: Fault, damp: boolean): Step {
  const close: Action = { kind: "close", damp };
  return {
    next: State.Idle,
    actions: fault.code === 0 ? [close] : [{ kind: "notify", fault }, close],
  };
}

function stay(state: State): Step {
  return { next: state, actions: [] };
}

/** Start events count in Idle only; TCP tracking is off, so its events mean nothing anywhere. */
function isStart(event: Event): boolean {
  const number = EVENT_NUMBER[event.kind];
  return number === 1 || (number >= 3 && number <= 7) || number === 14 || number === 15;
}
