/**
 * Which families' routes are kept when a session ends, by the way it ended (RFC 4724 section 4.2, RFC 8538
 * section 4, RFC 9494 section 4.2).
 *
 * - Connection lost, hold timer, send hold timer, or the peer opened a new connection: kept. By the letter
 *   of RFC 4724 a hold timer, which sends a NOTIFICATION, keeps nothing without notification mode; but
 *   silence is all that we notice of a machine that lost power, and a peer that does live clears the F bit
 *   when it comes back.
 * - NOTIFICATIONs: kept in notification mode (N on both sides), unless it is a hard reset.
 * - What somebody decided (shutdown, reset, removal, prefix limit): a hard reset, nothing is kept.
 * - BFD down: kept, as BFD that shares its fate with the control plane cannot tell a restart from a failure
 *   (RFC 5882 section 4.3.2); where it is independent of it the reset is a hard one.
 */
import { Cease } from "../../fast-bgp-codec/iana.js";
import type { EstablishedSession, SessionDown } from "../session/types.js";

export interface Coverage {
  /** Families kept for the restart time; bit masks over `Family`. */
  readonly graceful: number;
  /** Families kept as long-lived stale after that, or at once those not in `graceful`. */
  readonly longLived: number;
}

const NOTHING: Coverage = { graceful: 0, longLived: 0 };

/** Ends without a NOTIFICATION, or with one that only says that there was silence. */
const LOST: ReadonlySet<string> = new Set(["tcp", "hold-timer", "send-hold-timer", "replaced"]);

export function coverageOf(
  session: Pick<EstablishedSession, "negotiated" | "options">,
  down: SessionDown,
): Coverage {
  const { gracefulRestart, longLived, families } = session.negotiated;
  const { mode, restartTimeMax, longLived: wanted } = session.options.gracefulRestart;
  if (mode === "off" || gracefulRestart === undefined || down.hard === true) return NOTHING;
  if (!isAccident(down, gracefulRestart.notification)) return NOTHING;
  const inTime = Math.min(gracefulRestart.time, restartTimeMax) > 0;
  const timed = (longLived?.times ?? []).reduce(
    (mask, time, family) => (time > 0 ? mask | (1 << family) : mask),
    0,
  );
  const mayLast = wanted.enabled && wanted.staleTimeMax > 0 && longLived !== undefined;
  return {
    graceful: inTime ? gracefulRestart.families & families : 0,
    longLived: mayLast ? longLived.families & timed & families : 0,
  };
}

function isAccident(down: SessionDown, notificationMode: boolean): boolean {
  if (LOST.has(down.reason)) return true;
  if (down.code === 6 && down.subcode === Cease.BfdDown) return true;
  return notificationMode && down.code !== undefined;
}
