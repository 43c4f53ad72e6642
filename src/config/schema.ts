/**
 * The configuration file's JSON Schema (draft-07): every key with its meaning, unit and default.
 * `conf/evpnd.schema.json` is this object written out, for editors; docs/configuration.md is made
 * from it. Rules that need two keys at once are in `compile.ts`.
 */
import { FAMILIES } from "../fast-bgp-codec/family.js";
import { bfdSchema } from "./bfd-schema.js";
import { apiSchema } from "./api-schema.js";
import { asmnSchema, trustSchema } from "./asmn-schema.js";
import { bmpSchema, mrtSchema, recorderSchema } from "./feeds-schema.js";
import { fibSchema } from "./fib-schema.js";
import { addPathSchema } from "./add-path-schema.js";
import { gracefulRestartSchema, restartSchema } from "./graceful-restart-schema.js";
import { injectionSchema } from "./injection-schema.js";
import { ipsecSchema } from "./ipsec-schema.js";
import { keyChainsSchema } from "./key-chains-schema.js";
import { PEER_DEFAULTS, TOP_DEFAULTS } from "./file.js";
import { peerPolicySchema, policiesSchema, policySetsSchema } from "./policy-schema.js";
import { interestOptions as interestSchema } from "./interest-schema.js";
import { limitsSchema } from "./limits-schema.js";
import { radiusSchema } from "./radius-schema.js";
import { subscribersSchema } from "./subscribers-schema.js";
import type { SchemaNode } from "./schema-node.js";
import { auditSchema, slowPeersSchema } from "./watch-schema.js";

export type { SchemaNode } from "./schema-node.js";

const AS_MAX = 4294967295;

function seconds(description: string, fallback: number, minimum: number, maximum: number) {
  return { type: "integer", minimum, maximum, default: fallback, description } as const;
}

function flag(description: string, fallback: boolean): SchemaNode {
  return { type: "boolean", default: fallback, description };
}

const routeTypes = (description: string): SchemaNode => ({
  type: "array",
  minItems: 1,
  uniqueItems: true,
  items: { type: "integer", minimum: 1, maximum: 255 },
  description,
});

