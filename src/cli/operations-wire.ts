/** What evpnctl reads of answers about maintenance and interest; see `wire.ts`. */
export interface MaintenanceAnswer {
  readonly active: boolean;
  readonly all: boolean;
  readonly named: readonly string[];
  readonly since?: number | undefined;
  readonly then: string;
  readonly drained: boolean;
  readonly peers: readonly {
    readonly peer: string;
    readonly state: string;
    readonly since: number;
    readonly secondsLeft?: number | undefined;
  }[];
}

export interface InterestAnswer {
  readonly peer: string;
  readonly group: string;
  readonly by: string;
  readonly tenant: boolean;
  readonly inference: string;
  readonly learning: boolean;
  readonly targets?: number | undefined;
  readonly withheld: number;
  readonly wouldWithhold?: number | undefined;
}

export interface InterestDetailAnswer extends InterestAnswer {
  readonly targetList: readonly {
    readonly target: string;
    readonly by: string;
    readonly since?: number;
    readonly missingSince?: number;
  }[];
  readonly allowed?: readonly string[] | undefined;
  readonly examples: readonly {
    readonly prefix: string;
    readonly peer: string;
    readonly targets: readonly string[];
  }[];
}
