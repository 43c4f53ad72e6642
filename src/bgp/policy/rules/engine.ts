/**
 * The rules of all sessions: which chain each session's routes go through on their way in and out.
 *
 * In: policies by name (`configure`), sessions with their part of the settings (`attach`, `detach`).
 * Out: `importOf` for the intake of UPDATEs, and what `adj-rib-out/export-stage.ts` asks of an export
 * stage. Sessions whose rules are equal share a chain; a session without rules has none and costs
 * nothing. An override, a rule of the reflector's own behind all others, can be laid over the export of
 * some sessions or all: maintenance and graceful shutdown use it.
 *
 * Memberships (RFC 4684) are no routes and pass by all rules.
 */
import { Family } from "../../../fast-bgp-codec/family.js";
import { toHex } from "../../../util/bytes.js";
import type { RouteScreen } from "../../rib/route-screen.js";
import type { RouteTable } from "../../rib/route-table.js";
import { hasBit, setBit } from "../slot-mask.js";
import type { ImportGate } from "../import-gate.js";
import type { TunnelGate } from "../tunnel-gate.js";
import { Chain } from "./chain.js";
import { KeptSets } from "./kept-sets.js";
import { CacheRoom } from "./match-cache.js";
import type { RouteSource } from "./peer-match.js";
import { markOf } from "./policy-mark.js";
import type { RewriteContext } from "./rewrite.js";
import {
  PEER_POLICY_DEFAULTS,
  type ActionSettings,
  type DefaultVerdict,
  type PeerPolicy,
  type PolicySettings,
} from "./settings.js";

/** A session as far as its rules depend on it. */
export interface PolicyPeer extends RouteSource {
  readonly ebgp: boolean;
  /** Own address on the session; undefined when there is none to speak of. */
  readonly self: Uint8Array | undefined;
  readonly policy: PeerPolicy;
}

/** The rules that a session's routes meet when they come in. */
export interface ImportRules {
  readonly chain: Chain;
  readonly mask: Int32Array;
}

/** What an attached session's change of rules touches. */
export interface PolicyChange {
  /** What it sent is to be decided again. */
  readonly import: boolean;
  /** The export policy number it had, when that is another now: NO_POLICY for none. */
  readonly exportBefore: number | undefined;
  /** Rules that look at where a route comes from see it as another: what all others are sent. */
  readonly source: boolean;
}

/** A session whose export policy is another now. */
export interface ExportChange {
  readonly slot: number;
  /** The number it had, NO_POLICY for none. */
  readonly before: number;
}

export const NO_POLICY = -1;

/** The override is one rule for routes of everybody. */
export const ALL_RULES = new Int32Array([1]);

interface Attached {
  readonly peer: PolicyPeer;
  readonly import: ImportRules | undefined;
  readonly exportNumber: number;
}

/** Sessions with equal export rules. */
interface Outlet {
  readonly chain: Chain | undefined;
  readonly override: Chain | undefined;
  mask: Int32Array;
  users: number;
  /** Comparisons that still ask for it after its sessions have another. */
  pins: number;
  /** Its sessions shall get a fresh one: sources are others to its rules than before. */
  outdated: boolean;
  /** What of the chain concerns routes of a source, by its slot; worked out when asked for. */
  readonly sourceMasks: (Int32Array | undefined)[];
}

interface CompiledChain {
  readonly chain: Chain;
  readonly policies: readonly PolicySettings[];
}

const EMPTY_MASK = new Int32Array(0);

export class PolicyEngine {
  private readonly table: RouteTable;
  private readonly identity: { readonly as: number };
  private readonly kept: KeptSets;
  private definitions = new Map<string, PolicySettings>();
  /** By what they are compiled from. */
  private readonly chains = new Map<string, CompiledChain>();
  private readonly attached: (Attached | undefined)[] = [];
  private readonly imports: (ImportRules | undefined)[] = [];
  /** By slot: what stands behind a session's import rules; undefined for most. */
  readonly gates: (ImportGate | undefined)[] = [];
  /** For all sessions behind their gates, while tunnels are to have an effect on routes. */
  tunnels: TunnelGate | undefined;
  /** Asked last about MAC/IP routes, while duplicate detection keeps any. */
  screen: RouteScreen | undefined;
  private readonly outlets: (Outlet | undefined)[] = [];
  /** Slots with a session. */
  private readonly live = new Set<number>();
  private overrideAction: ActionSettings | undefined;
  private overrideSlots: Int32Array | "all" = EMPTY_MASK;
  private readonly room = new CacheRoom();
  /** There may be outlets or chains that nobody has. */
  private loose = false;
  /** Differs when an export policy's number stands for other rules, or its rules see sources otherwise. */
  generation = 0;
  /** Of the last `apply`: no rule matched, and the route goes out as it is. */
  isUntouched = false;

