/** The `ipsec.tunnels` block of the configuration's schema. */
import { DEFAULT_PROFILE, PROFILES } from "../ipsec/model/index.js";
import { block, choice, flag, IDENTITY, list, name, prefix, text, whole } from "./ipsec-nodes.js";
import type { SchemaNode } from "./schema-node.js";

const DAY = 86_400;
const SECRET = (what: string): SchemaNode =>
  name(`${what}, by its name in the secret store (\`evpnctl ipsec secrets\`).`);

const PROPOSAL_FORMS =
  "`aes256gcm16-prfsha384-curve25519`, a ScreenOS name such as `pre-g2-aes128-sha`, or one of its levels (`standard`, `compatible`, `basic`)";

const ike = block(
  {
    version: choice([1, 2], "IKE version. Default: the profile's, as for all of these."),
    mode: choice(["main", "aggressive"], "IKEv1 only."),
    proposals: list(
      {
        type: ["string", "object"],
        additionalProperties: false,
        required: ["proposal"],
        properties: {
          number: whole(1, 65535, "Number of the IKE policy: tried in this order."),
          proposal: text("As in the plain form.", 100),
          lifetime: whole(60, 31 * DAY, "Seconds."),
        },
        description: `${PROPOSAL_FORMS}; as a block with the number of a PIX policy.`,
      },
      "Phase-1 proposals, the best first.",
    ),
    lifetime: whole(60, 31 * DAY, "Seconds."),
    reauth: whole(0, 31 * DAY, "Authenticate anew so often, in seconds; 0 = never."),
    detection: block(
      {
        kind: choice(["none", "dpd", "heartbeat"], "How a dead peer is noticed."),
        delay: whole(1, 3600, "DPD: seconds between questions.", 10),
        timeout: whole(1, DAY, "DPD: seconds without an answer.", 60),
        action: choice(["restart", "trap", "clear"], "DPD: what is done then.", "restart"),
        hello: whole(0, 3600, "Heartbeat: seconds between two; 0 = off.", 0),
        threshold: whole(1, 100, "Heartbeat: how many may be lost.", 5),
      },
      "Detection of a dead peer.",
      ["kind"],
    ),
    "nat-traversal": block(
      {
        enabled: { type: "boolean", description: "ESP in UDP where a NAT is found." },
        "udp-checksum": { type: "boolean", description: "With a checksum." },
        keepalive: whole(0, 3600, "Seconds; 0 = the daemon's own."),
        force: { type: "boolean", description: "Even where no NAT is found." },
      },
      "NAT traversal.",
    ),
    mobike: { type: "boolean", description: "RFC 4555." },
    "make-before-break": {
      type: "boolean",
      description: "Authenticates anew before the old SA goes.",
    },
    childless: { type: "boolean", description: "RFC 6023." },
    fragmentation: { type: "boolean", description: "RFC 7383." },
  },
  "Phase 1.",
);

const esp = block(
  {
    mode: choice(["tunnel", "transport"], "Transport mode is for L2TP alone."),
    proposals: list(
      text("One of them.", 100),
      "Phase-2 proposals, the best first: `aes256gcm16-curve25519-esn`, `g2-esp-aes128-sha`, `esp-3des esp-md5-hmac`, or a ScreenOS level.",
    ),
    pfs: text("Group of all proposals, or `none`: `modp1024`.", 20),
    lifetime: whole(60, 31 * DAY, "Seconds."),
    "lifetime-kb": whole(0, 4_294_967_295, "Kilobytes; 0 = unlimited."),
    "replay-window": whole(0, 4096, "Packets; 0 = no replay protection (a weakness)."),
    idle: whole(0, DAY, "Seconds without traffic after which it is torn down; 0 = never."),
    df: choice(["copy", "set", "clear"], "The outer header's don't-fragment bit."),
  },
  "Phase 2.",
);

const selectors = list(
  block(
    {
      local: prefix("Network at the first end."),
      remote: prefix("Network at the second end."),
      protocol: whole(0, 255, "IP protocol; 0 = any.", 0),
      "local-port": whole(0, 65535, "0 = any.", 0),
      "remote-port": whole(0, 65535, "0 = any.", 0),
    },
    "A selector.",
    ["local", "remote"],
  ),
  "What is protected. Default: any to any (route-based), or every pair of the ends' networks (policy-based).",
);

