/**
 * The hot way through an UPDATE (RFC 4271 section 4.3): one pass that allocates nothing for good
 * input, gives the RFC 7606 verdict, and leaves offsets into the message. Values are decoded
 * elsewhere, lazily.
 */
import type { DecodeFault, Severity } from "./fault.js";
import type { Family } from "./family.js";

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

/** No such field in this message. */
export const ABSENT = -1;

/** Result of `scanUpdate`, reused from message to message. Offsets are absolute in the given bytes; ends are exclusive. */
export class UpdateScan {
  /** The strongest verdict of this message. */
  severity: Severity = 0;
  /** Every fault found, in order; the array is replaced only when the message before had some. */
  faults: DecodeFault[] = [];
  /** IPv4 withdrawn routes field. */
  withdrawnStart = 0;
  withdrawnEnd = 0;
  /** IPv4 NLRI field at the end of the message. */
  nlriStart = 0;
  nlriEnd = 0;
  /** MP_REACH_NLRI: family (ABSENT when missing or not negotiated), next hop, NLRI. */
  reachFamily: Family | -1 = ABSENT;
  reachNextHopStart = 0;
  reachNextHopLength = 0;
  reachStart = 0;
  reachEnd = 0;
  /** MP_UNREACH_NLRI. */
  unreachFamily: Family | -1 = ABSENT;
  unreachStart = 0;
  unreachEnd = 0;
  /** NEXT_HOP attribute (4 octets), ABSENT when missing. */
  nextHopStart = ABSENT;
  /** Family whose End-of-RIB this message is (RFC 4724 section 2), else ABSENT. */
  endOfRib: Family | -1 = ABSENT;
  /** Attributes in wire order, without dropped duplicates and without discarded ones. */
  attributeCount = 0;
  readonly code = new Uint8Array(256);
  readonly flags = new Uint8Array(256);
  readonly valueStart = new Int32Array(256);
  readonly valueLength = new Int32Array(256);
}
