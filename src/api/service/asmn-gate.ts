/** Where trust takes effect: gate and gateway; and images that are measured on this machine. */
import {
  GateError,
  type AsmnControl,
  type GateControl,
  type GatewayControl,
  type MeasureJob,
} from "../../asmn/index.js";
import type { HttpBackend } from "../backend.js";
import { asmnOf, off } from "./asmn-access.js";
import { stream, text, unary, type Caller, type Operation } from "./operation.js";

/** A document is a few hundred octets. */
const DOCUMENT = { required: true, pattern: "^([0-9a-f]{2})+$", maxLength: 16_384 } as const;
/** How often the progress of a measurement is told. */
const PROGRESS_MS = 500;

function gateOf({ asmnGate }: HttpBackend): GateControl {
  if (asmnGate !== undefined) return asmnGate;
  throw off("this evpnd has no gate (asmn.gate)");
}

function gatewayOf({ asmnGateway }: HttpBackend): GatewayControl {
  if (asmnGateway !== undefined) return asmnGateway;
  throw off("this evpnd is no gateway (asmn.gateway)");
}

export const ASMN_GATE_OPERATIONS: readonly Operation[] = [
  unary({
    id: "ListGateInstances",
    group: "AsmnGate",
    summary: "Instances as the gate knows them",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/gate/instances" },
    input: "ListGateInstancesRequest",
    output: "GateInstanceList",
    run: async (backend) => ({ instances: await gateOf(backend).instances() }),
  }),
  unary({
    id: "ListGatedPeers",
    group: "AsmnGate",
    summary: "Peers that are gated, and those that a dry run or a grace spares",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/gate/peers" },
    input: "ListGatedPeersRequest",
    output: "GatedPeerList",
    run: async (backend) => {
      const gate = gateOf(backend);
      const [{ dryRun }, peers] = await Promise.all([gate.status(), gate.gated()]);
      return { dryRun, peers };
    },
  }),
  unary({
    id: "AdmitByDocument",
    group: "AsmnGate",
    summary: "Takes a break-glass document, also while no Sec-EM is there",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/gate/break-glass", bodyMax: 32_768 },
    input: "AdmitByDocumentRequest",
    output: "GateGrant",
    rules: { document: DOCUMENT },
    run: async (backend, { document }: { document: string }) =>
      admit(backend, Buffer.from(document, "hex").toString("base64")),
  }),
  unary({
    id: "EndGateGrant",
    group: "AsmnGate",
    summary: "Ends what a break-glass document opened",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/gate/break-glass/end" },
    input: "EndGateGrantRequest",
    output: "DoneResponse",
    rules: { serial: { required: true } },
    run: async (backend, { serial }: { serial: number }) => {
      await endGrant(backend, serial);
      return { done: [`break-glass ${serial} is over here`] };
    },
  }),
  unary({
    id: "GetTrafficGateway",
    group: "AsmnGate",
    summary: "The gateway between VNFs: instances, flows, what is wrong",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/gateway" },
    input: "GetTrafficGatewayRequest",
    output: "TrafficGateway",
    run: async (backend) => {
      const gateway = gatewayOf(backend);
      const [status, members, flows] = await Promise.all([
        gateway.status(),
        gateway.members(),
        gateway.flows(),
      ]);
      return { status, members, flows };
    },
  }),
  unary({
    id: "GetTrafficRules",
    group: "AsmnGate",
    summary: "The gateway's rules as a script for nft",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/gateway/rules" },
    input: "GetTrafficRulesRequest",
    output: "TrafficRules",
    run: async (backend) => ({ script: await gatewayOf(backend).script() }),
  }),
  unary({
    id: "ControlTrafficGateway",
    group: "AsmnGate",
    summary: "Repairs the gateway's rules, takes them out, or begins anew",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/gateway/control" },
    input: "ControlTrafficGatewayRequest",
    output: "DoneResponse",
    rules: { action: { required: true, enum: ["repair", "remove", "install"] } },
    run: async (backend, { action }: { action: string }, caller) => ({
      done: [await act(gatewayOf(backend), action, caller)],
    }),
  }),
  stream({
    id: "MeasureImage",
    group: "AsmnGate",
    summary: "Measures an image of the image directory, with progress",
    role: "operator",
    http: { method: "GET", path: "/v1/asmn/measure" },
    input: "MeasureImageRequest",
    output: "ImageMeasurement",
    rules: { file: { required: true, ...text(255) } },
    run: (backend, { file }: { file: string }, _caller, signal) =>
      measure(asmnOf(backend), file, signal),
  }),
];

/** At gate and gateway, where there are both; each takes a document once, and may have it from its feed. */
async function admit({ asmnGate, asmnGateway }: HttpBackend, document: string) {
  const asked = [asmnGate, asmnGateway].flatMap((one) => one?.breakGlass(document) ?? []);
  if (asked.length === 0) throw off("this evpnd has neither gate nor gateway (asmn)");
  const outcomes = await Promise.allSettled(asked);
  const grant = outcomes.find((one) => one.status === "fulfilled");
  const refusal = outcomes.find((one) => one.status === "rejected");
  if (grant === undefined) throw refusal?.reason as Error;
  const refused = refusal?.reason instanceof Error ? refusal.reason.message : undefined;
  return { ...grant.value, refused };
}

async function endGrant({ asmnGate, asmnGateway }: HttpBackend, serial: number): Promise<void> {
  if (asmnGate === undefined && asmnGateway === undefined) {
    throw off("this evpnd has neither gate nor gateway (asmn)");
  }
  const isEnded = (await asmnGateway?.endBreakGlass(serial)) ?? false;
  try {
    await asmnGate?.endBreakGlass(serial);
  } catch (error) {
    if (!isEnded) throw error;
    return;
  }
  if (asmnGate !== undefined || isEnded) return;
  throw new GateError("not-found", `no break-glass ${serial} is open here`);
}

async function act(gateway: GatewayControl, action: string, caller: Caller): Promise<string> {
  const who = `${caller.name} at ${caller.address}`;
  switch (action) {
    case "repair":
      return (await gateway.repair(who))
        ? "the rules were put back"
        : "the rules are as they should be";
    case "remove":
      await gateway.remove(who);
      return "the rules are out of the kernel: everything passes";
    default:
      await gateway.install(who);
      return "closed until the feed has told everything anew";
  }
}

async function* measure(asmn: AsmnControl, file: string, signal: AbortSignal) {
  const { id } = await asmn.startMeasure(file);
  try {
    while (!signal.aborted) {
      const job: MeasureJob = await asmn.measureJob(id, PROGRESS_MS);
      const { octets, total, state, digest, problem, tookMs } = job;
      yield [{ file, octets, total, state, digest, problem, tookMs }];
      if (state !== "running") return;
    }
  } finally {
    await asmn.endMeasure(id);
  }
}
