/** The `fib` block of the configuration's schema. */
import { MAX_HOST_ROUTES } from "../fib/settings.js";
import { TOP_DEFAULTS } from "./file.js";
import { hostRoutesSchema } from "./host-routes-schema.js";
import type { SchemaNode } from "./schema-node.js";
import { timelineSchema } from "./timeline-schema.js";

const { fib, duplicates } = TOP_DEFAULTS;

const moves: SchemaNode = {
  type: "integer",
  minimum: 2,
  maximum: 65535,
  description: "So many moves within `seconds` make a MAC a duplicate (RFC 7432 section 15.1).",
};
const seconds: SchemaNode = {
  type: "integer",
  minimum: 1,
  maximum: 86400,
  description: "Length of the window in which moves are counted.",
};
const action: SchemaNode = {
  type: "string",
  enum: ["none", "pin", "hold", "rate-limit"],
  description:
    "What is done about a duplicate beside the alarm: nothing; only the PE counts where the MAC was last stable (`pin`), or the one that had it at the alarm (`hold`); or one at a time, chosen again every `rate-seconds`.",
};
const release: SchemaNode = {
  type: ["integer", "string"],
  minimum: 1,
  maximum: 86400,
  pattern: "^manual$",
  description:
    "A duplicate that has not moved, or tried to, for so many seconds is let go; `manual` = only by hand.",
};
const rateSeconds: SchemaNode = {
  type: "integer",
  minimum: 1,
  maximum: 3600,
  description: "Of `rate-limit`: seconds between two changes that pass.",
};

const domain: SchemaNode = {
  type: "object",
  required: ["name"],
  additionalProperties: false,
  properties: {
    name: {
      type: "string",
      pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
      description:
        "Name in answers; letters, digits, dot, dash and underscore, unique among domains.",
    },
    service: {
      type: "string",
      enum: ["vlan-based", "vlan-bundle", "vlan-aware-bundle", "pbb"],
      default: fib.service,
      description:
        "Kind of EVI (RFC 7432 section 6): `vlan-aware-bundle` makes a domain of each Ethernet tag, `pbb` holds backbone MACs (RFC 7623).",
    },
    "route-targets": {
      type: "array",
      minItems: 1,
      uniqueItems: true,
      items: { type: "string", format: "route-target" },
      description:
        "A route with any of them belongs to the domain: `65000:100`. Needed unless there is a `vni`.",
    },
    "ethernet-tag": {
      type: "integer",
      minimum: 0,
      maximum: 4294967295,
      description:
        "The only Ethernet tag taken. Default: 0, or every tag where `service` is `vlan-aware-bundle`.",
    },
    vni: {
      type: "integer",
      minimum: 1,
      maximum: 16777215,
      description:
        "Without `route-targets`: routes of this VNI belong to the domain. With them: shown only.",
    },
    duplicates: {
      type: ["object", "boolean"],
      additionalProperties: false,
      properties: { moves, seconds, action, release, "rate-seconds": rateSeconds },
      description:
        "What is different in this domain, `{moves: 10, seconds: 60, action: pin}`, or `false`: no MAC of it is ever a duplicate.",
    },
    "host-routes": hostRoutesSchema,
  },
};

export const fibSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "The MAC FIB: where every MAC is, and why, for `evpnctl show mac` and `explain mac`. A reload turns it on and off.",
  properties: {
    enabled: {
      type: "boolean",
      default: fib.enabled,
      description:
        "Keep a MAC FIB. Off by default: on two cores it costs about half as much CPU again per route change as reflection itself.",
    },
    "default-encapsulation": {
      type: "string",
      enum: ["mpls", "vxlan"],
      default: fib["default-encapsulation"],
      description:
        "What a label is on routes that name no encapsulation (RFC 8365 section 5.1.3). FRR, Junos and GoBGP with VXLAN name theirs.",
    },
    domains: {
      type: "array",
      items: domain,
      description:
        "Bridge domains with names. Without any, each route target is a domain of its own.",
    },
    timeline: timelineSchema,
    "max-host-routes": {
      type: "integer",
      minimum: 1,
      maximum: 10000000,
      default: MAX_HOST_ROUTES,
      description: "Most host routes of all domains; addresses beyond have none.",
    },
    duplicates: {
      type: "object",
      additionalProperties: false,
      description: "When a MAC that moves is called a duplicate, and what is done about it.",
      properties: {
        moves: { ...moves, default: duplicates.moves },
        seconds: { ...seconds, default: duplicates.seconds },
        action: { ...action, default: duplicates.action },
        release: { ...release, default: duplicates.release },
        "rate-seconds": { ...rateSeconds, default: duplicates["rate-seconds"] },
        "exempt-macs": {
          type: "array",
          items: { type: "string", format: "mac" },
          default: duplicates["exempt-macs"],
          description: "MACs that are never called duplicates.",
        },
        "exempt-ouis": {
          type: "array",
          items: { type: "string", format: "oui" },
          default: duplicates["exempt-ouis"],
          description: "The first three octets of such MACs: `00:50:56`.",
        },
      },
    },
  },
};
