/** The configuration of `npm start`: conf/evpnd.yaml is this text, byte for byte. */
export const EMBEDDED_NAME = "built-in default (conf/evpnd.yaml)";

export const EMBEDDED_CONFIG = `# The configuration that evpnd starts with when it is given none: a route reflector for EVPN on
# this machine's loopback. It needs no root and holds no secret. Copy it and change it.
# Every key is described in docs/configuration.md; check a file with: evpnctl config check FILE

as: 65000
router-id: 192.0.2.254 # any dotted quad that no other speaker uses

# BGP's own port, 179, needs root or CAP_NET_BIND_SERVICE; 1790 does not.
listen:
  - 127.0.0.1:1790

# Whoever connects from these addresses, in our own AS, becomes a client of the reflector.
dynamic-peers:
  - prefix: 127.0.0.0/8
    description: anything on this machine
    client: true
    families: [l2vpn-evpn, route-target, ipv4-unicast, ipv6-unicast]

http:
  listen: 127.0.0.1:8179 # for evpnctl, health checks and metrics
`;
