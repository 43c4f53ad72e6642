/** Injected routes as the HTTP door gives them. */
export interface InjectedAnswer {
  readonly owner: string;
  readonly route: string;
  readonly type: string;
  readonly spec: {
    readonly nextHop?: string | undefined;
    readonly routeTargets?: readonly string[] | undefined;
  };
  readonly persist: boolean;
  /** Wall-clock milliseconds. */
  readonly since: number;
  readonly expires?: number | undefined;
  readonly best: boolean;
  readonly reason: string;
}

export interface InjectAnswer {
  readonly routes: readonly InjectedAnswer[];
}

export interface WithdrawAnswer {
  readonly withdrawn: number;
}
