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
import type { AdjRibOut } from "./adj-rib-out/adj-rib-out.js";
import { MOST_PATHS } from "./adj-rib-out/path-numbers.js";
import { policyPeer } from "./policies.js";
import { PolicyEngine, type PolicyPeer } from "./policy/rules/engine.js";
import type { PeerPolicy } from "./policy/rules/settings.js";
import { hasBit } from "./policy/slot-mask.js";
import type {
  PolicyCandidate,
  PolicyDecision,
  PolicyDifference,
  PolicyTestOptions,
  PolicyTestPeer,
  PolicyTestReport,
} from "./policy-view.js";
import { attributeChanges, decideExport, decideImport, type Decided } from "./policy-words.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import { HoldReason } from "./rib/hold.js";
import type { RouteTable } from "./rib/route-table.js";

export interface TrialHost {
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  readonly engine: PolicyEngine;
  readonly identity: { readonly as: number };
  livePeers(): Iterable<ReflectedPeer>;
  /** `Policies.behindRules`. */
  behindRules(path: number, attr: number): number;
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

/** A path that a receiver might have, and what its export rules say of it. */
interface Way {
  readonly receiver: ReflectedPeer;
  readonly path: number;
  readonly decided: Decided;
}

/** An accepted route that something behind the rules holds is as good as rejected. */
function effectOf({ decision, attr }: Decided): PolicyDecision["verdict"] {
  return attr === 0 && decision.verdict === "accept" ? "reject" : decision.verdict;
}

/** Most paths of a destination that the session is sent. */
function limitOf({ session }: ReflectedPeer, family: Family): number {
  return session.options.addPath.find((option) => option.family === family)?.limit ?? 1;
}

export class PolicyTrial implements SlicedJob {
  private readonly host: TrialHost;
  private readonly candidate: PolicyEngine;
  private readonly options: PolicyTestOptions;
  private readonly finish: (report: PolicyTestReport) => void;
  private readonly receivers: ReflectedPeer[] = [];
  /** Of these the ones whose rules are others in the candidate. */
  private readonly changedReceivers: ReflectedPeer[] = [];
  /** Sources whose rules are others. */
  private readonly changedSources = new Set<number>();
  private readonly tallies = new Map<string, Tally>();
  private readonly notes: string[] = [];
  private readonly started: number;
  private mask = new Int32Array(1);
  private shown = 0;
  /** References to sets made in this slice. */
  private readonly owned: number[] = [];
  private dest = 1;

  /**
   * @param policyOf a live peer's part in the candidate; undefined when the peer would be gone
   * @param finish called once
   */
  constructor(
    host: TrialHost,
    { policies }: PolicyCandidate,
    policyOf: (peer: ReflectedPeer) => PeerPolicy | undefined,
    options: PolicyTestOptions,
    finish: (report: PolicyTestReport) => void,
  ) {
    this.host = host;
    this.options = options;
    this.finish = finish;
    this.started = host.now();
    this.candidate = new PolicyEngine(host.table, host.identity);
    this.candidate.configure(policies);
    for (const peer of host.livePeers()) {
      const policy = policyOf(peer);
      const now = policyPeer(peer);
      if (policy === undefined) {
        const { peerAddress } = peer.session;
        this.notes.push(`${peerAddress} is not in the candidate; its rules count as unchanged`);
      }
      this.candidate.attach(
        peer.slot,
        policy === undefined ? now : { ...now, groups: policy.groups, policy },
      );
      this.receivers.push(peer);
    }
    this.attachOthers();
    this.candidate.copyOverride(host.engine);
    this.findChanged();
  }

  step(): boolean {
    const { table } = this.host;
    const until = this.host.now() + SLICE_MS;
    const nothing = this.changedReceivers.length === 0 && this.changedSources.size === 0;
    if (nothing) this.dest = table.destinationLimit;
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
    this.host.engine.endBatch();
    this.candidate.endBatch();
    for (const attr of this.owned.splice(0)) this.host.table.attrs.release(attr);
    if (!end) return false;
    this.candidate.clearKept();
    const peers = [...this.tallies.values()].sort(
      (a, b) => a.peer.localeCompare(b.peer) || a.direction.localeCompare(b.direction),
    );
    this.finish({
      looked: this.dest - 1,
      complete: this.dest >= this.host.table.destinationLimit,
      peers,
      notes: this.notes,
    });
    return true;
  }

