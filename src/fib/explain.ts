/** Why a MAC is where it is: its candidates, and the rule that decided against each, in words. */
import { Family, decodeNlri, formatEsi, formatNlri } from "../fast-bgp-codec/index.js";
import { BEST_REASONS } from "../bgp/rib/index.js";
import { macText } from "./events.js";
import type { FibTables, MacFib } from "./mac-fib.js";
import type { WinnerReason } from "./mobility.js";
import type { NextHops } from "./next-hops.js";
import type { HeldRoute } from "./quarantine/effects.js";
import { quarantineText } from "./quarantine/view.js";
import { FactFlag } from "./route-facts.js";
import type { FibView } from "./view.js";

/** Indexed by `WinnerReason`: why the winner stands before another candidate. */
const SENTENCES: readonly string[] = [
  "is the only candidate",
  "is not sticky, and another is (RFC 7432 section 15.2)",
  "has a lower sequence (RFC 7432 section 15)",
  "has a sequence from before the wrap (RFC 7432 section 15)",
  "is on the winner's segment: its PE is a next hop as well (RFC 7432 section 8.4)",
  "has an equal sequence and a higher PE address (RFC 7432 section 15)",
  "speaks for another PE (proxy)",
  "has a lower LOCAL_PREF",
  "has a longer AS_PATH",
  "has a higher ORIGIN",
  "has a higher route key",
  "says the same as the winner",
];

export interface CandidateView {
  /** The route in one line. */
  readonly route: string;
  readonly pe: string;
  /** Peer that it came from, and why its path is best within the route's key. */
  readonly peer: string;
  readonly bestPath: string;
  readonly sequence: number;
  readonly sticky: boolean;
  readonly esi: string | undefined;
  readonly winner: boolean;
  /** Why it lost, or won. */
  readonly because: string;
}

export interface Explanation {
  readonly mac: string;
  readonly domain: string;
  /** In sentences. */
  readonly summary: readonly string[];
  readonly candidates: readonly CandidateView[];
  /** There are more candidates than shown. */
  readonly cut: boolean;
}

const MOST_CANDIDATES = 100;
const HELD = "is held, as the MAC is in quarantine: evpnctl quarantine release lets it count";

export class Explainer {
  private readonly tables: FibTables;
  private readonly macs: MacFib;
  private readonly hops: NextHops;
  private readonly view: FibView;
  private readonly held: (entry: number, most: number) => readonly HeldRoute[];

  /** @param held routes of the entry's MAC that are held in quarantine, so many at most */
  constructor(
    tables: FibTables,
    macs: MacFib,
    hops: NextHops,
    view: FibView,
    held: (entry: number, most: number) => readonly HeldRoute[] = () => [],
  ) {
    this.held = held;
    this.tables = tables;
    this.macs = macs;
    this.hops = hops;
    this.view = view;
  }

  /** Undefined when there is no such entry. */
  explain(entry: number): Explanation | undefined {
    const view = this.view.mac(entry);
    if (view === undefined) return undefined;
    const { entries, ofEntry } = this.macs;
    const head = entries.head(entry);
    const winner = this.hops.resolve(entry);
    const usable = this.hops.count > 0;
    const candidates: CandidateView[] = [];
    let at = head;
    do {
      candidates.push(this.candidate(entry, head, winner, at));
      at = ofEntry.next(at);
    } while (at !== head && candidates.length < MOST_CANDIDATES);
    for (const route of this.held(entry, MOST_CANDIDATES - candidates.length)) {
      candidates.push({ ...route, bestPath: "held", winner: false, because: HELD });
    }
    return {
      mac: macText(entries.macHigh(entry), entries.macLow(entry)),
      domain: view.domain,
      summary: this.summary(entry, head, winner, usable),
      candidates,
      cut: at !== head,
    };
  }

