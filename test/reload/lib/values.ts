/**
 * Values of every option that a file can have: the edits take theirs from here. What is missing does not
 * compile (options of peers, top level) or fails test/reload/every-option.test.ts (keys inside blocks).
 */
import type { ConfigFile, PeerOptionsEntry } from "../../../src/config/file.js";
import { pki } from "../../lib/pki.js";
import { ASMN_BLOCKS } from "./asmn-values.js";
import { IPSEC_VALUES } from "./ipsec-values.js";
import { RADIUS_BLOCKS } from "./radius-values.js";

type Values<T> = { readonly [K in keyof Required<T>]: readonly NonNullable<T[K]>[] };

/** Files and variables that keys come from. */
export const KEY_FILES: Readonly<Record<string, string>> = {
  "/etc/evpnd/one.key": "secret-one\n",
  "/etc/evpnd/two.key": "secret-two\n",
  "/etc/evpnd/api.crt": pki("server.crt"),
  "/etc/evpnd/api.key": pki("server.key"),
  "/etc/evpnd/api2.crt": pki("server2.crt"),
  "/etc/evpnd/api2.key": pki("server2.key"),
  "/etc/evpnd/ca.crt": pki("ca.crt"),
  "/etc/evpnd/a.token": "secret-six-for-a-token\n",
  "/etc/evpnd/ca.crl": pki("empty.crl"),
  "/etc/evpnd/lab.psk": "00112233445566778899aabbccddeeff\n",
};
export const KEY_ENVIRONMENT = {
  ONE_KEY: "secret-three",
  TWO_KEY: "secret-four",
  A_TOKEN: "secret-seven-for-a-token",
};

const WARN = { "warn-at": 50, action: "warn" } as const;

export const OPTION_VALUES: Values<PeerOptionsEntry> = {
  client: [true, false],
  families: [
    ["l2vpn-evpn"],
    ["l2vpn-evpn", "ipv4-unicast"],
    ["l2vpn-evpn", "ipv4-vpn", "ipv6-unicast"],
  ],
  "peer-as": [65000],
  "hold-time": [30, 60],
  passive: [true],
  shutdown: [true],
  description: ["one", "two"],
  "send-hold-time": [500],
  "connect-retry": [1, 2],
  "idle-hold": [0, 1],
  "idle-hold-max": [1, 2],
  password: ["secret-five", "secret-six"],
  "password-file": ["one.key", "two.key"],
  "password-env": ["ONE_KEY", "TWO_KEY"],
  "tcp-ao": ["fabric", "other"],
  "ttl-security-hops": [1, 2],
  ttl: [0, 5],
  "local-address": ["10.0.0.254"],
  port: [179],
  "tcp-user-timeout-ms": [5000],
  "extended-message": [true, false],
  "extended-next-hop": [true, false],
  "ebgp-accept-in": [true, false],
  "ebgp-accept-out": [true, false],
  "next-hop-self": [true, false],
  "evpn-types-in": [[2], [2, 3], [1, 2, 3, 4, 5]],
  "evpn-types-out": [[2], [3, 5], [2, 3]],
  "evpn-unknown-types": ["reflect", "drop"],
  "malformed-nlri": ["drop", "treat-as-withdraw", "reset"],
  "prefix-limit": [3, 7, 100],
  "prefix-limit-restart": [10, 600],
  limits: [
    { out: [{ maximum: 5 }] },
    { out: [{ "route-type": 2, "per-vni": true, maximum: 6 }] },
    { "as-path": 1 },
    {
      in: [{ family: "l2vpn-evpn", maximum: 50, ...WARN }],
      out: [{ family: "ipv4-unicast", maximum: 4, ...WARN }],
    },
    {
      in: [
        { "route-type": 2, maximum: 100, action: "stop" },
        { "per-vni": true, maximum: 100, action: "discard" },
      ],
      out: [
        { "route-type": 2, maximum: 100, action: "warn" },
        { "per-vni": true, maximum: 100 },
      ],
      "restart-seconds": 20,
      "attribute-octets": 512,
      communities: 10,
      "cluster-list": 4,
      "update-rate": { updates: 1000, routes: 10_000, burst: 5 },
    },
  ],
  "allow-as-in": [1, 2],
  "route-targets": [["65000:100"], ["65000:200"], ["65000:100", "65000:200"]],
  "allow-route-targets": [["65000:100"], ["65000:200"]],
  "route-target-inference": ["off", "shadow", "on"],
  "route-target-inference-hold": [10, 1000],
  "default-membership": [true, false],
  "graceful-shutdown": ["ebgp", "always", "never"],
  bfd: [
    true,
    { "min-tx-ms": 200, "min-rx-ms": 250, multiplier: 4, multihop: true },
    { enabled: false, passive: true, strict: false, multihop: "auto" },
    { auth: { type: "keyed-sha1", "key-id": 3, "key-file": "one.key" } },
    { auth: { type: "simple", "key-env": "ONE_KEY" } },
  ],
  "import-policy": ["first", "second", ["first", "second"]],
  "export-policy": ["first", "second", ["second", "first"]],
  "import-default": ["accept", "reject"],
  "export-default": ["accept", "reject"],
  "graceful-restart": [
    { mode: "off" },
    { mode: "full", "restart-time": 60 },
    { mode: "helper", "restart-time-max": 100, "stale-time": 100, notification: false },
    {
      mode: "full",
      "long-lived": {
        enabled: true,
        "stale-time": 100,
        "stale-time-max": 200,
        "partial-deployment": true,
      },
    },
  ],
  "add-path": [
    { "l2vpn-evpn": { send: true, receive: true, limit: 2 } },
    {
      "ipv4-unicast": { send: true, receive: false, limit: 3 },
      "ipv6-unicast": { send: true, receive: true, limit: 2 },
      "ipv4-vpn": { receive: true, send: true, limit: 2 },
      "ipv6-vpn": { send: true, receive: true, limit: 4 },
    },
  ],
  // Peers of these tests prove nothing: they are served all the same.
  trust: [
    { tenant: "red", effect: "mark" },
    { require: false, tenant: "red", vnf: "pe", effect: "hold", "dry-run": true },
    { require: true, tenant: "red", effect: "refuse", "dry-run": true },
  ],
};

