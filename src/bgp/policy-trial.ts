/**
 * What other policies would make different, without making it: every destination is decided once more
 * under the candidate's rules, and compared with how it stands. One destination after the other, in
 * slices on the BGP thread; the table may change meanwhile, as it always may.
 *
 * In: the candidate's policies, and its peers' part if it has one. Out: per peer, routes accepted,
 * rejected or changed on the way in, and on the way out what the peer would be sent or lose,
 * including what follows from another best path.
 */
import { FAMILIES, Family } from "../fast-bgp-codec/family.js";
import { decodeNlri, formatNlri } from "../fast-bgp-codec/nlri.js";
import type { SlicedJob } from "../util/sliced-work.js";
import type { PeerPolicy } from "./policy/rules/settings.js";
import type {
  PolicyCandidate,
  PolicyDecision,
  PolicyDifference,
  PolicyTestOptions,
  PolicyTestPeer,
  PolicyTestReport,
} from "./policy-view.js";
import { attributeChanges, type Decided } from "./policy-words.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import { OtherPolicies } from "./what-if/other-policies.js";
import { Outgoing } from "./what-if/outgoing.js";
import type { SuppositionHost } from "./what-if/supposition.js";

export interface TrialHost extends SuppositionHost {
  now(): number;
}

/** A slice, and the whole, in milliseconds. */
const SLICE_MS = 1;
const TRIAL_MS = 60_000;
const EXAMPLES = 20;
const EXAMPLES_MAX = 1000;
/** Examples in all. */
const SHOWN_MAX = 5000;

type Change = PolicyDifference["change"];
type Tally = { -readonly [K in keyof PolicyTestPeer]: PolicyTestPeer[K] } & {
  examples: PolicyDifference[];
};

/** An accepted route that something behind the rules holds is as good as rejected. */
function effectOf({ decision, attr }: Decided): PolicyDecision["verdict"] {
  return attr === 0 && decision.verdict === "accept" ? "reject" : decision.verdict;
}

export class PolicyTrial implements SlicedJob {
  private readonly host: TrialHost;
  private readonly others: OtherPolicies;
  private readonly outgoing: Outgoing;
  private readonly options: PolicyTestOptions;
  private readonly finish: (report: PolicyTestReport) => void;
  private readonly tallies = new Map<string, Tally>();
  private readonly started: number;
  private shown = 0;
  private dest = 1;

  /**
   * @param policyOf a live peer's part in the candidate; undefined when the peer would be gone
   * @param finish called once
   */
  constructor(
    host: TrialHost,
    candidate: PolicyCandidate,
    policyOf: (peer: ReflectedPeer) => PeerPolicy | undefined,
    options: PolicyTestOptions,
    finish: (report: PolicyTestReport) => void,
  ) {
    this.host = host;
    this.options = options;
    this.finish = finish;
    this.started = host.now();
    this.others = new OtherPolicies(
      host,
      candidate,
      policyOf,
      (slot) => this.isMeant("in", slot),
      (path, before, after) => this.compareIn(path, before, after),
    );
    this.outgoing = new Outgoing(host, (receiver, change, path, before, after) => {
      const peer = receiver.session.peerAddress;
      this.note(peer, "out", change, path, before, after);
    });
  }

  step(): boolean {
    const { table } = this.host;
    const until = this.host.now() + SLICE_MS;
    if (this.others.isNothing) this.dest = table.destinationLimit;
    for (; this.dest < table.destinationLimit; this.dest++) {
      const now = this.host.now();
      if (now >= until) return this.pause(now - this.started > TRIAL_MS);
      if (table.exists(this.dest) && table.family(this.dest) !== Family.RouteTarget) {
        this.look(this.dest);
      }
    }
    return this.pause(true);
  }

  /** What was made for this slice is let go. */
  private pause(end: boolean): boolean {
    this.others.endSlice();
    if (!end) return false;
    this.others.close();
    const peers = [...this.tallies.values()].sort(
      (a, b) => a.peer.localeCompare(b.peer) || a.direction.localeCompare(b.direction),
    );
    this.finish({
      looked: this.dest - 1,
      complete: this.dest >= this.host.table.destinationLimit,
      peers,
      notes: this.others.notes,
    });
    return true;
  }

  private look(dest: number): void {
    const { table } = this.host;
    const { others } = this;
    const effective = new Map<number, number>();
    let differs = false;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      const attr = others.attrAfter(path);
      effective.set(path, attr);
      if (attr !== table.pathAttr(path)) differs = true;
    }
    const receivers = (differs ? others.receivers : others.changedReceivers).filter(({ slot }) =>
      this.isMeant("out", slot),
    );
    if (this.options.direction === "in" || receivers.length === 0) return;
    const after = (path: number): number => effective.get(path) ?? 0;
    const next = differs ? table.selectUnder(dest, after) : table.bestPath(dest);
    this.outgoing.compare(dest, others, after, next, differs, receivers);
  }

  private compareIn(path: number, before: Decided, after: Decided): void {
    const a = effectOf(before);
    const b = effectOf(after);
    if (a === b && before.attr === after.attr) return;
    const change = a === b ? "changed" : CHANGES[b];
    const source = this.host.table.sources.address[this.host.table.pathSlot(path)]!;
    this.note(source, "in", change, path, before, after);
  }

  private note(
    peer: string,
    direction: "in" | "out",
    change: Change,
    path: number,
    before: Decided | undefined,
    after: Decided | undefined,
  ): void {
    const key = `${peer} ${direction}`;
    let tally = this.tallies.get(key);
    if (tally === undefined) {
      tally = {
        peer,
        direction,
        accepted: 0,
        rejected: 0,
        quarantined: 0,
        changed: 0,
        examples: [],
      };
      this.tallies.set(key, tally);
    }
    tally[change]++;
    const most = Math.min(this.options.examples ?? EXAMPLES, EXAMPLES_MAX);
    if (tally.examples.length >= most || this.shown >= SHOWN_MAX) return;
    this.shown++;
    const { table } = this.host;
    const dest = table.pathDest(path);
    const family = table.family(dest);
    const from = table.pathNlri(path);
    const nlri = decodeNlri(family, table.nlriBytes, from, from + table.pathNlriLength(path));
    tally.examples.push({
      change,
      family: FAMILIES[family]!.name,
      prefix: formatNlri(family, nlri),
      from: table.sources.address[table.pathSlot(path)]!,
      before: before?.decision,
      after: after?.decision,
      attributes: attributeChanges(table.attrs, before?.attr ?? 0, after?.attr ?? 0),
    });
  }

  private isMeant(direction: "in" | "out", slot: number): boolean {
    const { peer, direction: wanted } = this.options;
    if (wanted !== undefined && wanted !== direction) return false;
    return peer === undefined || this.host.table.sources.address[slot] === peer;
  }
}

const CHANGES = { accept: "accepted", reject: "rejected", quarantine: "quarantined" } as const;
