/**
 * What passes between the speaker and its adjuncts: types only. Neither side knows the other; the daemon
 * joins them.
 *
 * Every stream is a snapshot, a sync marker, then changes. Every item has a key, a revision (higher with
 * each change of anything in its stream), a state, why, and since when. Applying an item twice changes
 * nothing. A producer that starts anew sends `reset` and a snapshot again; until the `sync` behind it the
 * consumer holds on to the last state, marked unknown, and never guesses.
 */

/** One item of a stream. */
export interface ContractItem<State extends string> {
  readonly key: string;
  readonly revision: number;
  readonly state: State;
  /** For people, a sentence without the full stop; empty when there is nothing to say. */
  readonly reason: string;
  /** Wall-clock milliseconds. */
  readonly since: number;
}

export type ContractChange<Item> =
  /** What the consumer has is unknown from now on; a snapshot follows. */
  | { readonly kind: "reset" }
  | { readonly kind: "item"; readonly item: Item }
  | { readonly kind: "gone"; readonly key: string; readonly revision: number }
  /** The snapshot is complete: what it did not name is gone. */
  | { readonly kind: "sync" };

/** Takes changes, several at a time, in order; returns at once and does not throw. */
export type ContractSink<Item> = (changes: readonly ContractChange<Item>[]) => void;

/**
 * A tunnel under the fabric, from ipsec to the speaker. `unverified`: the SA is up, but its selectors do not
 * cover what was configured, or the probe through it fails.
 */
export interface TunnelItem extends ContractItem<"up" | "down" | "unverified"> {
  /** Prefixes of VTEPs behind it. Of prefixes that overlap the longest decides, then any tunnel that is up. */
  readonly vteps: readonly string[];
}

export type TunnelChange = ContractChange<TunnelItem>;
export type TunnelSink = ContractSink<TunnelItem>;

/** A VTEP that routes point to, from the speaker to ipsec: for information; it makes and ends no tunnel. */
export interface VtepItem extends ContractItem<"present" | "left"> {
  /** Of the last time that it was present. */
  readonly routes: number;
}

export type VtepChange = ContractChange<VtepItem>;
export type VtepSink = ContractSink<VtepItem>;

/**
 * A subscriber's session, from radius to the FIB: begun when its Access-Accept was sent, confirmed by its
 * accounting Start. One that ended is told once, with how it ended as the reason (`stop`, `idle`, `roam`, …),
 * and is gone with that.
 */
export interface SubscriberItem extends ContractItem<"begun" | "confirmed" | "ended"> {
  readonly tenant: string;
  /** `aa:bb:cc:dd:ee:ff`; as the access point wrote it where it is no MAC. */
  readonly mac: string;
  /** Which access point: its MAC in the same form, or its name in lower case. */
  readonly accessPoint: string;
  readonly ssid: string | undefined;
  readonly userName: string;
  readonly vlan: string | undefined;
  readonly ip: string | undefined;
}

export type SubscriberChange = ContractChange<SubscriberItem>;
export type SubscriberSink = ContractSink<SubscriberItem>;
