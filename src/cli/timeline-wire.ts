/** What evpnctl reads of the timeline's answers; see `wire.ts`. */
import type { LabelAnswer } from "./fib-wire.js";

export interface TimelineEventAnswer {
  readonly time: number;
  readonly kind: string;
  readonly domain?: string | undefined;
  readonly mac?: string | undefined;
  readonly to?: string | undefined;
  readonly from?: string | undefined;
  readonly peer?: string | undefined;
  readonly sequence?: number | undefined;
  readonly esi?: string | undefined;
  readonly ip?: string | undefined;
  readonly label?: LabelAnswer | undefined;
  readonly count?: number | undefined;
  readonly since?: number | undefined;
}

export interface MacAtAnswer {
  readonly mac: string;
  readonly ip?: string | undefined;
  readonly domain: string;
  readonly time: number;
  readonly state: string;
  readonly pe?: string | undefined;
  readonly via: readonly string[];
  readonly label?: LabelAnswer | undefined;
  readonly esi?: string | undefined;
  readonly sequence?: number | undefined;
  readonly peer?: string | undefined;
  readonly since?: number | undefined;
  readonly certain: boolean;
  readonly notes: readonly string[];
}

export interface MacDifferenceAnswer {
  readonly mac: string;
  readonly domain: string;
  readonly change: string;
  readonly before: MacAtAnswer;
  readonly after: MacAtAnswer;
}

export interface RestlessAnswer {
  readonly macs: readonly {
    readonly mac: string;
    readonly domain: string;
    readonly moves: number;
  }[];
  readonly from: number;
  readonly to: number;
  readonly cut: boolean;
}
