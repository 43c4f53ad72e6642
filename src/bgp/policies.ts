/**
 * Policies on live sessions: which rules a session gets when it comes up, and what follows when they
 * change under it, without a reset.
 *
 * - Import: what the peer sent is decided again from its attribute sets as received, in slices; only
 *   paths whose outcome differs are touched.
 * - Export: the session is compared, old rules against new, and sent the difference.
 * - A peer whose group changed may be another source to the rules of everybody.
 */
import { Family } from "../fast-bgp-codec/family.js";
import { parseIp } from "../fast-bgp-codec/values/ip.js";
import type { SlicedJob } from "../util/sliced-work.js";
import { ImportGate } from "./policy/import-gate.js";
import { PolicyEngine, type ExportChange, type PolicyPeer } from "./policy/rules/engine.js";
import type { ActionSettings, PolicySettings } from "./policy/rules/settings.js";
import type { TunnelGate } from "./policy/tunnel-gate.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import { LongLivedMark } from "./restart/index.js";
import { AttrFlag } from "./rib/attr-facts.js";
import type { AttrStore } from "./rib/attr-store.js";
import { HoldReason } from "./rib/hold.js";
import type { RouteScreen } from "./rib/route-screen.js";
import type { RouteTable } from "./rib/route-table.js";
import { SourceKind } from "./rib/sources.js";

export interface PolicyHost {
  readonly table: RouteTable;
  /** The own AS may change while we run. */
  readonly identity: { readonly as: number };
  livePeers(): Iterable<ReflectedPeer>;
  /** Long work, a slice a turn. */
  later(job: SlicedJob): void;
  /**
   * The session's export policy was `before`: it is sent what the change makes the difference of.
   * `done` is called once, when nobody asks for the answers under `before` any more.
   */
  syncExport(slot: number, before: number, done: () => void): void;
  /** Stale paths of the slot and family are long-lived (RFC 9494). */
  isLongLived(slot: number, family: Family): boolean;
}

const MAC_IP = 2;
/** Destinations looked at between two looks at the clock, and about how long a slice may take. */
const STRETCH = 512;
const SLICE_MS = 3;

export class Policies {
  readonly engine: PolicyEngine;
  private readonly longLived: LongLivedMark;
  private readonly host: PolicyHost;
  private readonly now: () => number;
  /** Slots whose paths are to be decided again by the walk under way. */
  private readonly dirty = new Set<number>();
  private walking: { next: number; end: number } | undefined;
  /** Of the last `pass`: the set, 0 for held; why; a set of ours to be let go. */
  private passed = 0;
  private passedHold: HoldReason = HoldReason.None;
  /** Destinations to be decided on again for the screen. */
  private readonly waiting = new Set<number>();
  private marked = 0;

  /** @param now monotonic milliseconds */
  constructor(host: PolicyHost, now: () => number) {
    this.host = host;
    this.now = now;
    this.engine = new PolicyEngine(host.table, host.identity);
    this.longLived = new LongLivedMark(host.table.attrs);
  }

  /** A session came up: its slot has these rules before the first route. What the slot still holds follows. */
  admit(peer: ReflectedPeer): void {
    this.engine.gates[peer.slot] = gateFor(peer, this.host.table.attrs);
    const change = this.engine.attach(peer.slot, policyPeer(peer));
    // Only a peer that was away has routes already: a walk for every newcomer would keep all walks from ending.
    if (change.import && peer.routes(this.host.table.sources) > 0) this.decideAgain(peer.slot);
  }

  /** What stands behind the session's import rules follows its options; what it sent is decided again. */
  renewGate(peer: ReflectedPeer): void {
    this.engine.gates[peer.slot] = gateFor(peer, this.host.table.attrs);
    this.decideAgain(peer.slot);
  }

  /** The session is trusted, or not, from now on; what it sent is the caller's to decide again. */
  setGate(peer: ReflectedPeer): void {
    this.engine.gates[peer.slot]?.endBatch();
    this.engine.gates[peer.slot] = gateFor(peer, this.host.table.attrs);
  }

  leave(peer: ReflectedPeer): void {
    this.engine.detach(peer.slot);
  }

  /** New definitions: hold for sessions to come, and after `refresh` for those that are up. */
  configure(policies: readonly PolicySettings[]): void {
    this.engine.configure(policies);
  }

  /** Brings every session to the rules that its options name now, and routes of peers that are away to today's. Returns a line for each that changed. */
  refresh(): string[] {
    const lines: string[] = [];
    let sources = false;
    const peers = [...this.host.livePeers()];
    for (const peer of peers) {
      const { slot } = peer;
      const change = this.engine.attach(slot, policyPeer(peer));
      sources ||= change.source;
      const parts: string[] = [];
      if (change.import) {
        this.decideAgain(slot);
        parts.push("import");
      }
      if (change.exportBefore !== undefined) {
        this.sync({ slot, before: change.exportBefore });
        parts.push("export");
      }
      if (parts.length === 0) continue;
      lines.push(`${peer.session.peerAddress}: ${parts.join(" and ")} policy changed, no reset`);
    }
    if (sources) for (const change of this.engine.renewSources()) this.sync(change);
    for (const slot of this.engine.renewAway()) this.decideAgain(slot);
    return lines;
  }

