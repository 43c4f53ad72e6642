/** Every kind of fault: file, line, path and remedy, all at once, and never a secret. */
import { describe, expect, test } from "vitest";
import { errorsOf } from "./lib/check.js";

const CASES: readonly (readonly [string, string, string])[] = [
  [
    "unknown key",
    "as: 1\nlissen: []\n",
    'x.yaml:2:1: lissen: unknown key "lissen"; did you mean "listen"?',
  ],
  [
    "underscores",
    "as: 1\nrouter_id: 1.1.1.1\n",
    'x.yaml:2:1: router_id: unknown key "router_id"; did you mean "router-id"?',
  ],
  [
    "another router's word",
    "as: 1\nneighbors: []\n",
    'x.yaml:2:1: neighbors: unknown key "neighbors"; did you mean "peers"?',
  ],
  [
    "unknown key in a peer",
    "as: 1\npeers:\n  - address: 10.0.0.1\n    remote-as: 2\n",
    'x.yaml:4:5: peers[0].remote-as: unknown key "remote-as"; did you mean "peer-as"?',
  ],
  [
    "another level's key, but for one letter",
    "as: 1\npeer-group: {}\n",
    'x.yaml:2:1: peer-group: unknown key "peer-group"; did you mean "peer-groups"?',
  ],
  [
    "no likeness",
    "as: 1\nzzzzzzzzzz: 1\n",
    'x.yaml:2:1: zzzzzzzzzz: unknown key "zzzzzzzzzz"; remove it; the keys known here are in docs/configuration.md',
  ],
  ["missing key", "router-id: 1.1.1.1\n", 'x.yaml:1:1: "as" is missing; add "as": own AS number'],
  [
    "text for a number",
    "as: sixty\n",
    'x.yaml:1:5: as: "sixty" is not a whole number; write the number without quotes or units',
  ],
  [
    "number for a text",
    "as: 1\nrouter-id: 5\n",
    'x.yaml:2:12: router-id: 5 is not a text; put it in quotes: "5"',
  ],
  [
    "one for a list",
    "as: 1\nlisten: 127.0.0.1:179\n",
    'x.yaml:2:9: listen: "127.0.0.1:179" is not a list; write a list: [127.0.0.1:179]',
  ],
  ["AS 0", "as: 0\n", "x.yaml:1:5: as: 0 is out of range; use 1 to 4294967295"],
  [
    "router id",
    "as: 1\nrouter-id: 0.0.0.0\n",
    'x.yaml:2:12: router-id: "0.0.0.0" is not usable here; write a dotted quad other than 0.0.0.0, for example 10.0.0.1',
  ],
  [
    "endpoint",
    'as: 1\nrouter-id: 1.1.1.1\nlisten: ["10.0.0.1"]\n',
    'x.yaml:3:10: listen[0]: "10.0.0.1" is not usable here; write ADDRESS:PORT, for example 10.0.0.1:179 or [2001:db8::1]:179',
  ],
  [
    "family",
    "as: 1\npeers: [{address: 10.0.0.1, families: [evpn]}]\n",
    'x.yaml:2:40: peers[0].families[0]: "evpn" is not known; did you mean "l2vpn-evpn"?',
  ],
  [
    "boolean",
    "as: 1\npeers: [{address: 10.0.0.1, client: yes}]\n",
    'x.yaml:2:37: peers[0].client: "yes" is not true or false; write true or false',
  ],
  [
    "hold time",
    "as: 1\nrouter-id: 1.1.1.1\npeers: [{address: 10.0.0.1, hold-time: 2}]\n",
    "x.yaml:3:40: peers[0].hold-time: a hold time of 2 seconds is not allowed (RFC 4271 section 4.2); use 0 (off) or 3 to 65535",
  ],
  [
    "host bits",
    "as: 1\nrouter-id: 1.1.1.1\ndynamic-peers: [{prefix: 10.0.0.1/8}]\n",
    "x.yaml:3:26: dynamic-peers[0].prefix: 10.0.0.1/8 has bits set beyond its length; write 10.0.0.0/8, or a longer length",
  ],
  [
    "zone",
    "as: 1\npeers: [{address: fe80::1%eth0}]\n",
    'x.yaml:2:19: peers[0].address: "fe80::1%eth0" is not usable here; write an IPv4 or IPv6 address, for example 10.0.0.1 or 2001:db8::1',
  ],
  [
    "same peer twice",
    "as: 1\nrouter-id: 1.1.1.1\npeers:\n  - address: 2001:db8::1\n  - address: 2001:DB8:0::1\n",
    "x.yaml:5:14: peers[1].address: 2001:DB8:0::1 stands here twice; first at x.yaml:4; keep one",
  ],
  [
    "unknown group",
    "as: 1\nrouter-id: 1.1.1.1\npeer-groups: {leaves: {}}\npeers: [{address: 10.0.0.1, group: leafs}]\n",
    'x.yaml:4:36: peers[0].group: there is no peer group "leafs"; did you mean "leaves"?',
  ],
  [
    "group circle",
    "as: 1\nrouter-id: 1.1.1.1\npeer-groups:\n  a: {inherits: b}\n  b: {inherits: b}\n",
    'x.yaml:5:17: peer-groups.b.inherits: group "b" inherits from itself; break the circle',
  ],
  [
    "any for a named peer",
    "as: 1\nrouter-id: 1.1.1.1\npeers: [{address: 10.0.0.1, peer-as: any}]\n",
    'x.yaml:3:38: peers[0].peer-as: "any" is for dynamic peers only; write this peer\'s AS number',
  ],
  [
    "no router id",
    "as: 1\nlisten: ['[::1]:1790']\n",
    'x.yaml:1:1: "router-id" is missing, and no address in "listen" can stand in for it; add router-id: a dotted quad that no other speaker uses',
  ],
  [
    "HTTP beyond loopback",
    "as: 1\nrouter-id: 1.1.1.1\nhttp: {listen: '0.0.0.0:8179'}\n",
    "x.yaml:3:16: http.listen: 0.0.0.0 can be reached from other machines, and whoever does could steer evpnd; listen on 127.0.0.1, or add api.tls and api.clients (docs/api-security.md)",
  ],
  [
    "GTSM and a TTL",
    "as: 1\nrouter-id: 1.1.1.1\npeers: [{address: 10.0.0.1, ttl-security-hops: 1, ttl: 3}]\n",
    "x.yaml:3:56: peers[0].ttl: with ttl-security-hops every packet leaves with TTL 255; remove ttl",
  ],
  [
    "key twice",
    "as: 1\nas: 2\n",
    "x.yaml:2:1: not valid YAML: Map keys must be unique; keep one of them",
  ],
  ["empty file", "# nothing\n", "x.yaml:1:1: the file is empty; start from conf/evpnd.yaml"],
];

describe("a fault says where it is and what to do", () => {
  test.each(CASES)("%s", (_name, text, expected) => {
    expect(errorsOf(text)).toEqual([expected]);
  });

  test("all faults are reported at once, in the order of the file", () => {
    const errors = errorsOf("as: 0\nfoo: 1\npeers:\n  - addres: 10.0.0.1\n    port: 70000\n");
    expect(errors.map((line) => line.split(":")[1])).toEqual(["1", "2", "4", "4", "5"]);
  });

  test("a password of the wrong type is not shown", () => {
    const [error] = errorsOf("as: 1\npeers: [{address: 10.0.0.1, password: 123456}]\n");
    expect(error).toContain("peers[0].password");
    expect(error).not.toContain("123456");
  });
});
