/** What the log needs to know, already checked. */
export interface LogSettings {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** auto = text on a terminal, JSON lines elsewhere. */
  readonly format: "auto" | "json" | "text";
}
