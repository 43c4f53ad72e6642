/** Policies in the configuration's schema: named sets, rules, and the options by which peers use them. */
import { FAMILIES } from "../fast-bgp-codec/family.js";
import type { SchemaNode } from "./schema-node.js";

const NAME = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$";

/** A value or a list of them, each a text or a number. */
function values(description: string): SchemaNode {
  return {
    type: ["string", "integer", "array"],
    minItems: 1,
    items: { type: ["string", "integer"] },
    description,
  };
}

const match: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "Conditions; all must hold, and of the values of one condition one is enough. Without any the rule matches everything. `set:NAME` stands for a set of `policy-sets`.",
  properties: {
    family: values(`Address family: ${FAMILIES.map(({ name }) => name).join(", ")}.`),
    "route-type": values("EVPN route type, 1 to 255."),
    rd: values("Route distinguisher: `65000:100`, `192.0.2.1:*`, `*:100`."),
    "route-target": values("A route target of the route: `65000:100`, `65000:*`, `*:100`, `*`."),
    vni: values(
      "24 bits of the first label, which are the VNI under VXLAN: `10100`, `10000-10999`. Of type 3 the label of its PMSI tunnel.",
    ),
    label: values("The high 20 bits of the first label: the label under MPLS."),
    mac: values(
      "MAC of a type 2 route: `52:54:00:12:34:56`, `52:54:00:00:00:00/24`, or behind the slash a mask such as `ff:ff:ff:00:00:00`.",
    ),
    host: values(
      "Host address of a type 2 route, originating router of types 3 and 4: an address, or a prefix that it lies in.",
    ),
    prefix: values(
      "IP prefix of a type 5, IP or VPN route: `10.0.0.0/8` is that prefix alone, `10.0.0.0/8 ge 16 le 24` those of 16 to 24 bits in it.",
    ),
    esi: values(
      "Ethernet segment identifier, ten octets in hex, `/BITS` behind it for the leading bits alone.",
    ),
    "ethernet-tag": values("Ethernet tag: `0`, `100-199`."),
    community: values("A community of the route: `65000:1`, `65000:*`, or a name: no-export."),
    "extended-community": values(
      "An extended community as `show routes` writes it: `rt:65000:1`, `soo:65000:*`, `encapsulation:8`, `mac-mobility:*`.",
    ),
    "large-community": values("A large community of the route: `65000:1:2`, `65000:*:*`."),
    peer: values("Whose route it is: an address, a prefix, or `group:NAME`."),
    "next-hop": values("Next hop: an address, or a prefix that it lies in."),
    "as-path": {
      type: "object",
      additionalProperties: false,
      description: "The AS_PATH; all that is said must hold.",
      properties: {
        length: values("ASes, an AS_SET counting as one: `0`, `1-3`."),
        contains: values("An AS, or range of them, that stands in the path."),
        origin: values("Its last AS."),
        neighbor: values("Its first AS."),
        pattern: values(
          "The whole path: ASes, ranges `64512-65534`, `.` for any AS, groups in parentheses, `|`, `*`, `+`, `?`, `{2,3}`. For example `65001 .* 65010`.",
        ),
      },
    },
    "local-preference": values("LOCAL_PREF; 100 when the route has none."),
    med: values("MED; 0 when the route has none."),
    "mobility-sequence": values("MAC mobility sequence; 0 when the route has none."),
  },
};

function communities(what: string): SchemaNode {
  return {
    type: "object",
    additionalProperties: false,
    description: `What becomes of the ${what}: first \`set\`, then \`delete\`, then \`add\`.`,
    properties: {
      set: {
        type: ["string", "integer", "array"],
        minItems: 0,
        items: { type: ["string", "integer"] },
        description: `These instead of all ${what} there are; \`[]\` takes all away.`,
      },
      delete: values("Those that match go; patterns as in `match`."),
      add: values("These are added, where they are not there yet."),
    },
  };
}

const actions: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description: "What a route that matches gets.",
  properties: {
    "local-preference": {
      type: "integer",
      minimum: 0,
      maximum: 4294967295,
      description: "LOCAL_PREF. eBGP peers are never sent it.",
    },
    med: { type: "integer", minimum: 0, maximum: 4294967295, description: "MED." },
    "next-hop": {
      type: "string",
      format: "ip-or-self",
      description:
        "Next hop: an address, or `self`, our address on the session (IP and VPN families; on EVPN it does nothing). An address of another family than the route's next hop is left alone, except on EVPN.",
    },
    "as-path-prepend": {
      type: ["integer", "object"],
      minimum: 1,
      maximum: 10,
      additionalProperties: false,
      required: ["count"],
      properties: {
        as: {
          type: "integer",
          minimum: 1,
          maximum: 4294967295,
          description: "The AS. Default: our own.",
        },
        count: { type: "integer", minimum: 1, maximum: 10, description: "How often." },
      },
      description:
        "eBGP sessions only: puts our own AS so many times in front of AS_PATH, or another: `{as: 65010, count: 2}`.",
    },
    community: communities("communities"),
    "extended-community": communities("extended communities"),
    "large-community": communities("large communities"),
    "route-target": communities("route targets"),
  },
};

export const policiesSchema: SchemaNode = {
  type: "object",
  propertyNames: { pattern: NAME },
  additionalProperties: {
    type: "array",
    items: {
      type: "object",
      additionalProperties: false,
      properties: {
        name: {
          type: "string",
          minLength: 1,
          maxLength: 64,
          description: "Shown where the rule decides.",
        },
        match,
        set: actions,
        then: {
          type: "string",
          enum: ["accept", "reject", "quarantine", "continue"],
          default: "continue",
          description:
            "`accept` and `reject` decide. `quarantine` (import) keeps and shows the route, and it counts nowhere. `continue` goes on with the next rule, which sees what this one set.",
        },
      },
    },
    description: "Rules in their order; the first that decides wins.",
  },
  description:
    "Policies by name, lists of rules. Peers use them by `import-policy` and `export-policy` ([guide](policy.md)). Changes hold at once, without a session reset.",
};

function sets(description: string): SchemaNode {
  return {
    type: "object",
    propertyNames: { pattern: NAME },
    additionalProperties: {
      type: "array",
      minItems: 1,
      items: { type: ["string", "integer"] },
      description: "Values, as the condition itself takes them.",
    },
    description,
  };
}

export const policySetsSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description: "Named lists of values: `set:NAME` in a rule stands for all of them.",
  properties: {
    prefixes: sets("For `prefix`, `host`, `next-hop` and `peer`."),
    macs: sets("For `mac`."),
    communities: sets("For `community`."),
    "extended-communities": sets("For `extended-community`."),
    "large-communities": sets("For `large-community`."),
    "route-targets": sets("For `route-target`."),
    vnis: sets("For `vni`."),
    ases: sets("For `contains`, `origin` and `neighbor` of `as-path`."),
  },
};

function names(description: string): SchemaNode {
  return {
    type: ["string", "array"],
    minItems: 1,
    uniqueItems: true,
    items: { type: "string" },
    description,
  };
}

function fallback(description: string): SchemaNode {
  return { type: "string", enum: ["accept", "reject"], default: "accept", description };
}

/** Options of peers, groups and dynamic ranges. */
export const peerPolicySchema: Readonly<Record<string, SchemaNode>> = {
  "import-policy": names(
    "Policies that routes from the peer go through, in this order; the first rule that decides wins.",
  ),
  "export-policy": names("The same for routes to the peer."),
  "import-default": fallback("What happens to a route from the peer that no rule decides on."),
  "export-default": fallback("What happens to a route to the peer that no rule decides on."),
};
