/** What evpnctl reads of the items of a watch; see `wire.ts`. */
import type { LabelAnswer } from "./fib-wire.js";

export interface WatchAnswer {
  readonly type: string;
  readonly key: string;
  readonly state: string;
  readonly mac?:
    | {
        readonly domain: string;
        readonly mac: string;
        readonly pe: string;
        readonly label: LabelAnswer;
        readonly nextHops: readonly { readonly address: string }[];
        readonly lastChange: number;
        readonly duplicate?: { readonly moves: number } | undefined;
      }
    | undefined;
  readonly event?:
    | {
        readonly kind: string;
        readonly time: number;
        readonly domain?: string | undefined;
        readonly mac?: string | undefined;
        readonly to?: string | undefined;
        readonly from?: string | undefined;
        readonly esi?: string | undefined;
        readonly count: number;
        readonly ip?: string | undefined;
      }
    | undefined;
  readonly peer?:
    | {
        readonly address: string;
        readonly state: string;
        readonly adminDown: boolean;
        readonly lastError?: string | undefined;
        readonly since: number;
      }
    | undefined;
  readonly change?:
    | {
        readonly kind: string;
        readonly time: number;
        readonly from: string;
        readonly to: string;
        readonly count: number;
      }
    | undefined;
  readonly esi?: string | undefined;
  readonly message?: string | undefined;
  readonly cursor?: string | undefined;
}
