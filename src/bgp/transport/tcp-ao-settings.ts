/** TCP-AO key chains as the speaker gets them (RFC 5925). Times are wall-clock milliseconds. */
export const AO_ALGORITHMS = ["hmac-sha-1-96", "aes-128-cmac-96", "hmac-sha-256"] as const;
export type AoAlgorithm = (typeof AO_ALGORITHMS)[number];

export interface TcpAoKey {
  /** KeyID that we put into segments, and the one that we take. */
  readonly sendId: number;
  readonly recvId: number;
  readonly algorithm: AoAlgorithm;
  /** 1 to 80 octets; never printed. */
  readonly secret: string;
  readonly sendFrom: number;
  readonly sendUntil: number;
  readonly acceptFrom: number;
  readonly acceptUntil: number;
}

export interface TcpAoChain {
  readonly name: string;
  readonly keys: readonly TcpAoKey[];
  /** TCP options are covered by the code, as RFC 5925 has it; false for middleboxes that change them. */
  readonly coverOptions: boolean;
}

/** A time without end. Settings are compared as JSON, which knows no infinity. */
export const FOREVER = 8_640_000_000_000_000;
