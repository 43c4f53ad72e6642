/** What evpnctl reads of the answers about IPsec policies and secrets; see `wire.ts`. */
export interface FindingAnswer {
  readonly code: string;
  readonly severity: string;
  readonly tunnel: string;
  readonly gateway: string;
  readonly message: string;
  readonly values: readonly { readonly gateway: string; readonly value: string }[];
  readonly remedy: string;
  readonly optIn?: { readonly owner: string; readonly expires: string };
}

export interface InstallAnswer {
  readonly state: string;
  readonly revision: number;
  readonly reason: string;
  readonly done: number;
  readonly total: number;
  readonly steps: readonly {
    readonly tunnel: string;
    readonly action: string;
    readonly problem?: string;
  }[];
  readonly problems: readonly string[];
  readonly ended?: number;
}

export interface InstalledAnswer {
  readonly revision: number;
  readonly actor: string;
  readonly installed: number;
  readonly digest: string;
  readonly tunnels: number;
}

export interface PolicyStatusAnswer {
  readonly candidate: { readonly digest: string; readonly tunnels: number };
  readonly installed?: InstalledAnswer;
  readonly previous?: InstalledAnswer;
  readonly differs: boolean;
  readonly progress: InstallAnswer;
}

export interface PolicyDiffAnswer {
  readonly installed: number;
  readonly changes: readonly {
    readonly kind: string;
    readonly name: string;
    readonly action: string;
    readonly details: readonly string[];
  }[];
  readonly findings: readonly FindingAnswer[];
  readonly installable: boolean;
}

export interface SecretAnswer {
  readonly name: string;
  readonly kind: string;
  readonly origin: string;
  readonly bits?: number;
  readonly fingerprint: string;
  readonly created: number;
  readonly live: number;
  readonly olderUntil?: number;
  readonly algorithm?: string;
  readonly notAfter?: number;
  readonly seenInClear: boolean;
}

export interface VtepAnswer {
  readonly address: string;
  readonly present: boolean;
  readonly routes: number;
  readonly macs: number;
}

export interface TunnelRoutesAnswer {
  readonly tunnel: string;
  readonly state: string;
  readonly reason: string;
  readonly carries: boolean;
  readonly holdDownSecondsLeft?: number;
  readonly prefixes: readonly string[];
  readonly effect: string;
  readonly vteps: readonly VtepAnswer[];
  readonly routes: number;
  readonly macsAtRisk: number;
}

export interface TunnelRiskAnswer {
  readonly tunnel: string;
  readonly vteps: readonly VtepAnswer[];
  readonly routes: number;
  readonly macs: number;
  readonly rows: readonly { readonly mac: string; readonly vtep: string }[];
}
