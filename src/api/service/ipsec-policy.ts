/** Definitions of tunnels into force, secrets, and what hangs on tunnels. */
import type { TunnelRouteControl } from "../../bgp/control.js";
import type {
  Finding,
  GenerateSecret,
  SecretControl,
  SetSecret,
  StagingControl,
} from "../../ipsec/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { TUNNEL } from "./ipsec.js";
import { text, unary, type Operation } from "./operation.js";

const NAME = { required: true, ...text(128) } as const;
const OVERLAP = { minimum: 0, maximum: 31_536_000 };
/** PEM of a certificate with its chain. */
const VALUE_MAX = 65_536;

function stagingOf(backend: HttpBackend): StagingControl {
  const { ipsecStaging } = backend;
  if (ipsecStaging !== undefined) return ipsecStaging;
  throw off();
}

function secretsOf(backend: HttpBackend): SecretControl {
  const { ipsecSecrets } = backend;
  if (ipsecSecrets !== undefined) return ipsecSecrets;
  throw off();
}

function routesOf(backend: HttpBackend): TunnelRouteControl {
  const { tunnelRoutes } = backend;
  if (tunnelRoutes !== undefined) return tunnelRoutes;
  throw off();
}

function off(): HttpError {
  return new HttpError(409, "off", "no IPsec tunnels are configured (ipsec in the configuration)");
}

interface Named {
  readonly name: string;
}

export const IPSEC_POLICY_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetIpsecPolicy",
    group: "IpsecPolicy",
    summary: "What is configured, what is installed, and how an install goes on",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/policy" },
    input: "GetIpsecPolicyRequest",
    output: "IpsecPolicyStatus",
    run: async (backend) => stagingOf(backend).status(),
  }),
  unary({
    id: "CheckIpsecPolicy",
    group: "IpsecPolicy",
    summary: "Everything that is wrong, or weak, in what is configured",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/check" },
    input: "CheckIpsecPolicyRequest",
    output: "IpsecFindingList",
    rules: { tunnel: text(128) },
    run: async (backend, { tunnel }: { tunnel?: string }) => {
      const findings = await stagingOf(backend).check();
      const shown = findings.filter((one) => tunnel === undefined || one.tunnel === tunnel);
      const installable = findings.every(({ severity }) => severity !== "error");
      return { findings: shown.map(findingOf), installable };
    },
  }),
  unary({
    id: "DiffIpsecPolicy",
    group: "IpsecPolicy",
    summary: "What an install would change",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/diff" },
    input: "DiffIpsecPolicyRequest",
    output: "IpsecPolicyDiff",
    run: async (backend) => {
      const diff = await stagingOf(backend).diff();
      return { ...diff, findings: diff.findings.map(findingOf) };
    },
  }),
  unary({
    id: "InstallIpsecPolicy",
    group: "IpsecPolicy",
    summary: "Installs what is configured as one policy",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/install" },
    input: "InstallIpsecPolicyRequest",
    output: "IpsecInstall",
    rules: { expect: text(128) },
    run: async (backend, { expect }: { expect?: string }, { name }) =>
      stagingOf(backend).install({ actor: name, expect }),
  }),
  unary({
    id: "RollbackIpsecPolicy",
    group: "IpsecPolicy",
    summary: "Goes back to the policy before",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/rollback" },
    input: "RollbackIpsecPolicyRequest",
    output: "IpsecInstall",
    run: async (backend, _input: object, { name }) => stagingOf(backend).rollback({ actor: name }),
  }),
  unary({
    id: "ListIpsecSecrets",
    group: "IpsecPolicy",
    summary: "Secrets by name, never their values",
    role: "operator",
    http: { method: "GET", path: "/v1/ipsec/secrets" },
    input: "ListIpsecSecretsRequest",
    output: "IpsecSecretList",
    run: async (backend) => ({ secrets: await secretsOf(backend).list() }),
  }),
  unary({
    id: "SetIpsecSecret",
    group: "IpsecPolicy",
    summary: "Sets a secret",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/secrets", bodyMax: 2 * VALUE_MAX },
    input: "SetIpsecSecretRequest",
    output: "IpsecSecret",
    rules: {
      name: NAME,
      kind: { default: "psk", enum: ["psk", "ppk", "certificate", "private-key"] },
      value: { required: true, ...text(VALUE_MAX) },
      overlapSeconds: OVERLAP,
    },
    run: async (backend, order: Omit<SetSecret, "actor">, { name: actor }) =>
      secretsOf(backend).set({ ...order, actor }),
  }),
  unary({
    id: "GenerateIpsecSecret",
    group: "IpsecPolicy",
    summary: "Makes a key of random octets",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/secrets/generate" },
    input: "GenerateIpsecSecretRequest",
    output: "IpsecSecret",
    rules: {
      name: NAME,
      kind: { default: "psk", enum: ["psk", "ppk"] },
      bits: { minimum: 128, maximum: 512 },
      overlapSeconds: OVERLAP,
    },
    run: async (backend, order: Omit<GenerateSecret, "actor">, { name: actor }) =>
      secretsOf(backend).generate({ ...order, actor }),
  }),
  unary({
    id: "RetireIpsecSecret",
    group: "IpsecPolicy",
    summary: "Ends a rollover: the older credential goes now",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/secrets/retire" },
    input: "RetireIpsecSecretRequest",
    output: "IpsecSecret",
    rules: { name: NAME },
    run: async (backend, { name }: Named, { name: actor }) =>
      secretsOf(backend).retire({ name, actor }),
  }),
  unary({
    id: "RemoveIpsecSecret",
    group: "IpsecPolicy",
    summary: "Removes a secret that no tunnel needs",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/secrets/remove" },
    input: "RemoveIpsecSecretRequest",
    output: "RemoveIpsecSecretResponse",
    rules: { name: NAME },
    run: async (backend, { name }: Named, { name: actor }) => {
      await secretsOf(backend).remove({ name, actor });
      return { name };
    },
  }),
  unary({
    id: "ExportIpsecSecret",
    group: "IpsecPolicy",
    summary: "Writes a secret to a file of mode 0600 on evpnd's machine",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/secrets/export" },
    input: "ExportIpsecSecretRequest",
    output: "ExportIpsecSecretResponse",
    rules: { name: NAME },
    run: async (backend, { name }: Named, { name: actor }) => ({
      name,
      file: await secretsOf(backend).exportFile({ name, actor }),
    }),
  }),
  unary({
    id: "ListTunnelRoutes",
    group: "IpsecPolicy",
    summary: "Tunnels with VTEPs behind them: routes, and MACs at risk",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/vteps" },
    input: "ListTunnelRoutesRequest",
    output: "TunnelRoutesList",
    run: async (backend) => ({ tunnels: await routesOf(backend).list() }),
  }),
  unary({
    id: "GetTunnelRisk",
    group: "IpsecPolicy",
    summary: "What hangs on one tunnel, MAC by MAC",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/risk" },
    input: "GetTunnelRiskRequest",
    output: "TunnelRisk",
    rules: { tunnel: TUNNEL },
    run: async (backend, { tunnel }: { tunnel: string }) => routesOf(backend).risk(tunnel),
  }),
];

/** A repeated member is never missing. */
function findingOf(finding: Finding): object {
  return { ...finding, values: finding.values ?? [] };
}
