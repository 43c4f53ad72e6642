/** The `radius` block of the configuration's schema. */
import { radiusAddressesSchema } from "./radius-addresses.js";
import { RADIUS_DEFAULTS } from "./radius-file.js";
import {
  dynamicPortSchema,
  dynamicSchema,
  radsecSchema,
  tlsUpstreamSchema,
} from "./radsec-schema.js";
import type { SchemaNode } from "./schema-node.js";

const name: SchemaNode = {
  type: "string",
  pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
  description: "Name in answers and logs; letters, digits, dot, dash and underscore.",
};

const secretFiles: SchemaNode = {
  type: "array",
  minItems: 1,
  uniqueItems: true,
  items: { type: "string", minLength: 1 },
  description:
    "Files whose first lines are the shared secret; relative to the configuration file. A second one holds the secret to change from or to, and both work meanwhile. A secret has at most 253 octets, 32 in the seed profile; below 16 there is a warning.",
};

const flag = (fallback: boolean, description: string): SchemaNode => ({
  type: "boolean",
  default: fallback,
  description,
});
const port = (fallback: number, description: string): SchemaNode => ({
  type: "integer",
  minimum: 1,
  maximum: 65535,
  default: fallback,
  description,
});

const listener = (fallback: string, what: string): SchemaNode => ({
  type: "object",
  additionalProperties: false,
  description: `${what}. Without this block there is no such server.`,
  properties: {
    listen: {
      type: "string",
      format: "endpoint-or-off",
      default: fallback,
      description:
        "Address and UDP port for clients, or `off`: then there are none over UDP, and `radsec` is the way in.",
    },
    clients: {
      type: "array",
      minItems: 1,
      description:
        "Networks of clients (access points) and their secrets; the longest prefix wins. Required unless `listen` is `off`.",
      items: {
        type: "object",
        required: ["prefix", "secret-files"],
        additionalProperties: false,
        properties: {
          prefix: { type: "string", format: "prefix", description: "For example `10.10.15.0/24`." },
          name: { ...name, description: "Name in answers. Default: the prefix." },
          "secret-files": secretFiles,
          "require-message-authenticator": {
            type: "string",
            enum: ["yes", "no", "auto"],
            default: RADIUS_DEFAULTS["require-message-authenticator"],
            description:
              "Drop an Access-Request without Message-Authenticator (CVE-2024-3596). `auto` turns to yes after the first valid one. With EAP, and from proxies, it is always required.",
          },
          proxy: flag(false, "The client is itself a proxy."),
          "limit-proxy-state": flag(
            true,
            "Drop an Access-Request with Proxy-State and without Message-Authenticator from a client that is no proxy.",
          ),
          "rate-limit": {
            type: "integer",
            minimum: 0,
            maximum: 1000000,
            default: 0,
            description:
              "Requests per second from each prefix beyond which new ones are dropped; those with State go on, up to as many again. 0 = no limit.",
          },
          "dynamic-port": dynamicPortSchema,
        },
      },
    },
    "on-failure": {
      type: "string",
      enum: ["silent", "reject"],
      default: RADIUS_DEFAULTS["on-failure"],
      description:
        "When no home server can be reached: say nothing, so that the client tries its next server, or send an Access-Reject. For accounting always silent.",
    },
  },
});

const homeServer: SchemaNode = {
  type: "object",
  required: ["name", "address"],
  additionalProperties: false,
  properties: {
    name,
    address: { type: "string", format: "ip", description: "The home server's address." },
    "authentication-port": port(RADIUS_DEFAULTS["authentication-port"], "UDP port."),
    "accounting-port": port(RADIUS_DEFAULTS["accounting-port"], "UDP port."),
    "secret-files": secretFiles,
    "require-message-authenticator": flag(
      true,
      "Drop answers to Access-Requests without Message-Authenticator. With EAP it is always required.",
    ),
    watchdog: {
      type: "string",
      enum: ["status-server", "none"],
      default: RADIUS_DEFAULTS.watchdog,
      description:
        "How a silent server is found alive again: by Status-Server (RFC 5997), or by trying it with real requests.",
    },
    tls: tlsUpstreamSchema,
  },
};

