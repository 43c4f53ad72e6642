/** Values of the `radius` block: every option of it stands in one of them. */
import type { RadiusEntry } from "../../../src/config/radius-file.js";

const CLIENT = { prefix: "10.9.0.0/16", "secret-files": ["one.key"] };
const HOME = { name: "first", address: "10.8.0.1", "secret-files": ["two.key"] };

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
            },
          ],
          "on-failure": "reject",
        },
        accounting: {
          listen: "10.0.0.254:1813",
          clients: [{ ...CLIENT, proxy: true }],
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