  /** Slots whose session is gone and whose routes stay have the candidate's definitions, and their own part. */
  private attachOthers(): void {
    const { table, engine } = this.host;
    for (let slot = 0; slot < table.sources.limit; slot++) {
      const peer: PolicyPeer | undefined = engine.peerAt(slot);
      if (peer === undefined || this.candidate.peerAt(slot) !== undefined) continue;
      this.candidate.attach(slot, peer);
      this.candidate.detach(slot);
    }
  }

  /** Sessions with equal texts are ruled equally, unless somebody is another source now. */
  private findChanged(): void {
    const { engine } = this.host;
    const { candidate } = this;
    let sources = false;
    for (let slot = 0; slot < this.host.table.sources.limit; slot++) {
      const before = engine.peerAt(slot);
      const after = candidate.peerAt(slot);
      if (before === undefined || after === undefined) continue;
      sources ||= before.groups.join(" ") !== after.groups.join(" ");
      const maskDiffers = (): boolean => {
        const [a, b] = [engine.importOf(slot)?.mask, candidate.importOf(slot)?.mask];
        return a?.some((word, i) => word !== b?.[i]) === true;
      };
      const same = engine.textOf(slot, "import") === candidate.textOf(slot, "import");
      if (!same || maskDiffers()) this.changedSources.add(slot);
    }
    for (const receiver of this.receivers) {
      const { slot } = receiver;
      const same = engine.textOf(slot, "export") === candidate.textOf(slot, "export");
      if (!same || sources) this.changedReceivers.push(receiver);
    }
  }

  private look(dest: number): void {
    const { table } = this.host;
    const { direction } = this.options;
    const effective = new Map<number, number>();
    let differs = false;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      const attr = this.attrUnder(path);
      effective.set(path, attr);
      if (attr !== table.pathAttr(path)) differs = true;
    }
    const receivers = differs ? this.receivers : this.changedReceivers;
    if (direction === "in" || receivers.length === 0) return;
    const before = (path: number): number => table.pathAttr(path);
    const after = (path: number): number => effective.get(path) ?? 0;
    const best = table.bestPath(dest);
    const next = differs ? table.selectUnder(dest, after) : best;
    const { engine } = this.host;
    this.compareOut(
      this.waysOf(dest, [best], "best", before, engine, receivers),
      this.waysOf(dest, [next], "best", after, this.candidate, receivers),
    );
    const several = this.takeSeveral(receivers, table.family(dest));
    if (several.length === 0) return;
    const ranked = this.ranked(dest, before);
    this.compareOut(
      this.waysOf(dest, ranked, "several", before, engine, several),
      this.waysOf(
        dest,
        differs ? this.ranked(dest, after) : ranked,
        "several",
        after,
        this.candidate,
        several,
      ),
    );
  }

  /** Paths in the order in which ADD-PATH offers them. */
  private ranked(dest: number, attrOf: (path: number) => number): number[] {
    const ranked: number[] = [];
    while (ranked.length < MOST_PATHS) {
      const path = this.host.table.selectUnder(dest, attrOf, ranked);
      if (path === 0) break;
      ranked.push(path);
    }
    return ranked;
  }

  private takeSeveral(receivers: readonly ReflectedPeer[], family: Family): ReflectedPeer[] {
    return receivers.filter(({ session }) => (session.negotiated.addPathOut & (1 << family)) !== 0);
  }

  /** The effective set of a path in the candidate; notes what that makes different on its way in. */
  private attrUnder(path: number): number {
    const { table, engine } = this.host;
    const slot = table.pathSlot(path);
    const hold = table.pathHold(path);
    // Limits and trust hold it whatever rules say.
    const others = hold === HoldReason.Limit || hold === HoldReason.Trust;
    if (others || !this.changedSources.has(slot)) return table.pathAttr(path);
    const after = this.effective(path, decideImport(this.candidate, table, path));
    if (this.isMeant("in", slot)) {
      this.compareIn(path, this.effective(path, decideImport(engine, table, path)), after);
    }
    return after.attr;
  }

  /** With what stands behind import rules; the set is ours until the slice ends. */
  private effective(path: number, { decision, attr }: Decided): Decided {
    if (attr === 0) return { decision, attr };
    const behind = this.host.behindRules(path, attr);
    if (behind !== 0) this.owned.push(behind);
    return { decision, attr: behind };
  }

