/** The `host-routes` of a domain in the configuration's schema. */
import type { SchemaNode } from "./schema-node.js";

export const hostRoutesSchema: SchemaNode = {
  type: ["object", "string"],
  pattern: "^unicast$",
  additionalProperties: false,
  description:
    "Announce a /32 or /128 for each address in the domain, which follows the MAC that has it. `unicast`, or an object.",
  properties: {
    announce: {
      type: "string",
      enum: ["unicast", "type-5"],
      description:
        "In the families ipv4-unicast and ipv6-unicast, or as EVPN prefixes of a VRF (`type-5`, RFC 9136), which need `rd`, `route-targets` and `l3-vni`.",
    },
    "next-hop": {
      type: "string",
      format: "ip",
      description: "Where the routes lead. Default: the PE that has the MAC.",
    },
    rd: {
      type: "string",
      format: "rd",
      description:
        "Route distinguisher of the VRF: `10.99.0.254:5000`. The domains of a VRF share it.",
    },
    "route-targets": {
      type: "array",
      minItems: 1,
      maxItems: 16,
      uniqueItems: true,
      items: { type: "string", format: "route-target" },
      description: "Route targets of the VRF; with `unicast`, put on the routes if there are any.",
    },
    "l3-vni": {
      type: "integer",
      minimum: 1,
      maximum: 16777215,
      description: "VNI of the VRF.",
    },
    "router-mac": {
      type: "string",
      format: "mac",
      description:
        "Router's MAC behind `next-hop` (RFC 9135). Default: that of the PE's own route for the MAC.",
    },
  },
};
