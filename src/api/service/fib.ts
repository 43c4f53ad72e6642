/** The MAC FIB: where MACs and addresses are, domains, segments, and why. */
import type {
  FibControl,
  FibPage,
  MacQuery,
  MacView,
  PageQuery,
  SegmentQuery,
} from "../../fib/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { page, text, unary, VNI, type Operation, type Rows } from "./operation.js";
import { withSessions } from "./session-places.js";

interface ExplainInput {
  readonly mac: string;
  readonly domain?: string;
}

/** The FIB, or a refusal that says how to turn it on. */
export function fibOf(backend: HttpBackend): FibControl {
  const { fib } = backend;
  if (fib !== undefined) return fib;
  throw new HttpError(
    409,
    "off",
    "the MAC FIB is off: set fib.enabled: true in the configuration and reload, or start evpnd with --fib",
  );
}

async function withTheirSessions(
  backend: HttpBackend,
  found: Promise<FibPage<MacView>>,
): Promise<Rows> {
  const { rows, next } = await found;
  return { rows: await withSessions(backend, rows), next };
}

export const FIB_OPERATIONS: readonly Operation[] = [
  page({
    id: "ListMacs",
    dump: "DumpMacs",
    group: "Fib",
    summary: "Where MACs are",
    role: "viewer",
    http: { method: "GET", path: "/v1/fib/macs" },
    input: "ListMacsRequest",
    output: "ListMacsResponse",
    rows: "macs",
    row: "Mac",
    rules: {
      mac: text(64),
      domain: text(128),
      vni: VNI,
      ip: text(64),
      pe: text(64),
      esi: text(64),
    },
    run: (backend, query: MacQuery) => {
      const found = fibOf(backend).macs(query);
      return backend.subscribers === undefined ? found : withTheirSessions(backend, found);
    },
  }),
  page({
    id: "ListDomains",
    dump: "DumpDomains",
    group: "Fib",
    summary: "Bridge domains",
    role: "viewer",
    http: { method: "GET", path: "/v1/fib/domains" },
    input: "ListDomainsRequest",
    output: "ListDomainsResponse",
    rows: "domains",
    row: "Domain",
    run: (backend, query: PageQuery) => fibOf(backend).domains(query),
  }),
  page({
    id: "ListSegments",
    dump: "DumpSegments",
    group: "Fib",
    summary: "Ethernet segments and their forwarders",
    role: "viewer",
    http: { method: "GET", path: "/v1/fib/segments" },
    input: "ListSegmentsRequest",
    output: "ListSegmentsResponse",
    rows: "segments",
    row: "Segment",
    rules: { esi: text(64) },
    run: (backend, query: SegmentQuery) => fibOf(backend).segments(query),
  }),
  unary({
    id: "ExplainMac",
    group: "Fib",
    summary: "Why a MAC is where it is, in each domain that has it",
    role: "viewer",
    http: { method: "GET", path: "/v1/fib/explain" },
    input: "ExplainMacRequest",
    output: "ExplainMacResponse",
    rules: { mac: { required: true, ...text(64) }, domain: text(128) },
    run: async (backend, { mac, domain }: ExplainInput) => ({
      explanations: await fibOf(backend).explain(mac, domain),
    }),
  }),
];