  private compareIn(path: number, before: Decided, after: Decided): void {
    const a = effectOf(before);
    const b = effectOf(after);
    if (a === b && before.attr === after.attr) return;
    const change = a === b ? "changed" : CHANGES[b];
    const source = this.host.table.sources.address[this.host.table.pathSlot(path)]!;
    this.note(source, "in", change, path, before, after);
  }

  /** Who is sent which of the paths, by receiver, and by path where several go; the best first. */
  private waysOf(
    dest: number,
    paths: readonly number[],
    takers: "best" | "several",
    attrOf: (path: number) => number,
    engine: PolicyEngine,
    receivers: readonly ReflectedPeer[],
  ): Map<string, Way> {
    const { out, table } = this.host;
    const ways = new Map<string, Way>();
    const counts = new Map<number, number>();
    if (this.mask.length < out.words) this.mask = new Int32Array(out.words);
    for (const path of paths) {
      const attr = path === 0 ? 0 : attrOf(path);
      if (attr === 0) continue;
      out.receiversUnder(attr, dest, path, takers, this.mask);
      for (const receiver of receivers) {
        const { slot } = receiver;
        if (slot >>> 5 >= this.mask.length || !hasBit(this.mask, 0, slot)) continue;
        if (receiver.gone || !this.isMeant("out", slot)) continue;
        const count = counts.get(slot) ?? 0;
        if (takers === "several" && count >= limitOf(receiver, table.family(dest))) continue;
        const decided = decideExport(engine, table, path, attr, slot);
        if (decided.attr !== 0) counts.set(slot, count + 1);
        const key = takers === "best" ? `${slot}` : `${slot} ${path}`;
        ways.set(key, { receiver, path, decided });
      }
    }
    return ways;
  }

  private compareOut(before: ReadonlyMap<string, Way>, after: ReadonlyMap<string, Way>): void {
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const old = before.get(key);
      const next = after.get(key);
      const { receiver } = (old ?? next)!;
      const a = old?.decided ?? LOST;
      const b = next?.decided ?? LOST;
      if (a.attr === 0 && b.attr === 0) continue;
      if (old !== undefined && next !== undefined && this.looksSame(receiver.slot, old, next))
        continue;
      const change: Change = a.attr === 0 ? "accepted" : b.attr === 0 ? "rejected" : "changed";
      const path = b.attr === 0 ? old!.path : next!.path;
      this.note(receiver.session.peerAddress, "out", change, path, a, b);
    }
  }

  /** Two forms of a route that no octet on the wire tells apart: eBGP, for one, has no LOCAL_PREF. */
  private looksSame(slot: number, old: Way, next: Way): boolean {
    const [a, b] = [old.decided, next.decided];
    if (a.attr === 0 || b.attr === 0) return false;
    if (old.path === next.path && a.attr === b.attr) return true;
    const { table, out } = this.host;
    const before = out.encodeSet(slot, a.attr, table.pathSlot(old.path));
    const attributes = before.attributes.slice();
    const nextHop = before.nextHop.slice();
    const after = out.encodeSet(slot, b.attr, table.pathSlot(next.path));
    const same = (x: Uint8Array, y: Uint8Array) => Buffer.compare(x, y) === 0;
    return (
      same(attributes, after.attributes) &&
      same(nextHop, after.nextHop) &&
      same(this.nlriOf(old.path), this.nlriOf(next.path))
    );
  }

  private nlriOf(path: number): Uint8Array {
    const { table } = this.host;
    const from = table.pathNlri(path);
    return table.nlriBytes.subarray(from, from + table.pathNlriLength(path));
  }

  private note(
    peer: string,
    direction: "in" | "out",
    change: Change,
    path: number,
    before: Decided,
    after: Decided,
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
      before: before === LOST ? undefined : before.decision,
      after: after === LOST ? undefined : after.decision,
      attributes: attributeChanges(table.attrs, before.attr, after.attr),
    });
  }

  private isMeant(direction: "in" | "out", slot: number): boolean {
    const { peer, direction: wanted } = this.options;
    if (wanted !== undefined && wanted !== direction) return false;
    return peer === undefined || this.host.table.sources.address[slot] === peer;
  }
}

const CHANGES = { accept: "accepted", reject: "rejected", quarantine: "quarantined" } as const;

/** There is no such way. */
const LOST: Decided = {
  decision: { by: "none", verdict: "reject", passed: [], overridden: false },
  attr: 0,
};
