/** The `asmn` block of the configuration's schema: the trust checks. */
import { ASMN_DEFAULTS } from "../asmn/settings.js";
import {
  alarmsSchema,
  asmnName,
  asmnNames,
  asmnRate,
  asmnSeconds,
  asmnSize,
  asmnWord,
  defaultActionSchema,
  keyFileSchema,
  namedKeys,
  publicKey,
  sourcesSchema,
  stateDirectorySchema,
} from "./asmn-nodes.js";
import { asmnTenantsSchema } from "./asmn-tenant-schema.js";
import { tpmKeysSchema } from "./asmn-tpm-schema.js";
import type { SchemaNode } from "./schema-node.js";

const { secEm: SEC_EM, gate: GATE, gateway: GATEWAY } = ASMN_DEFAULTS;
const DAY = 86_400;

const endpoints = (description: string, fallback: readonly string[]): SchemaNode => ({
  type: "array",
  uniqueItems: true,
  maxItems: 16,
  items: { type: "string", format: "endpoint" },
  default: fallback,
  description,
});

const count = (description: string, fallback: number, maximum: number): SchemaNode => ({
  type: "integer",
  minimum: 1,
  maximum,
  default: fallback,
  description,
});

const audience: SchemaNode = {
  ...asmnName("Whom verdicts are for: the same word at Sec-EM, gates and agents."),
  default: SEC_EM.audience,
};

const secEm: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description: "The security element manager: says who is trusted.",
  properties: {
    name: { ...asmnName("Its name in verdicts and logs."), default: SEC_EM.name },
    audience,
    listen: endpoints("Addresses and ports for agents (TLS 1.3).", [SEC_EM.listen]),
    "feed-listen": endpoints("Addresses and ports for gates and gateways elsewhere.", []),
    feeds: {
      type: "array",
      description: "Gates and gateways elsewhere that may listen to it.",
      items: {
        type: "object",
        required: ["name", "role", "public-key"],
        additionalProperties: false,
        properties: {
          name: asmnName("Name in answers and logs."),
          role: asmnWord("What it is.", ["gate", "gateway"]),
          "public-key": publicKey("Its key, as its `evpnctl asmn keys` shows it."),
          tenants: asmnNames("Tenants that it is told of. Default: all."),
        },
      },
    },
    "state-directory": stateDirectorySchema("sec-em"),
    "root-key-file": {
      type: "string",
      minLength: 1,
      description:
        "File with the Ed25519 root key (PEM). Default: made at the first start, in the state directory.",
    },
    "image-directory": {
      type: "string",
      minLength: 1,
      description:
        "Directory with images that `evpnctl asmn measure --remote` may measure. Default: none may be.",
    },
    roles: {
      type: "object",
      additionalProperties: false,
      description: "Clients of the API (`api.clients`) by role. Default: every operator.",
      properties: {
        vim: asmnNames("May register images and keys of TPMs, and issue tokens."),
        vnfm: asmnNames("May register VNFs and catalogs."),
      },
    },
    "verdict-lifetime-seconds": asmnSeconds(
      "How long a verdict holds without a new one.",
      SEC_EM.verdictLifetimeSeconds,
      10,
      DAY,
    ),
    "heartbeat-seconds": asmnSeconds(
      "Time between signed heartbeats to gates and gateways.",
      SEC_EM.heartbeatSeconds,
      1,
      300,
    ),
    "renewal-seconds": asmnSeconds(
      "How often agents measure and prove themselves anew.",
      SEC_EM.renewalSeconds,
      1,
      DAY,
    ),
    "token-lifetime-seconds": asmnSeconds(
      "How long an enrolment token is good that says nothing else.",
      SEC_EM.tokenLifetimeSeconds,
      1,
      DAY,
    ),
    "upgrade-seconds": asmnSeconds(
      "How long the image before stays good beside a new one.",
      SEC_EM.upgradeSeconds,
      0,
      30 * DAY,
    ),
    "verdict-key-seconds": asmnSeconds(
      "Age at which the verdict key is replaced; 0 = by `evpnctl asmn keys rotate` alone.",
      SEC_EM.verdictKeySeconds,
      0,
      365 * DAY,
    ),
    "key-overlap-seconds": asmnSeconds(
      "How long the verdict key before stays good.",
      SEC_EM.keyOverlapSeconds,
      10,
      30 * DAY,
    ),
    limits: {
      type: "object",
      additionalProperties: false,
      description: "What keeps floods away from it.",
      properties: {
        connections: count("Most connections.", SEC_EM.connections, 100_000),
        "connections-per-address": count(
          "Most connections from one address; from one IPv6 /64 eight times as many.",
          SEC_EM.connectionsPerAddress,
          100_000,
        ),
        "handshakes-per-second": count(
          "Most TLS handshakes per second from one address; from one IPv6 /64 eight times as many.",
          SEC_EM.handshakesPerSecond,
          100_000,
        ),
        "audit-size": asmnSize(
          "What the audit log may take on disk; the oldest goes first.",
          "64MiB",
        ),
      },
    },
    "platform-keys": namedKeys("Keys of platforms whose instance documents count."),
    "platform-document-seconds": asmnSeconds(
      "How old a platform's document without a challenge may be; 0 = each must have one.",
      SEC_EM.platformDocumentSeconds,
      0,
      30 * DAY,
    ),
    "tpm-keys": tpmKeysSchema,
    "package-keys": namedKeys("Keys that images must be signed by. Default: none needed."),
    tenants: asmnTenantsSchema,
  },
};

