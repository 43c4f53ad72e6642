/** What injection is told by configuration. */

export interface InjectionSettings {
  /** Of all owners together; 0 = nobody may inject. */
  readonly maxRoutes: number;
  readonly maxRoutesPerOwner: number;
}

export const INJECTION_DEFAULTS: InjectionSettings = {
  maxRoutes: 10_000,
  maxRoutesPerOwner: 10_000,
};
