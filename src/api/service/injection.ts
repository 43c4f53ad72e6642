/** Routes that clients have evpnd announce. */
import { MOST_ROUTES, MOST_SECONDS, ROUTE_TYPES } from "../../inject/index.js";
import type { InjectControl, InjectedQuery, RouteSpec } from "../../inject/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { page, text, unary, VNI } from "./operation.js";
import type { Caller, FieldRules, Operation } from "./operation.js";

/** A route in full takes some 600 octets as JSON. */
const BODY_MAX = 512 * 1024;
const LABEL = { minimum: 0, maximum: 0xfffff } as const;

const SPEC: FieldRules = {
  type: { required: true, enum: ROUTE_TYPES },
  nextHop: { required: true, ...text(64) },
  domain: text(128),
  rd: text(64),
  routeTargets: { maxItems: 32, items: text(64) },
  encapsulation: text(16),
  communities: { maxItems: 64, items: text(32) },
  vni: VNI,
  label: LABEL,
  esi: text(64),
  mac: text(64),
  ip: text(64),
  l3Vni: VNI,
  l3Label: LABEL,
  routerMac: text(64),
  originator: text(64),
  tunnel: text(32),
  tunnelRoot: text(64),
  tunnelGroup: text(64),
  esImport: text(64),
  dfAlgorithm: text(32),
  dfPreference: { minimum: 0, maximum: 0xffff },
  esiLabel: LABEL,
  prefix: text(64),
  gateway: text(64),
};

interface InjectInput {
  readonly owner: string;
  readonly routes: readonly RouteSpec[];
  readonly ttlSeconds?: number;
  readonly persist?: boolean;
}

interface WithdrawInput {
  readonly owner: string;
  readonly routes?: readonly string[];
}

function injectionOf({ inject }: HttpBackend): InjectControl {
  if (inject !== undefined) return inject;
  throw new HttpError(501, "unsupported", "this evpnd has no injection; start one that has");
}

function whoIs({ name, address }: Caller): string {
  return `${name} at ${address}`;
}

export const INJECTION_OPERATIONS: readonly Operation[] = [
  page({
    id: "ListInjected",
    dump: "DumpInjected",
    group: "Injection",
    summary: "Routes that clients have evpnd announce",
    role: "viewer",
    http: { method: "GET", path: "/v1/injected" },
    input: "ListInjectedRequest",
    output: "ListInjectedResponse",
    rows: "routes",
    row: "InjectedRoute",
    rules: { owner: text(64), type: { enum: ROUTE_TYPES } },
    run: (backend, query: InjectedQuery) => injectionOf(backend).list(query),
  }),
  unary({
    id: "InjectRoutes",
    group: "Injection",
    summary: "Announces routes of an owner, or renews them: all of them or none",
    role: "operator",
    http: { method: "POST", path: "/v1/injected", bodyMax: BODY_MAX },
    input: "InjectRoutesRequest",
    output: "InjectRoutesResponse",
    rules: {
      owner: { required: true, ...text(64) },
      routes: { required: true, minItems: 1, maxItems: MOST_ROUTES, items: { fields: SPEC } },
      ttlSeconds: { minimum: 1, maximum: MOST_SECONDS },
    },
    run: async (backend, input: InjectInput, caller) => ({
      routes: await injectionOf(backend).announce({ ...input, by: whoIs(caller) }),
    }),
  }),
  unary({
    id: "WithdrawInjected",
    group: "Injection",
    summary: "Withdraws injected routes of an owner: those named, or all",
    role: "operator",
    http: { method: "POST", path: "/v1/injected/withdraw", bodyMax: BODY_MAX },
    input: "WithdrawInjectedRequest",
    output: "WithdrawInjectedResponse",
    rules: {
      owner: { required: true, ...text(64) },
      routes: { maxItems: 1000, items: text(256) },
    },
    run: async (backend, { owner, routes = [] }: WithdrawInput, caller) => ({
      withdrawn: await injectionOf(backend).withdraw({
        owner,
        // gRPC cannot tell an empty list from none.
        routes: routes.length === 0 ? undefined : routes,
        by: whoIs(caller),
      }),
    }),
  }),
];
