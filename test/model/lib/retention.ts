/**
 * What is kept of a peer that has lost its session (RFC 4724 section 4.2, RFC 8538, RFC 9494), per family:
 * in what phase it is and until when. No routes here: the model has them, and is told what to do.
 */
import type { Family } from "../../../src/fast-bgp-codec/family.js";
import { has, optionsOf, type PeerSpec } from "./peer.js";

/** How a session ends: without a word, with an ordinary NOTIFICATION, or so that nothing is kept. */
export type Loss = "lost" | "notification" | "hard";

export interface Kept {
  phase: "stale" | "long-lived";
  until: number;
  longLivedMs: number;
}

/** What the families are kept for that have routes; not listed: nothing is kept. */
export function keptAfter(
  peer: PeerSpec,
  loss: Loss,
  withRoutes: readonly Family[],
  earlier: ReadonlyMap<Family, Kept>,
  now: number,
): Map<Family, Kept> {
  const out = new Map<Family, Kept>();
  const restart = peer.negotiated?.gracefulRestart;
  const longLived = peer.negotiated?.longLived;
  const { mode, longLived: wanted, restartTimeMax } = optionsOf(peer).gracefulRestart;
  if (restart === undefined || mode === "off" || loss === "hard") return out;
  if (loss === "notification" && !restart.notification) return out;
  for (const family of withRoutes) {
    if (!has(peer.families, family)) continue;
    const restartMs = 1000 * Math.min(restart.time, restartTimeMax);
    const isKept = restartMs > 0 && has(restart.families, family);
    const before = earlier.get(family);
    const ownMs = has(longLived?.families ?? 0, family)
      ? 1000 * Math.min(longLived?.times[family] ?? 0, wanted.staleTimeMax)
      : 0;
    // The long-lived time runs on over any number of sessions, until End-of-RIB.
    const rest = before?.phase === "long-lived" ? Math.max(0, before.until - now) : ownMs;
    const longLivedMs = wanted.enabled && ownMs > 0 ? rest : 0;
    if (!isKept && !(wanted.enabled && ownMs > 0)) continue;
    out.set(family, { phase: "stale", until: now + (isKept ? restartMs : 0), longLivedMs });
  }
  return out;
}

/** Whether the peer, back again, has kept its forwarding for the family. */
export function isVouched(peer: PeerSpec, family: Family, phase: Kept["phase"]): boolean {
  if (optionsOf(peer).gracefulRestart.mode === "off" || !has(peer.families, family)) return false;
  const { gracefulRestart, longLived } = peer.negotiated ?? {};
  const forwarding = phase === "stale" ? gracefulRestart?.forwarding : longLived?.forwarding;
  return has(forwarding ?? 0, family);
}

/** Kept for the same speaker in the same role only. */
export function isSameSpeaker(a: PeerSpec, b: PeerSpec): boolean {
  return a.kind === b.kind && a.id === b.id && a.as === b.as;
}
