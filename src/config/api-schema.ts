/** The `api` block of the configuration's schema: TLS, and who may ask. */
import type { SchemaNode } from "./schema-node.js";

const file = (description: string): SchemaNode => ({ type: "string", minLength: 1, description });

export const apiSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "Who may use the API, over HTTP and gRPC alike, and how it is secured ([guide](api-security.md)). A reload reads its files again.",
  properties: {
    grpc: {
      type: "boolean",
      default: true,
      description: "Answer gRPC at the address of `http.listen`, beside HTTP ([guide](grpc.md)).",
    },
    tls: {
      type: "object",
      additionalProperties: false,
      required: ["cert-file", "key-file"],
      description: "TLS 1.2 or later, for HTTP and gRPC.",
      properties: {
        "cert-file": file("The server's certificate in PEM, then those between it and the CA."),
        "key-file": file("Its private key in PEM."),
        "client-ca-file": file(
          "Certificates in PEM of those who sign clients' certificates. Without it none are asked for.",
        ),
      },
    },
    clients: {
      type: "array",
      maxItems: 1000,
      description:
        "Who may ask, each known by a token or by a certificate. Without any, whoever reaches the API is an operator, so `http.listen` must be on loopback.",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name", "role"],
        properties: {
          name: {
            type: "string",
            pattern: "^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$",
            description: "Name in the log of what is changed.",
          },
          role: {
            type: "string",
            enum: ["viewer", "operator"],
            description: "`viewer` may look, `operator` may change things as well.",
          },
          "token-file": file("File with the client's token in its first line."),
          "token-env": file("Environment variable with the client's token."),
          certificate: {
            type: "string",
            pattern: "^(CN=|DNS:|URI:|email:|IP Address:).{1,256}$",
            description:
              "Name in the client's certificate: `CN=ops`, or an alternative name as `DNS:ops.example`, `URI:spiffe://example/ops`, `email:ops@example.org`.",
          },
        },
      },
    },
  },
};
