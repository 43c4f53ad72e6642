/** Keys of the trust checks, break-glass, and the audit log. */
import type { BreakGlassRow, Scope } from "../../asmn/index.js";
import { actorOf, asmnOf, NEEDED_NAME, SCOPE, secEmOf } from "./asmn-access.js";
import { text, unary, type Operation } from "./operation.js";

const LONGEST_SECONDS = 86_400;

interface GrantOrder extends Scope {
  readonly address?: string;
  readonly name: string;
  readonly reason: string;
  readonly seconds: number;
}

export const ASMN_KEY_OPERATIONS: readonly Operation[] = [
  unary({
    id: "ListTrustKeys",
    group: "AsmnKeys",
    summary: "Public keys that agents, gates and gateways pin",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/keys" },
    input: "ListTrustKeysRequest",
    output: "TrustKeyList",
    run: async (backend) => ({ keys: await asmnOf(backend).keys() }),
  }),
  unary({
    id: "RotateTrustKeys",
    group: "AsmnKeys",
    summary: "New keys for verdicts and catalogs",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/keys/rotate" },
    input: "RotateTrustKeysRequest",
    output: "TrustKeyList",
    rules: { withdraw: { default: false } },
    run: async (backend, { withdraw }: { withdraw: boolean }, caller) => ({
      keys: await secEmOf(backend).rotateKeys(withdraw, await actorOf(backend, caller)),
    }),
  }),
  unary({
    id: "TakeOver",
    group: "AsmnKeys",
    summary: "This Sec-EM is the writer from now on, in place of another",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/take-over" },
    input: "TakeOverRequest",
    output: "SecEmStatus",
    rules: { above: { default: 0 } },
    run: async (backend, { above }: { above: number }, caller) =>
      secEmOf(backend).takeOver(above, await actorOf(backend, caller)),
  }),
  unary({
    id: "ListBreakGlass",
    group: "AsmnKeys",
    summary: "Who was let in by hand, and until when",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/break-glass" },
    input: "ListBreakGlassRequest",
    output: "BreakGlassList",
    run: async (backend) => ({ grants: (await secEmOf(backend).breakGlass()).map(grantOf) }),
  }),
  unary({
    id: "OpenBreakGlass",
    group: "AsmnKeys",
    summary: "Lets somebody in by hand: by name, for a time, on the record",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/break-glass" },
    input: "OpenBreakGlassRequest",
    output: "BreakGlassEntry",
    rules: {
      ...SCOPE,
      address: text(64),
      name: NEEDED_NAME,
      reason: { required: true, ...text(200) },
      seconds: { required: true, minimum: 60, maximum: LONGEST_SECONDS },
    },
    run: async (backend, order: GrantOrder, caller) => {
      const { tenant, vnf, instance, address, name, reason, seconds } = order;
      const scope = { tenant, vnf, instance };
      const actor = await actorOf(backend, caller);
      return grantOf(
        await secEmOf(backend).openBreakGlass({ scope, address, name, reason, seconds }, actor),
      );
    },
  }),
  unary({
    id: "EndBreakGlass",
    group: "AsmnKeys",
    summary: "Ends what was opened by hand before its time",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/break-glass/end" },
    input: "EndBreakGlassRequest",
    output: "DoneResponse",
    rules: { id: { required: true, ...text(64) } },
    run: async (backend, { id }: { id: string }, caller) => {
      await secEmOf(backend).endBreakGlass(id, await actorOf(backend, caller));
      return { done: [`${id} is over`] };
    },
  }),
  unary({
    id: "ListTrustAudit",
    group: "AsmnKeys",
    summary: "Entries of the audit log",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/audit" },
    input: "ListTrustAuditRequest",
    output: "TrustAuditList",
    rules: { limit: { default: 100, minimum: 1, maximum: 1000 }, after: { default: 0 } },
    run: async (backend, { after, limit }: { after: number; limit: number }) => ({
      entries: await secEmOf(backend).audit(after, limit),
    }),
  }),
  unary({
    id: "VerifyTrustAudit",
    group: "AsmnKeys",
    summary: "Whether the audit log is whole",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/audit/verify" },
    input: "VerifyTrustAuditRequest",
    output: "TrustAuditCheck",
    run: async (backend) => secEmOf(backend).verifyAudit(),
  }),
];

function grantOf({ scope, ...row }: BreakGlassRow) {
  return { ...row, ...scope };
}
