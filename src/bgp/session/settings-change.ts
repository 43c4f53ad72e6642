/**
 * What a change of a peer's settings costs its session: the one table that says it for each option. An
 * option without a row does not compile. `reload`, `config diff` and the documentation read it.
 */
import type { PeerOptions } from "../settings.js";

/**
 * - `live`: read where it is needed, so it holds from now on.
 * - `in`: live; what the peer sent is looked at again (removed, or asked for by route refresh).
 * - `out`: live; the peer is sent, and has withdrawn, what the change makes the difference of.
 * - `resend`: live; the peer is sent everything once more, in its new form.
 * - `kind`: live; who gets the peer's routes, and what it gets, is worked out again.
 * - `socket`: live; set on the connection that is up. Where that fails the session is reset.
 * - `next-session`: holds when the peer connects next; the running session is left alone.
 * - `reset`: settled in the OPEN or at connect: the session is closed (Cease 6/6) and comes back.
 */
export type OptionEffect =
  "live" | "in" | "out" | "resend" | "kind" | "socket" | "next-session" | "reset";

/** A new option gets its row here. Where it needs work on a live session, see `live/live-change.ts`. */
export const OPTION_EFFECTS: Readonly<Record<keyof PeerOptions, OptionEffect>> = {
  group: "live",
  description: "live",
  peerAs: "reset",
  client: "kind",
  families: "reset",
  passive: "next-session",
  shutdown: "reset",
  holdTime: "reset",
  connectRetry: "next-session",
  sendHoldTime: "live",
  idleHold: "next-session",
  idleHoldMax: "next-session",
  password: "socket",
  tcpAo: "socket",
  ttlSecurityHops: "socket",
  ttl: "socket",
  localAddress: "reset",
  port: "next-session",
  tcpUserTimeoutMs: "socket",
  extendedMessage: "reset",
  extendedNextHop: "reset",
  ebgpAcceptIn: "in",
  ebgpAcceptOut: "out",
  nextHopSelf: "resend",
  evpnTypesOut: "out",
  evpnTypesIn: "in",
  evpnUnknownTypes: "in",
  malformedNlri: "live",
  prefixLimit: "in",
  prefixLimitRestart: "next-session",
  limits: "in",
  allowAsIn: "in",
  interest: "out",
  gracefulShutdown: "in",
  bfd: "live",
  gracefulRestart: "next-session",
  addPath: "out",
  policy: "live",
  trust: "live",
};

export type OptionName = keyof PeerOptions;

export interface SettingsChange {
  /** Options that differ. */
  readonly changed: readonly OptionName[];
  /** Nothing differs. */
  readonly none: boolean;
  /** The session must go (Cease, other configuration change), because of these. */
  readonly resetBy: readonly OptionName[];
  readonly needsReset: boolean;
  /** Something is to be set on the live connection. */
  readonly socket: boolean;
  /** The reflector has to work on the live session. */
  readonly work: boolean;
}

export function isSocketOption(name: OptionName): boolean {
  return OPTION_EFFECTS[name] === "socket";
}

const WORK: ReadonlySet<OptionEffect> = new Set(["live", "in", "out", "resend", "kind"]);

export function compareOptions(before: PeerOptions, after: PeerOptions): SettingsChange {
  const names = Object.keys(OPTION_EFFECTS) as OptionName[];
  const changed = names.filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  // To be protected, or not, is settled before the first SYN.
  const toggled = (name: OptionName): boolean =>
    (name === "password" || name === "tcpAo") &&
    (before[name] === undefined) !== (after[name] === undefined);
  const resetBy = changed.filter(
    (name) =>
      OPTION_EFFECTS[name] === "reset" ||
      toggled(name) ||
      (name === "addPath" && directions(before) !== directions(after)),
  );
  return {
    changed,
    none: changed.length === 0,
    resetBy,
    needsReset: resetBy.length > 0,
    socket: changed.some(isSocketOption),
    work: changed.some((name) => WORK.has(OPTION_EFFECTS[name])),
  };
}

/** Who may send several paths is settled in the OPEN; how many is not. */
function directions({ addPath }: PeerOptions): string {
  return JSON.stringify(addPath.map(({ family, send, receive }) => [family, send, receive]));
}
