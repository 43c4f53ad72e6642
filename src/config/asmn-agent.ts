/** An agent's file to its settings: YAML, the schema, then what needs two keys at once. */
import { dirname, isAbsolute, join } from "node:path";
import { AGENT_DEFAULTS } from "../asmn/agent/settings.js";
import type { AgentBinding, AgentRoot, AgentSettings } from "../asmn/agent/settings.js";
import { parseEndpoint } from "./address.js";
import type { Endpoint } from "./address.js";
import { asmnAgentSchema } from "./asmn-agent-schema.js";
import { checkShape } from "./check.js";
import { parseYaml } from "./document.js";
import { IssueList, sortIssues } from "./issue.js";
import type { ConfigIssue } from "./issue.js";
import { CONFIG_MAX, readTextFile, TextFileError } from "./text-file.js";

export type AgentConfigResult =
  | {
      readonly ok: true;
      readonly settings: AgentSettings;
      readonly warnings: readonly ConfigIssue[];
    }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

interface AgentBindingEntry {
  kind?: AgentBinding["kind"];
  listen?: string;
  reflector?: string;
  key?: string;
  source?: string;
  command?: string[];
  input?: string;
}

interface AgentRootEntry {
  kind?: AgentRoot["kind"];
  file?: string;
  command?: string[];
}

interface AgentFile {
  tenant: string;
  vnf: string;
  instance: string;
  "state-dir"?: string;
  "sec-em": string[];
  "root-keys": string[];
  "token-file"?: string;
  image: { path: string; threads?: number; "recheck-seconds"?: number };
  manifest?: {
    files?: string[];
    processes?: string[];
    configuration?: { name: string; command: string[] }[];
    "allowed-changes"?: { kind: "file" | "process" | "configuration"; name: string }[];
  };
  "renew-seconds"?: number;
  root?: AgentRootEntry;
  binding?: AgentBindingEntry;
  traffic?: {
    listen?: string;
    accept?: { port: number; to: string }[];
    connect?: { listen: string; vnf: string; instance: string; agent: string; port: number }[];
  };
  "status-file"?: string;
}

/** Reads and checks; a file that cannot be read is an issue too. Relative paths start at the file's directory. */
export function loadAgentConfig(file: string): AgentConfigResult {
  try {
    return checkAgentConfig(readTextFile(file, CONFIG_MAX).text, file, dirname(file));
  } catch (error) {
    if (!(error instanceof TextFileError)) throw error;
    const at = { file, line: undefined, column: undefined, path: "" };
    const message = `the file cannot be read (${error.code})`;
    return { ok: false, issues: [{ severity: "error", ...at, message, remedy: error.remedy }] };
  }
}

/** Text to settings. */
export function checkAgentConfig(text: string, name: string, directory: string): AgentConfigResult {
  const parsed = parseYaml(text, name);
  if (parsed.issues.length > 0) return { ok: false, issues: parsed.issues };
  const issues = new IssueList(parsed.locate);
  if (!checkShape(asmnAgentSchema, parsed.data, issues, "conf/asmn-agent.yaml")) {
    return { ok: false, issues: sortIssues(issues.items) };
  }
  const settings = compile(parsed.data as AgentFile, directory, issues);
  if (issues.failed) return { ok: false, issues: sortIssues(issues.items) };
  return { ok: true, settings, warnings: sortIssues(issues.items) };
}

function compile(file: AgentFile, directory: string, issues: IssueList): AgentSettings {
  const at = (path: string): string => (isAbsolute(path) ? path : join(directory, path));
  const maybe = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : at(path);
  const { manifest, traffic } = file;
  if ((traffic?.accept?.length ?? 0) > 0 && traffic?.listen === undefined) {
    issues.error(["traffic", "accept"], "nobody can ask for these ports", "add traffic.listen");
  }
  return {
    tenant: file.tenant,
    vnf: file.vnf,
    instance: file.instance,
    stateDirectory: at(file["state-dir"] ?? AGENT_DEFAULTS.stateDirectory),
    secEms: file["sec-em"].map(place),
    rootKeys: file["root-keys"],
    tokenFile: maybe(file["token-file"]),
    image: {
      path: at(file.image.path),
      threads: file.image.threads ?? AGENT_DEFAULTS.threads,
      recheckSeconds: file.image["recheck-seconds"] ?? AGENT_DEFAULTS.recheckSeconds,
    },
    manifest: {
      files: (manifest?.files ?? []).map(at),
      processes: manifest?.processes ?? [],
      configuration: manifest?.configuration ?? [],
      allowed: manifest?.["allowed-changes"] ?? [],
    },
    renewalSeconds: file["renew-seconds"],
    root: rootOf(file.root, at, issues),
    binding: bindingOf(file.binding, issues),
    traffic:
      traffic === undefined
        ? undefined
        : {
            listen: traffic.listen === undefined ? undefined : place(traffic.listen),
            accept: (traffic.accept ?? []).map(({ port, to }) => ({ port, to: place(to) })),
            connect: (traffic.connect ?? []).map((route) => ({
              ...route,
              listen: place(route.listen),
              agent: place(route.agent),
            })),
          },
    statusFile: maybe(file["status-file"]),
  };
}

function bindingOf(entry: AgentBindingEntry = {}, issues: IssueList): AgentBinding {
  const { kind = "address", listen, reflector, key, source, command, input } = entry;
  const need = (name: keyof AgentBindingEntry): void => {
    if (entry[name] !== undefined) return;
    issues.error(["binding"], `${kind} needs "${name}"`, `add binding.${name}`);
  };
  if (kind === "tls-proxy") {
    for (const name of ["listen", "reflector", "key"] as const) need(name);
    if (listen === undefined || reflector === undefined || key === undefined) {
      return { kind: "address" };
    }
    const ends = { listen: place(listen), reflector: place(reflector) };
    return { kind, ...ends, publicKey: key, source };
  }
  if (kind === "tcp-md5") {
    need("command");
    if (command === undefined) return { kind: "address" };
    if (![...command, input ?? ""].some((word) => word.includes("{key}"))) {
      const where = "put {key} where the key belongs, in input rather than in command";
      issues.error(["binding"], "the command is never given the key", where);
    } else if (command.some((word) => word.includes("{key}"))) {
      const remedy = "put {key} into input, if the command reads its standard input";
      issues.warn(["binding", "command"], "every user sees the key while it runs", remedy);
    }
    return { kind, command, input };
  }
  return { kind };
}

function rootOf(
  { kind = "none", file, command }: AgentRootEntry = {},
  at: (path: string) => string,
  issues: IssueList,
): AgentRoot {
  if (kind === "none") return { kind };
  if (file !== undefined && (command !== undefined || kind === "tpm")) {
    const remedy = "keep root.command, which is given the challenge";
    issues.error(["root", "file"], `${kind} has no use for a file here`, remedy);
  }
  if (command !== undefined) return { kind, command };
  if (kind === "platform" && file !== undefined) return { kind, file: at(file) };
  const what = kind === "tpm" ? "a quote" : "the signed document (or root.file: where it lies)";
  issues.error(["root"], `${kind} needs "command"`, `add root.command: what prints ${what}`);
  return { kind: "none" };
}

/** Of a text that the schema has checked. */
function place(text: string): Endpoint {
  return parseEndpoint(text) ?? { address: "", port: 0 };
}
