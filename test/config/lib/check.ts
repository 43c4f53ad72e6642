/** Checks text the way the daemon would, on a machine made for the test. */
import { checkConfig, formatIssue } from "../../../src/config/index.js";
import type { DaemonSettings, Overlay } from "../../../src/config/index.js";
import type { SecretSource } from "../../../src/config/secrets.js";

export interface FakeMachine {
  readonly files?: Readonly<Record<string, { text: string; mode?: number }>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly lenient?: boolean;
}

export function check(text: string, machine: FakeMachine = {}, overlay?: Overlay) {
  const secrets: SecretSource = {
    env: machine.env ?? {},
    directory: "/etc/evpnd",
    lenient: machine.lenient ?? false,
    readFile(path) {
      const file = machine.files?.[path];
      if (file === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      return { text: file.text, mode: file.mode ?? 0o640 };
    },
  };
  return checkConfig(text, "x.yaml", { secrets, hostName: "lab", version: "9.9.9" }, overlay);
}

/** Settings of a text that must be good. */
export function settingsOf(text: string, machine?: FakeMachine): DaemonSettings {
  const result = check(text, machine);
  if (!result.ok) throw new Error(result.issues.map(formatIssue).join("\n"));
  return result.settings;
}

/** Formatted errors of a text that must be bad, warnings left out. */
export function errorsOf(text: string, machine?: FakeMachine): string[] {
  const result = check(text, machine);
  if (result.ok) throw new Error("the configuration was accepted");
  return result.issues.filter((issue) => issue.severity === "error").map(formatIssue);
}

export function warningsOf(text: string, machine?: FakeMachine): string[] {
  const result = check(text, machine);
  const issues = result.ok ? result.warnings : result.issues;
  return issues.filter((issue) => issue.severity === "warning").map(formatIssue);
}
