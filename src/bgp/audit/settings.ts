export interface AuditSettings {
  /** Round after round, for ever. */
  readonly continuous: boolean;
  /** Share of one core it may take, percent. */
  readonly cpuPercent: number;
}

export const AUDIT_DEFAULTS: AuditSettings = { continuous: true, cpuPercent: 0.5 };