/** The options that peers, groups and dynamic ranges share. */
const peerOptions: Readonly<Record<string, SchemaNode>> = {
  description: {
    type: "string",
    maxLength: 200,
    default: PEER_DEFAULTS.description,
    description: "Free text for people; shown by `evpnctl show peers`.",
  },
  "peer-as": {
    type: ["integer", "string"],
    pattern: "^any$",
    minimum: 1,
    maximum: AS_MAX,
    description:
      "AS of the peer. Without it the peer is in our own AS (iBGP). `any` accepts every AS, for dynamic peers only.",
  },
  client: flag(
    "iBGP only: the peer is a route reflector client (RFC 4456). Say `false` for another reflector outside the cluster.",
    PEER_DEFAULTS.client,
  ),
  families: {
    type: "array",
    minItems: 1,
    uniqueItems: true,
    items: { type: "string", enum: FAMILIES.map((family) => family.name) },
    default: PEER_DEFAULTS.families,
    description: "Address families offered to the peer; those that both sides offer are used.",
  },
  passive: flag("Wait for the peer to connect, never connect to it.", PEER_DEFAULTS.passive),
  shutdown: flag("Keep the session down (Cease, administrative shutdown).", PEER_DEFAULTS.shutdown),
  "hold-time": seconds(
    "Hold time offered, in seconds; the smaller of both sides' is used. 0 switches keepalives off; 1 and 2 are not allowed (RFC 4271).",
    PEER_DEFAULTS["hold-time"],
    0,
    65535,
  ),
  "connect-retry": seconds(
    "Seconds between attempts to connect.",
    PEER_DEFAULTS["connect-retry"],
    1,
    65535,
  ),
  "send-hold-time": seconds(
    "Seconds a peer may leave our octets unread before the session is closed (RFC 9687); 0 = the larger of 480 and twice the hold time.",
    PEER_DEFAULTS["send-hold-time"],
    0,
    86400,
  ),
  "idle-hold": seconds(
    "Seconds of rest after a failed session; doubles with each failure up to `idle-hold-max`.",
    PEER_DEFAULTS["idle-hold"],
    0,
    3600,
  ),
  "idle-hold-max": seconds(
    "Longest rest after failed sessions, in seconds.",
    PEER_DEFAULTS["idle-hold-max"],
    0,
    86400,
  ),
  "password-file": {
    type: "string",
    minLength: 1,
    description:
      "File that holds the TCP MD5 key (RFC 2385) in its first line; relative to the configuration file. At most 80 octets.",
  },
  "password-env": {
    type: "string",
    pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
    description: "Environment variable that holds the TCP MD5 key.",
  },
  password: {
    type: "string",
    minLength: 1,
    maxLength: 80,
    description: "The TCP MD5 key itself. Allowed, but warned about: prefer `password-file`.",
  },
  "tcp-ao": {
    type: "string",
    minLength: 1,
    description:
      "Key chain of `key-chains` that protects the session by TCP-AO (RFC 5925). Where the kernel has no TCP-AO the peer is not served.",
  },
  "ttl-security-hops": {
    type: "integer",
    minimum: 0,
    maximum: 254,
    default: PEER_DEFAULTS["ttl-security-hops"],
    description:
      "GTSM (RFC 5082): hops allowed between us and the peer; 1 = directly connected, 0 = off. Both sides must use it.",
  },
  ttl: {
    type: "integer",
    minimum: 0,
    maximum: 255,
    description:
      "TTL of packets sent to an eBGP peer; more than 1 for multihop, 0 = the system's own. Default: 1 for eBGP, 0 for iBGP.",
  },
  "local-address": {
    type: "string",
    format: "ip",
    description: "Own address to connect from, usually the loopback. Default: the system chooses.",
  },
  port: {
    type: "integer",
    minimum: 1,
    maximum: 65535,
    default: PEER_DEFAULTS.port,
    description: "TCP port to connect to.",
  },
  "tcp-user-timeout-ms": {
    type: "integer",
    minimum: 0,
    maximum: 86400000,
    default: PEER_DEFAULTS["tcp-user-timeout-ms"],
    description:
      "TCP_USER_TIMEOUT in milliseconds: close when sent octets stay unacknowledged, or unread, that long; 0 = off.",
  },
  "extended-message": flag(
    "Offer messages of up to 65,535 octets (RFC 8654).",
    PEER_DEFAULTS["extended-message"],
  ),
  "extended-next-hop": flag(
    "Offer IPv6 next hops for IPv4 routes, plain and VPN (RFC 8950). Such routes go only to peers that offer it, too.",
    PEER_DEFAULTS["extended-next-hop"],
  ),
  "ebgp-accept-in": flag(
    "eBGP only: take the peer's routes. Without it none are used (RFC 8212).",
    PEER_DEFAULTS["ebgp-accept-in"],
  ),
  "ebgp-accept-out": flag(
    "eBGP only: send routes to the peer. Without it none are sent (RFC 8212).",
    PEER_DEFAULTS["ebgp-accept-out"],
  ),
  "next-hop-self": flag(
    "eBGP, IPv4 and IPv6 unicast: send our own address as next hop. EVPN's next hop is always kept.",
    PEER_DEFAULTS["next-hop-self"],
  ),
  "evpn-types-out": routeTypes(
    "EVPN route types sent to the peer; others are kept from it. Default: all. Some PEs reset on a type they do not know.",
  ),
  "evpn-types-in": routeTypes("EVPN route types accepted from the peer. Default: all."),
  "evpn-unknown-types": {
    type: "string",
    enum: ["drop", "reflect"],
    default: PEER_DEFAULTS["evpn-unknown-types"],
    description:
      "EVPN route types beyond 11: `drop` counts and forgets them, `reflect` passes their octets on.",
  },
  "malformed-nlri": {
    type: "string",
    enum: ["drop", "treat-as-withdraw", "reset"],
    default: PEER_DEFAULTS["malformed-nlri"],
    description:
      "An EVPN NLRI whose length fits and whose body does not: `drop` loses that NLRI alone, `treat-as-withdraw` the whole UPDATE, `reset` the session (RFC 7606 section 5.3).",
  },
  "prefix-limit": {
    type: "integer",
    minimum: 0,
    maximum: 4294967295,
    default: PEER_DEFAULTS["prefix-limit"],
    description:
      "Most routes accepted from the peer in each family; beyond it the session is closed with Cease 6/1. 0 = no limit.",
  },
  "prefix-limit-restart": seconds(
    "Seconds a peer stays down after it passed its prefix limit.",
    PEER_DEFAULTS["prefix-limit-restart"],
    1,
    86400,
  ),
  limits: limitsSchema,
  "allow-as-in": {
    type: "integer",
    minimum: 0,
    maximum: 10,
    default: PEER_DEFAULTS["allow-as-in"],
    description: "How often our own AS may stand in the AS_PATH of a route from the peer.",
  },
  ...interestSchema,
  "graceful-shutdown": {
    type: "string",
    enum: ["ebgp", "always", "never"],
    default: PEER_DEFAULTS["graceful-shutdown"],
    description:
      "Routes with the community GRACEFUL_SHUTDOWN (RFC 8326) get LOCAL_PREF 0: from eBGP peers only, always, or never. iBGP peers lower LOCAL_PREF themselves.",
  },
  bfd: bfdSchema,
  ...peerPolicySchema,
  "graceful-restart": gracefulRestartSchema,
  "add-path": addPathSchema,
  trust: trustSchema,
};

