/** Pieces of schema that the parts of `asmn` share. */
import { ASMN_DEFAULTS } from "../asmn/settings.js";
import type { SchemaNode } from "./schema-node.js";

export function asmnName(description: string): SchemaNode {
  return { type: "string", pattern: "^[A-Za-z0-9._-]{1,64}$", description };
}

export function asmnNames(description: string): SchemaNode {
  return {
    type: "array",
    uniqueItems: true,
    items: { type: "string", pattern: "^[A-Za-z0-9._-]{1,64}$" },
    description,
  };
}

export function asmnSeconds(
  description: string,
  fallback: number,
  minimum: number,
  maximum: number,
): SchemaNode {
  return { type: "integer", minimum, maximum, default: fallback, description };
}

export function asmnWord(
  description: string,
  words: readonly string[],
  fallback?: string,
): SchemaNode {
  return {
    type: "string",
    enum: words,
    ...(fallback !== undefined && { default: fallback }),
    description,
  };
}

export function publicKey(description: string): SchemaNode {
  return { type: "string", pattern: "^[0-9a-f]{64}$", description };
}

export const namedKeys = (description: string): SchemaNode => ({
  type: "array",
  description,
  items: {
    type: "object",
    required: ["name", "public-key"],
    additionalProperties: false,
    properties: {
      name: asmnName("Name in answers and logs."),
      "public-key": publicKey("Ed25519 public key, 64 hexadecimal digits."),
    },
  },
});

/** These patterns are known to `patternRemedy`. */
export const PCR_PATTERN = "^([0-9a-f]{64}|image)$";
export const CHANGE_PATTERN = "^(file|process|configuration):.+$";
export const RATE_PATTERN = "^[1-9][0-9]{0,8}(bit|kbit|Mbit|Gbit)$";
export const SIZE_PATTERN = "^[1-9][0-9]{0,8}(B|KiB|MiB|GiB)$";
export const HOURS_PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$";

export const asmnRate = (description: string, fallback?: string): SchemaNode => ({
  type: "string",
  pattern: RATE_PATTERN,
  ...(fallback !== undefined && { default: fallback }),
  description,
});

export const asmnSize = (description: string, fallback?: string): SchemaNode => ({
  type: "string",
  pattern: SIZE_PATTERN,
  ...(fallback !== undefined && { default: fallback }),
  description,
});

export const defaultActionSchema = (description: string): SchemaNode =>
  asmnWord(description, ["lower", "drop"], ASMN_DEFAULTS.tenant.defaultAction);

export const alarmsSchema: SchemaNode = {
  type: "array",
  description: "Patterns that raise an alarm, of traffic that may pass.",
  items: {
    type: "object",
    required: ["name", "from", "volume"],
    additionalProperties: false,
    properties: {
      name: asmnName("Name in alarms."),
      from: asmnName("VNF whose traffic is watched."),
      to: asmnName("Towards this VNF. Default: wherever it goes."),
      volume: asmnSize("More than this within the window is an alarm: `100MiB`."),
      "window-seconds": asmnSeconds("Length of the window.", 60, 1, 86_400),
      between: {
        type: "string",
        pattern: HOURS_PATTERN,
        description:
          "Only what passes between these times of day, UTC, counts: `02:00-05:00`. Default: always.",
      },
    },
  },
};

/** Gates and gateways: Sec-EMs elsewhere. */
export const sourcesSchema: SchemaNode = {
  type: "array",
  description:
    "Sec-EMs elsewhere, beside the one of this evpnd. Each lists our key under `feeds` (`evpnctl asmn keys` shows it).",
  items: {
    type: "object",
    required: ["name", "address", "public-key", "root-keys"],
    additionalProperties: false,
    properties: {
      name: asmnName("Name in answers and logs."),
      address: { type: "string", format: "endpoint", description: "Its `feed-listen`." },
      "public-key": publicKey("Key of its TLS certificate, 64 hexadecimal digits."),
      "root-keys": {
        type: "array",
        minItems: 1,
        maxItems: 8,
        uniqueItems: true,
        items: { type: "string", pattern: "^[0-9a-f]{64}$" },
        description:
          "Public root keys that certify its verdict keys; two while the root is changed.",
      },
    },
  },
};

export const keyFileSchema: SchemaNode = {
  type: "string",
  minLength: 1,
  description:
    "File with its Ed25519 private key (PEM). Default: made at the first start, in the state directory.",
};

export function stateDirectorySchema(part: string): SchemaNode {
  return {
    type: "string",
    minLength: 1,
    description: `Directory for what it keeps, made if it is not there. Default: \`asmn/${part}\` in \`restart.state-dir\`.`,
  };
}
