/**
 * Routes that evpnd announces itself: what is injected through the API, and host routes. Each kind is a
 * source of its own in the table, beside those of the sessions, so that best path, sending, route-target
 * constraint, export policy and the audit treat them as they treat any route.
 *
 * RFC 4456 is about what was learnt: what is ours goes to every peer, and carries neither ORIGINATOR_ID nor
 * CLUSTER_LIST. Whoever reflects it puts our BGP identifier there, which is the originator in our own best
 * path, too: all reflectors of a cluster decide alike. Import policy is not asked.
 *
 * Routes of one source that share an NLRI are told apart by a path id of its owner's choice; 0 costs nothing.
 */
import { FAMILIES, type Family } from "../fast-bgp-codec/family.js";
import { NlriScan, NlriStatus, scanNlri } from "../fast-bgp-codec/nlri-scan.js";
import { copyBytes } from "../util/bytes.js";
import type { SlicedJob } from "../util/sliced-work.js";
import type { ReflectorIdentity } from "./policy/export.js";
import { sweepJob } from "./restart/index.js";
import { BEST_REASONS } from "./rib/best-path.js";
import { SourceKind } from "./rib/sources.js";
import type { RouteTable } from "./rib/route-table.js";

/** What stands for the address of a peer where there is none. */
const ADDRESS = "local";
/** Routes put in anew in one turn when our identifier changed. */
const REIDENTIFY_SLICE = 5_000;

export interface LocalRoutesHost {
  readonly table: RouteTable;
  readonly identity: ReflectorIdentity;
  /** Sets the table's clock: what is changed outside of a turn is as old as now, not as the last turn. */
  tick(): void;
  /** There is something to send. */
  wake(): void;
  /** Long work, a slice a turn. */
  later(job: SlicedJob): void;
}

/** What became of a route of ours. */
export interface LocalRouteState {
  readonly best: boolean;
  /** Why it is best, or what the best has before it. */
  readonly reason: string;
}

export class LocalRoutes {
  private readonly host: LocalRoutesHost;
  private readonly sources: LocalSource[] = [];

  constructor(host: LocalRoutesHost) {
    this.host = host;
  }

  /** @param name the source's routes, by path id, for people */
  source(name: (pathId: number) => string): LocalSource {
    const source = new LocalSource(this.host, name);
    this.sources.push(source);
    return source;
  }

  /** Routes of all kinds. */
  get count(): number {
    return this.sources.reduce((sum, source) => sum + source.count, 0);
  }

  /** Slots that are ours, for audits. */
  get slots(): readonly number[] {
    return this.sources.flatMap(({ slot }) => (slot < 0 ? [] : [slot]));
  }

  /** Whose a path is, for people; undefined for those of sessions. */
  nameOf(path: number): string | undefined {
    if (this.sources.length === 0) return undefined;
    const { table } = this.host;
    const slot = table.pathSlot(path);
    return this.sources.find((source) => source.slot === slot)?.name(table.pathId(path));
  }

  /** AS or router id changed: paths that others compete with are decided anew. */
  reidentify(): void {
    for (const source of this.sources) source.reidentify();
  }
}

export class LocalSource {
  /** -1 before the first route. */
  slot = -1;
  readonly name: (pathId: number) => string;
  private readonly host: LocalRoutesHost;
  private readonly scan = new NlriScan();
  private readonly scratch = new Uint8Array(4096);
  /** Between `beginRenewal` and the end of what follows `endRenewal`. */
  private isRenewing = false;
  private renewal = 0;
  /** Our identifier changed meanwhile. */
  private isOther = false;

  constructor(host: LocalRoutesHost, name: (pathId: number) => string) {
    this.host = host;
    this.name = name;
  }

  /** Routes held. */
  get count(): number {
    if (this.slot < 0) return 0;
    const { sources } = this.host.table;
    let count = 0;
    for (const { family } of FAMILIES) count += sources.count(this.slot, family);
    return count;
  }

  /**
   * Adds or replaces a route; what is there already changes nothing.
   * @param set the next hop's octets, then the attributes in canonical form (`canonical.ts`), without
   *   ORIGINATOR_ID and CLUSTER_LIST
   * @returns false for an NLRI that is none
   */
  announce(
    family: Family,
    nlri: Uint8Array,
    nlriEnd: number,
    pathId: number,
    set: Uint8Array,
    setEnd: number,
    nextHopLength: number,
  ): boolean {
    if (!this.scanned(family, nlri, nlriEnd, pathId)) return false;
    const { table } = this.host;
    this.slot = this.slot < 0 ? this.takeSlot() : this.slot;
    const attr = table.attrs.intern(family, nextHopLength, set, 0, setEnd);
    this.host.tick();
    table.announce(this.slot, family, nlri, this.scan, attr, attr);
    table.attrs.release(attr);
    return true;
  }

