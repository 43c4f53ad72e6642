/** The supposition that policies are others: each path is decided once more under the candidate's import rules. */
import { policyPeer } from "../policies.js";
import type { PolicyCandidate } from "../policy-view.js";
import { decideImport, type Decided } from "../policy-words.js";
import { PolicyEngine, type PolicyPeer } from "../policy/rules/engine.js";
import type { PeerPolicy } from "../policy/rules/settings.js";
import type { ReflectedPeer } from "../reflected-peer.js";
import { HoldReason } from "../rib/hold.js";
import type { Supposition, SuppositionHost } from "./supposition.js";

/** Told of every path that is decided under other rules, with the decisions as they are and would be. */
export type DecisionSink = (path: number, before: Decided, after: Decided) => void;

export class OtherPolicies implements Supposition {
  readonly engine: PolicyEngine;
  readonly receivers: ReflectedPeer[] = [];
  readonly changedReceivers: ReflectedPeer[] = [];
  readonly notes: string[] = [];
  readonly absent = undefined;
  private readonly host: SuppositionHost;
  /** Wants to know of this source's paths? */
  private readonly asks: ((slot: number) => boolean) | undefined;
  private readonly decided: DecisionSink | undefined;
  /** Sources whose rules are others. */
  private readonly changedSources = new Set<number>();
  /** References to sets made in this slice. */
  private readonly owned: number[] = [];

  /**
   * @param policyOf a live peer's part in the candidate; undefined when the peer would be gone
   * @param asks of which sources `decided` is told
   */
  constructor(
    host: SuppositionHost,
    { policies }: PolicyCandidate,
    policyOf: (peer: ReflectedPeer) => PeerPolicy | undefined,
    asks?: (slot: number) => boolean,
    decided?: DecisionSink,
  ) {
    this.host = host;
    this.asks = asks;
    this.decided = decided;
    this.engine = new PolicyEngine(host.table, host.identity);
    this.engine.configure(policies);
    for (const peer of host.livePeers()) {
      const policy = policyOf(peer);
      const now = policyPeer(peer);
      if (policy === undefined) {
        const { peerAddress } = peer.session;
        this.notes.push(`${peerAddress} is not in the candidate; its rules count as unchanged`);
      }
      const then = policy === undefined ? now : { ...now, groups: policy.groups, policy };
      this.engine.attach(peer.slot, then);
      this.receivers.push(peer);
    }
    this.attachOthers();
    this.engine.copyOverride(host.engine);
    this.findChanged();
  }

  get isNothing(): boolean {
    return this.changedReceivers.length === 0 && this.changedSources.size === 0;
  }

  attrAfter(path: number): number {
    const { table, engine } = this.host;
    const slot = table.pathSlot(path);
    const hold = table.pathHold(path);
    // Limits and trust hold it whatever rules say.
    const others = hold === HoldReason.Limit || hold === HoldReason.Trust;
    if (others || !this.changedSources.has(slot)) return table.pathAttr(path);
    const after = this.effective(path, decideImport(this.engine, table, path));
    if (this.decided !== undefined && this.asks?.(slot) === true) {
      this.decided(path, this.effective(path, decideImport(engine, table, path)), after);
    }
    return after.attr;
  }

  endSlice(): void {
    this.host.engine.endBatch();
    this.engine.endBatch();
    for (const attr of this.owned.splice(0)) this.host.table.attrs.release(attr);
  }

  close(): void {
    this.endSlice();
    this.engine.clearKept();
  }

  /** With what stands behind import rules; the set is ours until the slice ends. */
  private effective(path: number, { decision, attr }: Decided): Decided {
    if (attr === 0) return { decision, attr };
    const behind = this.host.behindRules(path, attr);
    if (behind !== 0) this.owned.push(behind);
    return { decision, attr: behind };
  }

  /** Slots whose session is gone and whose routes stay have the candidate's definitions, and their own part. */
  private attachOthers(): void {
    const { table, engine } = this.host;
    for (let slot = 0; slot < table.sources.limit; slot++) {
      const peer: PolicyPeer | undefined = engine.peerAt(slot);
      if (peer === undefined || this.engine.peerAt(slot) !== undefined) continue;
      this.engine.attach(slot, peer);
      this.engine.detach(slot);
    }
  }

  /** Sessions with equal texts are ruled equally, unless somebody is another source now. */
  private findChanged(): void {
    const { engine } = this.host;
    const candidate = this.engine;
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
}