  /** Lays a rule of our own behind the export of these sessions, or takes it off; see `PolicyEngine.setOverride`. */
  setOverride(slots: Int32Array | "all", action: ActionSettings | undefined): void {
    for (const change of this.engine.setOverride(slots, action)) this.sync(change);
  }

  private sync({ slot, before }: ExportChange): void {
    const { engine } = this;
    engine.pin(before);
    this.host.syncExport(slot, before, () => engine.unpin(before));
  }

  /** Import rules decide on a path once more, for whoever held it for another reason and lets go now. */
  reconsider(path: number): void {
    const { table } = this.host;
    const slot = table.pathSlot(path);
    if (this.engine.gates[slot]?.isClosed === true) {
      if (table.pathHold(path) !== HoldReason.Trust) table.reconsider(path, 0, HoldReason.Trust);
      return;
    }
    const rules = this.engine.importOf(slot);
    const dest = table.pathDest(path);
    const family = table.family(dest);
    const received = table.pathReceived(path);
    let effective = received;
    let hold: HoldReason = HoldReason.None;
    if (rules !== undefined && family !== Family.RouteTarget) {
      const { chain, mask } = rules;
      chain.evaluate(received, family, table.nlriBytes, table.pathNlri(path), mask);
      effective = chain.attr;
      hold = chain.hold;
    }
    this.pass(path, effective, hold);
    if (this.passed !== table.pathAttr(path) || this.passedHold !== table.pathHold(path)) {
      table.reconsider(path, this.passed, this.passedHold);
    }
    if (this.passedHold === HoldReason.Duplicate) this.engine.screen?.held(dest, false);
    this.letGo(slot);
  }

  /** The screen of MAC/IP routes from now on; see `RouteHolds`. */
  setScreen(screen: RouteScreen | undefined): void {
    this.engine.screen = screen;
  }

  /** What tunnels do to routes from now on; what is in the table already needs `reconsiderWhere`. */
  setTunnels(tunnels: TunnelGate | undefined): void {
    this.engine.tunnels?.endBatch();
    this.engine.tunnels = tunnels;
  }

  /** Paths for which `test` holds are decided on again, in slices; then `done` is called, once. */
  reconsiderWhere(test: (path: number) => boolean, done: () => void): void {
    const { table } = this.host;
    // What is announced from now on meets the gate as it is then.
    const end = table.destinationLimit;
    let next = 1;
    this.host.later({
      step: () => {
        const until = this.now() + SLICE_MS;
        do {
          const stop = Math.min(end, next + STRETCH);
          for (; next < stop; next++) if (table.exists(next)) this.reconsiderPaths(next, test);
        } while (next < end && this.now() < until);
        this.engine.endBatch();
        if (next < end) return false;
        done();
        return true;
      },
    });
  }

  /** The routes of these destinations are decided on again, in slices. */
  reconsiderAll(dests: Iterable<number>): void {
    const isIdle = this.waiting.size === 0;
    for (const dest of dests) this.waiting.add(dest);
    if (isIdle && this.waiting.size > 0) this.host.later({ step: () => this.stepWaiting() });
  }

  private stepWaiting(): boolean {
    const { waiting } = this;
    const { table } = this.host;
    const until = this.now() + SLICE_MS;
    let done = 0;
    for (const dest of waiting) {
      waiting.delete(dest);
      if (table.exists(dest)) this.reconsiderDestination(dest);
      if ((++done & 15) === 0 && this.now() >= until) break;
    }
    this.engine.endBatch();
    return waiting.size === 0;
  }

  private reconsiderDestination(dest: number): void {
    this.reconsiderPaths(dest, () => true);
  }

  private reconsiderPaths(dest: number, test: (path: number) => boolean): void {
    const { table } = this.host;
    for (let path = table.firstPath(dest); path !== 0;) {
      const next = table.nextPath(path);
      if (isOurs(table.pathHold(path)) && test(path)) this.reconsider(path);
      path = next;
    }
  }

  /**
   * For previews: the effective set of a path whose import rules leave `attr`, 0 when it is held. The
   * caller owns a reference.
   */
  behindRules(path: number, attr: number): number {
    const { attrs } = this.host.table;
    this.pass(path, attr, HoldReason.None);
    const { passed } = this;
    if (passed !== 0) attrs.retain(passed);
    this.letGo(this.host.table.pathSlot(path));
    return passed;
  }

