/** What would be different: a failure, or other policies. */
import type { WhatIf } from "../../bgp/control.js";
import type { MacChangeKind, WhatIfControl, WhatIfPage } from "../../fib/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { TEXT_MAX } from "./fields.js";
import { fibOf } from "./fib.js";
import { text, unary, type FieldRules, type Operation } from "./operation.js";
import { reportOf } from "./policies.js";

interface PageInput {
  readonly changes?: MacChangeKind;
  readonly limit?: number;
  readonly cursor?: string;
}

interface FailureInput extends PageInput {
  readonly pe?: string;
  readonly esi?: string;
  readonly peer?: string;
  readonly tunnel?: string;
  readonly firstMoment?: boolean;
}

interface PolicyInput extends PageInput {
  readonly text: string;
}

const PAGE: FieldRules = {
  changes: { enum: ["moved", "dark", "lit", "hops"] },
  limit: { minimum: 0, maximum: 1000 },
  cursor: { minLength: 1, maxLength: 16 },
};

export const WHAT_IF_OPERATIONS: readonly Operation[] = [
  unary({
    id: "SupposeFailure",
    group: "WhatIf",
    summary: "What the failure of a PE, a segment, a peer's session or a tunnel would do",
    role: "viewer",
    http: { method: "GET", path: "/v1/what-if" },
    input: "SupposeFailureRequest",
    output: "WhatIfReport",
    rules: { pe: text(64), esi: text(64), peer: text(64), tunnel: text(128), ...PAGE },
    run: (backend, input: FailureInput) => whatIfOf(backend).ask(failureOf(input), pageOf(input)),
  }),
  unary({
    id: "SupposePolicy",
    group: "WhatIf",
    summary: "What other policies would do to MACs, forwarders and clients",
    // A candidate may name files to read, so it is not for every viewer.
    role: "operator",
    http: { method: "POST", path: "/v1/what-if/policy", bodyMax: 2 * TEXT_MAX },
    input: "SupposePolicyRequest",
    output: "WhatIfReport",
    rules: { text: { required: true, maxLength: TEXT_MAX }, ...PAGE },
    run: async (backend, input: PolicyInput) => {
      whatIfOf(backend);
      return reportOf(backend.supposeCandidate?.(input.text, pageOf(input)));
    },
  }),
  unary({
    id: "ListSinglePoints",
    group: "WhatIf",
    summary: "PEs that MACs hang on: no other announces them",
    role: "viewer",
    http: { method: "GET", path: "/v1/what-if/single-points" },
    input: "ListSinglePointsRequest",
    output: "SinglePointReport",
    run: async (backend) => whatIfOf(backend).singlePoints(),
  }),
];

function failureOf({ pe, esi, peer, tunnel, firstMoment }: FailureInput): WhatIf {
  if (tunnel !== undefined && pe === undefined && esi === undefined && peer === undefined) {
    return { kind: "tunnel", name: tunnel };
  }
  if (peer !== undefined && pe === undefined && esi === undefined && tunnel === undefined) {
    return { kind: "peer", address: peer };
  }
  if (peer === undefined && tunnel === undefined && esi !== undefined)
    return { kind: "segment", esi, pe, firstMoment };
  if (peer === undefined && tunnel === undefined && pe !== undefined)
    return { kind: "pe", address: pe };
  throw new HttpError(
    400,
    "invalid",
    "what fails? say pe=ADDRESS, esi=ESI, both (a segment at one PE), peer=ADDRESS, or tunnel=NAME",
  );
}

function pageOf({ changes, limit, cursor }: PageInput): WhatIfPage {
  return { changes, limit, cursor };
}

function whatIfOf(backend: HttpBackend): WhatIfControl<WhatIf> {
  const { whatIf } = backend;
  if (whatIf !== undefined) return whatIf;
  fibOf(backend);
  throw new HttpError(409, "off", "this evpnd has no what-if");
}
