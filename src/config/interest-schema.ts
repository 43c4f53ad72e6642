/** Options of peers that say which route targets they are sent and may announce. */
import { INTEREST_ENTRY_DEFAULTS } from "./interest.js";
import type { SchemaNode } from "./schema-node.js";

/** As many as fit on a large PE; a longer list is rather a mistake. */
const MOST_TARGETS = 16_384;

const targets = (description: string): SchemaNode => ({
  type: "array",
  minItems: 1,
  maxItems: MOST_TARGETS,
  uniqueItems: true,
  items: { type: "string", format: "import-target" },
  description,
});

export const interestOptions: Readonly<Record<string, SchemaNode>> = {
  "route-targets": targets(
    'The peer is sent only EVPN and VPN routes with one of these route targets: `["65000:100", "es-import:00:11:22:33:44:55"]`. A list without ES-Import targets takes all of these. Default: what it asks for by RFC 4684, else everything.',
  ),
  "allow-route-targets": targets(
    "A tenant's route targets: the peer is sent no route without one of them, whatever it asks for, and its own routes are kept back (shown, not used) unless all their targets are among them.",
  ),
  "route-target-inference": {
    type: "string",
    enum: ["off", "shadow", "on"],
    default: INTEREST_ENTRY_DEFAULTS["route-target-inference"],
    description:
      "For peers without RFC 4684: infer from the route targets that the peer announces which ones it imports. `shadow` only reports what `on` would hold back (`evpnctl show interest`).",
  },
  "route-target-inference-hold": {
    type: "integer",
    minimum: 1,
    maximum: 604800,
    default: INTEREST_ENTRY_DEFAULTS["route-target-inference-hold"],
    description:
      "Seconds that an inferred route target counts after the peer's last route with it has gone.",
  },
  "default-membership": {
    type: "boolean",
    default: INTEREST_ENTRY_DEFAULTS["default-membership"],
    description:
      "Another reflector or eBGP peer with the family `route-target`: ask it for everything, as clients are, instead of what our own clients want. For GoBGP 3.10, which crashes on a default membership beside others.",
  },
};
