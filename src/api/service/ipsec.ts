/** IPsec tunnels: states, the views of gateways, faults, traces, and what an operator may do. */
import type { DecodeOrder, EventQuery, TunnelPing, WatchControl } from "../../ipsec/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { text, unary, type FieldRules, type Operation } from "./operation.js";

export const TUNNEL = { required: true, ...text(128) } as const;
const ADDRESS = text(64);
/** Two digits for each octet that UDP has, and what people write in between. */
const HEX_MAX = 3 * 65_535;
const PING: FieldRules = {
  tunnel: TUNNEL,
  destination: ADDRESS,
  source: ADDRESS,
  count: { minimum: 1, maximum: 100 },
  size: { minimum: 0, maximum: 65_000 },
};

export function ipsecOf(backend: HttpBackend): WatchControl {
  const { ipsec } = backend;
  if (ipsec !== undefined) return ipsec;
  throw new HttpError(
    409,
    "off",
    "this evpnd drives no IPsec tunnels: name its gateway in the configuration (ipsec.local)",
  );
}

const ACTIONS = ["initiate", "terminate", "rekey", "rekey-ike", "clear"] as const;
type Action = (typeof ACTIONS)[number];

export const IPSEC_OPERATIONS: readonly Operation[] = [
  unary({
    id: "ListTunnels",
    group: "Ipsec",
    summary: "Every IPsec tunnel with its state",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/tunnels" },
    input: "ListTunnelsRequest",
    output: "TunnelOverview",
    run: async (backend) => ipsecOf(backend).overview(),
  }),
  unary({
    id: "GetTunnelStatus",
    group: "Ipsec",
    summary: "Does each tunnel work, in words for everybody",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/status" },
    input: "GetTunnelStatusRequest",
    output: "TunnelStatusList",
    run: async (backend) => ({ tunnels: await ipsecOf(backend).status() }),
  }),
  unary({
    id: "ListIpsecSas",
    group: "Ipsec",
    summary: "Phase-2 SAs, a row for each direction",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/sa" },
    input: "ListIpsecSasRequest",
    output: "IpsecSaList",
    run: async (backend, { active }: { active?: boolean }) =>
      ipsecOf(backend).saList(active === true),
  }),
  unary({
    id: "ListIkeCookies",
    group: "Ipsec",
    summary: "Phase-1 SAs by their cookies",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/cookies" },
    input: "ListIkeCookiesRequest",
    output: "IkeCookieList",
    run: async (backend) => ipsecOf(backend).cookies(),
  }),
  unary({
    id: "ListIsakmpSas",
    group: "Ipsec",
    summary: "Phase-1 SAs by destination and source",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/isakmp" },
    input: "ListIsakmpSasRequest",
    output: "IsakmpSaList",
    run: async (backend) => ipsecOf(backend).isakmp(),
  }),
  unary({
    id: "ListCryptoSas",
    group: "Ipsec",
    summary: "Phase-2 SAs with their counters",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/crypto" },
    input: "ListCryptoSasRequest",
    output: "CryptoSaList",
    rules: { tunnel: text(128) },
    run: async (backend, { tunnel }: { tunnel?: string }) => ({
      rows: await ipsecOf(backend).cryptoIpsec(tunnel),
    }),
  }),
  unary({
    id: "ListIpsecEvents",
    group: "Ipsec",
    summary: "What happened to tunnels",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/events" },
    input: "ListIpsecEventsRequest",
    output: "IpsecEventList",
    rules: { tunnel: text(128), limit: { minimum: 1, maximum: 10_000 } },
    run: async (backend, query: EventQuery) => ({ events: await ipsecOf(backend).events(query) }),
  }),
  unary({
    id: "ListTunnelFaults",
    group: "Ipsec",
    summary: "What is wrong with tunnels, and what to do about it",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/faults" },
    input: "ListTunnelFaultsRequest",
    output: "TunnelFaultList",
    rules: { tunnel: text(128) },
    run: async (backend, { tunnel, ended }: { tunnel?: string; ended?: boolean }) => ({
      faults: await ipsecOf(backend).diagnoses(tunnel, ended === true),
    }),
  }),
  unary({
    id: "GetTunnelTrace",
    group: "Ipsec",
    summary: "The negotiation trace of a tunnel",
    // Identities and networks of both ends: not for everybody who may look.
    role: "operator",
    http: { method: "GET", path: "/v1/ipsec/trace" },
    input: "GetTunnelTraceRequest",
    output: "TunnelTrace",
    rules: { tunnel: TUNNEL },
    run: async (backend, { tunnel }: { tunnel: string }) => ipsecOf(backend).trace(tunnel),
  }),
  unary({
    id: "ControlTunnelTrace",
    group: "Ipsec",
    summary: "Switches a trace on or off, or clears it",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/trace" },
    input: "ControlTunnelTraceRequest",
    output: "TunnelTrace",
    rules: {
      tunnel: TUNNEL,
      action: { required: true, enum: ["on", "off", "clear"] },
      seconds: { default: 600, minimum: 1, maximum: 3600 },
    },
    run: async (
      backend,
      { tunnel, action, seconds }: { tunnel: string; action: string; seconds: number },
    ) => {
      const ipsec = ipsecOf(backend);
      if (action === "on") return ipsec.startTrace(tunnel, seconds);
      return action === "off" ? ipsec.stopTrace(tunnel) : ipsec.clearTrace(tunnel);
    },
  }),
  unary({
    id: "ControlTunnel",
    group: "Ipsec",
    summary: "Brings up, ends, renews or renegotiates a tunnel",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/control" },
    input: "ControlTunnelRequest",
    output: "ControlTunnelResponse",
    rules: { tunnel: TUNNEL, action: { required: true, enum: ACTIONS } },
    run: async (backend, { tunnel, action }: { tunnel: string; action: Action }) => ({
      tunnel,
      action,
      text: await act(ipsecOf(backend), tunnel, action),
    }),
  }),
  unary({
    id: "PingTunnel",
    group: "Ipsec",
    summary: "Pings through a tunnel, with its counters",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/ping" },
    input: "PingTunnelRequest",
    output: "TunnelPing",
    rules: PING,
    run: async (backend, order: TunnelPing) => ipsecOf(backend).ping(order),
  }),
  unary({
    id: "MeasureTunnel",
    group: "Ipsec",
    summary: "The largest packet that passes a tunnel whole",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/measure" },
    input: "MeasureTunnelRequest",
    output: "TunnelPacketSize",
    rules: { tunnel: TUNNEL, destination: ADDRESS, source: ADDRESS },
    run: async (backend, order: TunnelPing) => ipsecOf(backend).packetSize(order),
  }),
  unary({
    id: "ReachGateways",
    group: "Ipsec",
    summary: "Whether the outside addresses of tunnels can be reached",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/reach" },
    input: "ReachGatewaysRequest",
    output: "GatewayReachList",
    rules: { tunnel: text(128) },
    run: async (backend, { tunnel }: { tunnel?: string }) => ({
      rows: await ipsecOf(backend).reach(tunnel),
    }),
  }),
  unary({
    id: "DecodeIke",
    group: "Ipsec",
    summary: "An ISAKMP or IKE message in words",
    role: "viewer",
    http: { method: "POST", path: "/v1/ipsec/decode", bodyMax: 256 * 1024 },
    input: "DecodeIkeRequest",
    output: "DecodedIke",
    rules: {
      hex: { required: true, ...text(HEX_MAX) },
      first: text(16),
      version: { minimum: 1, maximum: 2 },
    },
    run: async (backend, order: DecodeOrder) => ipsecOf(backend).decode(order),
  }),
];

async function act(ipsec: WatchControl, tunnel: string, action: Action): Promise<string> {
  switch (action) {
    case "initiate":
      await ipsec.initiate(tunnel);
      return "negotiation begun";
    case "terminate": {
      const ended = await ipsec.terminate(tunnel);
      return `${ended} SA${ended === 1 ? "" : "s"} ended; it stays down until it is initiated`;
    }
    case "rekey":
      await ipsec.rekey(tunnel, "child");
      return "phase 2 is renewed";
    case "rekey-ike":
      await ipsec.rekey(tunnel, "ike");
      return "phase 1 is renewed";
    case "clear":
      await ipsec.clear(tunnel);
      return "both phases begin anew";
  }
}
