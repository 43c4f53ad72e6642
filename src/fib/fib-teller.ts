/** Writes what happened to MACs and addresses into the ring of events. */
import { readU32 } from "../util/bytes.js";
import type { RouteTable } from "../bgp/rib/index.js";
import type { Candidates } from "./candidates.js";
import type { EthernetSegments } from "./ethernet-segment.js";
import type { FibEventKind, FibEvents } from "./events.js";
import type { IpBindings } from "./ip-bindings.js";
import type { MacEntries } from "./mac-entries.js";
import { FactFlag, type RouteFacts } from "./route-facts.js";

export interface TellerTables {
  readonly routes: RouteTable;
  readonly facts: RouteFacts;
  readonly segments: EthernetSegments;
  readonly events: FibEvents;
}

export class FibTeller {
  private readonly tables: TellerTables;
  private readonly entries: MacEntries;
  private readonly bindings: IpBindings;
  private readonly candidates: Candidates;

  constructor(
    tables: TellerTables,
    entries: MacEntries,
    bindings: IpBindings,
    candidates: Candidates,
  ) {
    this.tables = tables;
    this.entries = entries;
    this.bindings = bindings;
    this.candidates = candidates;
  }

  /** The MAC is now as `candidate` says; `from` is the PE where it was, 0 = nowhere or the same. */
  mac(kind: FibEventKind, entry: number, candidate: number, from: number): void {
    this.begin(kind, entry, candidate)
      .to(this.candidates.pe(candidate))
      .from(from)
      .count(this.entries.moves(entry));
  }

  /** The MAC's last candidate goes; `pe` is where it was. */
  macGone(kind: FibEventKind, entry: number, candidate: number, pe: number): void {
    this.begin(kind, entry, candidate).from(pe).count(this.entries.moves(entry));
  }

  /** The address is of the candidate's MAC; `fromHigh` and `fromLow` are the MAC it was of, -1 = none. */
  ip(
    kind: FibEventKind,
    binding: number,
    candidate: number,
    fromHigh: number,
    fromLow: number,
  ): void {
    const { bindings, candidates } = this;
    const ip = bindings.ip(binding);
    const octets = bindings.octets(binding);
    const word = (index: number): number => (octets === 4 ? 0 : readU32(ip, 4 * index));
    const event = this.begin(kind, candidates.entry(candidate), candidate)
      .to(candidates.pe(candidate))
      .count(bindings.moves(binding))
      .ip(readU32(ip, 0), word(1), word(2), word(3), octets);
    if (fromHigh >= 0) event.fromMac(fromHigh, fromLow);
  }

  private begin(kind: FibEventKind, entry: number, candidate: number): FibEvents {
    const { routes, facts, segments, events } = this.tables;
    const { entries, candidates } = this;
    const attachment = candidates.attachment(candidate);
    const path = routes.bestPath(candidates.dest(candidate));
    const vni = (facts.flags(candidates.factsOf(candidate)) & FactFlag.Vni) !== 0;
    return events
      .begin(kind)
      .mac(entries.domain(entry), entries.macHigh(entry), entries.macLow(entry))
      .sequence(facts.sequence(candidates.factsOf(candidate)))
      .segment(attachment === 0 ? 0 : segments.segmentOf(attachment))
      .source(path === 0 ? -1 : routes.pathSlot(path), candidates.label(candidate), vni);
  }
}
