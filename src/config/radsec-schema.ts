/** RADIUS over TLS and dynamic authorisation in the `radius` block of the configuration's schema. */
import type { SchemaNode } from "./schema-node.js";

const file = (description: string): SchemaNode => ({ type: "string", minLength: 1, description });

const flag = (fallback: boolean, description: string): SchemaNode => ({
  type: "boolean",
  default: fallback,
  description,
});

const count = (
  minimum: number,
  maximum: number,
  fallback: number,
  description: string,
): SchemaNode => ({ type: "integer", minimum, maximum, default: fallback, description });

const files: Readonly<Record<string, SchemaNode>> = {
  "cert-file": file("Our certificate in PEM, then those between it and the CA."),
  "key-file": file("Its private key in PEM."),
  "ca-file": file(
    "Certificates in PEM of those who sign the other side's. The system's own list is never used.",
  ),
  "crl-file": file(
    "Revocation lists in PEM. With it every CA of a chain must have one that is current.",
  ),
};

const psk: Readonly<Record<string, SchemaNode>> = {
  "psk-identity": {
    type: "string",
    minLength: 1,
    maxLength: 128,
    description: "TLS-PSK identity (RFC 9813), in place of certificates.",
  },
  "psk-file": file("File with its key: 32 to 128 hexadecimal digits in the first line."),
};

const spki: SchemaNode = {
  type: "string",
  pattern: "^([0-9A-Fa-f]{64}|[A-Za-z0-9+/]{43}=)$",
  description: "SHA-256 over the certificate's public key, in Base64 or hexadecimal.",
};

const version11 = flag(
  false,
  "RADIUS/1.1 (RFC 9765). Not spoken: `true` is refused, with the reason.",
);

export const radsecSchema: SchemaNode = {
  type: "object",
  required: ["clients"],
  additionalProperties: false,
  description:
    "RADIUS over TLS for clients ([guide](radius-radsec.md#radius-over-tls)): authentication and accounting on one connection. Without this block there is no such port. A reload reads its files again.",
  properties: {
    listen: {
      type: "string",
      format: "endpoint",
      default: "0.0.0.0:2083",
      description: "Address and TCP port.",
    },
    ...files,
    clients: {
      type: "array",
      minItems: 1,
      maxItems: 10000,
      description:
        "Who may connect, each known by `certificate`, `spki` or `psk-identity`. A certificate that the CA has signed, and that no client here names, is refused.",
      items: {
        type: "object",
        required: ["name"],
        additionalProperties: false,
        properties: {
          name: {
            type: "string",
            pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
            description: "Name in answers and logs; its sessions show as `radsec:NAME`.",
          },
          certificate: {
            type: "string",
            pattern: "^(DNS:|URI:|email:|IP Address:).{1,256}$",
            description:
              "Alternative name in the client's certificate: `DNS:ap17.example`, `IP Address:192.0.2.17`. The common name does not count.",
          },
          spki,
          ...psk,
          network: {
            type: "string",
            format: "prefix",
            description: "It may connect from here only. Default: from anywhere.",
          },
          "require-message-authenticator": {
            type: "string",
            enum: ["yes", "no", "auto"],
            default: "no",
            description:
              "Drop an Access-Request without Message-Authenticator. With EAP it is always required; else TLS protects it as well.",
          },
          "rate-limit": count(
            0,
            1000000,
            0,
            "Requests per second beyond which new ones are dropped; those with State go on. 0 = no limit.",
          ),
        },
      },
    },
    "max-connections": count(1, 100000, 1024, "Connections at a time, handshakes included."),
    "max-connections-per-client": count(1, 10000, 16, "Connections of one client at a time."),
    "handshake-seconds": count(1, 60, 10, "A handshake that takes longer is broken off."),
    "idle-seconds": count(
      0,
      86400,
      900,
      "A connection without a packet for this long is closed, Status-Server counts; 0 = never.",
    ),
    "radius-1.1": version11,
  },
};

export const tlsUpstreamSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "The server is reached by RADIUS over TLS, with certificates or with a pre-shared key; `secret-files` and the UDP ports have no meaning then.",
  properties: {
    port: {
      type: "integer",
      minimum: 1,
      maximum: 65535,
      default: 2083,
      description: "TCP port, for authentication and accounting.",
    },
    ...files,
    "server-name": {
      type: "string",
      minLength: 1,
      maxLength: 253,
      description: "Host name or address that must stand in the server's certificate.",
    },
    spki: {
      type: "array",
      minItems: 1,
      uniqueItems: true,
      items: spki,
      description: "Keys of the server: its certificate must have one of them.",
    },
    ...psk,
    "radius-1.1": version11,
  },
};

export const dynamicSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "Disconnect and CoA (RFC 5176, [guide](radius-radsec.md#disconnect-and-coa)). Without this block home servers are not heard, and an operator's disconnect ends a session here only.",
  properties: {
    enabled: flag(
      false,
      "Take requests of home servers (the relay guide's `subscriber disconnect`), each for sessions that a pool of its own has let in.",
    ),
    address: {
      type: "string",
      format: "ip",
      default: "0.0.0.0",
      description: "Address for home servers' requests.",
    },
    ports: {
      type: "array",
      uniqueItems: true,
      maxItems: 8,
      items: { type: "integer", minimum: 1, maximum: 65535 },
      default: [3799, 1700],
      description: "UDP ports for home servers' requests. None: over TLS only.",
    },
    "client-port": {
      type: "integer",
      minimum: 0,
      maximum: 65535,
      default: 3799,
      description:
        "UDP port where access points take requests. 0 = they take none: a Disconnect ends the session here, and a CoA is refused. Over TLS requests go down the access point's own connection.",
    },
    "proxy-state": {
      type: "string",
      enum: ["forward", "restore"],
      default: "forward",
      description:
        "`restore` keeps Proxy-State away from access points and puts it back into their answers: some refuse requests that carry it.",
    },
    "require-event-timestamp": flag(true, "Refuse requests without Event-Timestamp."),
    "window-seconds": count(
      10,
      3600,
      300,
      "How far Event-Timestamp may be off; requests are known again for as long.",
    ),
  },
};

export const dynamicPortSchema: SchemaNode = {
  type: "integer",
  minimum: 0,
  maximum: 65535,
  description:
    "UDP port where these access points take Disconnect and CoA, instead of `client-port`; 0 = they take none.",
};
