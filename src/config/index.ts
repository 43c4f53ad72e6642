/**
 * Configuration: a YAML file, the command line or both, to frozen settings for each module.
 *
 * In: text, the environment (for secrets), command-line options. Out: `DaemonSettings`, or every
 * fault at once, each with file, line, path and remedy. Steps: `document.ts` (YAML with positions),
 * `check.ts` (JSON Schema of `schema.ts`), `compile.ts` (rules that need two places, defaults,
 * peer groups, secrets).
 *
 * Invariants: a value that passed is valid everywhere; settings are frozen; a secret is in no issue.
 * Not supported: several files, includes, environment variables inside values.
 */
import { hostname } from "node:os";
import { dirname } from "node:path";
import { checkSchema } from "./check.js";
import { compileConfig } from "./compile.js";
import type { Surroundings } from "./compile.js";
import { parseYaml } from "./document.js";
import { EMBEDDED_CONFIG, EMBEDDED_NAME } from "./embedded.js";
import type { ConfigFile, DaemonSettings } from "./file.js";
import { cutIssues, IssueList, sortIssues } from "./issue.js";
import type { ConfigIssue, Locate } from "./issue.js";
import type { Overlay } from "./overlay.js";
import { applyOverlay } from "./overlay.js";
import { CONFIG_MAX, KEY_FILE_MAX, readTextFile, TextFileError } from "./text-file.js";
import { tcpAoGap } from "../util/tcp-ao-probe.js";
import { VERSION } from "../util/version.js";

export type { DaemonSettings } from "./file.js";
export { checkAgentConfig, loadAgentConfig, type AgentConfigResult } from "./asmn-agent.js";
export { parseYaml } from "./document.js";
export { formatIssue } from "./issue.js";
export type { ConfigIssue } from "./issue.js";
export { editGateway, type EditResult, type GatewayEdit } from "./ipsec-edit.js";
export { readCatalogFile, type CatalogFileResult } from "./asmn-catalog-file.js";
export { maskSecrets } from "./mask.js";
export { configSchema } from "./schema.js";
export type { Overlay } from "./overlay.js";

export type ConfigResult =
  | {
      readonly ok: true;
      readonly settings: DaemonSettings;
      /** The file's data with the command line laid over it: may hold secrets (`maskSecrets`). */
      readonly document: unknown;
      readonly warnings: readonly ConfigIssue[];
    }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

export interface ConfigSource {
  /** File to read; undefined for the embedded default. */
  readonly file?: string | undefined;
  /** Command-line options, laid over the file. */
  readonly overlay?: Overlay;
  /** Checked in place of what the file holds. */
  readonly text?: string | undefined;
  /** Offline check: secrets that cannot be read are warnings. */
  readonly lenient?: boolean;
}

/** What issues call a text that stands in place of the file: whoever sent it knows its name. */
export const CANDIDATE_NAME = "candidate";

/** Reads and checks. A file that cannot be read is an issue too. */
export function loadConfig(source: ConfigSource): ConfigResult {
  if (source.file === undefined) {
    const text = source.text ?? EMBEDDED_CONFIG;
    const name = source.text === undefined ? EMBEDDED_NAME : CANDIDATE_NAME;
    return checkConfig(text, name, machine(".", source), source.overlay);
  }
  let text: string;
  try {
    text = source.text ?? readTextFile(source.file, CONFIG_MAX, source.lenient).text;
  } catch (error) {
    if (!(error instanceof TextFileError)) throw error;
    const { code, remedy } = error;
    return {
      ok: false,
      issues: [
        {
          severity: "error",
          file: source.file,
          line: undefined,
          column: undefined,
          path: "",
          message: `the file cannot be read (${code})`,
          remedy,
        },
      ],
    };
  }
  const name = source.text === undefined ? source.file : CANDIDATE_NAME;
  return checkConfig(text, name, machine(dirname(source.file), source), source.overlay);
}

/** Text to settings; touches nothing but what `around` offers. */
export function checkConfig(
  text: string,
  name: string,
  around: Surroundings,
  overlay?: Overlay,
): ConfigResult {
  const parsed = parseYaml(text, name);
  if (parsed.issues.length > 0) return { ok: false, issues: cutIssues(parsed.issues) };
  let data = parsed.data;
  let locate: Locate = parsed.locate;
  if (overlay !== undefined) ({ data, locate } = applyOverlay(data, locate, overlay));
  const issues = new IssueList(locate);
  const shaped = checkSchema(data, issues);
  if (shaped) {
    const settings = compileConfig(data as ConfigFile, around, issues);
    if (!issues.failed) {
      return { ok: true, settings, document: data, warnings: sortIssues(issues.items) };
    }
  }
  return { ok: false, issues: sortIssues(issues.items) };
}

function machine(directory: string, source: ConfigSource): Surroundings {
  return {
    hostName: hostname(),
    version: VERSION,
    tcpAoGap,
    secrets: {
      env: process.env,
      directory,
      lenient: source.lenient ?? false,
      readFile: (path) => readTextFile(path, KEY_FILE_MAX),
    },
  };
}
