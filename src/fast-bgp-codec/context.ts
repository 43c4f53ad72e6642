/** What decoding an UPDATE depends on. */

/** What the decoder must know of the session. */
export interface DecodeContext {
  /** 4-octet AS negotiated (RFC 6793). */
  readonly as4: boolean;
  readonly ibgp: boolean;
  /** For the first-AS check on eBGP; 0 switches it off. */
  readonly peerAs: number;
  /** Bit mask over `Family`: negotiated families. NLRI of others are ignored. */
  readonly families: number;
  /** Bit mask over `Family`: NLRI carry path ids (RFC 7911). */
  readonly addPath: number;
  /** What an EVPN NLRI costs whose envelope parses and whose body does not. */
  readonly malformedNlri: "drop" | "treat-as-withdraw" | "reset";
}
