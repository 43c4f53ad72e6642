/**
 * Ten policy rules per peer, for `versus --rules`: five on the way in and five on the way out, as many that
 * look at the route itself as at its attributes. One VNI in a hundred is changed, nothing is rejected.
 */
export const TEN_RULES = `as: 65000
policies:
  from-pe:
    - {name: lab macs, match: {mac: 00:50:56:00:00:00/24}, then: reject}
    - {name: default route, match: {route-type: 5, prefix: 0.0.0.0/0}, then: reject}
    - {name: blackhole, match: {community: blackhole}, then: reject}
    - {name: foreign targets, match: {route-target: "64999:*"}, then: reject}
    - {name: mark one VNI, match: {vni: 10007}, set: {large-community: {add: "65000:7:7"}}, then: accept}
  to-pe:
    - {name: no hosts of the lab, match: {host: 192.168.0.0/16}, then: reject}
    - {name: one RD, match: {rd: "64999:*"}, then: reject}
    - {name: quarantined VNIs, match: {vni: 900-999}, then: reject}
    - {name: kept inside, match: {community: "65000:666"}, then: reject}
    - {name: last choice, match: {large-community: "65000:9:*"}, set: {local-preference: 10}, then: accept}
dynamic-peers:
  - {prefix: 127.0.0.0/8, import-policy: from-pe, export-policy: to-pe}
`;