/** Options whose change moves routes: drawn more often. */
export const BUSY: readonly (keyof PeerOptionsEntry)[] = [
  ...(["client", "client", "families", "shutdown", "hold-time", "ebgp-accept-in"] as const),
  ...(["ebgp-accept-out", "evpn-types-in", "evpn-types-out", "evpn-unknown-types"] as const),
  ...(["route-targets", "allow-route-targets", "import-policy", "export-policy"] as const),
  ...(["import-default", "limits", "prefix-limit", "allow-as-in", "next-hop-self"] as const),
];

/** What the policies `first` and `second` may be; the sets that they name are always there. */
const POLICIES: readonly NonNullable<ConfigFile["policies"]>[] = [
  {
    first: [{ name: "red", match: { "route-target": "65000:100" }, then: "reject" }],
    second: [{ name: "all", set: { "local-preference": 150 } }],
  },
  {
    first: [{ name: "macs", match: { "route-type": 2, vni: 200 }, then: "reject" }],
    second: [
      { name: "blue", match: { "route-target": "65000:200" }, set: { "local-preference": 90 } },
      { name: "tag", set: { community: { add: "65000:7" } } },
    ],
  },
  {
    first: [
      { name: "shared", match: { mac: "02:00:00:00:01:f5" }, then: "quarantine" },
      { name: "prefixes", match: { prefix: "172.16.0.0/12 ge 12" }, then: "reject" },
    ],
    second: [{ name: "more", set: { "route-target": { add: "65000:300" } } }],
  },
  {
    first: [
      {
        name: "everything",
        match: {
          family: "l2vpn-evpn",
          rd: "10.0.0.1:1",
          label: 100,
          host: "10.100.0.0/16",
          esi: "00:00:00:00:00:00:00:00:00:00",
          "ethernet-tag": 0,
          "local-preference": 100,
          "mobility-sequence": "1-5",
          peer: "10.0.0.0/8",
          "next-hop": "10.0.0.0/8",
        },
        set: { med: 5, "next-hop": "self" },
        then: "continue",
      },
      {
        name: "marked",
        match: {
          community: "65000:7",
          "extended-community": "encapsulation:8",
          "large-community": "65000:1:2",
          med: 5,
        },
        set: {
          community: { set: "65000:8" },
          "extended-community": { delete: "encapsulation:8" },
          "large-community": { add: "65000:1:3" },
          "route-target": { set: "65000:100" },
        },
      },
    ],
    second: [
      {
        name: "far",
        match: {
          "as-path": {
            length: "1-3",
            contains: 65001,
            origin: 65001,
            neighbor: 65001,
            pattern: "65001",
          },
        },
        set: {
          "as-path-prepend": { as: 65000, count: 1 },
          community: { delete: "65000:7" },
          "extended-community": { add: "encapsulation:10", set: "encapsulation:8" },
          "large-community": { set: "65000:1:3", delete: "65000:1:2" },
          "route-target": { delete: "65000:200" },
        },
        then: "accept",
      },
    ],
  },
];

