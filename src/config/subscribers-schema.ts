/** The `subscribers` block of the configuration's schema. */
import { SUBSCRIBER_DEFAULTS } from "../fib/subscribers/settings.js";
import type { SchemaNode } from "./schema-node.js";

const tenant: SchemaNode = {
  type: "string",
  pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
};

const domain: SchemaNode = {
  type: "object",
  required: ["domain", "tenant"],
  additionalProperties: false,
  properties: {
    domain: {
      type: "string",
      minLength: 1,
      maxLength: 128,
      description: "Bridge domain, as `evpnctl show domains` names it.",
    },
    tenant: { ...tenant, description: "Tenant of the RADIUS relay whose sessions belong here." },
    vlan: {
      type: ["string", "integer"],
      minimum: 1,
      maximum: 4094,
      minLength: 1,
      maxLength: 64,
      description:
        "VLAN of the sessions (Tunnel-Private-Group-Id). Default: sessions of the tenant without a VLAN, or with one that no other domain of the tenant has.",
    },
    "require-session": {
      type: "boolean",
      default: SUBSCRIBER_DEFAULTS.requireSession,
      description:
        "Every MAC of the domain needs a session; `false`: only one that is elsewhere than its session is told of.",
    },
    action: {
      type: "string",
      enum: ["report", "quarantine", "reject"],
      default: SUBSCRIBER_DEFAULTS.action,
      description:
        "Beside the alarm: `quarantine` lets a MAC count only where its session is, or without a session only where it was at the alarm; `reject` holds all routes of a MAC without a session until it has one.",
    },
    "exempt-macs": {
      type: "array",
      items: { type: "string", format: "mac" },
      default: [],
      description: "MACs that need no session: access points, servers. Gateways' MACs never do.",
    },
    "exempt-ouis": {
      type: "array",
      items: { type: "string", format: "oui" },
      default: [],
      description: "The first three octets of such MACs: `00:50:56`.",
    },
  },
};

const accessPoint: SchemaNode = {
  type: "object",
  required: ["id"],
  additionalProperties: false,
  properties: {
    id: {
      type: "string",
      minLength: 1,
      maxLength: 253,
      description:
        "The access point as its Called-Station-Id says: its MAC in any notation, without the SSID, or the whole text.",
    },
    pe: {
      type: "string",
      format: "ip",
      description: "Next hop of the PE that its frames enter the fabric by.",
    },
    esi: {
      type: "string",
      pattern: "^([0-9A-Fa-f]{2}:){9}[0-9A-Fa-f]{2}$",
      description: "In the place of `pe`: its Ethernet segment, ten octets.",
    },
  },
};

export const subscribersSchema: SchemaNode = {
  type: "object",
  required: ["domains"],
  additionalProperties: false,
  description:
    "Compares the MACs of bridge domains with the sessions of the RADIUS relay; needs the MAC FIB.",
  properties: {
    "grace-seconds": {
      type: "integer",
      minimum: 0,
      maximum: 3600,
      default: SUBSCRIBER_DEFAULTS.graceSeconds,
      description: "How long a MAC may be without its session before anything is said or done.",
    },
    domains: {
      type: "array",
      minItems: 1,
      maxItems: 10000,
      items: domain,
      description: "Domains whose MACs are subscribers.",
    },
    "access-points": {
      type: "array",
      maxItems: 100000,
      items: accessPoint,
      description:
        "Where access points are. A session of one that is not here is never taken for elsewhere.",
    },
  },
};