  /** Whether there was such a route. */
  withdraw(family: Family, nlri: Uint8Array, nlriEnd: number, pathId: number): boolean {
    const path = this.path(family, nlri, nlriEnd, pathId);
    if (path === 0) return false;
    this.host.tick();
    this.host.table.remove(path);
    return true;
  }

  has(family: Family, nlri: Uint8Array, nlriEnd: number, pathId: number): boolean {
    return this.path(family, nlri, nlriEnd, pathId) !== 0;
  }

  /** Undefined when it is not there. */
  state(
    family: Family,
    nlri: Uint8Array,
    nlriEnd: number,
    pathId: number,
  ): LocalRouteState | undefined {
    const { table } = this.host;
    const path = this.path(family, nlri, nlriEnd, pathId);
    if (path === 0) return undefined;
    const dest = table.pathDest(path);
    const best = table.bestPath(dest) === path;
    const why = BEST_REASONS[table.bestReason(dest)]!;
    return { best, reason: best ? why : `the best has: ${why}` };
  }

  /** What is not announced again from here to `endRenewal` goes then. */
  beginRenewal(): void {
    if (this.slot < 0) return;
    this.renewal++;
    this.isRenewing = true;
    for (const { family } of FAMILIES) this.host.table.markStale(this.slot, family);
  }

  endRenewal(): void {
    if (this.slot < 0) return;
    const { table } = this.host;
    const { renewal } = this;
    let waiting = FAMILIES.length;
    for (const { family } of FAMILIES) {
      const mark = table.sources.marks[this.slot * FAMILIES.length + family]!;
      const job = sweepJob(table, this.slot, family, mark);
      this.host.later({
        step: () => {
          const done = job.step();
          if (done && --waiting === 0 && renewal === this.renewal) this.renewed();
          return done;
        },
      });
    }
  }

  private renewed(): void {
    this.isRenewing = false;
    if (!this.isOther) return;
    this.isOther = false;
    this.reidentify();
  }

  /** Sends what changed. Not needed by readers of the change log, after whom the reflector looks itself. */
  wake(): void {
    this.host.wake();
  }

  reidentify(): void {
    const { table, identity } = this.host;
    const { sources } = table;
    if (this.slot < 0) return;
    sources.routerId[this.slot] = identity.routerId >>> 0;
    sources.addressKey[this.slot] = addressKey(identity.routerId);
    sources.peerAs[this.slot] = identity.as;
    this.isOther = this.isRenewing;
    if (this.isRenewing) return;
    for (const { family } of FAMILIES) this.host.later(this.renewals(family));
  }

  /** Takes each path that is not alone out and puts it back: the comparison is another one now. */
  private renewals(family: Family): SlicedJob {
    const { table } = this.host;
    const walk = table.walkSource(this.slot, family);
    return {
      step: () => {
        // Put anew, a route would not go that nobody announces again: all of it is done behind the renewal.
        this.isOther ||= this.isRenewing;
        for (let i = 0; i < REIDENTIFY_SLICE; i++) {
          const path = this.isRenewing ? 0 : table.stepWalk(walk);
          if (path === 0) {
            table.endWalk(walk);
            return true;
          }
          this.putAnew(family, path);
        }
        return false;
      },
    };
  }

  private putAnew(family: Family, path: number): void {
    const { table } = this.host;
    const { attrs } = table;
    const dest = table.pathDest(path);
    if (table.firstPath(dest) === path && table.nextPath(path) === 0) return;
    const from = table.pathNlri(path);
    const end = table.pathNlriLength(path);
    copyBytes(table.nlriBytes, from, from + end, this.scratch, 0);
    const attr = table.pathAttr(path);
    attrs.retain(attr);
    this.scanned(family, this.scratch, end, table.pathId(path));
    table.remove(path);
    table.announce(this.slot, family, this.scratch, this.scan, attr, attr);
    attrs.release(attr);
  }

  private path(family: Family, nlri: Uint8Array, nlriEnd: number, pathId: number): number {
    if (this.slot < 0 || !this.scanned(family, nlri, nlriEnd, pathId)) return 0;
    const dest = this.host.table.find(family, nlri, this.scan);
    return dest === 0 ? 0 : this.host.table.pathFrom(dest, this.slot, pathId);
  }

  private scanned(family: Family, nlri: Uint8Array, end: number, pathId: number): boolean {
    const { scan } = this;
    const next = scanNlri(family, nlri, 0, end, false, scan);
    scan.pathId = pathId;
    return next === end && scan.status === NlriStatus.Ok && !scan.hostBits;
  }

  private takeSlot(): number {
    const { routerId, as } = this.host.identity;
    const { sources } = this.host.table;
    return sources.take(SourceKind.Local, routerId, ADDRESS, addressKey(routerId), as);
  }
}

function addressKey(routerId: number): string {
  return `4${(routerId >>> 0).toString(16).padStart(8, "0")}`;
}
