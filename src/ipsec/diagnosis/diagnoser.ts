/**
 * What is wrong with tunnels, read from what the IKE daemon tells while it negotiates. Each fault of a tunnel
 * is one diagnosis that is renewed, and ended when what it kept from happening has happened.
 *
 * In: events, and the tunnels there are. Out: diagnoses. No clock: whoever calls says what time it is.
 */
import type { DaemonEvent, LogEvent } from "../live/event.js";
import type { IkeSa } from "../live/sa.js";
import type { Selector, TunnelSide } from "../model/index.js";
import { REMEDIES, SETUP_FAULTS, type Diagnosis, type FaultCode, type Sign } from "./fault.js";
import { Negotiation } from "./negotiation.js";
import { narrowingSign, selectorSign } from "./selector-signs.js";

/** A tunnel as the diagnoser knows it. */
export interface DiagnosedTunnel {
  readonly side: TunnelSide;
  /** What the other end is configured with, seen from this one; undefined when not known. */
  readonly farSelectors: readonly Selector[] | undefined;
}

export interface DiagnoserParts {
  /** By the daemon's name for the connection. */
  readonly byConnection: (connection: string) => DiagnosedTunnel | undefined;
  /** By outside addresses: a responder's log has no name yet. */
  readonly byAddresses: (local: string, remote: string) => DiagnosedTunnel | undefined;
  /** A fault is new, or came again after it was over. */
  readonly found: (diagnosis: Diagnosis) => void;
}

/** Negotiations followed at once; the oldest give way. */
const MOST_NEGOTIATIONS = 4096;
const MOST_EVIDENCE = 6;
/** Tunnels whose diagnoses are remembered; those that are no more give way. */
const MOST_TUNNELS = 10_000;

export class Diagnoser {
  private readonly parts: DiagnoserParts;
  /** By the daemon's number of the IKE SA. */
  private readonly negotiations = new Map<number, Negotiation>();
  /** By tunnel, then by code. */
  private readonly diagnoses = new Map<string, Map<FaultCode, Diagnosis>>();
  /** Signs of a fault that are counted as errors of phase 1, by tunnel. */
  private readonly errors = new Map<string, number>();

  constructor(parts: DiagnoserParts) {
    this.parts = parts;
  }

  take(event: DaemonEvent, wall: number): void {
    if (event.kind === "log") return this.takeLine(event, wall);
    const tunnel = this.parts.byConnection(event.sa.connection);
    if (tunnel === undefined) return;
    const { side } = tunnel;
    if (event.kind === "ike-down") this.negotiations.delete(event.sa.uniqueId);
    if (event.kind === "child-up" || event.kind === "child-rekeyed") {
      this.end(side.tunnel, wall, (code) => SETUP_FAULTS.has(code));
      if (event.kind === "child-rekeyed") this.end(side.tunnel, wall, (code) => code === "pfs");
    }
  }

  /** What the SAs are now: narrowing is seen on them, whoever missed the event. */
  look(
    tunnel: DiagnosedTunnel,
    sas: readonly IkeSa[],
    uncovered: readonly string[],
    wall: number,
  ): void {
    const children = sas.flatMap((sa) => sa.children.filter(({ spiIn }) => spiIn !== ""));
    if (children.length === 0) return;
    const { side } = tunnel;
    if (uncovered.length === 0) return this.end(side.tunnel, wall, isOfNetworks);
    const negotiated = children
      .map((child) => `${child.localSelectors.join(" ")} === ${child.remoteSelectors.join(" ")}`)
      .join(", ");
    const sign = narrowingSign(side.selectors, uncovered, negotiated);
    if (sign === undefined) return;
    const known = this.diagnoses.get(side.tunnel)?.get(sign.code);
    const same = known !== undefined && known.ended === undefined && known.text === sign.text;
    if (!same) this.tell(side.tunnel, sign, undefined, wall);
  }

