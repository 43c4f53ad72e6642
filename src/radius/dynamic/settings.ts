/** Dynamic authorisation of a tenant (RFC 5176). Times are milliseconds. */
export interface DynamicSettings {
  /** Requests of home servers are taken: the seed's `subscriber disconnect`. */
  readonly enabled: boolean;
  readonly address: string;
  /** UDP ports for home servers' requests: 3799, and the seed's 1700. */
  readonly ports: readonly number[];
  /** UDP port where access points take theirs; 0 = they take none. */
  readonly clientPort: number;
  /** `restore`: Proxy-States are kept here and put back into the answer, for access points that refuse them. */
  readonly proxyState: "forward" | "restore";
  readonly requireEventTimestamp: boolean;
  /** How far Event-Timestamp may be off, and how long repeats are known. */
  readonly windowMs: number;
}
