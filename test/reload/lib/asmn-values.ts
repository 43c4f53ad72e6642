/** Values of the `asmn` block: every option of it stands in one of them. Each has a gate, for peers with `trust`. */
import type { AsmnEntry } from "../../../src/config/asmn-file.js";

const KEY = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER_KEY = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const ATTESTATION_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeoC2dQZkli3KesRs9FoCPhz7+2Gs
YOMGJz5G/W/NbkgE5SXIaEmVA82NIMTSqgoequb1R664+cK39J/CRWoqew==
-----END PUBLIC KEY-----`;
const SOURCE = {
  name: "far",
  address: "10.7.0.1:7203",
  "public-key": KEY,
  "root-keys": [KEY, OTHER_KEY],
};

export const ASMN_BLOCKS: readonly AsmnEntry[] = [
  { gate: { "state-directory": "/var/lib/evpnd/gate", sources: [SOURCE] } },
  {
    "sec-em": {
      "state-directory": "/var/lib/evpnd/sec-em",
      tenants: [{ name: "red", vnfs: [{ name: "pe" }] }],
    },
    gate: { "state-directory": "/var/lib/evpnd/gate" },
  },
  {
    "sec-em": {
      name: "first",
      audience: "fabric",
      listen: ["10.0.0.254:7201"],
      "feed-listen": ["10.0.0.254:7203"],
      feeds: [{ name: "far", role: "gateway", "public-key": KEY, tenants: ["red"] }],
      "state-directory": "/var/lib/evpnd/sec-em",
      "root-key-file": "root.key",
      "image-directory": "/srv/images",
      roles: { vim: ["nfvo"], vnfm: ["manager"] },
      "verdict-lifetime-seconds": 200,
      "heartbeat-seconds": 2,
      "renewal-seconds": 50,
      "token-lifetime-seconds": 600,
      "upgrade-seconds": 60,
      "verdict-key-seconds": 0,
      "key-overlap-seconds": 7200,
      limits: {
        connections: 100,
        "connections-per-address": 10,
        "handshakes-per-second": 5,
        "audit-size": "8MiB",
      },
      "platform-keys": [{ name: "rack", "public-key": KEY }],
      "platform-document-seconds": 60,
      "tpm-keys": [
        {
          name: "rack-7",
          tenant: "red",
          vnf: "pe",
          instance: "pe-1",
          image: KEY,
          "public-key": ATTESTATION_KEY,
          pcrs: [
            { pcr: 0, value: KEY },
            { pcr: 14, value: "image" },
          ],
        },
      ],
      "package-keys": [{ name: "build", "public-key": OTHER_KEY }],
      tenants: [
        {
          name: "red",
          "default-action": "lower",
          vnfs: [
            {
              name: "pe",
              role: "edge",
              addresses: ["10.0.0.1"],
              as: 65000,
              "router-id": "10.0.0.1",
              binding: "tcp-md5",
              "root-of-trust": "platform",
              "max-instances": 2,
              "allowed-changes": ["file:/var/run/*"],
              bgp: { sessions: 2, "updates-per-second": 100, prefixes: 1000 },
            },
            { name: "store" },
          ],
          catalog: [
            {
              from: "pe",
              to: "store",
              protocol: "tcp",
              port: "8000-8099",
              rate: "10Mbit",
              burst: "64KiB",
              "packet-rate": 100,
            },
            { from: "*", to: "*", protocol: "icmp" },
          ],
          alarms: [
            {
              name: "night",
              from: "store",
              to: "pe",
              volume: "100MiB",
              "window-seconds": 600,
              between: "02:00-05:00",
            },
          ],
        },
      ],
    },
    gate: {
      audience: "fabric",
      sources: [SOURCE],
      "state-directory": "/var/lib/evpnd/gate",
      "key-file": "gate.key",
      "stale-seconds": 10,
      "grace-seconds": 60,
      "dry-run": true,
      proxy: "10.0.0.254:7202",
      "mark-community": "65000:66",
    },
    gateway: {
      name: "gw",
      audience: "fabric",
      tenant: "red",
      sources: [SOURCE],
      "state-directory": "/var/lib/evpnd/gateway",
      "key-file": "gateway.key",
      table: "asmn",
      interfaces: [
        { name: "eth1", rate: "1Gbit", vnfs: [{ vnf: "pe", prefixes: ["10.0.0.1/32"] }] },
        { name: "eth2" },
      ],
      "sec-ems": ["10.7.0.1:7201"],
      "default-action": "lower",
      lower: { dscp: 8, rate: "1Mbit", burst: "16KiB" },
      alarms: [
        {
          name: "night",
          from: "pe",
          to: "store",
          volume: "1GiB",
          "window-seconds": 60,
          between: "23:30-04:00",
        },
      ],
    },
  },
];
