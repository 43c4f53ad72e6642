/** Maintenance mode (RFC 8326). */
import type { MaintenanceOrder } from "../../bgp/control.js";
import { checkedText } from "./fields.js";
import { text, unary, type FieldRule, type Operation } from "./operation.js";

/** Longest time that peers can be given to turn to other paths. */
const DRAIN_MOST_SECONDS = 86_400;

const PEERS: FieldRule = {
  required: true,
  alone: "all",
  minItems: 1,
  maxItems: 10_000,
  items: text(64),
};

interface PeersInput {
  readonly peers: readonly string[];
}
interface BeginInput extends PeersInput {
  readonly drainSeconds: number;
  readonly then: "nothing" | "shutdown";
  readonly text: string;
}

function whom({ peers }: PeersInput): MaintenanceOrder["peers"] {
  return peers.length === 1 && peers[0] === "all" ? "all" : peers;
}

export const MAINTENANCE_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetMaintenance",
    group: "Maintenance",
    summary: "Who is in maintenance, and how far",
    role: "viewer",
    http: { method: "GET", path: "/v1/maintenance" },
    input: "GetMaintenanceRequest",
    output: "MaintenanceState",
    run: ({ control }) => control.maintenance(),
  }),
  unary({
    id: "BeginMaintenance",
    group: "Maintenance",
    summary: "Makes what peers are sent their last choice, then what the order says",
    role: "operator",
    http: { method: "POST", path: "/v1/maintenance/begin" },
    input: "BeginMaintenanceRequest",
    output: "MaintenanceState",
    rules: {
      peers: PEERS,
      drainSeconds: { minimum: 0, maximum: DRAIN_MOST_SECONDS, default: 60 },
      then: { enum: ["nothing", "shutdown"], default: "nothing" },
      text: { maxLength: 128, default: "maintenance" },
    },
    run: ({ control }, input: BeginInput) =>
      control.beginMaintenance({
        drainSeconds: input.drainSeconds,
        then: input.then,
        peers: whom(input),
        text: checkedText(input.text),
      }),
  }),
  unary({
    id: "EndMaintenance",
    group: "Maintenance",
    summary: "Ends the maintenance of peers",
    role: "operator",
    http: { method: "POST", path: "/v1/maintenance/end" },
    input: "EndMaintenanceRequest",
    output: "MaintenanceState",
    rules: { peers: PEERS },
    run: ({ control }, input: PeersInput) => control.endMaintenance(whom(input)),
  }),
];