  /** @param identity read again whenever rules are compiled: the own AS may change */
  constructor(table: RouteTable, identity: { readonly as: number }) {
    this.table = table;
    this.identity = identity;
    this.kept = new KeptSets(table.attrs);
  }

  /** New definitions; sessions have the old rules until they are attached again. */
  configure(policies: readonly PolicySettings[]): void {
    const before = this.definitions;
    this.definitions = new Map(
      policies.map((policy) => {
        const old = before.get(policy.name);
        const same = old !== undefined && markOf(old).digest === markOf(policy).digest;
        return [policy.name, same ? old : policy];
      }),
    );
    this.loose = true;
  }

  get policies(): readonly PolicySettings[] {
    return [...this.definitions.values()];
  }

  /** The session has these rules from now on. */
  attach(slot: number, peer: PolicyPeer): PolicyChange {
    this.forgetUnused();
    const before = this.attached[slot];
    const { policy } = peer;
    const chain = this.chainOf(policy.importPolicies, policy.importDefault, peer);
    const rules = chain === undefined ? undefined : { chain, mask: chain.maskFor(peer) };
    const source =
      before === undefined ||
      before.peer.address !== peer.address ||
      before.peer.groups.join(" ") !== peer.groups.join(" ");
    const live = this.live.has(slot);
    if (source && !live) {
      for (const outlet of this.outlets) {
        if (outlet === undefined) continue;
        outlet.sourceMasks[slot] = undefined;
        if (outlet.chain?.asksSource === true) this.generation++;
      }
    }
    const exportBefore = before?.exportNumber ?? NO_POLICY;
    this.leaveOutlet(slot);
    const exportNumber = this.enterOutlet(slot, peer);
    this.attached[slot] = { peer, import: rules, exportNumber };
    this.imports[slot] = rules;
    this.loose ||= exportBefore !== exportNumber || before?.import?.chain !== chain;
    return {
      import: !sameRules(before?.import, rules),
      exportBefore: exportBefore === exportNumber ? undefined : exportBefore,
      source: source && live,
    };
  }

  /** The session is gone. Its routes may stay a while: who sent them is known until another takes the slot. */
  detach(slot: number): void {
    this.leaveOutlet(slot);
    this.loose = true;
    const attached = this.attached[slot];
    if (attached !== undefined) this.attached[slot] = { ...attached, exportNumber: NO_POLICY };
    this.forgetUnused();
    if (this.isUnused) this.kept.clear();
  }

  /**
   * Peers that are away, and whose routes stay for their return, have the definitions of today under the
   * policies that they had. Returns the slots whose import rules that changes.
   */
  renewAway(): number[] {
    const changed: number[] = [];
    for (const [slot, attached] of this.attached.entries()) {
      if (attached === undefined || this.live.has(slot)) continue;
      const { peer } = attached;
      const { importPolicies, importDefault } = peer.policy;
      const chain = this.chainOf(importPolicies, importDefault, peer);
      const rules = chain === undefined ? undefined : { chain, mask: chain.maskFor(peer) };
      if (sameRules(this.imports[slot], rules)) continue;
      this.imports[slot] = rules;
      this.attached[slot] = { ...attached, import: rules };
      this.loose = true;
      changed.push(slot);
    }
    return changed;
  }

  /** Rules for what the session sends; undefined for none. */
  importOf(slot: number): ImportRules | undefined {
    return this.imports[slot];
  }

  peerAt(slot: number): PolicyPeer | undefined {
    return this.attached[slot]?.peer;
  }

  /** The export policy number of a session, NO_POLICY for none. */
  exportOf(slot: number): number {
    return this.attached[slot]?.exportNumber ?? NO_POLICY;
  }

  /**
   * Lays `action` over the export of these sessions, behind their own rules; `undefined` takes it off.
   * @returns whose export changed, with the policy number each had: to be synced
   */
  setOverride(slots: Int32Array | "all", action: ActionSettings | undefined): ExportChange[] {
    this.forgetUnused();
    this.overrideSlots = action === undefined ? EMPTY_MASK : slots;
    this.overrideAction = action;
    return this.enterAgain();
  }

  /**
   * Sources are others than before to rules that ask whose a route is. Sessions with such rules get a
   * new number; under the old one the answers stay what they were.
   */
  renewSources(): ExportChange[] {
    this.forgetUnused();
    for (const outlet of this.outlets) {
      if (outlet?.chain?.asksSource === true) outlet.outdated = true;
    }
    return this.enterAgain();
  }

