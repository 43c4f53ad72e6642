/** Every (state, event) pair of RFC 4271 section 8.2.2 and RFC 6608, in a shorthand. */
import { describe, expect, test } from "vitest";
import {
  EVENT_NUMBER,
  State,
  step,
  type Action,
  type Event,
  type EventKind,
} from "../../../src/bgp/session/fsm.js";

const FAULT = { code: 99, subcode: 7, data: Uint8Array.of(1, 2) };

/** "6/7" for the fault the event carries; "close" damps, "close0" does not. */
function short(action: Action): string {
  switch (action.kind) {
    case "notify": {
      const { code, subcode, data } = action.fault;
      const hex = Buffer.from(data).toString("hex");
      return code === FAULT.code ? "notify event" : `notify ${code}/${subcode}${hex && `:${hex}`}`;
    }
    case "send":
      return `send ${action.message}`;
    case "arm":
      return action.timer === "hold" ? `hold ${action.time}` : `arm ${action.timer}`;
    case "disarm":
      return `disarm ${action.timer}`;
    case "close":
      return action.damp ? "close" : "close0";
    case "connect":
    case "established":
    case "update":
    case "refresh":
      return action.kind;
  }
}

function eventOf(kind: EventKind): Event {
  switch (kind) {
    case "headerError":
    case "openError":
    case "updateError":
    case "manualStop":
    case "automaticStop":
    case "collisionDump":
      return { kind, fault: FAULT };
    case "idleHoldExpires":
      return { kind, passive: false };
    default:
      return { kind };
  }
}

const IGNORED = "";
const START = "Connect: arm connectRetry, connect";
const START_PASSIVE = "Active: arm connectRetry";
const CLOSE = "Idle: close";
const CLOSE0 = "Idle: close0";
const NOTIFY = "Idle: notify event, close";
const OPEN_SENT = "OpenSent: disarm connectRetry, send open, hold large";
const KEEPALIVE = "send keepalive, arm keepalive";

