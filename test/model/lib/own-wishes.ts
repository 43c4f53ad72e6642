/**
 * The memberships that the reflector announces in its own name (RFC 4684 section 3.1): what it wants
 * for peers that cannot say it themselves. It looks for them when sessions change, lets what nobody wants
 * linger, and looks for Ethernet segments now and then; so what is due is firm, and what is due just
 * now, or has been, may be there or not.
 */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { Code, type Attributes } from "./attributes.js";
import { hexOf } from "./hex.js";
import { isVpn, nlriKey } from "./nlri.js";
import { familiesIn, has, OWN_AS, OWN_ID, type PeerSpec } from "./peer.js";

/** Twice the time that one lingers: the looks are that far apart. */
const GONE_MS = 125_000;
const DEFAULT = "00";

/** As what it is announced: ORIGIN, an empty AS_PATH, LOCAL_PREF 100. */
export const OWN_ATTRIBUTES: Attributes = [
  { code: Code.Origin, flags: 0x40, value: "00" },
  { code: Code.AsPath, flags: 0x40, value: "" },
  { code: Code.LocalPref, flags: 0x40, value: "00000064" },
];
export const OWN_NEXT_HOP = hexOf(OWN_ID, 4);

export type Presence = "firm" | "loose" | "absent";

interface Wish {
  wanted: boolean;
  /** The reflector had the time to announce it. */
  known: boolean;
  since: number;
}

export class OwnWishes {
  private readonly wishes = new Map<string, Wish>();
  /** Somebody's list took all Ethernet segments: one membership for each that a client has, now and then. */
  private tookSegments = false;

  /** Sessions, or what they want, changed. Returns the keys whose presence may have, too. */
  renew(sessions: readonly PeerSpec[], now: number): string[] {
    const wanted = sessions.some(isTold) ? wantedFor(sessions) : new Set<string>();
    this.tookSegments ||= sessions.some(takesSegments);
    const changed: string[] = [];
    for (const nlri of wanted) {
      if (this.wishes.get(nlri)?.wanted === true) continue;
      this.wishes.set(nlri, { wanted: true, known: false, since: now });
      changed.push(nlri);
    }
    for (const [nlri, wish] of this.wishes) {
      if (wanted.has(nlri) || !wish.wanted) continue;
      Object.assign(wish, { wanted: false, since: now });
      changed.push(nlri);
    }
    return changed.map((nlri) => nlriKey(Family.RouteTarget, nlri));
  }

  /** Nothing is on its way. Returns the keys that are certain now. */
  settled(now: number): string[] {
    const changed: string[] = [];
    for (const [nlri, wish] of this.wishes) {
      if (!wish.wanted && now - wish.since > GONE_MS) this.wishes.delete(nlri);
      else if (wish.wanted && !wish.known) wish.known = true;
      else continue;
      changed.push(nlriKey(Family.RouteTarget, nlri));
    }
    return changed;
  }

  presenceOf(key: string): Presence {
    const nlri = key.slice(key.indexOf(":") + 1);
    const wish = this.wishes.get(nlri);
    if (wish === undefined)
      return this.tookSegments && nlri.startsWith(`60${hexOf(OWN_AS, 4)}0602`) ? "loose" : "absent";
    return wish.wanted && wish.known ? "firm" : "loose";
  }

  keys(): string[] {
    return [...this.wishes.keys()].map((nlri) => nlriKey(Family.RouteTarget, nlri));
  }
}

/** Peers that hear of memberships: not clients, which are sent the default alone. */
export function isTold(peer: PeerSpec): boolean {
  return (
    has(peer.families, Family.RouteTarget) &&
    peer.kind !== "client" &&
    peer.interest?.defaultMembership !== true
  );
}

function takesSegments({ interest }: PeerSpec): boolean {
  const list = interest?.targets ?? interest?.allowed;
  return list !== undefined && !list.some((one) => one.startsWith("0602"));
}

function wantedFor(sessions: readonly PeerSpec[]): Set<string> {
  const out = new Set<string>();
  for (const peer of sessions) {
    // Other reflectors want for themselves; who has memberships says them; who is sent nothing wants nothing.
    if (peer.kind === "non-client" || has(peer.families, Family.RouteTarget)) continue;
    if (peer.kind === "ebgp" && !peer.acceptOut) continue;
    if (!familiesIn(peer.families).some((one) => one === Family.Evpn || isVpn(one))) continue;
    const list = peer.interest?.targets ?? peer.interest?.allowed;
    if (list === undefined) return new Set([DEFAULT]);
    for (const target of list) out.add(`60${hexOf(OWN_AS, 4)}${target}`);
  }
  return out;
}
