/** Trust checks: state of the parts, instances and why, verify, revoke, restore. */
import type { InstanceName, InstanceQuery, InstanceRow, Scope } from "../../asmn/index.js";
import type { HttpBackend } from "../backend.js";
import { actorOf, asmnOf, NEEDED_NAME, SCOPE, secEmOf, TRUST_NAME } from "./asmn-access.js";
import { page, PAGE_MAX, text, unary, type Operation } from "./operation.js";

const STATES = ["trusted", "untrusted", "unknown", "stale"] as const;
const INSTANCE = { tenant: NEEDED_NAME, vnf: NEEDED_NAME, instance: NEEDED_NAME } as const;
const REASON = { required: true, ...text(200) } as const;

type ScopeOrder = Scope & { readonly reason: string };

/** Named in the status, of each kind; the lists have all. */
const MOST_NAMED = 20;

/** A part whose thread is being started anew names nobody. */
function quiet<T>(rows: Promise<readonly T[]> | undefined): Promise<readonly T[]> {
  return Promise.resolve(rows ?? []).catch(() => []);
}

async function notTrustedOf({ asmnSecEm }: HttpBackend): Promise<readonly InstanceRow[]> {
  const pages = (["untrusted", "stale"] as const).map((state) =>
    quiet(asmnSecEm?.instances({ state, limit: MOST_NAMED }).then(({ rows }) => rows)),
  );
  return (await Promise.all(pages)).flat().slice(0, MOST_NAMED);
}

export const ASMN_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetTrustStatus",
    group: "Asmn",
    summary: "Sec-EM, gate and gateway of this evpnd, and what is wrong with them",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/status" },
    input: "GetTrustStatusRequest",
    output: "TrustStatus",
    run: async (backend) => {
      const [status, gated, notTrusted] = await Promise.all([
        asmnOf(backend).status(),
        quiet(backend.asmnGate?.gated()),
        notTrustedOf(backend),
      ]);
      return { ...status, notTrusted, gated: gated.slice(0, MOST_NAMED) };
    },
  }),
  page({
    id: "ListInstances",
    dump: "DumpInstances",
    group: "Asmn",
    summary: "Instances of VNFs, what is known of each, and why",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/instances" },
    input: "ListInstancesRequest",
    output: "ListInstancesResponse",
    rows: "instances",
    row: "VnfInstance",
    rules: {
      tenant: TRUST_NAME,
      vnf: TRUST_NAME,
      instance: TRUST_NAME,
      state: { enum: STATES },
    },
    run: async (backend, query: InstanceQuery) => {
      const limit = Math.min(query.limit ?? PAGE_MAX, PAGE_MAX);
      return secEmOf(backend).instances({ ...query, limit });
    },
  }),
  unary({
    id: "VerifyInstance",
    group: "Asmn",
    summary: "Asks an instance for a fresh proof",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/verify" },
    input: "VerifyInstanceRequest",
    output: "VerifyInstanceResponse",
    rules: INSTANCE,
    run: async (backend, name: InstanceName, caller) => {
      const { row, outcome, tookMs } = await secEmOf(backend).verify(
        name,
        await actorOf(backend, caller),
      );
      return { outcome, tookMs, instance: row };
    },
  }),
  unary({
    id: "RevokeTrust",
    group: "Asmn",
    summary: "Takes the trust in a tenant, a VNF or an instance back",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/revoke" },
    input: "RevokeTrustRequest",
    output: "TrustScopeResult",
    rules: { ...SCOPE, reason: REASON },
    run: async (backend, { reason, ...scope }: ScopeOrder, caller) =>
      secEmOf(backend).revoke(scope, reason, await actorOf(backend, caller)),
  }),
  unary({
    id: "RestoreTrust",
    group: "Asmn",
    summary: "Takes a revocation, or the stop of a clone, back",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/restore" },
    input: "RestoreTrustRequest",
    output: "TrustScopeResult",
    rules: { ...SCOPE, reason: REASON },
    run: async (backend, { reason, ...scope }: ScopeOrder, caller) =>
      secEmOf(backend).restore(scope, reason, await actorOf(backend, caller)),
  }),
  unary({
    id: "RemoveInstance",
    group: "Asmn",
    summary: "Forgets an instance",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/instances/remove" },
    input: "RemoveInstanceRequest",
    output: "DoneResponse",
    rules: INSTANCE,
    run: async (backend, name: InstanceName, caller) => {
      await secEmOf(backend).removeInstance(name, await actorOf(backend, caller));
      return { done: [`${name.tenant}/${name.vnf}/${name.instance} is forgotten`] };
    },
  }),
];