const MRT = {
  directory: "/var/log/evpnd",
  compress: true,
  "keep-files": 3,
  "keep-octets": 1_000_000,
  "keep-seconds": 3600,
};
const ONE_KEY = { id: 1, "secret-file": "one.key" };

/** Values of the keys at the top; those that the edits make themselves have none. */
export const TOP_VALUES: Omit<
  Values<ConfigFile>,
  "as" | "peers" | "peer-groups" | "dynamic-peers"
> = {
  "router-id": ["10.0.0.254", "10.0.0.252"],
  "cluster-id": ["10.0.0.254", "10.0.0.253", 77],
  "host-name": ["one", "two"],
  listen: [[], ["10.0.0.254:179"], ["10.0.0.254:179", "[::]:179"]],
  "key-chains": [
    {
      fabric: { keys: [ONE_KEY] },
      other: {
        keys: [{ id: 2, "secret-env": "ONE_KEY", algorithm: "hmac-sha-256" }],
        "cover-options": false,
      },
    },
    {
      fabric: {
        keys: [
          {
            ...ONE_KEY,
            "send-until": "2040-01-01T00:00:00Z",
            "accept-until": "2041-01-01T00:00:00Z",
          },
          {
            "send-id": 3,
            "recv-id": 4,
            "secret-file": "two.key",
            "send-from": "2039-12-31T00:00:00Z",
            "accept-from": "2039-12-30T00:00:00Z",
          },
        ],
      },
      other: { keys: [{ id: 2, "secret-env": "TWO_KEY" }] },
    },
  ],
  "announce-software-version": [true, false],
  "compare-mobility": [true, false],
  "flush-interval-ms": [0, 1, 5],
  "max-handshakes": [50, 100],
  "memory-limit": ["off", "80%", "2GiB"],
  "accept-rate": [0, 10],
  policies: POLICIES,
  "policy-sets": [
    {
      prefixes: { tens: ["10.0.0.0/8"] },
      macs: { ours: ["02:00:00:00:00:00/8"] },
      communities: { tags: ["65000:7"] },
      "extended-communities": { vxlan: ["encapsulation:8"] },
      "large-communities": { large: ["65000:1:2"] },
      "route-targets": { red: ["65000:100"] },
      vnis: { some: [100, 200] },
      ases: { ext: [65001] },
    },
    { "route-targets": { red: ["65000:100", "65000:200"] } },
  ],
  radius: RADIUS_BLOCKS,
  subscribers: [
    { domains: [{ domain: "red", tenant: "red" }] },
    {
      "grace-seconds": 30,
      domains: [
        {
          domain: "65000:100",
          tenant: "red",
          vlan: 100,
          "require-session": false,
          action: "reject",
          "exempt-macs": ["52:54:00:00:00:01"],
          "exempt-ouis": ["00:50:56"],
        },
        { domain: "65000:200", tenant: "red", vlan: "guests", action: "quarantine" },
      ],
      "access-points": [
        { id: "02-00-00-00-00-01", pe: "10.0.0.1" },
        { id: "hall", esi: "00:11:22:33:44:55:66:77:88:99" },
      ],
    },
  ],
  fib: [
    { enabled: true },
    { enabled: false },
    { enabled: true, domains: [{ name: "red", "route-targets": ["65000:100"] }] },
    { enabled: true, "default-encapsulation": "vxlan" },
    {
      enabled: true,
      timeline: {
        enabled: true,
        directory: "/var/lib/evpnd/timeline",
        "max-age": "12h",
        "max-size": "64MiB",
      },
    },
    {
      enabled: true,
      "max-host-routes": 50,
      domains: [
        { name: "red", "route-targets": ["65000:100"], "host-routes": "unicast" },
        {
          name: "blue",
          "route-targets": ["65000:200"],
          "host-routes": {
            announce: "type-5",
            "next-hop": "10.0.0.99",
            rd: "65000:5000",
            "route-targets": ["65000:5000"],
            "l3-vni": 5000,
            "router-mac": "02:00:00:00:00:01",
          },
        },
      ],
    },
    {
      enabled: true,
      domains: [
        {
          name: "blue",
          service: "vlan-aware-bundle",
          "ethernet-tag": 0,
          vni: 200,
          "route-targets": ["65000:200"],
          duplicates: {
            moves: 9,
            seconds: 60,
            action: "rate-limit",
            release: "manual",
            "rate-seconds": 5,
          },
        },
      ],
      duplicates: {
        moves: 8,
        seconds: 100,
        action: "pin",
        release: 50,
        "rate-seconds": 20,
        "exempt-macs": ["02:00:00:00:01:f5"],
        "exempt-ouis": ["00:50:56"],
      },
    },
  ],
  injection: [{ "max-routes": 0 }, { "max-routes-per-owner": 5 }],
  ipsec: IPSEC_VALUES,
  asmn: ASMN_BLOCKS,
  restart: [
    { "on-stop": "cease" },
    { "state-dir": "/var/lib/evpnd", "selection-deferral-time": 60 },
  ],
  "slow-peers": [
    { enabled: false },
    { enabled: true, seconds: 5, "recovery-seconds": 5, backlog: 100, "pending-octets": 1000 },
  ],
  audit: [{ continuous: false }, { continuous: true, "cpu-percent": 0.5 }],
  bmp: [
    {
      "sys-name": "rig",
      "backlog-limit": 16_777_216,
      collectors: [
        {
          name: "one",
          address: "10.9.0.1",
          port: 5000,
          monitor: ["adj-rib-in-pre", "loc-rib"],
          "table-name": true,
          "password-file": "one.key",
        },
        {
          address: "10.9.0.2",
          port: 11019,
          "statistics-interval": 30,
          "connect-retry": 5,
          "connect-retry-max": 50,
          "local-address": "10.0.0.254",
          password: "secret-seven",
        },
      ],
    },
    {
      collectors: [
        { address: "10.9.0.3", port: 5000, "password-env": "ONE_KEY", "ttl-security-hops": 1 },
      ],
    },
  ],
  mrt: [
    {
      updates: {
        ...MRT,
        name: "updates",
        direction: "both",
        "rotate-seconds": 600,
        "rotate-octets": 10_000_000,
      },
    },
    { tables: { ...MRT, name: "tables", interval: 600, view: "pre-policy" } },
  ],
  recorder: [
    { enabled: false },
    {
      enabled: true,
      "octets-per-peer": 65536,
      "octets-total": 10_000_000,
      "max-age": 600,
      "keep-after-down": 600,
    },
  ],
  api: [
    { grpc: false },
    {
      tls: { "cert-file": "api.crt", "key-file": "api.key" },
      clients: [{ name: "a", role: "viewer", "token-file": "a.token" }],
    },
    {
      tls: { "cert-file": "api2.crt", "key-file": "api2.key", "client-ca-file": "ca.crt" },
      clients: [
        { name: "a", role: "operator", "token-env": "A_TOKEN" },
        { name: "b", role: "viewer", certificate: "CN=b" },
      ],
    },
  ],
  http: [
    { listen: "off" },
    { listen: "127.0.0.1:8180", "allowed-hosts": ["rr.example"] },
    { thread: "main" },
  ],
  log: [{ level: "debug", format: "json" }, { level: "warn" }],
  user: ["evpnd"],
  group: ["evpnd"],
};

export type TopName = keyof typeof TOP_VALUES;