const tenant: SchemaNode = {
  type: "object",
  required: ["name", "home-servers"],
  additionalProperties: false,
  properties: {
    name,
    profile: {
      type: "string",
      enum: ["seed", "modern"],
      default: RADIUS_DEFAULTS.profile,
      description:
        "`modern` applies the attributes of a reauthentication to the session and knows a device by its NAS-Identifier too; `seed` does neither.",
    },
    authentication: listener(RADIUS_DEFAULTS.authentication, "The authentication server"),
    accounting: listener(RADIUS_DEFAULTS.accounting, "The accounting server"),
    "home-servers": {
      type: "array",
      minItems: 1,
      items: homeServer,
      description: "Servers that requests are relayed to.",
    },
    radsec: radsecSchema,
    "dynamic-authorization": dynamicSchema,
    pools: {
      type: "array",
      description:
        "Home servers that stand in for each other. Default: one pool `all` of all servers in their order.",
      items: {
        type: "object",
        required: ["name", "servers"],
        additionalProperties: false,
        properties: {
          name,
          servers: {
            type: "array",
            minItems: 1,
            uniqueItems: true,
            items: { type: "string" },
            description: "Names of home servers, the preferred one first.",
          },
          balance: flag(
            false,
            "Spread new conversations over the living servers instead of preferring the first.",
          ),
        },
      },
    },
    routes: {
      type: "array",
      description:
        "Which pool gets a request; the first route whose conditions all hold. Default: everything to the first pool.",
      items: {
        type: "object",
        additionalProperties: false,
        properties: {
          realm: {
            type: "string",
            minLength: 1,
            description: "What follows the last @ in User-Name, in any case; `*` = any realm.",
          },
          "called-station-id": {
            type: "string",
            minLength: 1,
            description: "Called-Station-Id, the access point's MAC in it, or the SSID.",
          },
          network: { type: "string", format: "prefix", description: "The client's network." },
          authentication: { type: "string", description: "Pool for Access-Requests." },
          accounting: { type: "string", description: "Pool for Accounting-Requests." },
        },
      },
    },
    "relay-address": {
      type: "string",
      format: "ip",
      description:
        "IPv4 address sent in ERX Radius-Client-Address. Default: the accounting server's, unless that is 0.0.0.0 or off.",
    },
    "session-idle-seconds": {
      type: "integer",
      minimum: 60,
      maximum: 604800,
      default: RADIUS_DEFAULTS["session-idle-seconds"],
      description: "A session ends after more than this time without accounting.",
    },
    "require-service-attributes": flag(
      false,
      "Turn an Access-Accept without Service-Bundle, Class and User-Name into a reject (for a service manager).",
    ),
    addresses: radiusAddressesSchema,
  },
};

export const radiusSchema: SchemaNode = {
  type: "object",
  required: ["tenants"],
  additionalProperties: false,
  description: "The RADIUS relay ([guide](radius.md)); without this block it is off.",
  properties: {
    "state-directory": {
      type: "string",
      minLength: 1,
      description:
        "Directory for sessions and for accounting that waits for a home server, made if it is not there. Default: `radius` in `restart.state-dir`. Without either both end with the process, and accounting is acknowledged by home servers only.",
    },
    "spool-max": {
      type: "string",
      pattern: "^[1-9][0-9]{0,6}(MiB|GiB)$",
      default: RADIUS_DEFAULTS["spool-max"],
      description:
        "Accounting that may wait on disk: `512MiB`, `4GiB`. Beyond it nothing is acknowledged before a home server has it.",
    },
    dictionaries: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description: "Dictionaries in FreeRADIUS's format, laid over the built-in ones.",
    },
    tenants: { type: "array", minItems: 1, items: tenant, description: "One relay each." },
  },
};
