/** "Did you mean": the nearest known word, or the list of known ones. */
import { closest, distance } from "fastest-levenshtein";

/** What other routers call our keys and values. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  neighbor: "peers",
  neighbors: "peers",
  neighbours: "peers",
  "remote-as": "peer-as",
  "local-as": "as",
  asn: "as",
  "route-reflector-client": "client",
  "rr-client": "client",
  "listen-range": "dynamic-peers",
  "dynamic-neighbors": "dynamic-peers",
  groups: "peer-groups",
  "peer-group": "group",
  "ttl-security": "ttl-security-hops",
  "ebgp-multihop": "ttl",
  "update-source": "local-address",
  holdtime: "hold-time",
  "afi-safis": "families",
  family: "families",
  "max-prefix": "prefix-limit",
  "maximum-prefix": "prefix-limit",
  "md5-key": "password-file",
  "auth-password": "password-file",
  api: "http",
  logging: "log",
  evpn: "l2vpn-evpn",
  ipv4: "ipv4-unicast",
  ipv6: "ipv6-unicast",
  vpnv4: "ipv4-vpn",
  vpnv6: "ipv6-vpn",
  "inet-vpn": "ipv4-vpn",
  "inet6-vpn": "ipv6-vpn",
  "l3vpn-ipv4-unicast": "ipv4-vpn",
  "l3vpn-ipv6-unicast": "ipv6-vpn",
  rtc: "route-target",
  rtfilter: "route-target",
  warning: "warn",
  trace: "debug",
};

export function suggest(word: string, known: readonly string[], what: "key" | "value"): string {
  const plain = word.toLowerCase().replaceAll("_", "-");
  if (known.includes(`${plain}s`)) return `did you mean "${plain}s"?`;
  const other = OTHER_WORDS[plain];
  if (other !== undefined && known.includes(other)) return `did you mean "${other}"?`;
  if (known.length > 0) {
    const near = closest(plain, [...known]);
    if (distance(plain, near) <= Math.max(2, Math.floor(near.length / 3))) {
      return `did you mean "${near}"?`;
    }
  }
  if (known.length <= 8) return `use one of: ${known.join(", ")}`;
  return `remove it; the ${what}s known here are in docs/configuration.md`;
}
