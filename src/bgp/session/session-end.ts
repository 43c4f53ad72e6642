/** Why sessions end, in words that say what to look at. */
import type { DecodeFault } from "../../fast-bgp-codec/fault.js";
import { describeNotification } from "../../fast-bgp-codec/notification.js";
import type { PeerOptions } from "../settings.js";
import { State } from "./fsm.js";
import type { SessionDown } from "./types.js";
import { isHard, isHardReset } from "./hard-reset.js";

export interface SessionEnd {
  readonly down: SessionDown;
  readonly wasEstablished: boolean;
  /** Where the machine goes: Idle, or Active after a TCP failure in OpenSent. */
  readonly next: State;
  readonly damp: boolean;
}

/** Why an event happened, for log, CLI and reflector. */
export interface Cause {
  readonly reason: string;
  readonly detail: string;
}

/** A NOTIFICATION sent or received at the end. */
export interface Told {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
  readonly fromPeer: boolean;
  readonly hard?: boolean;
}

export function describeEnd(cause: Cause, told: Told | undefined): SessionDown {
  if (told === undefined) return cause;
  const { code, subcode } = told;
  const what = describeNotification(told);
  const detail = told.fromPeer
    ? `the peer sent NOTIFICATION ${what}`
    : `${cause.detail} (sent NOTIFICATION ${what})`;
  // A hard reset is known by what it wraps.
  const { data } = told;
  if (told.fromPeer && isHardReset(told)) {
    const [inner = code, innerSubcode = subcode] = data;
    return { reason: cause.reason, detail, code: inner, subcode: innerSubcode, hard: true };
  }
  const hard = told.hard === true || (!told.fromPeer && isHard(code, subcode));
  return { reason: cause.reason, detail, code, subcode, hard };
}

export function faultCause(fault: DecodeFault): Cause {
  return { reason: "notification-sent", detail: fault.detail };
}

/** Kept in mind in case the machine finds the message out of place. */
export function unexpectedCause(name: string, state: State): Cause {
  return { reason: "notification-sent", detail: `${name} received in state ${state}` };
}

export function silenceDetail(state: State, seconds: number): string {
  if (state !== State.OpenSent) return `nothing heard for ${seconds} s (hold timer)`;
  return `TCP is up but no OPEN came within ${seconds} s: often TTL security (GTSM) or a password on one side only, or a firewall`;
}

export function tcpDetail(state: State, error: Error | undefined): string {
  const what = error === undefined ? "the peer closed the connection" : error.message;
  if (state === State.Established) return what;
  return `${what} before the session was up: is our address configured as a neighbour there?`;
}

export function dialDetail(error: Error, options: PeerOptions): string {
  const { code } = error as NodeJS.ErrnoException;
  return `cannot connect: ${error.message}${dialHint(code, options)}`;
}

function dialHint(code: string | undefined, options: PeerOptions): string {
  switch (code) {
    case "ETIMEDOUT":
      if (options.password !== undefined) {
        return ": is the password the same on both sides? A wrong TCP MD5 key looks like silence";
      }
      if (options.ttlSecurityHops > 0) {
        return ": is TTL security configured on both sides, with enough hops?";
      }
      return ": no answer at all, is there a route, and does no firewall or password stand between?";
    case "ECONNREFUSED":
      return ": nothing listens there on this port";
    case "EADDRNOTAVAIL":
      return ": the local address is not on this machine";
    default:
      return "";
  }
}
