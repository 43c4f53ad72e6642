/** The `key-chains` block of the configuration's schema: TCP-AO keys with lifetimes. */
import type { SchemaNode } from "./schema-node.js";

const id = (description: string): SchemaNode => ({
  type: "integer",
  minimum: 0,
  maximum: 255,
  description,
});
const time = (description: string): SchemaNode => ({ type: "string", format: "time", description });

const key: SchemaNode = {
  type: "object",
  additionalProperties: false,
  properties: {
    id: id("KeyID in both directions; or `send-id` and `recv-id`."),
    "send-id": id("KeyID in the segments we send."),
    "recv-id": id("KeyID in the segments we take."),
    algorithm: {
      type: "string",
      enum: ["hmac-sha-1-96", "aes-128-cmac-96", "hmac-sha-256"],
      default: "hmac-sha-1-96",
      description:
        "MAC algorithm. RFC 5926 asks every router for the first two; `hmac-sha-256` sends 16 octets of code.",
    },
    "secret-file": {
      type: "string",
      minLength: 1,
      description:
        "File that holds the master key in its first line; relative to the configuration file. At most 80 octets.",
    },
    "secret-env": {
      type: "string",
      pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
      description: "Environment variable that holds the master key.",
    },
    "send-from": time("Sent with from this time on: `2026-01-01T00:00:00Z`. Default: always."),
    "send-until": time("Sent with until this time. Default: for ever."),
    "accept-from": time("Accepted from this time on. Default: `send-from`."),
    "accept-until": time("Accepted until this time. Default: `send-until`."),
  },
};

export const keyChainsSchema: SchemaNode = {
  type: "object",
  description:
    "TCP-AO keys (RFC 5925) by the name of their chain, for the peers' `tcp-ao`. Of several keys the one whose `send-from` is the latest is sent with: rollover without a reset.",
  propertyNames: { pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$" },
  additionalProperties: {
    type: "object",
    required: ["keys"],
    additionalProperties: false,
    properties: {
      keys: { type: "array", minItems: 1, items: key, description: "The chain's keys." },
      "cover-options": {
        type: "boolean",
        default: true,
        description:
          "The code covers TCP options. `false` only where something in between changes them; both sides alike.",
      },
    },
  },
};