  /** What stands behind import rules, into `passed` and `passedHold`; holds until `letGo`. */
  private pass(path: number, attr: number, hold: HoldReason): void {
    const { table } = this.host;
    const slot = table.pathSlot(path);
    const family = table.family(table.pathDest(path));
    this.passed = attr;
    this.passedHold = hold;
    const own = this.engine.gates[slot];
    const gate = family === Family.RouteTarget && own?.isClosed !== true ? undefined : own;
    if (gate !== undefined && attr !== 0) {
      gate.pass(attr);
      this.passed = gate.attr;
      this.passedHold = gate.hold;
    }
    this.passTunnels(slot, family);
    if (this.passed !== 0 && this.isScreened(path, family)) {
      this.passed = 0;
      this.passedHold = HoldReason.Duplicate;
    }
    if (this.passed !== 0 && this.isLongLived(path, slot, family)) {
      this.marked = this.passed = this.longLived.add(this.passed);
    }
  }

  private passTunnels(slot: number, family: Family): void {
    const { tunnels } = this.engine;
    if (tunnels === undefined || this.passed === 0 || family === Family.RouteTarget) return;
    // What an operator has us announce counts in any case.
    if (this.host.table.sources.kind[slot] === SourceKind.Local) return;
    tunnels.pass(this.passed);
    this.passed = tunnels.attr;
    this.passedHold = tunnels.hold;
  }

  private isScreened(path: number, family: Family): boolean {
    const { screen } = this.engine;
    if (screen === undefined || family !== Family.Evpn) return false;
    const { table } = this.host;
    if (table.routeType(table.pathDest(path)) !== MAC_IP) return false;
    // What an operator has us announce counts in any case.
    if (table.sources.kind[table.pathSlot(path)] === SourceKind.Local) return false;
    return screen.holds(this.passed, table.nlriBytes, table.pathNlri(path));
  }

  private letGo(slot: number): void {
    if (this.marked !== 0) this.host.table.attrs.release(this.marked);
    this.marked = 0;
    this.engine.gates[slot]?.endBatch();
    this.engine.tunnels?.endBatch();
  }

  /** The path carries LLGR_STALE of ours, or is to: no rule takes it off before it is announced again. */
  private isLongLived(path: number, slot: number, family: Family): boolean {
    const { table } = this.host;
    if (!table.isStale(path)) return false;
    const attr = table.pathAttr(path);
    if (attr !== 0 && (table.attrs.flags(attr) & AttrFlag.LlgrStale) !== 0) return true;
    return this.host.isLongLived(slot, family);
  }

  /** What the slot's peer sent goes through its rules again, in slices. */
  private decideAgain(slot: number): void {
    this.dirty.add(slot);
    const { table } = this.host;
    // What is announced from now on meets the new rules anyway.
    if (this.walking !== undefined) {
      this.walking.next = 1;
      this.walking.end = table.destinationLimit;
      return;
    }
    this.walking = { next: 1, end: table.destinationLimit };
    this.host.later({ step: () => this.step() });
  }

  private step(): boolean {
    const { walking, dirty } = this;
    if (walking === undefined) return true;
    const { table } = this.host;
    const until = this.now() + SLICE_MS;
    do {
      const stop = Math.min(walking.end, walking.next + STRETCH);
      for (; walking.next < stop; walking.next++) {
        const dest = walking.next;
        if (!table.exists(dest)) continue;
        for (let path = table.firstPath(dest); path !== 0;) {
          const next = table.nextPath(path);
          if (dirty.has(table.pathSlot(path)) && isOurs(table.pathHold(path)))
            this.reconsider(path);
          path = next;
        }
      }
    } while (walking.next < walking.end && this.now() < until);
    this.engine.endBatch();
    if (walking.next < walking.end) return false;
    this.walking = undefined;
    dirty.clear();
    return true;
  }
}

/** Paths that limits hold are theirs to let go. */
function isOurs(hold: HoldReason): boolean {
  return hold !== HoldReason.Limit;
}

/** What stands behind a session's import rules; undefined for most. */
function gateFor(peer: ReflectedPeer, attrs: AttrStore): ImportGate | undefined {
  const { gracefulShutdown, interest } = peer.session.options;
  const ebgp = peer.kind === SourceKind.Ebgp;
  const lowersShutdown = gracefulShutdown === "always" || (gracefulShutdown === "ebgp" && ebgp);
  const { allowed } = interest;
  const { effect, community } = peer.grip;
  if (!lowersShutdown && allowed === undefined && effect === "admit") return undefined;
  const mark = effect === "mark" ? community : undefined;
  return new ImportGate(attrs, { lowersShutdown, allowed, isClosed: effect === "hold", mark });
}

export function policyPeer(peer: ReflectedPeer): PolicyPeer {
  const { session } = peer;
  const { policy } = session.options;
  return {
    address: session.peerAddress,
    groups: policy.groups,
    ebgp: peer.kind === SourceKind.Ebgp,
    self: parseIp(session.localAddress.split("%")[0]!),
    policy,
  };
}