const groupName: SchemaNode = {
  type: "string",
  description: "Peer group whose options hold where the entry itself says nothing.",
};

export const configSchema: SchemaNode = {
  $schema: "http://json-schema.org/draft-07/schema#",
  $id: "https://evpnd.example/evpnd.schema.json",
  title: "evpnd configuration",
  description: "Configuration file of evpnd, in YAML.",
  type: "object",
  required: ["as"],
  additionalProperties: false,
  properties: {
    as: { type: "integer", minimum: 1, maximum: AS_MAX, description: "Own AS number." },
    "router-id": {
      type: "string",
      format: "router-id",
      description:
        "BGP identifier, a dotted quad unique among all speakers. Default: the first IPv4 address in `listen`.",
    },
    "cluster-id": {
      type: ["string", "integer"],
      format: "router-id",
      minimum: 1,
      maximum: 4294967295,
      description:
        "Route reflection cluster (RFC 4456), a dotted quad or a number. Default: the router id. Two reflectors that serve the same clients may share one.",
    },
    "host-name": {
      type: "string",
      maxLength: 64,
      description:
        "Name told to peers in the FQDN capability; empty sends none. Default: the machine's host name.",
    },
    listen: {
      type: "array",
      minItems: 0,
      uniqueItems: true,
      items: { type: "string", format: "endpoint" },
      default: TOP_DEFAULTS.listen,
      description:
        "Addresses and ports to accept BGP sessions on: `10.0.0.1:179`, `[2001:db8::1]:179`. An empty list accepts none.",
    },
    "key-chains": keyChainsSchema,
    "peer-groups": {
      type: "object",
      description: "Named sets of peer options. A peer, a range or another group takes them over.",
      propertyNames: { pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$" },
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        properties: {
          inherits: { type: "string", description: "Group that this one starts from." },
          ...peerOptions,
        },
      },
    },
    peers: {
      type: "array",
      description: "Peers by address.",
      items: {
        type: "object",
        required: ["address"],
        additionalProperties: false,
        properties: {
          address: { type: "string", format: "ip", description: "The peer's address." },
          group: groupName,
          ...peerOptions,
        },
      },
    },
    "dynamic-peers": {
      type: "array",
      description:
        "Prefixes from which peers may connect without being named; the longest match wins, and `peers` win over all.",
      items: {
        type: "object",
        required: ["prefix"],
        additionalProperties: false,
        properties: {
          prefix: { type: "string", format: "prefix", description: "For example `10.0.0.0/16`." },
          group: groupName,
          "max-peers": {
            type: "integer",
            minimum: 0,
            maximum: 100000,
            default: TOP_DEFAULTS["max-peers"],
            description: "Most sessions from this prefix at once; 0 = no limit.",
          },
          allow: {
            type: "array",
            minItems: 1,
            uniqueItems: true,
            items: { type: "string", format: "prefix" },
            description:
              "Accept list: prefixes inside this one from which peers may connect. Default: all of it.",
          },
          deny: {
            type: "array",
            minItems: 1,
            uniqueItems: true,
            items: { type: "string", format: "prefix" },
            description:
              "Prefixes inside this one whose connections are closed at once; stronger than `allow`.",
          },
          ...peerOptions,
        },
      },
    },
    "announce-software-version": flag(
      "Tell peers our name and version (software version capability).",
      TOP_DEFAULTS["announce-software-version"],
    ),
    "compare-mobility": flag(
      "Among routes for one EVPN MAC/IP key from different PEs, prefer the higher MAC mobility sequence (RFC 7432 section 15) before LOCAL_PREF.",
      TOP_DEFAULTS["compare-mobility"],
    ),
    "flush-interval-ms": {
      type: "number",
      minimum: 0,
      maximum: 1000,
      default: TOP_DEFAULTS["flush-interval-ms"],
      description:
        "Milliseconds over which output is gathered under load. Larger saves CPU, smaller saves latency; fractions are allowed.",
    },
    "memory-limit": {
      type: "string",
      pattern: "^(off|([1-9][0-9]?|100)%|[1-9][0-9]{0,6}(MiB|GiB))$",
      default: TOP_DEFAULTS["memory-limit"],
      description:
        "Ceiling on the memory of the process: `512MiB`, `8GiB`, a share of what the machine or its container has, as `80%`, or `off`. Close to it caches, new peers, and at last the peer that costs most are given up ([guide](limits.md)).",
    },
    "max-handshakes": {
      type: "integer",
      minimum: 1,
      maximum: 100000,
      default: TOP_DEFAULTS["max-handshakes"],
      description: "Dynamic peers that may be opening a session at once; more wait their turn.",
    },
    "accept-rate": {
      type: "number",
      minimum: 0,
      maximum: 10000,
      default: TOP_DEFAULTS["accept-rate"],
      description:
        "Connections per second taken from one address, five seconds' worth at once; more are closed before anything is made for them. 0 = no limit.",
    },
    policies: policiesSchema,
    "policy-sets": policySetsSchema,
    fib: fibSchema,
    injection: injectionSchema,
    ipsec: ipsecSchema,
    radius: radiusSchema,
    subscribers: subscribersSchema,
    asmn: asmnSchema,
    restart: restartSchema,
    "slow-peers": slowPeersSchema,
    audit: auditSchema,
    bmp: bmpSchema,
    mrt: mrtSchema,
    recorder: recorderSchema,
    api: apiSchema,
    http: {
      type: "object",
      additionalProperties: false,
      description:
        "Where the API listens: HTTP for evpnctl, health checks and metrics, and gRPC at the same port.",
      properties: {
        listen: {
          type: "string",
          format: "endpoint-or-off",
          default: TOP_DEFAULTS.http.listen,
          description:
            "Address and port, or `off`. Beyond loopback it takes `api.tls` and `api.clients`.",
        },
        "allowed-hosts": {
          type: "array",
          items: { type: "string", pattern: "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$" },
          default: TOP_DEFAULTS.http["allowed-hosts"],
          description:
            "Host names by which requests may address us, beside `localhost` and plain addresses.",
        },
        thread: {
          type: "string",
          enum: ["worker", "main"],
          default: TOP_DEFAULTS.http.thread,
          description:
            "Where the API runs. `worker`: in a thread of its own, so that requests and big answers do not delay BGP. `main`: in the thread of BGP, which saves some 60 MB of memory.",
        },
      },
    },
    log: {
      type: "object",
      additionalProperties: false,
      description: "The log, on standard output.",
      properties: {
        level: {
          type: "string",
          enum: ["debug", "info", "warn", "error", "silent"],
          default: TOP_DEFAULTS.log.level,
          description: "Least severe level written.",
        },
        format: {
          type: "string",
          enum: ["auto", "json", "text"],
          default: TOP_DEFAULTS.log.format,
          description: "`auto` writes text on a terminal and JSON lines elsewhere.",
        },
      },
    },
    user: {
      type: "string",
      minLength: 1,
      description: "User to become once every port is bound; needs a start as root.",
    },
    group: {
      type: "string",
      minLength: 1,
      description: "Group to become. Default: the primary group of `user`.",
    },
  },
};
