/** Values of the `radius` block: every option of it stands in one of them. */
import type { RadiusEntry } from "../../../src/config/radius-file.js";

const CLIENT = { prefix: "10.9.0.0/16", "secret-files": ["one.key"] };
const HOME = { name: "first", address: "10.8.0.1", "secret-files": ["two.key"] };
const TLS = {
  "cert-file": "api.crt",
  "key-file": "api.key",
  "ca-file": "ca.crt",
  "crl-file": "ca.crl",
};
const SPKI = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

export const RADIUS_BLOCKS: readonly RadiusEntry[] = [
  {
    tenants: [
      {
        name: "red",
        authentication: { clients: [CLIENT] },
        accounting: { clients: [CLIENT] },
        "home-servers": [HOME],
      },
    ],
  },
  {
    "state-directory": "/var/lib/evpnd/radius",
    "spool-max": "512MiB",
    dictionaries: ["more.dictionary"],
    tenants: [
      {
        name: "red",
        profile: "modern",
        authentication: {
          listen: "10.0.0.254:1812",
          clients: [
            {
              ...CLIENT,
              name: "access",
              "require-message-authenticator": "auto",
              proxy: false,
              "limit-proxy-state": true,
              "rate-limit": 100,
              "dynamic-port": 0,
            },
          ],
          "on-failure": "reject",
        },
        accounting: {
          listen: "10.0.0.254:1813",
          clients: [
            {
              ...CLIENT,
              name: "access",
              "require-message-authenticator": "no",
              proxy: true,
              "limit-proxy-state": false,
              "rate-limit": 10,
              "dynamic-port": 1700,
            },
          ],
          "on-failure": "silent",
        },
        "home-servers": [
          {
            ...HOME,
            "authentication-port": 1645,
            "accounting-port": 1646,
            "require-message-authenticator": false,
            watchdog: "none",
          },
          {
            name: "second",
            address: "10.8.0.2",
            tls: { ...TLS, port: 2084, "server-name": "radius.example", spki: [SPKI] },
          },
          {
            name: "third",
            address: "10.8.0.3",
            tls: { "psk-identity": "relay", "psk-file": "lab.psk", "radius-1.1": false },
          },
        ],
        pools: [{ name: "all", servers: ["first"], balance: true }],
        routes: [
          {
            realm: "example.org",
            "called-station-id": "corp",
            network: "10.9.1.0/24",
            authentication: "all",
            accounting: "all",
          },
        ],
        radsec: {
          listen: "10.0.0.254:2083",
          ...TLS,
          clients: [
            { name: "ap1", certificate: "DNS:ap1.example", network: "10.9.0.0/16" },
            {
              name: "ap2",
              spki: SPKI,
              "require-message-authenticator": "auto",
              "rate-limit": 100,
            },
            { name: "lab", "psk-identity": "lab", "psk-file": "lab.psk" },
          ],
          "max-connections": 100,
          "max-connections-per-client": 4,
          "handshake-seconds": 5,
          "idle-seconds": 0,
          "radius-1.1": false,
        },
        "dynamic-authorization": {
          enabled: true,
          address: "10.0.0.254",
          ports: [3799],
          "client-port": 1700,
          "proxy-state": "restore",
          "require-event-timestamp": false,
          "window-seconds": 60,
        },
        "relay-address": "10.0.0.254",
        "session-idle-seconds": 3600,
        "require-service-attributes": true,
        addresses: {
          source: "local",
          pools: [{ name: "dsl", first: "10.7.0.1", last: "10.7.0.9" }],
          bundles: { gold: "dsl" },
        },
      },
      {
        name: "blue",
        "home-servers": [HOME],
        addresses: {
          source: "dhcp",
          server: "10.6.0.1",
          "server-port": 67,
          "relay-address": "10.0.0.254",
          "relay-port": 67,
          "timeout-seconds": 5,
        },
      },
    ],
  },
];
