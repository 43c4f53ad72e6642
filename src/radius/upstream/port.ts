/**
 * One source port towards a home server: 256 identifiers, handed out least recently used first and
 * never while one is pending (RFC 5080 section 2.2.2). More pending requests take more ports.
 */
/** A request on its way. The packet is kept: what goes out again is the same octets. */
export interface UpstreamSlot {
  readonly port: UpstreamPort;
  readonly identifier: number;
  readonly packet: Uint8Array;
  readonly sentAt: number;
  lastSentAt: number;
}

export interface UpstreamPort {
  /** Identifiers not in use. */
  readonly free: number;
  /** The next identifier, or -1. It is taken until `release`. */
  take(): number;
  release(identifier: number): void;
  occupy(slot: UpstreamSlot): void;
  slot(identifier: number): UpstreamSlot | undefined;
  send(bytes: Uint8Array): void;
  close(): void;
  /** Whether it stands, where that can be known. */
  readonly connected?: boolean;
  /** Its settings are others now, where it has any. */
  reconsider?(): void;
  /** Called a few times a second, where it has something to watch. */
  tick?(now: number): void;
}

/** The identifiers of a port; the transport is the caller's. */
export class IdentifierRing {
  private readonly order = Uint8Array.from({ length: 256 }, (_, index) => index);
  private readonly slots = new Array<UpstreamSlot | undefined>(256).fill(undefined);
  private head = 0;
  free = 256;

  take(): number {
    if (this.free === 0) return -1;
    this.free--;
    const identifier = this.order[this.head] ?? 0;
    this.head = (this.head + 1) & 255;
    return identifier;
  }

  release(identifier: number): void {
    this.slots[identifier] = undefined;
    this.order[(this.head + this.free) & 255] = identifier;
    this.free++;
  }

  occupy(slot: UpstreamSlot): void {
    this.slots[slot.identifier] = slot;
  }

  slot(identifier: number): UpstreamSlot | undefined {
    return this.slots[identifier];
  }
}
