/** The supposition that something fails: a PE, a segment, a peer's session. Its routes are gone, nobody's rules change. */
import { Family } from "../../fast-bgp-codec/family.js";
import { equalBytes } from "../../util/bytes.js";
import type { PolicyEngine } from "../policy/rules/engine.js";
import { octetsOf } from "../policy/tunnel-gate.js";
import type { ReflectedPeer } from "../reflected-peer.js";
import type { RouteTable } from "../rib/route-table.js";
import type { Supposition } from "./supposition.js";

export interface Failure {
  /** Next hop of the routes that go; with `esi` of those alone. */
  readonly nextHop?: Uint8Array | undefined;
  /** Next hops whose routes go; octets are 4 or 16. */
  readonly behind?: ((bytes: Uint8Array, at: number, octets: number) => boolean) | undefined;
  /** Segment whose routes go. */
  readonly esi?: Uint8Array | undefined;
  /** With `esi`: types 1 and 4 only, as in the first moment (mass withdraw, RFC 7432 section 8.2). */
  readonly firstMoment?: boolean | undefined;
  /** Sources whose routes go, and who are sent nothing more. */
  readonly slots?: ReadonlySet<number> | undefined;
}

/** ESI in types 1, 2, 4 and 5, behind type, length and RD. */
const ESI_OFFSET = 10;
const WITH_ESI = new Set([1, 2, 4, 5]);
const OF_SEGMENT = new Set([1, 4]);

export class Failures implements Supposition {
  readonly engine: PolicyEngine;
  readonly receivers: readonly ReflectedPeer[];
  readonly changedReceivers: readonly ReflectedPeer[] = [];
  readonly isNothing = false;
  readonly notes: string[] = [];
  private readonly ifNone: string | undefined;
  private matched = false;
  private readonly table: RouteTable;
  private readonly failure: Failure;

  /** @param ifNone `absent`, when no path fails */
  constructor(
    host: { readonly table: RouteTable; readonly engine: PolicyEngine },
    peers: Iterable<ReflectedPeer>,
    failure: Failure,
    ifNone?: string,
  ) {
    this.table = host.table;
    this.engine = host.engine;
    this.failure = failure;
    this.ifNone = ifNone;
    this.receivers = [...peers].filter(({ slot }) => failure.slots?.has(slot) !== true);
  }

  get absent(): string | undefined {
    return this.matched ? undefined : this.ifNone;
  }

  attrAfter(path: number): number {
    const attr = this.table.pathAttr(path);
    if (attr === 0 || !this.fails(path, attr)) return attr;
    this.matched = true;
    return 0;
  }

  endSlice(): void {
    this.engine.endBatch();
  }

  close(): void {
    this.endSlice();
  }

  private fails(path: number, attr: number): boolean {
    const { table, failure } = this;
    if (failure.slots?.has(table.pathSlot(path)) === true) return true;
    const { behind, nextHop, esi } = failure;
    if (behind !== undefined) return this.isBehind(attr, behind);
    if (nextHop !== undefined && !this.hasNextHop(attr, nextHop)) return false;
    return esi === undefined ? nextHop !== undefined : this.isOn(path, esi);
  }

  /** An IPv6 next hop of 32 octets counts by its global half. */
  private hasNextHop(attr: number, nextHop: Uint8Array): boolean {
    const { attrs } = this.table;
    const length = attrs.nextHopLength(attr);
    if (nextHop.length === 4 ? length !== 4 : length < 16) return false;
    return equalBytes(attrs.bytes, attrs.nextHopStart(attr), nextHop, 0, nextHop.length);
  }

  private isBehind(attr: number, behind: NonNullable<Failure["behind"]>): boolean {
    const { attrs } = this.table;
    const octets = octetsOf(attrs, attr);
    return octets !== 0 && behind(attrs.bytes, attrs.nextHopStart(attr), octets);
  }

  private isOn(path: number, esi: Uint8Array): boolean {
    const { table } = this;
    const dest = table.pathDest(path);
    if (table.family(dest) !== Family.Evpn) return false;
    const types = this.failure.firstMoment === true ? OF_SEGMENT : WITH_ESI;
    if (!types.has(table.routeType(dest))) return false;
    return equalBytes(table.nlriBytes, table.pathNlri(path) + ESI_OFFSET, esi, 0, 10);
  }
}
