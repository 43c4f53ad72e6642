/** The configuration: what runs, what another one would change, reload, confirm, rollback. */
import type { ConfigBackend, HttpBackend, ReloadResult } from "../backend.js";
import { HttpError } from "../error.js";
import { TEXT_MAX } from "./fields.js";
import { unary, type Operation } from "./operation.js";

const CONFIRM_MAX = 86_400;

function done(result: ReloadResult): { readonly done: readonly string[] } {
  if (result.ok) return { done: result.lines };
  throw new HttpError(
    422,
    "invalid-configuration",
    `refused, and the running configuration stays:\n${result.lines.join("\n")}`,
  );
}

function configOf({ config }: HttpBackend): ConfigBackend {
  if (config !== undefined) return config;
  throw new HttpError(501, "unsupported", "this evpnd has no configuration that it could show");
}

export const CONFIGURATION_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetConfiguration",
    group: "Configuration",
    summary: "The configuration that runs, secrets hidden",
    role: "viewer",
    http: { method: "GET", path: "/v1/config" },
    input: "GetConfigurationRequest",
    output: "RunningConfiguration",
    run: (backend) => Promise.resolve(configOf(backend).running()),
  }),
  unary({
    id: "Reload",
    group: "Configuration",
    summary: "Reads the configuration file again",
    role: "operator",
    http: { method: "POST", path: "/v1/reload" },
    input: "ReloadRequest",
    output: "DoneResponse",
    rules: { confirm: { minimum: 1, maximum: CONFIRM_MAX } },
    run: async (backend, { confirm }: { confirm?: number }) => done(await backend.reload(confirm)),
  }),
  unary({
    id: "DiffConfiguration",
    group: "Configuration",
    summary: "What a reload would change",
    // A candidate may name files to read, so it is not for every viewer.
    role: "operator",
    http: { method: "POST", path: "/v1/config/diff", bodyMax: 2 * TEXT_MAX },
    input: "DiffConfigurationRequest",
    output: "ConfigurationDiff",
    rules: { text: { maxLength: TEXT_MAX } },
    run: (backend, { text }: { text?: string }) => configOf(backend).diff(text),
  }),
  unary({
    id: "ConfirmConfiguration",
    group: "Configuration",
    summary: "Keeps the change that waits to be confirmed",
    role: "operator",
    http: { method: "POST", path: "/v1/config/confirm" },
    input: "ConfirmConfigurationRequest",
    output: "DoneResponse",
    run: async (backend) => done(await configOf(backend).confirm()),
  }),
  unary({
    id: "RollbackConfiguration",
    group: "Configuration",
    summary: "Goes back to the configuration before",
    role: "operator",
    http: { method: "POST", path: "/v1/config/rollback" },
    input: "RollbackConfigurationRequest",
    output: "DoneResponse",
    run: async (backend) => done(await configOf(backend).rollback()),
  }),
];