/** Columns: Idle, Connect, Active, OpenSent, OpenConfirm, Established. */
const TABLE: Record<EventKind, readonly [string, string, string, string, string, string]> = {
  manualStart: [START, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED],
  automaticStart: [START, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED],
  automaticStartDamped: [START, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED],
  manualStartPassive: [START_PASSIVE, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED],
  automaticStartPassive: [START_PASSIVE, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED],
  automaticStartDampedPassive: [START_PASSIVE, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED],
  tcpRequestValid: [IGNORED, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED],
  tcpRequestInvalid: [IGNORED, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED],
  manualStop: [
    IGNORED,
    CLOSE0,
    CLOSE0,
    "Idle: notify event, close0",
    "Idle: notify event, close0",
    "Idle: notify event, close0",
  ],
  automaticStop: [IGNORED, CLOSE, CLOSE, NOTIFY, NOTIFY, NOTIFY],
  connectRetryExpires: [
    IGNORED,
    "Connect: close0, arm connectRetry, connect",
    "Connect: arm connectRetry, connect",
    "Idle: notify 5/1, close",
    "Idle: notify 5/2, close",
    "Idle: notify 5/3, close",
  ],
  holdExpires: [
    IGNORED,
    CLOSE,
    CLOSE,
    "Idle: notify 4/0, close",
    "Idle: notify 4/0, close",
    "Idle: notify 4/0, close",
  ],
  sendHoldExpires: [IGNORED, CLOSE, CLOSE, CLOSE, CLOSE, CLOSE],
  keepaliveExpires: [
    IGNORED,
    CLOSE,
    CLOSE,
    "Idle: notify 5/1, close",
    `OpenConfirm: ${KEEPALIVE}`,
    `Established: ${KEEPALIVE}`,
  ],
  delayOpenExpires: [
    IGNORED,
    CLOSE,
    CLOSE,
    "Idle: notify 5/1, close",
    "Idle: notify 5/2, close",
    "Idle: notify 5/3, close",
  ],
  idleHoldExpires: [
    START,
    CLOSE,
    CLOSE,
    "Idle: notify 5/1, close",
    "Idle: notify 5/2, close",
    "Idle: notify 5/3, close",
  ],
  tcpConnected: [
    IGNORED,
    OPEN_SENT,
    OPEN_SENT,
    "Idle: notify 5/1, close",
    "Idle: notify 5/2, close",
    "Idle: notify 5/3, close",
  ],
  tcpAccepted: [
    IGNORED,
    OPEN_SENT,
    OPEN_SENT,
    "Idle: notify 5/1, close",
    "Idle: notify 5/2, close",
    "Idle: notify 5/3, close",
  ],
  tcpFails: [
    IGNORED,
    "Active: close0, arm connectRetry",
    CLOSE,
    "Active: close0, arm connectRetry",
    CLOSE,
    CLOSE,
  ],
  open: [
    IGNORED,
    CLOSE,
    CLOSE,
    "OpenConfirm: disarm connectRetry, send keepalive, arm keepalive, hold negotiated",
    "Idle: notify 5/2:01, close",
    "Idle: notify 5/3:01, close",
  ],
  openWhileDelayed: [
    IGNORED,
    CLOSE,
    CLOSE,
    "Idle: notify 5/1:01, close",
    "Idle: notify 5/2:01, close",
    "Idle: notify 5/3:01, close",
  ],
  headerError: [IGNORED, NOTIFY, NOTIFY, NOTIFY, NOTIFY, NOTIFY],
  openError: [IGNORED, NOTIFY, NOTIFY, NOTIFY, NOTIFY, "Idle: notify 5/3:01, close"],
  collisionDump: [IGNORED, CLOSE, CLOSE, NOTIFY, NOTIFY, NOTIFY],
  versionNotification: [IGNORED, CLOSE, CLOSE, CLOSE0, CLOSE0, CLOSE],
  notification: [IGNORED, CLOSE, CLOSE, CLOSE, CLOSE, CLOSE],
  keepalive: [
    IGNORED,
    CLOSE,
    CLOSE,
    "Idle: notify 5/1:04, close",
    "Established: hold negotiated, established",
    "Established: hold negotiated",
  ],
  update: [
    IGNORED,
    CLOSE,
    CLOSE,
    "Idle: notify 5/1:02, close",
    "Idle: notify 5/2:02, close",
    "Established: hold negotiated, update",
  ],
  updateError: [
    IGNORED,
    CLOSE,
    CLOSE,
    "Idle: notify 5/1:02, close",
    "Idle: notify 5/2:02, close",
    NOTIFY,
  ],
  routeRefresh: [
    IGNORED,
    CLOSE,
    CLOSE,
    "Idle: notify 5/1:05, close",
    "Idle: notify 5/2:05, close",
    "Established: hold negotiated, refresh",
  ],
};

const STATES = Object.values(State);

describe.each(STATES)("%s", (state) => {
  test.each(Object.keys(EVENT_NUMBER) as EventKind[])("%s", (kind) => {
    const { next, actions } = step(state, eventOf(kind));
    const expected = TABLE[kind][STATES.indexOf(state)];
    const got = `${next}: ${actions.map(short).join(", ")}`;
    expect(got).toBe(expected === IGNORED ? `${state}: ` : expected);
  });
});

test("a passive peer does not dial when its idle hold is over", () => {
  const { next, actions } = step(State.Idle, { kind: "idleHoldExpires", passive: true });
  expect([next, ...actions.map(short)]).toEqual(["Active", "arm connectRetry"]);
});

test("a fault with code 0 closes without a NOTIFICATION", () => {
  const fault = { code: 0, subcode: 0, data: new Uint8Array(0) };
  const { actions } = step(State.Established, { kind: "headerError", fault });
  expect(actions.map(short)).toEqual(["close"]);
});
