/** A subscriber's session: from Access-Accept to its end. */
export interface Session {
  /** Counts up in this run of the relay: the order of the list. */
  readonly id: number;
  /** Another user's session of the same MAC began later, at another access point. */
  readonly beside?: true;
  readonly tenant: string;
  /** `aa:bb:cc:dd:ee:ff`, or Calling-Station-Id as written when it is no MAC. */
  readonly mac: string;
  /** Identity of the access point: MAC of Called-Station-Id. */
  readonly accessPoint: string;
  readonly ssid: string | undefined;
  /** Where its requests come from: only this client may end it. */
  readonly client: string;
  readonly clientPort: number;
  /** Pool that let it in: only its servers may disconnect it. */
  readonly pool: string;
  readonly userName: string;
  /** Class attributes of the accept, hexadecimal, in order. */
  readonly classes: readonly string[];
  readonly vlan: string | undefined;
  /** The subscriber's, as an accept, accounting or a lease of ours says. */
  readonly address: string | undefined;
  /** Address pool that the accept names (Framed-Pool, ERX Address-Pool-Name). */
  readonly addressPool: string | undefined;
  /** Service-Bundles of the accept. */
  readonly bundles: readonly string[];
  /** What we hold for it, and give back when it ends; undefined: nothing. */
  readonly lease: Lease | undefined;
  readonly acctSessionId: string | undefined;
  readonly nasIdentifier: string | undefined;
  readonly nasAddress: string | undefined;
  /** Accounting Start has come. */
  readonly confirmed: boolean;
  /** Wall clock, milliseconds. */
  readonly startedAt: number;
  readonly lastSeenAt: number;
  /** Event-Timestamp of the last accounting message, seconds since 1970. */
  readonly eventTimestamp: number | undefined;
  readonly inputOctets: number;
  readonly outputOctets: number;
  readonly inputPackets: number;
  readonly outputPackets: number;
  readonly sessionTime: number;
}

/** An address on loan. */
export interface Lease {
  readonly address: string;
  /** Where it is from: a pool of ours, or a DHCP server's identifier. */
  readonly from: string;
  /** Wall clock, milliseconds; undefined: for as long as the session. */
  readonly until: number | undefined;
  /** Wall clock of the next renewal. */
  readonly renewAt: number | undefined;
}

/** Why a session is over. */
export type EndReason =
  "stop" | "idle" | "on-off" | "disconnect" | "admin" | "roam" | "user-changed";

export type SessionEvent =
  | { readonly kind: "begun" | "changed"; readonly session: Session }
  | { readonly kind: "ended"; readonly session: Session; readonly reason: EndReason };