const gate: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description: "Keeps peers with `trust` out until they are trusted.",
  properties: {
    audience,
    sources: sourcesSchema,
    "state-directory": stateDirectorySchema("gate"),
    "key-file": keyFileSchema,
    "stale-seconds": asmnSeconds(
      "Time without a heartbeat after which the Sec-EM counts as out of reach.",
      GATE.staleSeconds,
      2,
      3600,
    ),
    "grace-seconds": asmnSeconds(
      "How long sessions that are up keep their last verdict from then on, with an alarm. New ones are refused.",
      GATE.graceSeconds,
      0,
      DAY,
    ),
    "dry-run": {
      type: "boolean",
      default: GATE.dryRun,
      description: "Nobody is gated; who would be is told by `evpnctl asmn dry-run`.",
    },
    proxy: {
      type: "string",
      format: "endpoint-or-off",
      default: "off",
      description:
        "Address and port where agents bring BGP sessions inside TLS (`binding: tls-proxy`), or `off`.",
    },
    "mark-community": {
      type: "string",
      pattern: "^[0-9]{1,5}:[0-9]{1,5}$",
      default: GATE.markCommunity,
      description: "Community on routes of untrusted peers where the effect is `mark`.",
    },
  },
};

const gateway: SchemaNode = {
  type: "object",
  required: ["tenant", "interfaces"],
  additionalProperties: false,
  description: "Polices the traffic between VNFs on this machine's interfaces.",
  properties: {
    name: { ...asmnName("Its name in answers and logs."), default: GATEWAY.name },
    audience,
    tenant: asmnName("Tenant whose VNFs it stands between."),
    sources: sourcesSchema,
    "state-directory": stateDirectorySchema("gateway"),
    "key-file": keyFileSchema,
    table: {
      type: "string",
      pattern: "^[A-Za-z_][A-Za-z0-9_]{0,31}$",
      default: GATEWAY.table,
      description: "Its nftables table; no other is touched.",
    },
    interfaces: {
      type: "array",
      minItems: 1,
      maxItems: 256,
      description: "Interfaces that VNFs are behind.",
      items: {
        type: "object",
        required: ["name"],
        additionalProperties: false,
        properties: {
          name: {
            type: "string",
            pattern: "^[A-Za-z0-9_.@-]{1,15}$",
            description: "Name of the interface.",
          },
          rate: asmnRate("What it carries, for shaping: `1Gbit`. Default: as it is."),
          vnfs: {
            type: "array",
            description:
              "VNFs behind it, where their descriptors' addresses are not those of the traffic.",
            items: {
              type: "object",
              required: ["vnf", "prefixes"],
              additionalProperties: false,
              properties: {
                vnf: asmnName("VNF of the tenant."),
                prefixes: {
                  type: "array",
                  minItems: 1,
                  uniqueItems: true,
                  items: { type: "string", format: "prefix" },
                  description: "Its addresses.",
                },
              },
            },
          },
        },
      },
    },
    "sec-ems": endpoints("What everybody may reach from the start: the Sec-EMs.", []),
    "default-action": defaultActionSchema(
      "What becomes of traffic while there is no catalog, and where the tenant says nothing.",
    ),
    lower: {
      type: "object",
      additionalProperties: false,
      description: "What abnormal traffic is lowered to.",
      properties: {
        dscp: {
          type: "integer",
          minimum: 0,
          maximum: 63,
          default: GATEWAY.dscp,
          description: "DSCP that it gets; 8 is CS1.",
        },
        rate: asmnRate("Most that passes of it, at each interface.", "1Mbit"),
        burst: asmnSize("What may pass at once beyond the rate.", "16KiB"),
      },
    },
    alarms: alarmsSchema,
  },
};

export const asmnSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "Trust checks: only VNFs that prove themselves may peer ([guide](asmn.md)); without this block they are off.",
  properties: { "sec-em": secEm, gate, gateway },
};

/** Option of peers, groups and ranges. */
export const trustSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "The peer must be a VNF that the Sec-EM trusts ([guide](asmn.md)); until then nothing is sent to it, and its routes count nowhere. Needs `asmn.gate`.",
  properties: {
    require: {
      type: "boolean",
      default: true,
      description: "`false` takes the demand of a group back.",
    },
    tenant: asmnName("Tenant of the VNF."),
    vnf: asmnName("The VNF. Default: any of the tenant."),
    effect: asmnWord(
      "What becomes of it while it is not trusted. `refuse`: no session begins. `hold`: the session is up, and nothing passes. `mark`: it is served, and its routes carry a community (for trials).",
      ["refuse", "hold", "mark"],
      "refuse",
    ),
    "dry-run": {
      type: "boolean",
      default: false,
      description: "Only tell what would become of it.",
    },
  },
};
