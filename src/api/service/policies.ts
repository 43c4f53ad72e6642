/** Policies: what there is, a trial of other ones, and which rules decided on a route. */
import type { PolicyTestOptions } from "../../bgp/control.js";
import type { CandidateReport } from "../backend.js";
import { HttpError } from "../error.js";
import { TEXT_MAX } from "./fields.js";
import { unary, type Operation } from "./operation.js";
import { ROUTE_RULES, toRouteFilter, type RouteInput } from "./routes.js";

interface TestInput extends PolicyTestOptions {
  readonly text: string;
}

/** What came of a text; what is wrong with it is a refusal. */
export async function reportOf<T>(
  asked: CandidateReport<T> | Promise<CandidateReport<T>> | undefined,
): Promise<T> {
  const result = await Promise.resolve(asked);
  if (result === undefined) throw new HttpError(409, "off", "this evpnd cannot read candidates");
  if (result.ok) return result.report;
  throw new HttpError(422, "invalid-configuration", `refused:\n${result.issues.join("\n")}`);
}

export const POLICY_OPERATIONS: readonly Operation[] = [
  unary({
    id: "ListPolicies",
    group: "Policies",
    summary: "Policies, their rules and how often each matched",
    role: "viewer",
    http: { method: "GET", path: "/v1/policy" },
    input: "ListPoliciesRequest",
    output: "ListPoliciesResponse",
    run: async ({ control }) => ({ policies: await control.policies() }),
  }),
  unary({
    id: "TestPolicy",
    group: "Policies",
    summary: "What other policies would change, without changing it",
    // A candidate may name files to read, so it is not for every viewer.
    role: "operator",
    http: { method: "POST", path: "/v1/policy/test", bodyMax: 2 * TEXT_MAX },
    input: "TestPolicyRequest",
    output: "PolicyTestReport",
    rules: {
      text: { required: true, maxLength: TEXT_MAX },
      peer: { minLength: 2, maxLength: 64 },
      direction: { enum: ["in", "out"] },
      examples: { minimum: 0, maximum: 1000 },
    },
    run: (backend, { text, ...options }: TestInput) =>
      reportOf(backend.testCandidate?.(text, options)),
  }),
  unary({
    id: "ExplainRoutes",
    group: "Policies",
    summary: "Which rules decided on routes, and why each session has them or not",
    role: "viewer",
    http: { method: "GET", path: "/v1/policy/explain" },
    input: "ExplainRoutesRequest",
    output: "RouteExplanation",
    rules: ROUTE_RULES,
    run: ({ control }, input: RouteInput) => {
      if (Object.keys(input).length > 0) {
        return control.explainRoutes({ table: "all", ...toRouteFilter(input) });
      }
      throw new HttpError(400, "invalid", "which route? say mac, ip, rd, vni, type or family");
    },
  }),
];