  /** The policy goes on giving its answers until `unpin`, though no session has it. */
  pin(policy: number): void {
    const outlet = this.outlets[policy];
    if (outlet !== undefined) outlet.pins++;
  }

  unpin(policy: number): void {
    const outlet = this.outlets[policy];
    if (outlet !== undefined) outlet.pins--;
    this.loose = true;
    this.forgetUnused();
  }

  private enterAgain(): ExportChange[] {
    const changed: ExportChange[] = [];
    this.loose = true;
    for (const slot of [...this.live]) {
      const attached = this.attached[slot];
      if (attached === undefined) continue;
      const before = attached.exportNumber;
      this.leaveOutlet(slot);
      const exportNumber = this.enterOutlet(slot, attached.peer);
      this.attached[slot] = { ...attached, exportNumber };
      if (exportNumber !== before) changed.push({ slot, before });
    }
    return changed;
  }

  // What sending asks for: `ExportStage`.

  get isIdle(): boolean {
    return this.outlets.length === 0;
  }

  get count(): number {
    return this.outlets.length;
  }

  maskOf(policy: number): Int32Array {
    return this.outlets[policy]?.mask ?? EMPTY_MASK;
  }

  apply(policy: number, attr: number, sourceSlot: number, dest: number, path: number): number {
    const outlet = this.outlets[policy];
    const { table } = this;
    const family = table.family(dest);
    if (outlet === undefined || family === Family.RouteTarget) return attr;
    const { chain, override } = outlet;
    let result = attr;
    this.isUntouched = override === undefined;
    if (chain !== undefined) {
      const mask = outlet.sourceMasks[sourceSlot] ?? this.sourceMask(outlet, chain, sourceSlot);
      chain.evaluate(attr, family, table.nlriBytes, table.pathNlri(path), mask);
      result = chain.attr;
      this.isUntouched &&= chain.isUntouched;
    }
    if (override === undefined || result === 0) return result;
    override.evaluate(result, family, table.nlriBytes, table.pathNlri(path), ALL_RULES);
    return override.attr;
  }

  /** What was made for the batch is not used any more; also after an UPDATE is applied. */
  endBatch(): void {
    this.kept.endBatch();
  }

  /** Lays the same over the export of sessions as the other has. */
  copyOverride(other: PolicyEngine): void {
    this.setOverride(other.overrideSlots, other.overrideAction);
  }

  /** Sessions whose texts are equal are ruled equally, but for where routes come from. */
  textOf(slot: number, direction: "import" | "export"): string {
    if (direction === "import") return this.imports[slot]?.chain.text ?? "";
    const outlet = this.outlets[this.exportOf(slot)];
    return `${outlet?.chain?.text ?? ""}|${outlet?.override?.text ?? ""}`;
  }

  /** The chain of an export policy, for views. */
  exportChain(policy: number): Chain | undefined {
    return this.outlets[policy]?.chain;
  }

  overrideChain(policy: number): Chain | undefined {
    return this.outlets[policy]?.override;
  }

  /** Lets go of the sets that are kept for the next batch only: for audits that count references. */
  clearKept(): void {
    this.kept.clear();
  }

  /** Every reference to attribute sets held here, for audits. */
  forEachReference(visit: (attr: number) => void): void {
    this.kept.forEach(visit);
  }

  /** Times that each rule of a policy matched, in all chains that have the policy. */
  hitsOf(policy: PolicySettings): number[] {
    const hits = policy.rules.map(() => 0);
    for (const { chain, policies } of this.chains.values()) {
      if (!policies.includes(policy)) continue;
      for (const [index, { policy: name, number }] of chain.rules.entries()) {
        if (name === policy.name) hits[number - 1] = hits[number - 1]! + chain.hits[index]!;
      }
    }
    return hits;
  }

  /** The rules of a source's route under an export chain. */
  sourceMaskOf(chain: Chain, sourceSlot: number): Int32Array {
    return chain.maskFor(this.peerAt(sourceSlot) ?? this.strangerAt(sourceSlot));
  }

  private sourceMask(outlet: Outlet, chain: Chain, slot: number): Int32Array {
    const mask = this.sourceMaskOf(chain, slot);
    outlet.sourceMasks[slot] = mask;
    return mask;
  }

  private strangerAt(slot: number): RouteSource {
    return { address: this.table.sources.address[slot] ?? "", groups: [] };
  }

  private get isUnused(): boolean {
    return this.isIdle && [...this.live].every((slot) => this.imports[slot] === undefined);
  }

