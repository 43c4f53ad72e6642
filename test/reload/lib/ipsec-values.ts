/** Values of the `ipsec` block: every option of it stands in one of them. */
import type { IpsecEntry } from "../../../src/config/ipsec-file.js";

const GATEWAYS: NonNullable<IpsecEntry["sites"]> = [
  {
    name: "one",
    description: "first site",
    gateways: [
      {
        name: "one-gw",
        vendor: "strongswan",
        version: "5.9.8",
        description: "first",
        "host-name": "one",
        address: "192.0.2.1",
        identity: "fqdn:one.example.net",
        zones: [{ name: "DMZ", trusted: true }],
        interfaces: [
          { name: "eth0", zone: "Untrust", addresses: ["192.0.2.1/24"] },
          {
            name: "tun0",
            zone: "Untrust",
            type: "tunnel",
            unnumbered: "eth0",
            mode: "route",
            manageable: false,
            mtu: 1400,
            "egress-maximum": 100,
            "egress-guaranteed": 10,
            "ingress-maximum": 100,
            "dns-proxy": false,
            nhrp: false,
          },
        ],
        "address-book": [{ zone: "Trust", name: "net", prefix: "10.1.0.0/16" }],
        policies: [
          {
            id: 1,
            name: "out",
            from: "Trust",
            to: "Untrust",
            source: ["net"],
            destination: ["Any"],
            service: ["ANY"],
            action: "tunnel",
            tunnel: "one-two",
            log: true,
            enabled: true,
          },
        ],
        nat: {
          exempt: [
            {
              interface: "eth0",
              list: "nonat",
              pairs: [{ local: "10.1.0.0/16", remote: "10.2.0.0/16" }],
            },
          ],
          overload: [{ id: 1, inside: "eth0", outside: "eth0", source: "10.1.0.0/16" }],
        },
        routes: [{ prefix: "0.0.0.0/0", "next-hop": "192.0.2.254", interface: "eth0" }],
        "permit-ipsec": false,
        "ike-interfaces": ["eth0"],
        objects: {
          package: "Standard",
          networks: [{ name: "n", prefix: "10.1.0.0/16" }],
          gateways: [
            {
              name: "g",
              address: "192.0.2.1",
              interoperable: true,
              "vpn-domain": "n",
              "subnet-key-exchange": true,
              topology: [{ name: "eth0", side: "external", address: "192.0.2.1/24" }],
            },
          ],
          rules: [
            {
              name: "r",
              position: 1,
              source: ["n"],
              destination: ["n"],
              service: "Any",
              action: "encrypt",
              track: "log",
              peer: "g",
            },
          ],
        },
      },
      { name: "by-name", vendor: "linux", host: "gw.example.net" },
      { name: "moving", vendor: "vyos", "dynamic-id": "moving.example.net" },
      { name: "user", vendor: "linux", "dialup-user": "user@example.net" },
      { name: "group", vendor: "linux", "dialup-group": "users" },
    ],
  },
  {
    name: "two",
    gateways: [
      {
        name: "two-gw",
        vendor: "pix",
        address: "198.51.100.1",
        interfaces: [
          { name: "outside", zone: "Untrust", addresses: ["198.51.100.1/24"] },
          { name: "tunnel.1", zone: "Untrust", type: "tunnel", unnumbered: "outside" },
        ],
      },
    ],
  },
];

const IKE = {
  version: 1,
  mode: "main",
  proposals: [{ number: 1, proposal: "pre-g2-aes128-sha", lifetime: 28_800 }],
  lifetime: 28_800,
  reauth: 0,
  detection: {
    kind: "dpd",
    delay: 10,
    timeout: 60,
    action: "restart",
    hello: 0,
    threshold: 5,
  },
  "nat-traversal": { enabled: true, "udp-checksum": false, keepalive: 20, force: false },
  mobike: false,
  "make-before-break": true,
  childless: false,
  fragmentation: true,
} as const;

const ESP = {
  mode: "tunnel",
  proposals: ["g2-esp-aes128-sha"],
  pfs: "modp1024",
  lifetime: 3600,
  "lifetime-kb": 0,
  "replay-window": 64,
  idle: 0,
  df: "copy",
} as const;

const SELECTOR = {
  local: "10.1.0.0/16",
  remote: "10.2.0.0/16",
  protocol: 0,
  "local-port": 0,
  "remote-port": 0,
};

const FIRST = { gateway: "one-gw", interface: "eth0", bind: "tun0", networks: ["10.1.0.0/16"] };
const SECOND = {
  gateway: "two-gw",
  interface: "outside",
  bind: "tunnel.1",
  networks: ["10.2.0.0/16"],
};

export const IPSEC_VALUES: readonly IpsecEntry[] = [
  {
    local: "one-gw",
    install: "automatic",
    "vici-socket": "/run/charon.vici",
    secrets: { file: "secrets", "key-file": "secrets.key" },
    fabric: { "when-down": "hold", "hold-down": 30 },
    sites: GATEWAYS,
    tunnels: [
      {
        name: "one-two",
        description: "between the sites",
        enabled: true,
        profile: "ssg",
        kind: "route-based",
        ends: [
          {
            ...FIRST,
            identity: "address:192.0.2.1",
            vteps: ["10.1.0.0/24"],
            start: "start",
            monitor: {
              source: "eth0",
              destination: "198.51.100.1",
              optimized: false,
              rekey: false,
              interval: 10,
              threshold: 3,
            },
            names: {
              gateway: "To_Two",
              vpn: "To_Two-VPN",
              "vpn-id": 1,
              "crypto-map": "map",
              sequence: 10,
              "access-list": "101",
              "transform-set": "set",
            },
            override: {
              ike: { ...IKE, proposals: [...IKE.proposals] },
              esp: { ...ESP, proposals: [...ESP.proposals] },
              selectors: [SELECTOR],
              psk: "other",
            },
          },
          SECOND,
        ],
        psk: "key",
        "psk-prefix": "198.51.100.0/24",
        "psk-group": "users",
        ppk: { id: "pq", name: "pq-key", required: true },
        ike: { ...IKE, proposals: [...IKE.proposals] },
        esp: { ...ESP, proposals: [...ESP.proposals] },
        selectors: [SELECTOR],
        "proxy-id": { local: "10.1.0.0/16", remote: "10.2.0.0/16", service: "ANY" },
        "vpn-group": { name: "hubs", weight: 1 },
        "fail-closed": true,
        "path-mtu": 1500,
        "clamp-mss": true,
        "classical-fallback": false,
        "opt-ins": [{ finding: "ikev1", owner: "rig", expires: "2030-12-31", reason: "old" }],
      },
      {
        name: "second",
        certificates: [
          { certificate: "one-cert", "private-key": "one-key" },
          { certificate: "two-cert", "private-key": "two-key" },
        ],
        authorities: ["ca"],
        "backup-of": { tunnel: "one-two", "take-over-after": 10, "return-after": 60 },
        ends: [
          { gateway: "one-gw", interface: "eth0", "bind-zone": "Untrust" },
          { gateway: "two-gw", interface: "outside", "bind-zone": "Untrust" },
        ],
      },
    ],
  },
];
