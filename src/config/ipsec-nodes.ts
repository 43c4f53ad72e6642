/** Pieces that the schemas of the `ipsec` block share. */
import type { SchemaNode } from "./schema-node.js";

export const NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$";

export function text(description: string, maxLength = 200): SchemaNode {
  return { type: "string", minLength: 1, maxLength, description };
}

export function name(description: string): SchemaNode {
  return { type: "string", pattern: NAME_PATTERN, description };
}

export function flag(fallback: boolean, description: string): SchemaNode {
  return { type: "boolean", default: fallback, description };
}

/** Without a fallback of its own the value is the profile's, or there is none. */
export function whole(
  minimum: number,
  maximum: number,
  description: string,
  fallback?: number,
): SchemaNode {
  const node = { type: "integer", minimum, maximum, description } as const;
  return fallback === undefined ? node : { ...node, default: fallback };
}

export function choice(
  values: readonly (string | number)[],
  description: string,
  fallback?: string | number,
): SchemaNode {
  const type = typeof values[0] === "number" ? "integer" : "string";
  const node = { type, enum: values, description } as const;
  return fallback === undefined ? node : { ...node, default: fallback };
}

export function prefix(description: string): SchemaNode {
  return { type: "string", format: "prefix", description };
}

export function list(items: SchemaNode, description: string): SchemaNode {
  return { type: "array", items, description };
}

export function block(
  properties: Readonly<Record<string, SchemaNode>>,
  description: string,
  required: readonly string[] = [],
): SchemaNode {
  const node = { type: "object", additionalProperties: false, properties, description } as const;
  return required.length === 0 ? node : { ...node, required };
}

export const IDENTITY: SchemaNode = {
  type: "string",
  pattern: "^(address|fqdn|email|key-id|dn):.+$",
  description:
    "Who it says it is: `fqdn:gw1.example.net`, `address:…`, `email:…`, `key-id:…`, `dn:…`. Default: its address.",
};