  private chainOf(
    names: readonly string[],
    fallback: DefaultVerdict,
    peer: PolicyPeer,
  ): Chain | undefined {
    if (names.length === 0 && fallback === "accept") return undefined;
    const policies = names.flatMap((name) => this.definitions.get(name) ?? []);
    return this.compiled(policies, fallback, peer);
  }

  private compiled(
    policies: readonly PolicySettings[],
    fallback: DefaultVerdict,
    peer: PolicyPeer,
  ): Chain {
    const marks = policies.map(markOf);
    const asksSelf = marks.some((mark) => mark.asksSelf);
    const asksEbgp = marks.some((mark) => mark.asksEbgp);
    const context: RewriteContext = {
      localAs: asksEbgp ? this.identity.as : 0,
      self: asksSelf ? peer.self : undefined,
      ebgp: asksEbgp && peer.ebgp,
    };
    const self = context.self === undefined ? "" : toHex(context.self);
    const digests = marks.map(({ digest }) => digest).join(" ");
    const key = `${fallback} ${context.ebgp} ${context.localAs} ${self} ${digests}`;
    const known = this.chains.get(key);
    if (known !== undefined) return known.chain;
    const { attrs } = this.table;
    const chain = new Chain(key, policies, fallback, context, attrs, this.kept.add, this.room);
    this.chains.set(key, { chain, policies });
    return chain;
  }

  private enterOutlet(slot: number, peer: PolicyPeer): number {
    this.live.add(slot);
    const { policy } = peer;
    const chain = this.chainOf(policy.exportPolicies, policy.exportDefault, peer);
    const override = this.overrideFor(slot, peer);
    if (chain === undefined && override === undefined) return NO_POLICY;
    let number = this.outlets.findIndex(
      (outlet) =>
        outlet?.outdated === false && outlet.chain === chain && outlet.override === override,
    );
    if (number < 0) {
      const free = this.outlets.findIndex((outlet) => outlet === undefined);
      number = free < 0 ? this.outlets.length : free;
      this.generation++;
      this.outlets[number] = {
        chain,
        override,
        mask: EMPTY_MASK,
        users: 0,
        pins: 0,
        outdated: false,
        sourceMasks: [],
      };
    }
    const outlet = this.outlets[number]!;
    outlet.users++;
    outlet.mask = wide(outlet.mask, slot);
    setBit(outlet.mask, slot);
    return number;
  }

  private leaveOutlet(slot: number): void {
    this.live.delete(slot);
    const outlet = this.outlets[this.exportOf(slot)];
    if (outlet === undefined) return;
    outlet.users--;
    const mask = outlet.mask.slice();
    mask[slot >>> 5] = mask[slot >>> 5]! & ~(1 << (slot & 31));
    outlet.mask = mask;
  }

  /** Outlets that no session has and no comparison needs, and chains that nobody asks. */
  private forgetUnused(): void {
    if (!this.loose) return;
    this.loose = false;
    const { outlets } = this;
    for (const [number, outlet] of outlets.entries()) {
      if (outlet?.users === 0 && outlet.pins === 0) outlets[number] = undefined;
    }
    while (outlets.length > 0 && outlets.at(-1) === undefined) outlets.pop();
    const used = new Set<Chain | undefined>();
    for (const outlet of outlets) used.add(outlet?.chain).add(outlet?.override);
    for (const rules of this.imports) used.add(rules?.chain);
    for (const [key, { chain, policies }] of this.chains) {
      // Sessions to come may have it again: its counters go on.
      const current = this.chains.size <= CHAINS_KEPT && this.areCurrent(policies);
      if (used.has(chain) || current) continue;
      chain.close();
      this.chains.delete(key);
    }
  }

  private areCurrent(policies: readonly PolicySettings[]): boolean {
    return policies.every((policy) => this.definitions.get(policy.name) === policy);
  }

  private overrideFor(slot: number, peer: PolicyPeer): Chain | undefined {
    const { overrideAction: action, overrideSlots: slots } = this;
    if (action === undefined) return undefined;
    const meant = slots === "all" || (slot >>> 5 < slots.length && hasBit(slots, 0, slot));
    if (!meant) return undefined;
    const rules = [{ name: "", text: "", match: {}, set: action, then: "accept" as const }];
    return this.compiled([{ name: "", rules }], PEER_POLICY_DEFAULTS.exportDefault, peer);
  }
}

const CHAINS_KEPT = 256;

function sameRules(a: ImportRules | undefined, b: ImportRules | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.chain === b.chain && a.mask.every((word, i) => word === b.mask[i]);
}

function wide(mask: Int32Array, slot: number): Int32Array {
  const wider = new Int32Array(Math.max(mask.length, (slot >>> 5) + 1));
  wider.set(mask);
  return wider;
}
