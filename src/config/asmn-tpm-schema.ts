/** Attestation keys of TPMs in the schema. */
import { asmnName, PCR_PATTERN } from "./asmn-nodes.js";
import type { SchemaNode } from "./schema-node.js";

const digest = (description: string): SchemaNode => ({
  type: "string",
  pattern: "^[0-9a-f]{64}$",
  description,
});

export const tpmKeysSchema: SchemaNode = {
  type: "array",
  maxItems: 10_000,
  description:
    "Attestation keys of TPMs whose quotes count, beside those of `evpnctl asmn tpm register`.",
  items: {
    type: "object",
    required: ["name", "tenant", "vnf", "public-key", "pcrs"],
    additionalProperties: false,
    properties: {
      name: asmnName("Name in answers and logs."),
      tenant: asmnName("Tenant of the VNF that it vouches for."),
      vnf: asmnName("VNF that it vouches for."),
      instance: asmnName("The only instance that it vouches for. Default: any of the VNF."),
      image: digest("Digest of the only image that it vouches for. Default: any that is good."),
      "public-key": {
        type: "string",
        minLength: 1,
        maxLength: 4096,
        description: "PEM; ECDSA on P-256, or RSA of 2048, 3072 or 4096 bits.",
      },
      pcrs: {
        type: "array",
        minItems: 1,
        maxItems: 24,
        description: "All PCRs (SHA-256 bank) that its quotes are over, and what is in them.",
        items: {
          type: "object",
          required: ["pcr", "value"],
          additionalProperties: false,
          properties: {
            pcr: { type: "integer", minimum: 0, maximum: 23, description: "Its number." },
            value: {
              type: "string",
              pattern: PCR_PATTERN,
              description:
                "64 hexadecimal digits; or `image`: zero, extended once by the digest of the instance's image.",
            },
          },
        },
      },
    },
  },
};
