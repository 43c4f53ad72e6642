/**
 * One session's place: how far it has read the change log, and the dumps it still owes itself. It
 * owns no queue: what it lacks is what stands between its position and the log's tail.
 */
import { type Family } from "../../fast-bgp-codec/family.js";

/** What a cursor needs of a session. */
export interface Outlet {
  /** Octets the kernel has not taken yet. */
  readonly pendingBytes: number;
  sendMany(buffers: readonly Uint8Array[], messages: number): void;
  send(bytes: Uint8Array): void;
}

/**
 * Above this many octets a session is passed over until it has drained. The transport's own mark: who
 * stands at it exactly is not told when it drains, so it must not count as blocked.
 */
export const HIGH_WATER = 256 * 1024;
/** Below this many it goes on. */
export const LOW_WATER = 64 * 1024;

export const DumpStage = {
  /** BoRR is due, where bracketed. */
  Begin: 0,
  /** EVPN types 1, 3 and 4, which MAC routes lean on. */
  Early: 1,
  Rest: 2,
  /** End-of-RIB or EoRR is due. */
  End: 3,
} as const;
export type DumpStage = (typeof DumpStage)[keyof typeof DumpStage];

export const DumpKind = {
  /** A session's first table: what it has not got yet (or everything, see `again`), then End-of-RIB. */
  Initial: 0,
  /** What it should have and has not, and the other way round, after its interest changed. */
  Sync: 1,
  /** Everything once more. */
  Refresh: 2,
} as const;
export type DumpKind = (typeof DumpKind)[keyof typeof DumpKind];

/** An export policy that a session was served under, until it has been sent the difference. */
export interface Former {
  readonly policy: number;
  /** It is not needed any more. */
  readonly done: () => void;
}

/** A walk over all destinations, or over some, beside the live cursor. */
export interface Dump {
  /** Bit mask over `Family`. */
  readonly families: number;
  readonly kind: DumpKind;
  /** Families whose refresh is bracketed by BoRR and EoRR (RFC 7313). */
  readonly bracketed: number;
  /** Families of which everything is sent, also what the session has. */
  readonly again: number;
  stage: DumpStage;
  /** Export policies under which the session was served before: what they made something else of is sent again. */
  readonly former: readonly Former[];
  /** The ones to look at; undefined = all. */
  readonly destinations: Int32Array | undefined;
  /** Next destination id (or index into `destinations`), and where the walk ends. */
  next: number;
  end: number;
}

export class Cursor {
  readonly slot: number;
  readonly outlet: Outlet;
  /** Bit mask over `Family`. */
  readonly families: number;
  /** Receives messages beyond 4,096 octets. */
  readonly extendedMessage: boolean;
  readonly enhancedRefresh: boolean;
  /** Log position of the next entry to read. */
  position: number;
  blocked = false;
  dump: Dump | undefined;
  /** What is due when the dump under way is done: first tables, by family mask; */
  initialPending = 0;
  /** a look at everything, by family mask, or at the routes of these combinations of route targets; */
  syncPending = 0;
  readonly targetsPending = new Set<number>();
  /** Export policies that the next look compares with. */
  formerPending: readonly Former[] = [];
  /** refreshes, by family mask. */
  refreshPending = 0;
  /** What it has of these families may look otherwise by now, bit mask: the next first table is sent in full. */
  outdated = 0;
  /** Families held back, bit mask: either until the session has said which route targets it wants (RFC 4684 section 6), */
  awaiting = 0;
  /** or until we know again what we knew before our restart (RFC 4724 section 4.1). */
  deferred = 0;
  /** or until the peer is trusted. */
  untrusted = 0;
  /** Our own word on memberships: goes out in front of that family's dumps. */
  greeting: Uint8Array | undefined;
  /** End-of-RIB sent, bit mask over `Family`. */
  endOfRibSent = 0;
  /** BoRR sent and EoRR not yet, bit mask over `Family`. */
  refreshOpen = 0;
  /**
   * Destinations sent from an outdated log entry because they kept moving ahead of this cursor, with
   * the log's tail at that time: their newer entry below it has nothing new.
   */
  readonly promoted = new Map<number, number>();
  promotedUntil = 0;

  constructor(
    slot: number,
    outlet: Outlet,
    families: number,
    extendedMessage: boolean,
    enhancedRefresh: boolean,
    position: number,
  ) {
    this.slot = slot;
    this.outlet = outlet;
    this.families = families;
    this.extendedMessage = extendedMessage;
    this.enhancedRefresh = enhancedRefresh;
    this.position = position;
  }

  /** Whether output may be given to it now, with hysteresis between the water marks. */
  isReady(): boolean {
    const pending = this.outlet.pendingBytes;
    if (pending <= (this.blocked ? LOW_WATER : HIGH_WATER)) {
      this.blocked = false;
      return true;
    }
    this.blocked = true;
    return false;
  }

  get held(): number {
    return this.awaiting | this.deferred | this.untrusted;
  }

  /** It has read everything and owes itself nothing. */
  isSettled(tail: number): boolean {
    return (
      this.position >= tail &&
      this.dump === undefined &&
      this.initialPending === 0 &&
      this.syncPending === 0 &&
      this.targetsPending.size === 0
    );
  }

  advanceTo(position: number): void {
    this.position = position;
    if (this.promoted.size > 0 && position >= this.promotedUntil) this.promoted.clear();
  }

  hasEndOfRib(family: Family): boolean {
    return (this.endOfRibSent & (1 << family)) !== 0;
  }
}
