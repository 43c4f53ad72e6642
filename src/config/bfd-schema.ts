/** The part of the schema that is `bfd` of a peer, a group or a range; `bfd.ts` compiles it. */
import { BFD_AUTH_TYPES, BFD_FILE_DEFAULTS } from "./bfd-entry.js";
import type { SchemaNode } from "./schema-node.js";

const MILLISECONDS = { type: "integer", minimum: 10, maximum: 60_000 } as const;

export const bfdSchema: SchemaNode = {
  type: ["boolean", "object"],
  additionalProperties: false,
  description:
    "BFD (RFC 5880) with the peer: a failure closes the BGP session within milliseconds. `true` takes the defaults, `false` overrides the group's. A block replaces the group's block as a whole.",
  properties: {
    enabled: {
      type: "boolean",
      default: BFD_FILE_DEFAULTS.enabled,
      description: "`false` keeps the block and switches BFD off.",
    },
    "min-tx-ms": {
      ...MILLISECONDS,
      default: BFD_FILE_DEFAULTS["min-tx-ms"],
      description: "Milliseconds between our packets, unless the peer wants fewer.",
    },
    "min-rx-ms": {
      ...MILLISECONDS,
      default: BFD_FILE_DEFAULTS["min-rx-ms"],
      description: "Milliseconds between the peer's packets at the least.",
    },
    multiplier: {
      type: "integer",
      minimum: 1,
      maximum: 255,
      default: BFD_FILE_DEFAULTS.multiplier,
      description:
        "Packets of ours that may be missing before the peer calls us dead. How long we wait for the peer is its own multiplier's affair.",
    },
    multihop: {
      type: ["boolean", "string"],
      pattern: "^auto$",
      default: BFD_FILE_DEFAULTS.multihop,
      description:
        "Multihop BFD (RFC 5883, UDP 4784) or single hop (RFC 5881, UDP 3784); both sides must agree. `auto`: eBGP goes by `ttl`, iBGP is a single hop when the peer is on a network of this machine.",
    },
    passive: {
      type: "boolean",
      default: BFD_FILE_DEFAULTS.passive,
      description: "Send nothing until the peer does.",
    },
    strict: {
      type: "boolean",
      default: BFD_FILE_DEFAULTS.strict,
      description:
        "The BGP session waits until BFD is up. Not for dynamic peers, whose BFD begins with their BGP session.",
    },
    auth: {
      type: "object",
      required: ["type"],
      additionalProperties: false,
      description: "Authentication (RFC 5880 section 6.7). FRR has none, BIRD has all of these.",
      properties: {
        type: {
          type: "string",
          enum: BFD_AUTH_TYPES,
          description: "How packets are authenticated; the meticulous kinds stop replays best.",
        },
        "key-id": {
          type: "integer",
          minimum: 0,
          maximum: 255,
          default: BFD_FILE_DEFAULTS["key-id"],
          description: "Key id, the same on both sides.",
        },
        "key-file": {
          type: "string",
          minLength: 1,
          description: "File that holds the key in its first line: at most 16 octets, 20 for SHA1.",
        },
        "key-env": {
          type: "string",
          pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
          description: "Environment variable that holds the key.",
        },
      },
    },
  },
};
