/** Which keys of a chain count at a time, and until when that holds. */
import type { TcpAoChain, TcpAoKey } from "./tcp-ao-settings.js";

export interface AoPlan {
  /** Keys to have on the socket. */
  readonly installed: readonly TcpAoKey[];
  /** The one to send with, and to ask the peer for; undefined when none may be sent with now. */
  readonly active: TcpAoKey | undefined;
  /** Wall-clock milliseconds of the next change; undefined when there is none to come. */
  readonly until: number | undefined;
}

/**
 * A key is on the socket while it may be accepted or sent with. The one sent with is the one that became
 * so last: a rollover is two keys whose lifetimes overlap.
 */
export function planAt(chain: TcpAoChain, now: number): AoPlan {
  const installed = chain.keys.filter((key) => isAccepted(key, now) || isSent(key, now));
  let active: TcpAoKey | undefined;
  for (const key of installed) {
    if (isSent(key, now) && (active === undefined || key.sendFrom > active.sendFrom)) active = key;
  }
  let until: number | undefined;
  for (const key of chain.keys) {
    for (const time of [key.sendFrom, key.sendUntil, key.acceptFrom, key.acceptUntil]) {
      if (time > now && (until === undefined || time < until)) until = time;
    }
  }
  return { installed, active, until };
}

function isSent(key: TcpAoKey, now: number): boolean {
  return key.sendFrom <= now && now < key.sendUntil;
}

function isAccepted(key: TcpAoKey, now: number): boolean {
  return key.acceptFrom <= now && now < key.acceptUntil;
}
