/**
 * May this peer count? A function of what is known and of what the peer shows: address, AS, router id, the
 * instance behind its TLS proxy. The answer says why, in words for people. Untrusted stays closed whatever can
 * be reached; out of reach keeps what was there, for a time, and lets nobody new in.
 */
import type {
  TrustBinding,
  TrustFacts,
  TrustLimits,
  TrustRequirement,
  TrustState,
} from "../../contract.js";
import type { CachedEntry, CachedGlass, VerdictCache } from "./verdict-cache.js";

export interface Judgement {
  readonly state: TrustState;
  readonly reason: string;
  readonly subject: string;
  readonly vnf: string;
  readonly binding: TrustBinding | undefined;
  readonly limits: TrustLimits;
  /** Monotonic milliseconds until when that holds by itself; undefined = until something is said. */
  readonly until: number | undefined;
  /** Stale, and a live session keeps what it had. */
  readonly grace: boolean;
  /** The session is not the one that the instance would have: not even held, or it were in that one's way. */
  readonly misplaced?: boolean;
}

const NO_LIMITS: TrustLimits = { sessions: 0, updatesPerSecond: 0, prefixes: 0 };

/** The best of several that claim an address. */
const RANK: Readonly<Record<TrustState, number>> = {
  trusted: 3,
  stale: 2,
  untrusted: 1,
  unknown: 0,
};

export function judge(cache: VerdictCache, facts: TrustFacts, now: number): Judgement {
  const { address, required } = facts;
  const known = cache.at(address);
  const own = known.filter((entry) => fits(entry, required));
  const open = cache.openGlass(now).find((glass) => admits(glass, facts, own));
  if (open !== undefined) return throughGlass(open, own[0]);
  if (own.length === 0) return nobody(facts, known);
  return own
    .map((entry) => judgeEntry(cache, entry, facts, now))
    .reduce((best, one) => (RANK[one.state] > RANK[best.state] ? one : best));
}

/** It is an instance of the VNF, or of any of the tenant's, that is asked for. */
export function fits({ tenant, vnf }: CachedEntry, required: TrustRequirement): boolean {
  return tenant === required.tenant && (required.vnf === undefined || required.vnf === vnf);
}

function judgeEntry(
  cache: VerdictCache,
  entry: CachedEntry,
  facts: TrustFacts,
  now: number,
): Judgement {
  const say = (state: TrustState, reason: string, until?: number, grace = false): Judgement => ({
    state,
    reason,
    until,
    grace,
    subject: subjectOf(entry),
    vnf: `${entry.tenant}/${entry.vnf}`,
    binding: entry.binding,
    limits: entry.limits,
  });
  if (entry.state !== "trusted") return say(entry.state, wordsOf(entry));
  const mismatch = mismatchOf(entry, facts);
  if (mismatch !== undefined) {
    const misplaced = entry.binding === "tls-proxy" && facts.instance !== entry.id;
    return { ...say("untrusted", mismatch), misplaced };
  }
  if (now >= entry.expiresAt) {
    return say("stale", "its verdict has ended and was not renewed");
  }
  const { source } = entry;
  const staleAt = source.staleAt(cache.times);
  if (now >= staleAt) {
    const until = Math.min(source.graceUntil(cache.times), entry.expiresAt);
    const why =
      source.suspectAt === undefined
        ? `Sec-EM ${source.name} is out of reach`
        : `Sec-EM ${source.name} is not believed: ${source.why}`;
    return now < until ? say("stale", why, until, true) : say("stale", why);
  }
  const bound =
    entry.binding === "address" ? "trusted, address-bound" : `trusted, ${entry.binding}`;
  return say("trusted", bound, Math.min(staleAt, entry.expiresAt));
}

/** What the peer shows that its instance does not have; undefined when all fits. */
function mismatchOf(
  entry: CachedEntry,
  { as, routerId, instance }: TrustFacts,
): string | undefined {
  if (instance !== undefined && instance !== entry.id) {
    return "the connection came through another instance's TLS proxy";
  }
  if (entry.binding === "tls-proxy" && instance === undefined) {
    return "its sessions come through its TLS proxy, and this one does not";
  }
  if (entry.binding === "tcp-md5" && entry.md5Key === undefined) {
    return "its TCP MD5 key has not come with its verdict";
  }
  if (as !== undefined && entry.as !== undefined && as !== entry.as) {
    return `its AS is ${as}, and that of the instance is ${entry.as}`;
  }
  if (routerId !== undefined && entry.routerId !== undefined && routerId !== entry.routerId) {
    return `its router id is ${routerId}, and that of the instance is ${entry.routerId}`;
  }
  return undefined;
}

function nobody({ required }: TrustFacts, known: readonly CachedEntry[]): Judgement {
  const other = known[0];
  const wanted = `${required.tenant}/${required.vnf ?? "*"}`;
  return {
    state: other === undefined ? "unknown" : "untrusted",
    reason:
      other === undefined
        ? `no instance of ${wanted} is known at this address`
        : `the address is that of ${subjectOf(other)}, and ${wanted} is asked for`,
    subject: "",
    vnf: "",
    binding: undefined,
    limits: NO_LIMITS,
    until: undefined,
    grace: false,
  };
}

/** One for an address lets in whoever has it: the reason says so. */
function admits(
  glass: CachedGlass,
  { address, required }: TrustFacts,
  own: readonly CachedEntry[],
) {
  if (glass.tenant !== required.tenant) return false;
  if (required.vnf !== undefined && glass.vnf !== undefined && glass.vnf !== required.vnf) {
    return false;
  }
  if (glass.address !== undefined) return glass.address === address;
  return own.some(
    ({ vnf, instance }) =>
      (glass.vnf === undefined || glass.vnf === vnf) &&
      (glass.instance === undefined || glass.instance === instance),
  );
}

function throughGlass(glass: CachedGlass, entry: CachedEntry | undefined): Judgement {
  const whoever = glass.address === undefined ? "" : ", whoever has the address";
  return {
    state: "trusted",
    reason: `break-glass ${glass.serial} by ${glass.operator} (${glass.why})${whoever}`,
    subject: entry === undefined ? "" : subjectOf(entry),
    vnf: entry === undefined ? "" : `${entry.tenant}/${entry.vnf}`,
    binding: entry?.binding,
    limits: entry?.limits ?? NO_LIMITS,
    until: glass.endsAt,
    grace: false,
  };
}

export function subjectOf({ tenant, vnf, instance }: CachedEntry): string {
  return `${tenant}/${vnf}/${instance}`;
}

function wordsOf({ reason, sentence }: CachedEntry): string {
  return sentence === "" ? reason : `${reason}: ${sentence}`;
}
