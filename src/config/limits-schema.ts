/** The part of the configuration schema about limits of a peer. */
import { FAMILIES } from "../fast-bgp-codec/family.js";
import { LIMIT_DEFAULTS } from "./limits.js";
import type { SchemaNode } from "./schema-node.js";

const COUNT_MAX = 4294967295;

function count(description: string, minimum = 0, maximum = COUNT_MAX): SchemaNode {
  return { type: "integer", minimum, maximum, default: 0, description };
}

const family: SchemaNode = {
  type: "string",
  enum: FAMILIES.map((spec) => spec.name),
  description: "Family that is counted. Default: each by itself.",
};

const routeType: SchemaNode = {
  type: "integer",
  minimum: 1,
  maximum: 255,
  description: "EVPN route type that is counted. Default: all together.",
};

const perVni: SchemaNode = {
  type: "boolean",
  default: LIMIT_DEFAULTS["per-vni"],
  description: "EVPN: the routes of each VNI are counted by themselves.",
};

const maximum: SchemaNode = {
  type: "integer",
  minimum: 1,
  maximum: COUNT_MAX,
  description: "Most routes.",
};

const warnAt: SchemaNode = {
  type: "integer",
  minimum: 0,
  maximum: 100,
  default: LIMIT_DEFAULTS["warn-at"],
  description: "Percent of `maximum` at which the log has a warning; 0 = none.",
};

/** @param way what is done in its direction beside `warn` and `stop` */
function limitList(
  description: string,
  way: { readonly action: string; readonly does: string; readonly byDefault: string },
): SchemaNode {
  return {
    type: "array",
    description,
    items: {
      type: "object",
      required: ["maximum"],
      additionalProperties: false,
      properties: {
        family,
        "route-type": routeType,
        "per-vni": perVni,
        maximum,
        "warn-at": warnAt,
        action: {
          type: "string",
          enum: ["warn", "stop", way.action],
          default: way.byDefault,
          description: `Beyond \`maximum\`: \`warn\` logs, \`stop\` ends the session (Cease 6/1), \`${way.action}\` ${way.does}.`,
        },
      },
    },
  };
}

export const limitsSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description: "Limits beside `prefix-limit` ([guide](limits.md)). Changes need no new session.",
  properties: {
    in: limitList("Limits on routes received. All that cover a route count it.", {
      action: "discard",
      does: "holds the further routes without effect",
      byDefault: LIMIT_DEFAULTS.action,
    }),
    out: limitList("Limits on routes sent.", {
      action: "withhold",
      does: "does not send the further routes",
      byDefault: LIMIT_DEFAULTS.outAction,
    }),
    "restart-seconds": {
      type: "integer",
      minimum: 0,
      maximum: 86400,
      default: LIMIT_DEFAULTS["restart-seconds"],
      description: "Seconds a peer stays down after `stop`; 0 = until `evpnctl peer enable`.",
    },
    "attribute-octets": count(
      "Most octets of path attributes, NLRI and next hop left aside; 0 = no limit. Routes with more count as withdrawn; so do those of the next three.",
    ),
    communities: count("Most communities of all kinds together; 0 = no limit."),
    "cluster-list": count("Most cluster ids in CLUSTER_LIST; 0 = no limit."),
    "as-path": count("Most AS numbers in AS_PATH; 0 = no limit."),
    "update-rate": {
      type: "object",
      additionalProperties: false,
      description:
        "What the peer may send a second. Beyond it reading pauses, and TCP makes the peer wait; keepalives go on.",
      properties: {
        updates: count("UPDATE messages a second; 0 = no limit.", 0, 10_000_000),
        routes: count("Routes announced or withdrawn a second; 0 = no limit.", 0, 10_000_000),
        burst: {
          type: "number",
          minimum: 0,
          maximum: 3600,
          default: LIMIT_DEFAULTS.burst,
          description: "Seconds' worth that may come at once.",
        },
      },
    },
  },
};
