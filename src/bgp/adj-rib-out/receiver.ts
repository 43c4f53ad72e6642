/** A session as sending knows it, and who else reads the log. */
import { Family } from "../../fast-bgp-codec/family.js";
import type { Encoding } from "../policy/export.js";
import type { Receiver } from "../policy/reflection.js";
import type { Outlet } from "./cursor.js";

export interface AddPathLimit {
  readonly family: Family;
  /** 1 to 32. */
  readonly limit: number;
}

export interface ReceiverOptions extends Receiver {
  readonly outlet: Outlet;
  readonly encoding: Encoding;
  readonly extendedMessage: boolean;
  readonly enhancedRefresh: boolean;
  /** Families of which it takes several paths of a destination (RFC 7911), each with how many at most. */
  readonly addPath?: readonly AddPathLimit[];
  /** A message that goes out before anything else. */
  readonly greeting: Uint8Array | undefined;
  /** Families with route targets wait for `release`, whether it has memberships or not. */
  readonly awaitsInterest?: boolean;
  /** Everything but memberships waits for `releaseDeferred`: the session keeps our routes over our restart. */
  readonly deferred?: boolean;
  /** It is sent nothing at all until `releaseTrust`. */
  readonly untrusted?: boolean;
}

/** Families whose routes carry route targets (RFC 4684). */
export const TARGETED = (1 << Family.Evpn) | (1 << Family.Ipv4Vpn) | (1 << Family.Ipv6Vpn);

/** A route's attributes as one receiver gets them. */
export interface EncodedRoute {
  readonly attributes: Uint8Array;
  readonly nextHop: Uint8Array;
  /** AS numbers have 4 octets. */
  readonly as4: boolean;
}

/** Somebody else who reads the log: its entries stay until it has passed them. */
export interface LogReader {
  /** Of the next entry to read. */
  readonly position: number;
  /** Reads on, for about `budgetMs`; whether something is left. Called once a turn, after sending. */
  read(budgetMs: number): boolean;
}
