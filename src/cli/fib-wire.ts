/** What evpnctl reads of the FIB's answers; see `wire.ts`. */
import type { QuarantineAnswer } from "./quarantine-wire.js";
import type { SubscriberAnswer } from "./radius-wire.js";

export interface LabelAnswer {
  readonly kind: string;
  readonly value: number;
}

export interface MacAnswer {
  readonly domain: string;
  readonly mac: string;
  readonly pe: string;
  readonly label: LabelAnswer;
  readonly esi?: string | undefined;
  readonly nextHops: readonly {
    readonly address: string;
    readonly label: LabelAnswer;
    readonly role: string;
  }[];
  readonly sequence: number;
  readonly sticky: boolean;
  readonly defaultGateway: boolean;
  readonly proxy: boolean;
  readonly router: boolean;
  readonly routerMac?: string | undefined;
  readonly bindings: readonly { readonly ip: string; readonly lost: boolean }[];
  readonly bindingsCut: boolean;
  readonly moves: number;
  readonly duplicate?: { readonly moves: number; readonly since: number } | undefined;
  readonly quarantine?: QuarantineAnswer | undefined;
  readonly conflict?: string | undefined;
  /** Where MACs are compared with subscribers' sessions. */
  readonly sessions?: readonly SubscriberAnswer[] | undefined;
  readonly sessionAlarm?: string | undefined;
  /** Wall-clock seconds. */
  readonly firstSeen: number;
  readonly lastChange: number;
}

export interface DomainAnswer {
  readonly name: string;
  readonly service: string;
  readonly routeTargets: readonly string[];
  readonly vni?: number | undefined;
  readonly macs: number;
  readonly ips: number;
  readonly inclusives: number;
}

export interface SegmentAnswer {
  readonly esi: string;
  readonly mode: string;
  readonly macs: number;
  readonly places: readonly {
    readonly pe: string;
    readonly perEsRoutes: number;
    readonly esiLabel?: number | undefined;
    readonly macs: number;
  }[];
  /** Missing without per-ES routes. */
  readonly splitHorizon?: string | undefined;
  readonly electors: readonly {
    readonly originator: string;
    readonly signals: boolean;
    readonly algorithm: number;
    readonly bitmap: number;
    readonly preference: number;
    readonly esImport?: string | undefined;
  }[];
  readonly forwarders: readonly {
    readonly domain: string;
    readonly tag: number;
    readonly forwarder?: string | undefined;
    readonly backup?: string | undefined;
    readonly reason: string;
    readonly disagree: boolean;
    readonly outcome: string;
    readonly outcomeByOwnWord: string;
    readonly views: readonly {
      readonly originator: string;
      readonly forwarder?: string | undefined;
      readonly byOwnWord?: string | undefined;
    }[];
  }[];
  readonly forwardersCut: boolean;
}

export interface ExplanationAnswer {
  readonly mac: string;
  readonly domain: string;
  readonly summary: readonly string[];
  readonly candidates: readonly {
    readonly route: string;
    readonly pe: string;
    readonly peer: string;
    readonly bestPath: string;
    readonly sequence: number;
    readonly sticky: boolean;
    readonly esi?: string | undefined;
    readonly winner: boolean;
    readonly because: string;
  }[];
  readonly cut: boolean;
}
