/** Tenants of the Sec-EM in the schema: VNF descriptors, Sec-catalog, alarms. */
import { ASMN_DEFAULTS } from "../asmn/settings.js";
import {
  alarmsSchema,
  asmnName,
  asmnRate,
  asmnSize,
  asmnWord,
  CHANGE_PATTERN,
  defaultActionSchema,
} from "./asmn-nodes.js";
import type { SchemaNode } from "./schema-node.js";

const { vnf: VNF } = ASMN_DEFAULTS;

const most = (description: string): SchemaNode => ({
  type: "integer",
  minimum: 0,
  maximum: 4294967295,
  default: 0,
  description,
});

const vnf: SchemaNode = {
  type: "object",
  required: ["name"],
  additionalProperties: false,
  properties: {
    name: asmnName("Name of the VNF, unique in its tenant."),
    role: asmnWord("What it is.", ["reflector", "edge", "relay", "gateway"], VNF.role),
    addresses: {
      type: "array",
      uniqueItems: true,
      maxItems: 8,
      items: { type: "string", format: "ip" },
      description:
        "Addresses that its BGP sessions come from, and its agents. Default: what each token says.",
    },
    as: {
      type: "integer",
      minimum: 1,
      maximum: 4294967295,
      description: "AS that it must have in its OPEN. Default: any that the peer's options allow.",
    },
    "router-id": {
      type: "string",
      format: "router-id",
      description: "BGP identifier that it must have. Default: any.",
    },
    binding: asmnWord(
      "How its BGP session is bound to its agent: carried inside the agent's TLS (`tls-proxy`), by a TCP MD5 key of its own (`tcp-md5`), or by the address alone, which whoever takes the address has too.",
      ["tls-proxy", "tcp-md5", "address"],
      VNF.binding,
    ),
    "root-of-trust": asmnWord(
      "What must vouch for its measurement. `none`: an agent that lies about its image is believed.",
      ["none", "platform", "tpm"],
      VNF.rootOfTrust,
    ),
    "max-instances": {
      type: "integer",
      minimum: 1,
      maximum: 10_000,
      default: VNF.maxInstances,
      description: "Most instances that may be trusted at the same time.",
    },
    "allowed-changes": {
      type: "array",
      uniqueItems: true,
      maxItems: 256,
      items: { type: "string", pattern: CHANGE_PATTERN, maxLength: 255 },
      description:
        "What its agents leave out of the run-time manifest, because it may change: `file:/etc/frr/*.sav`, `process:NAME`, `configuration:NAME`. An agent with another list is not trusted. Default: nothing.",
    },
    bgp: {
      type: "object",
      additionalProperties: false,
      description: "What all BGP sessions of the VNF together are held to.",
      properties: {
        sessions: most("Most sessions at the same time; 0 = no limit."),
        "updates-per-second": most("Most UPDATE messages per second; 0 = no limit."),
        prefixes: most("Most routes; 0 = no limit."),
      },
    },
  },
};

const flow: SchemaNode = {
  type: "object",
  required: ["from", "to", "protocol"],
  additionalProperties: false,
  properties: {
    from: {
      type: "string",
      pattern: "^(\\*|[A-Za-z0-9._-]{1,64})$",
      description: "VNF that sends; `*` = any of the tenant.",
    },
    to: {
      type: "string",
      pattern: "^(\\*|[A-Za-z0-9._-]{1,64})$",
      description: "VNF that it is sent to; `*` = any of the tenant.",
    },
    protocol: asmnWord("Protocol.", ["tcp", "udp", "icmp", "icmpv6", "sctp", "any"]),
    port: {
      type: ["integer", "string"],
      minimum: 1,
      maximum: 65535,
      pattern: "^[1-9][0-9]{0,4}-[1-9][0-9]{0,4}$",
      description: "Destination port, or a range: `8000-8099`. Default: every port.",
    },
    rate: asmnRate("Most that may pass: `10Mbit`. Default: not limited."),
    burst: asmnSize("What may pass at once beyond the rate: `64KiB`. Default: 100 ms of the rate."),
    "packet-rate": {
      type: "integer",
      minimum: 1,
      maximum: 100_000_000,
      description: "Most packets per second; of TCP most packets that open a connection.",
    },
  },
};

export const flowsSchema: SchemaNode = {
  type: "array",
  maxItems: 10_000,
  items: flow,
  description: "Sec-catalog: flows that may pass, from one VNF to another.",
};

export const asmnTenantsSchema: SchemaNode = {
  type: "array",
  description: "Tenants, with the descriptors of their VNFs.",
  items: {
    type: "object",
    required: ["name"],
    additionalProperties: false,
    properties: {
      name: asmnName("Name of the tenant."),
      "default-action": defaultActionSchema(
        "What becomes of traffic that the catalog does not name: lowered in priority and rate, or dropped.",
      ),
      vnfs: { type: "array", items: vnf, description: "Descriptors of its VNFs." },
      catalog: flowsSchema,
      alarms: alarmsSchema,
    },
  },
};
