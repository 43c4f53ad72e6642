/** What PIX OS 6.2 can be told of a tunnel, and its words for it. */
import type { Capability } from "../capability.js";

/** Of IKEv1, which ASA took over as they were. */
export const IKEV1_WORDS = {
  ikeCiphers: { des: "des", "3des": "3des", aes128: "aes", aes192: "aes-192", aes256: "aes-256" },
  espCiphers: {
    des: "esp-des",
    "3des": "esp-3des",
    aes128: "esp-aes",
    aes192: "esp-aes-192",
    aes256: "esp-aes-256",
    null: "esp-null",
  },
  integrities: { md5: "md5", sha1: "sha" },
} as const;

export const PIX: Capability = {
  title: "PIX OS",
  versions: [1],
  kinds: ["policy-based"],
  ...IKEV1_WORDS,
  groups: { modp768: "1", modp1024: "2", modp1536: "5" },
  prfApart: false,
  additional: false,
  esn: false,
  ah: true,
  ipv6: false,
  aggressive: false,
  transport: true,
  certificates: false,
  ppk: false,
  dynamicPeers: false,
  selectors: 1000,
  ports: false,
  ranges: false,
  kilobytes: true,
  replayWindows: [64],
  idle: false,
  heartbeat: false,
  dpd: true,
  natForce: false,
  natOff: true,
  mobike: false,
  childless: false,
  reauthentication: false,
  monitor: false,
  mostProposals: 6,
};

/** Of phase 2, unless told otherwise. */
export const PIX_SECONDS = 28_800;
export const PIX_KILOBYTES = 4_608_000;

/** Keepalives are sent again so often before a peer counts as dead. */
export const PIX_RETRIES = 3;
export const PIX_RETRY_SECONDS = 2;

/**
 * Commands in the order in which the gateway shows them, by how they begin; longer beginnings first where one
 * begins another. What is not here stands behind them all.
 */
export const ORDER: readonly string[] = [
  "PIX Version",
  "nameif",
  "enable",
  "passwd",
  "hostname",
  "domain-name",
  "clock",
  "fixup",
  "names",
  "name",
  "object-group",
  "access-list",
  "pager",
  "logging",
  "interface",
  "mtu",
  "ip address",
  "ip audit",
  "ip local",
  "ip",
  "failover",
  "pdm",
  "arp",
  "global",
  "nat",
  "static",
  "alias",
  "access-group",
  "conduit",
  "rip",
  "router",
  "route",
  "timeout",
  "aaa-server",
  "aaa",
  "ntp",
  "http",
  "snmp-server",
  "tftp-server",
  "floodguard",
  "sysopt",
  "crypto ipsec",
  "crypto dynamic-map",
  "crypto map",
  "crypto",
  "isakmp",
  "ca",
  "vpngroup",
  "vpdn",
  "telnet",
  "ssh",
  "management-access",
  "console",
  "dhcpd",
  "username",
  "banner",
  "terminal",
  "Cryptochecksum",
];

/** Where a command stands among the others; `no …` stands where the command would. */
export function rankOf(line: string): number {
  const text = line.replace(/^no /, "");
  if (text.startsWith(":")) return ORDER.length + 1;
  const found = ORDER.findIndex(
    (start) => text === start || text.startsWith(`${start} `) || text.startsWith(`${start}:`),
  );
  return found < 0 ? ORDER.length : found;
}
