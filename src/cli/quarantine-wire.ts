/** What evpnctl reads of the answers about quarantines; see `wire.ts`. Times are wall-clock milliseconds. */
export interface QuarantineAnswer {
  readonly state: string;
  readonly pe: string;
  readonly esi?: string | undefined;
  readonly since: number;
  readonly until?: number | undefined;
  readonly attempts: number;
  readonly byHand: boolean;
}

export interface QuarantinedMacAnswer {
  readonly domain: string;
  readonly mac: string;
  readonly duplicate?:
    { readonly since: number; readonly lastMove: number; readonly moves: number } | undefined;
  readonly quarantine?: QuarantineAnswer | undefined;
  readonly held: number;
}