  /** A sign that came otherwise: from a probe. */
  tell(tunnel: string, sign: Sign, evidence: string | undefined, wall: number): void {
    const ofTunnel = this.of(tunnel);
    const known = ofTunnel.get(sign.code);
    const again = known !== undefined && known.ended === undefined;
    const before = again ? known.evidence : [];
    const lines =
      evidence === undefined || before.includes(evidence) ? before : [...before, evidence];
    // What is certain is not made doubtful by a later line.
    const best = again && known.certain && !sign.certain ? known : sign;
    const diagnosis: Diagnosis = {
      tunnel,
      code: sign.code,
      certain: best.certain,
      text: best.text,
      remedy: REMEDIES[sign.code],
      ours: best.ours,
      theirs: best.theirs,
      evidence: lines.slice(-MOST_EVIDENCE),
      first: again ? known.first : wall,
      last: wall,
      count: again ? known.count + 1 : 1,
    };
    ofTunnel.set(sign.code, diagnosis);
    if (!again) this.parts.found(diagnosis);
  }

  end(tunnel: string, wall: number, which: (code: FaultCode) => boolean): void {
    const ofTunnel = this.diagnoses.get(tunnel);
    for (const [code, one] of ofTunnel ?? []) {
      if (one.ended === undefined && which(code)) ofTunnel?.set(code, { ...one, ended: wall });
    }
  }

  /** The newest first; without a tunnel, of all. */
  list(tunnel?: string, alsoEnded = false): Diagnosis[] {
    const found =
      tunnel === undefined ? [...this.diagnoses.values()] : [this.diagnoses.get(tunnel)];
    return found
      .flatMap((ofTunnel) => [...(ofTunnel?.values() ?? [])])
      .filter((one) => alsoEnded || one.ended === undefined)
      .sort((a, b) => b.last - a.last);
  }

  /** The most telling fault that holds; undefined for none. */
  current(tunnel: string): Diagnosis | undefined {
    const found = this.list(tunnel);
    return found.find(({ certain }) => certain) ?? found[0];
  }

  errorCount(tunnel: string): number {
    return this.errors.get(tunnel) ?? 0;
  }

  private of(tunnel: string): Map<FaultCode, Diagnosis> {
    const known = this.diagnoses.get(tunnel);
    if (known !== undefined) return known;
    if (this.diagnoses.size >= MOST_TUNNELS) {
      this.diagnoses.delete(this.diagnoses.keys().next().value!);
    }
    const made = new Map<FaultCode, Diagnosis>();
    this.diagnoses.set(tunnel, made);
    return made;
  }

  private takeLine(event: LogEvent, wall: number): void {
    const { uniqueId, text } = event;
    const negotiation = uniqueId === undefined ? new Negotiation() : this.negotiation(uniqueId);
    const own = negotiation.take(text);
    const tunnel = this.tunnelOf(event, negotiation);
    if (tunnel === undefined) return;
    const { side, farSelectors } = tunnel;
    const sign = own ?? selectorSign(text, side.selectors, farSelectors);
    if (sign === undefined) return;
    if (sign.code === "nat" && isHarmless(sign, side, negotiation)) return;
    this.errors.set(side.tunnel, this.errorCount(side.tunnel) + 1);
    this.tell(side.tunnel, sign, text, wall);
  }

  private tunnelOf(
    { connection, text }: LogEvent,
    { local, remote }: Negotiation,
  ): DiagnosedTunnel | undefined {
    const named = connection === undefined ? undefined : this.parts.byConnection(connection);
    if (named !== undefined) return named;
    const unknown = /^no IKE config found for (\S+?)\.\.\.([^\s,]+)/.exec(text);
    if (unknown !== null) return this.parts.byAddresses(unknown[1]!, unknown[2]!);
    return remote === "" ? undefined : this.parts.byAddresses(local, remote);
  }

  private negotiation(uniqueId: number): Negotiation {
    const known = this.negotiations.get(uniqueId);
    if (known !== undefined) return known;
    if (this.negotiations.size >= MOST_NEGOTIATIONS) {
      this.negotiations.delete(this.negotiations.keys().next().value!);
    }
    const made = new Negotiation();
    this.negotiations.set(uniqueId, made);
    return made;
  }
}

/**
 * ESP in UDP was asked for by an end, which then feigns a NAT; and a peer whose packets come from the very
 * address that it is configured with has none in front of it.
 */
function isHarmless(
  sign: Sign,
  { ike, remote }: TunnelSide,
  { remote: from }: Negotiation,
): boolean {
  if (ike.nat.force) return true;
  return !sign.certain && remote.reach.kind === "static" && remote.reach.address === from;
}

function isOfNetworks(code: FaultCode): boolean {
  return code === "summarised-networks" || code === "selectors";
}
