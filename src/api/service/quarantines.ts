/** Duplicate MACs, and MACs in quarantine: what there is, and by hand. */
import type { PageQuery, QuarantineControl, QuarantineOrder } from "../../fib/index.js";
import type { HttpBackend } from "../backend.js";
import { fibOf } from "./fib.js";
import { page, text, unary, type Operation } from "./operation.js";

const RELEASE_MAX = 86_400;
const MAC = { required: true, ...text(64) } as const;
const DOMAIN = text(128);

function quarantinesOf(backend: HttpBackend): QuarantineControl {
  const { quarantine } = backend;
  if (quarantine !== undefined) return quarantine;
  // They are the FIB's: without it there are none.
  fibOf(backend);
  throw new Error("a FIB without quarantines");
}

export const QUARANTINE_OPERATIONS: readonly Operation[] = [
  page({
    id: "ListQuarantines",
    dump: "DumpQuarantines",
    group: "Quarantines",
    summary: "Duplicate MACs, and MACs in quarantine",
    role: "viewer",
    http: { method: "GET", path: "/v1/quarantine" },
    input: "ListQuarantinesRequest",
    output: "ListQuarantinesResponse",
    rows: "quarantines",
    row: "QuarantinedMac",
    run: (backend, query: PageQuery) => quarantinesOf(backend).list(query),
  }),
  unary({
    id: "QuarantineMac",
    group: "Quarantines",
    summary: "Lets only one PE's routes of a MAC count",
    role: "operator",
    http: { method: "POST", path: "/v1/quarantine" },
    input: "QuarantineMacRequest",
    output: "QuarantineMacResponse",
    rules: {
      mac: MAC,
      domain: DOMAIN,
      action: { enum: ["pin", "hold", "rate-limit"] },
      pe: text(64),
      releaseSeconds: { minimum: 1, maximum: RELEASE_MAX },
    },
    run: async (backend, order: QuarantineOrder) => ({
      quarantines: await quarantinesOf(backend).add(order),
    }),
  }),
  unary({
    id: "ReleaseMac",
    group: "Quarantines",
    summary: "Ends alarm and quarantine of a MAC",
    role: "operator",
    http: { method: "POST", path: "/v1/quarantine/release" },
    input: "ReleaseMacRequest",
    output: "ReleaseMacResponse",
    rules: { mac: MAC, domain: DOMAIN },
    run: async (backend, { mac, domain }: { mac: string; domain?: string }) => ({
      domains: await quarantinesOf(backend).release(mac, domain),
    }),
  }),
];
