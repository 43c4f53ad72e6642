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

/** `stale`: it was trusted, and nobody has said so for too long. */
export type TrustState = "trusted" | "untrusted" | "unknown" | "stale";

/**
 * What becomes of a peer that is not trusted. `refuse`: no session begins; one that is up suffers `hold`, so
 * that a change of trust resets nobody. `hold`: the session is up, nothing is sent to it, and its routes are
 * ineligible. `mark`: it is served, and its routes carry a community; for trials.
 */
export type TrustEffect = "refuse" | "hold" | "mark";

/** How a BGP session hangs on the instance that was trusted. */
export type TrustBinding = "tls-proxy" | "tcp-md5" | "address";

/** What the configuration asks of a peer. */
export interface TrustRequirement {
  readonly tenant: string;
  /** Undefined: any of the tenant's. */
  readonly vnf: string | undefined;
  readonly effect: TrustEffect;
  /** Only says what would be done. */
  readonly dryRun: boolean;
}

/** What the speaker knows of a peer. Before its OPEN there is no AS and no router id. */
export interface TrustFacts {
  /** Canonical, without a zone. */
  readonly address: string;
  readonly required: TrustRequirement;
  readonly as: number | undefined;
  /** Dotted quad. */
  readonly routerId: string | undefined;
  /** Hex of the instance's identity, when its TLS proxy brought the connection; undefined for a plain one. */
  readonly instance: string | undefined;
  /** It was admitted before, and its session is up. */
  readonly live: boolean;
}

export interface TrustAnswer {
  /** Of the last change that the answer hangs on. */
  readonly revision: number;
  readonly state: TrustState;
  /** For people, a sentence without the full stop. */
  readonly reason: string;
  /** What is done to it. */
  readonly effect: TrustEffect | "admit";
  /** What a dry run, or a grace, spares it; undefined when nothing is. */
  readonly spared: TrustEffect | undefined;
  /** Monotonic milliseconds until when it holds, unless a change comes before; undefined = until one comes. */
  readonly until: number | undefined;
  /** `tenant/vnf/instance`, empty while nobody is known there. */
  readonly subject: string;
  /** `tenant/vnf`: what is policed together. */
  readonly vnf: string;
  /** Undefined while nobody is known there. */
  readonly binding: TrustBinding | undefined;
  readonly limits: TrustLimits;
  /** Community that its routes carry where the effect is `mark`, 4 octets as a number. */
  readonly community: number;
}

/** What BGP of one VNF, all its sessions together, is held to; 0 = no limit. */
export interface TrustLimits {
  readonly sessions: number;
  readonly updatesPerSecond: number;
  readonly prefixes: number;
}

/** Trust in whoever peers from an address, from asmn to the speaker. Key: the address, canonical. */
export interface TrustItem extends ContractItem<TrustState> {
  readonly subject: string;
  /** Live sessions keep their last verdict, because the Sec-EM is out of reach. */
  readonly grace: boolean;
}

export type TrustChange = ContractChange<TrustItem>;
/** Each transition comes once, expiry included. */
export type TrustSink = ContractSink<TrustItem>;

/** Answers from a local cache, without I/O, and never throws. */
export interface TrustGate {
  /** Asked on accept (address), on OPEN (AS, router id), and for live sessions after each change of their address. */
  admit(facts: TrustFacts): TrustAnswer;
  /** TCP MD5 key of the trusted instance at that address that fits; undefined when it has none. A secret. */
  keyFor(address: string, required: TrustRequirement): string | undefined;
  /** Hex identity of the trusted instance there that fits, and peers through its TLS proxy. */
  instanceAt(address: string, required: TrustRequirement): string | undefined;
  /** Returns what ends it. */
  subscribe(sink: TrustSink): () => void;
  /** The change is in force at every session of the address: how many there were, and what it took. */
  gateApplied(applied: TrustApplied): void;
}

/** Times are milliseconds since the speaker heard of the change. */
export interface TrustApplied {
  readonly address: string;
  readonly revision: number;
  readonly sessions: number;
  readonly routes: number;
  /** From then on nothing new was sent to it. */
  readonly beganMs: number;
  /** Its last route was held, or restored. */
  readonly doneMs: number;
  /** It may peer and has no session: why the speaker waits for it instead of connecting. */
  readonly waits?: string | undefined;
}