const end = block(
  {
    gateway: name("The gateway."),
    interface: text("Where IKE and ESP leave.", 64),
    bind: text("Tunnel interface that it is bound to: route-based.", 64),
    "bind-zone": text("Tunnel zone that it is bound to.", 64),
    identity: IDENTITY,
    networks: list(prefix("A network."), "Networks behind this end."),
    vteps: list(prefix("Addresses."), "VTEPs behind this end, prefixes."),
    start: choice(
      ["trap", "start", "respond"],
      "What brings it up: traffic, nothing, the other end.",
      "trap",
    ),
    monitor: block(
      {
        source: text("Interface or address. Default: the gateway's choice.", 64),
        destination: { type: "string", format: "ip", description: "Default: the far gateway." },
        optimized: flag(false, "Traffic that comes in counts as an answer."),
        rekey: flag(false, "Negotiates anew when the tunnel is found down."),
        interval: whole(1, 3600, "Seconds between two probes.", 10),
        threshold: whole(1, 100, "Lost in a row that make it down.", 3),
      },
      "Watches the tunnel from this end.",
    ),
    names: block(
      {
        gateway: text("The far gateway.", 64),
        vpn: text("The VPN.", 64),
        "vpn-id": whole(1, 65535, "Its number."),
        "crypto-map": text("Crypto map.", 64),
        sequence: whole(1, 65535, "Entry of the crypto map."),
        "access-list": text("Access list of what is protected.", 64),
        "transform-set": text("Transform set.", 64),
      },
      "What this end calls things. Default: made up.",
    ),
    override: block(
      {
        ike,
        esp,
        selectors,
        psk: SECRET("Another pre-shared key"),
      },
      "Only what is known to differ at this end; selectors are seen from it.",
    ),
  },
  "An end.",
  ["gateway", "interface"],
);

const tunnel = block(
  {
    name: name("Unique."),
    description: text("For people."),
    enabled: flag(true, "It is to be up."),
    profile: choice(
      Object.keys(PROFILES),
      "Set of parameters that it starts from.",
      DEFAULT_PROFILE,
    ),
    kind: choice(
      ["route-based", "policy-based"],
      "Whether routes or selectors lead into it. Default: the profile's.",
    ),
    ends: list(end, "Its two ends; the first is `local` in `selectors`."),
    psk: SECRET("Pre-shared key"),
    "psk-prefix": prefix("Peers that the key is good for, if more than one (a weakness)."),
    "psk-group": text("Group that shares the key (a weakness).", 64),
    certificates: list(
      block(
        {
          certificate: SECRET("Certificate"),
          "private-key": SECRET("Its private key"),
        },
        "Of an end.",
        ["certificate", "private-key"],
      ),
      "Certificates of both ends, in place of `psk`.",
    ),
    authorities: list(
      SECRET("A certificate"),
      "Who signs the other end's certificate. Default: nobody, that certificate itself is trusted.",
    ),
    ppk: block(
      {
        id: text("What both ends call it.", 64),
        name: SECRET("The key"),
        required: flag(true, "Without it no SA."),
      },
      "Post-quantum pre-shared key (RFC 8784).",
      ["id", "name"],
    ),
    ike,
    esp,
    selectors,
    "proxy-id": block(
      {
        local: prefix("At the first end."),
        remote: prefix("At the second end."),
        service: text("Service.", 64),
      },
      "One selector in place of any to any (ScreenOS).",
      ["local", "remote"],
    ),
    "vpn-group": block(
      { name: text("The group.", 64), weight: whole(0, 65535, "0 = none.", 0) },
      "VPN group (ScreenOS).",
      ["name"],
    ),
    "backup-of": block(
      {
        tunnel: name("The tunnel that it stands in for."),
        "take-over-after": whole(0, DAY, "Seconds that the other has been down.", 10),
        "return-after": whole(0, DAY, "Seconds that the other has been up again.", 60),
      },
      "Backup tunnel.",
      ["tunnel"],
    ),
    "fail-closed": flag(true, "What it protects never leaves in clear, whatever dies."),
    "path-mtu": whole(576, 65535, "Of the path between the gateways, octets.", 1500),
    "clamp-mss": flag(true, "TCP is told what fits."),
    "classical-fallback": flag(
      false,
      "A proposal with a post-quantum key exchange may fall back to a classical one.",
    ),
    "opt-ins": list(
      block(
        {
          finding: text("Code of the weakness: `cipher-3des`.", 64),
          owner: text("Who answers for it.", 100),
          expires: {
            type: "string",
            pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            description: 'Its last day, in quotes: `"2026-12-31"`.',
          },
          reason: text("Why."),
        },
        "An opt-in.",
        ["finding", "owner", "expires"],
      ),
      "Weaknesses that somebody answers for, until a day.",
    ),
  },
  "A tunnel.",
  ["name", "ends"],
);

export const ipsecTunnelsSchema: SchemaNode = list(
  tunnel,
  "Tunnels, each defined once with its two ends.",
);