  private summary(entry: number, head: number, winner: number, usable: boolean): string[] {
    const { candidates } = this.macs;
    const view = this.view.mac(entry)!;
    const out: string[] = [];
    if (view.quarantine !== undefined) out.push(`${quarantineText(view.quarantine)}.`);
    const others = view.nextHops.slice(1).map(({ address, role }) => `${address} (${role})`);
    if (winner !== head) {
      out.push(
        `${this.address(head)} would win, but no PE of its segment ${this.esi(head) ?? ""} reaches the domain (RFC 7432 section 9.2.2).`,
      );
    }
    if (usable) {
      out.push(`${view.mac} is at ${view.nextHops[0]!.address}.`);
      if (others.length > 0) out.push(`Further next hops: ${others.join(", ")}.`);
    } else {
      out.push(
        `${view.mac} was learnt from ${view.pe}, but is unusable: no PE of its segment ${view.esi ?? ""} reaches the domain (RFC 7432 section 9.2.2).`,
      );
    }
    const runnerUp = this.runnerUp(head, winner);
    if (runnerUp !== 0) {
      const why = SENTENCES[this.reason(entry, head, winner, runnerUp)]!;
      out.push(`The next candidate, of ${this.address(runnerUp)}, ${why}.`);
    } else if (candidates.attachment(winner) === 0 && view.quarantine === undefined) {
      out.push("No other PE claims it.");
    }
    return out;
  }

  /** The best of the candidates that the winner had to beat. */
  private runnerUp(head: number, winner: number): number {
    const { ofEntry, mobility, candidates, entries } = this.macs;
    const merged = this.tables.domains.isBackbone(entries.domain(candidates.entry(head)));
    const entry = candidates.entry(head);
    const other = (id: number): boolean =>
      !candidates.sameContent(id, winner) &&
      !mobility.isOne(id, winner, merged) &&
      (winner === head || this.hops.isUsable(entry, id));
    let any = false;
    let at = head;
    do {
      if (other(at)) any = true;
      at = ofEntry.next(at);
    } while (at !== head);
    return any ? mobility.select(head, merged, other) : 0;
  }

  private candidate(entry: number, head: number, winner: number, id: number): CandidateView {
    const { routes, facts, pes } = this.tables;
    const { candidates } = this.macs;
    const dest = candidates.dest(id);
    const path = routes.bestPath(dest);
    const of = candidates.factsOf(id);
    const at = path === 0 ? routes.destNlri(dest) : routes.pathNlri(path);
    const length = path === 0 ? routes.destNlriLength(dest) : routes.pathNlriLength(path);
    const nlri = decodeNlri(Family.Evpn, routes.nlriBytes, at, at + length);
    return {
      route: formatNlri(Family.Evpn, nlri),
      pe: pes.address(facts.pe(of)),
      peer: path === 0 ? "" : routes.sources.address[routes.pathSlot(path)]!,
      bestPath: BEST_REASONS[routes.bestReason(dest)]!,
      sequence: facts.sequence(of),
      sticky: (facts.flags(of) & FactFlag.Sticky) !== 0,
      esi: this.esi(id),
      winner: id === winner,
      because: this.because(entry, head, winner, id),
    };
  }

  private because(entry: number, head: number, winner: number, id: number): string {
    if (id !== winner) {
      return winner !== head && !this.hops.isUsable(entry, id)
        ? "is on a segment through which no PE reaches the domain (RFC 7432 section 9.2.2)"
        : SENTENCES[this.reason(entry, head, winner, id)]!;
    }
    const second = this.runnerUp(head, winner);
    if (second === 0) {
      return this.macs.ofEntry.next(head) === head
        ? SENTENCES[0]!
        : "no other PE outside its segment claims it";
    }
    return WINS[this.reason(entry, head, winner, second)]!;
  }

  private reason(entry: number, head: number, winner: number, loser: number): WinnerReason {
    const merged = this.tables.domains.isBackbone(this.macs.entries.domain(entry));
    const usable = winner === head ? undefined : (id: number) => this.hops.isUsable(entry, id);
    return this.macs.mobility.reason(head, winner, loser, merged, usable);
  }

  private address(candidate: number): string {
    return this.tables.pes.address(this.macs.candidates.pe(candidate));
  }

  private esi(candidate: number): string | undefined {
    const { segments } = this.tables;
    const attachment = this.macs.candidates.attachment(candidate);
    return attachment === 0
      ? undefined
      : formatEsi(segments.esi(segments.segmentOf(attachment)), 0);
  }
}

/** Indexed by `WinnerReason`: why the winner won. */
const WINS: readonly string[] = [
  "is the only candidate",
  "is sticky",
  "has the higher sequence",
  "has the higher sequence, after its wrap",
  "is on the same segment",
  "has the lowest PE address at an equal sequence",
  "has seen the MAC itself",
  "has the higher LOCAL_PREF",
  "has the shorter AS_PATH",
  "has the lower ORIGIN",
  "has the lower route key",
  "says the same",
];
