/** Why a MAC is where it is and who was told of it, and what a peer lacks compared with another. */
import type { RouteExplanation } from "../../bgp/control.js";
import { FibQueryError, type Explanation } from "../../fib/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { fibOf } from "./fib.js";
import { checkedMac } from "./fields.js";
import { page, text, unary, type Operation, type PageInput } from "./operation.js";

interface TraceInput {
  readonly mac: string;
  readonly domain?: string;
  readonly peer?: string;
  readonly limit?: number;
}

interface LackInput extends PageInput {
  readonly address: string;
  readonly than: string;
}

type ExplainedRoute = RouteExplanation["routes"][number];
type Receiver = ExplainedRoute["receivers"][number];

/** Peers of which the same is true. */
interface Receivers {
  readonly sent: boolean;
  readonly code: string | undefined;
  readonly reason: string;
  readonly export: Receiver["export"];
  peers: number;
  readonly examples: string[];
}

const MAC_IP = 2;
const EXAMPLES = 10;

export const EXPLAIN_OPERATIONS: readonly Operation[] = [
  unary({
    id: "TraceMac",
    group: "Explain",
    summary: "Who claims a MAC, what won, and what each client was sent of it",
    role: "viewer",
    http: { method: "GET", path: "/v1/explain/mac" },
    input: "TraceMacRequest",
    output: "MacTrace",
    rules: {
      mac: { required: true, ...text(64) },
      domain: text(128),
      peer: text(64),
      limit: { minimum: 1, maximum: 100 },
    },
    run: traceMac,
  }),
  page({
    id: "ListLacks",
    dump: "DumpLacks",
    group: "Explain",
    summary: "What a peer has not been sent that another has, by reason",
    role: "viewer",
    http: { method: "GET", path: "/v1/peers/:address/lacks" },
    input: "ListLacksRequest",
    output: "ListLacksResponse",
    rows: "reasons",
    row: "Lack",
    rules: {
      address: { required: true, minLength: 1, maxLength: 64 },
      than: { required: true, ...text(64) },
    },
    run: ({ control }, { address, than, cursor }: LackInput) =>
      control.lacks(address, than, cursor),
  }),
];

async function traceMac(backend: HttpBackend, { mac, domain, peer, limit }: TraceInput) {
  const whole = checkedMac(mac);
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(whole)) {
    throw new HttpError(400, "invalid", `"${mac}" is no whole MAC; write 52:54:00:00:00:01`);
  }
  const query = { table: "all", mac: whole, routeType: MAC_IP } as const;
  const found = await backend.control.explainRoutes({
    ...query,
    ...(peer !== undefined && { peer }),
    ...(limit !== undefined && { limit }),
  });
  const explanations = await explained(backend, whole, domain, found.routes.length > 0);
  return {
    mac: whole,
    explanations,
    routes: found.routes.map(({ family, prefix, paths, receivers }) => ({
      family,
      prefix,
      paths,
      receivers: groupsOf(receivers),
    })),
    cut: found.cut,
  };
}

/** What the FIB says; where routes speak for themselves, it may know nothing: held ones are in no domain. */
async function explained(
  backend: HttpBackend,
  mac: string,
  domain: string | undefined,
  hasRoutes: boolean,
): Promise<readonly Explanation[]> {
  if (backend.fib === undefined && hasRoutes) return [];
  try {
    return await fibOf(backend).explain(mac, domain);
  } catch (error) {
    const unknown = error instanceof FibQueryError && error.code === "not-found";
    if (unknown && hasRoutes && domain === undefined) return [];
    throw error;
  }
}

function groupsOf(receivers: readonly Receiver[]): readonly Receivers[] {
  const groups = new Map<string, Receivers>();
  for (const { peer, sent, code, reason, export: decision } of receivers) {
    const key = JSON.stringify([sent, reason, decision]);
    let group = groups.get(key);
    if (group === undefined) {
      group = { sent, code, reason, export: decision, peers: 0, examples: [] };
      groups.set(key, group);
    }
    group.peers++;
    if (group.examples.length < EXAMPLES) group.examples.push(peer);
  }
  return [...groups.values()].sort((a, b) => Number(a.sent) - Number(b.sent) || b.peers - a.peers);
}
