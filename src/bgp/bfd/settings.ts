/** What BFD needs to know of a peer, already checked; `config/` makes it from the file. */

/** RFC 5880 section 4.2 to 4.4; the meticulous kinds count every packet. */
export const BFD_AUTH_TYPES = [
  "simple",
  "keyed-md5",
  "meticulous-keyed-md5",
  "keyed-sha1",
  "meticulous-keyed-sha1",
] as const;
export type BfdAuthType = (typeof BFD_AUTH_TYPES)[number];

export interface BfdAuth {
  readonly type: BfdAuthType;
  /** 0 to 255. */
  readonly keyId: number;
  /** At most 16 octets, 20 with SHA1; never printed. */
  readonly key: string;
}

export interface BfdOptions {
  /** Milliseconds: how often we would send, and how often we can receive. */
  readonly minTxMs: number;
  readonly minRxMs: number;
  /** Packets that may be missing before the other side declares us dead, 1 to 255. */
  readonly multiplier: number;
  /** UDP 4784 (RFC 5883) instead of 3784 (RFC 5881); undefined = by where the peer is. */
  readonly multihop: boolean | undefined;
  /** Sends nothing until the peer does (RFC 5880 section 6.1). */
  readonly passive: boolean;
  /** The BGP session waits until BFD is up. Peers with an address only. */
  readonly strict: boolean;
  readonly auth: BfdAuth | undefined;
}

export const BFD_DEFAULTS: BfdOptions = {
  minTxMs: 300,
  minRxMs: 300,
  multiplier: 3,
  multihop: undefined,
  passive: false,
  strict: false,
  auth: undefined,
};
