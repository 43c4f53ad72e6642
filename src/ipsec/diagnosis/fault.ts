/** Faults between two ends that a negotiation shows: what each is called, and what to do about it. */

export type FaultCode =
  | "peer-unreachable"
  | "wrong-key"
  | "identity"
  | "phase-1-proposal"
  | "phase-2-proposal"
  | "pfs"
  | "selectors"
  | "summarised-networks"
  | "lifetime"
  | "nat"
  | "mtu"
  | "not-configured-here"
  | "passes-nothing";

export interface Diagnosis {
  readonly tunnel: string;
  readonly code: FaultCode;
  /** False: the most likely cause, but what was seen fits another one, too. */
  readonly certain: boolean;
  /** What is wrong, a sentence without the full stop. */
  readonly text: string;
  /** What to do, the same. */
  readonly remedy: string;
  /** Both ends' values where both are known. */
  readonly ours?: string | undefined;
  readonly theirs?: string | undefined;
  /** Lines of the log that it was read from, at most a few. */
  readonly evidence: readonly string[];
  /** Wall-clock milliseconds, of the first sign and the last. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** When it was over; undefined while it holds. */
  readonly ended?: number | undefined;
}

export interface Sign {
  readonly code: FaultCode;
  readonly certain: boolean;
  readonly text: string;
  readonly ours?: string | undefined;
  readonly theirs?: string | undefined;
}

export const REMEDIES: Readonly<Record<FaultCode, string>> = {
  "peer-unreachable":
    "check that the peer's gateway is up, its outside address, and that UDP 500 and 4500 pass on the way",
  "wrong-key": "set the same pre-shared key at both ends (evpnctl ipsec secrets set)",
  identity: "give both ends the identities that the other one expects of them",
  "phase-1-proposal": "give both ends one phase-1 proposal in common: encryption, hash and group",
  "phase-2-proposal":
    "give both ends one phase-2 proposal in common: encryption, integrity and PFS group",
  pfs: "switch perfect forward secrecy on at both ends with the same group, or off at both",
  selectors: "make each end's networks the mirror of the other's",
  "summarised-networks":
    "write the networks in the same form at both ends: all merged, or each by itself",
  lifetime: "set the same lifetimes at both ends",
  nat: "switch NAT traversal on at both ends, and let UDP 4500 pass; or take the NAT out of the way",
  mtu: "lower the tunnel's MTU, or clamp TCP's MSS, to what passes",
  "not-configured-here":
    "define the tunnel with the address that the peer comes from, or correct the peer's",
  "passes-nothing":
    "look at routes and policies of both ends, and whether ESP, or UDP 4500, passes on the way",
};

/** Over as soon as phase 2 is up: they would have kept it from coming. */
export const SETUP_FAULTS: ReadonlySet<FaultCode> = new Set([
  "peer-unreachable",
  "wrong-key",
  "identity",
  "phase-1-proposal",
  "phase-2-proposal",
  "selectors",
  "not-configured-here",
]);
