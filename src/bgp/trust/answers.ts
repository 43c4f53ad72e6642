/** What answers of the gate mean for sessions, and for whoever looks. */
import type {
  TrustAnswer,
  TrustFacts,
  TrustGate,
  TrustLimits,
  TrustRequirement,
} from "../../contract.js";
import { ADMITTED, type TrustGrip } from "./grip.js";
import type { TrustPeerView } from "./view.js";

export const NO_LIMITS: TrustLimits = { sessions: 0, updatesPerSecond: 0, prefixes: 0 };

/** An answer, and wall-clock milliseconds of the last change of state or effect. */
export interface Known {
  readonly answer: TrustAnswer;
  readonly since: number;
}

/** Nobody can say: as closed as the settings ask for. */
export function withoutGate({ effect, dryRun }: TrustRequirement): TrustAnswer {
  return {
    revision: 0,
    state: "unknown",
    reason: "nobody checks trust here (asmn.gate is off)",
    effect: dryRun ? "admit" : effect,
    spared: dryRun ? effect : undefined,
    until: undefined,
    subject: "",
    vnf: "",
    binding: undefined,
    limits: NO_LIMITS,
    community: 0,
  };
}

/** No instance's identity. */
const NOBODY = "";

/** As little is made of it as of a connection through another's proxy. */
export function asNobody(gate: TrustGate, facts: TrustFacts, reason: string): TrustAnswer {
  const answer = gate.admit({ ...facts, instance: NOBODY });
  return answer.state === "trusted" ? answer : { ...answer, reason };
}

/** Another host may have the same address on another link: no verdict says by which interface. */
export function linkLocal(gate: TrustGate, facts: TrustFacts): TrustAnswer {
  const why = "a link-local address is nobody's alone: peer with a global or unique local one";
  return asNobody(gate, facts, why);
}

/** A session may begin, and is served. */
export function lets({ effect }: TrustAnswer): boolean {
  return effect !== "refuse" && effect !== "hold";
}

/** A session that is up is not reset for want of trust: `refuse` holds it. */
export function gripOf({ effect, community }: TrustAnswer): TrustGrip {
  if (effect === "admit") return ADMITTED;
  return { effect: effect === "mark" ? "mark" : "hold", community };
}

export function sameGrip(a: TrustGrip, b: TrustGrip): boolean {
  return a.effect === b.effect && (a.effect !== "mark" || a.community === b.community);
}

export function sameLimits(a: TrustLimits, b: TrustLimits): boolean {
  return (
    a.sessions === b.sessions &&
    a.updatesPerSecond === b.updatesPerSecond &&
    a.prefixes === b.prefixes
  );
}

/** Instances are known by addresses without a zone. */
export function plain(address: string): string {
  const percent = address.indexOf("%");
  return percent < 0 ? address : address.slice(0, percent);
}

export function viewOf(
  address: string,
  { answer, since }: Known,
  established: boolean,
): TrustPeerView {
  const { state, reason, effect, spared, subject, binding } = answer;
  return { address, state, reason, effect, spared, subject, binding, established, since };
}
