/** A good file: defaults, inheritance, secrets; everything frozen. */
import { describe, expect, test } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { errorsOf, settingsOf, warningsOf } from "./lib/check.js";

const HEAD = "as: 65000\nlisten: [10.0.0.254:179]\n";

describe("defaults", () => {
  const { speaker, http, log } = settingsOf(`${HEAD}peers: [{address: 10.0.0.1}]\n`);
  const [peer] = speaker.peers;

  test("of the speaker", () => {
    expect(speaker.routerId).toBe("10.0.0.254");
    expect(speaker.clusterId).toBe("10.0.0.254");
    expect(speaker.hostName).toBe("lab");
    expect(speaker.softwareVersion).toBe("evpnd/9.9.9");
    expect(http.listen).toEqual({ address: "127.0.0.1", port: 8179 });
    expect(log.level).toBe("info");
  });

  test("of a peer: an iBGP client with EVPN", () => {
    expect(peer).toMatchObject({
      peerAs: 65000,
      client: true,
      families: [Family.Evpn],
      holdTime: 90,
      ttl: 0,
      password: undefined,
      evpnTypesOut: undefined,
      evpnUnknownTypes: false,
      malformedNlri: "drop",
      ebgpAcceptIn: false,
    });
  });

  test("are frozen to the bottom", () => {
    expect(Object.isFrozen(peer?.families)).toBe(true);
    expect(() => Object.assign(speaker, { as: 1 })).toThrow(TypeError);
  });
});

test("a cluster id may be a number", () => {
  expect(settingsOf(`${HEAD}cluster-id: 3232235777\n`).speaker.clusterId).toBe("192.168.1.1");
});

test("families keep one order, whatever the file's", () => {
  const { speaker } = settingsOf(
    `${HEAD}peers: [{address: 10.0.0.1, families: [route-target, l2vpn-evpn, ipv4-unicast]}]\n`,
  );
  expect(speaker.peers[0]?.families).toEqual([Family.Ipv4Unicast, Family.Evpn, Family.RouteTarget]);
});

describe("peer groups", () => {
  const text = `${HEAD}
peer-groups:
  base: {hold-time: 30, prefix-limit: 5, password-file: base.key}
  leaf: {inherits: base, hold-time: 9}
peers:
  - {address: 10.0.0.1, group: leaf}
  - {address: 10.0.0.2, group: leaf, hold-time: 60, password-env: KEY}
dynamic-peers:
  - {prefix: 10.1.0.0/16, group: base, peer-as: any}
`;
  const machine = {
    files: { "/etc/evpnd/base.key": { text: "base secret\nignored\n" } },
    env: { KEY: "nearer secret" },
  };
  const { speaker } = settingsOf(text, machine);

  test("the nearest word wins", () => {
    expect(speaker.peers.map((peer) => peer.holdTime)).toEqual([9, 60]);
    expect(speaker.peers.map((peer) => peer.prefixLimit)).toEqual([5, 5]);
    expect(speaker.peers.map((peer) => peer.group)).toEqual(["leaf", "leaf"]);
  });

  test("one kind of password replaces another", () => {
    expect(speaker.peers.map((peer) => peer.password)).toEqual(["base secret", "nearer secret"]);
  });

  test("a range takes them over too", () => {
    expect(speaker.dynamic[0]).toMatchObject({ prefix: "10.1.0.0/16", holdTime: 30, maxPeers: 0 });
    expect(speaker.dynamic[0]?.peerAs).toBeUndefined();
  });

  test("a fault of a group is reported once, where it stands", () => {
    expect(errorsOf(text, { env: { KEY: "x" } })).toEqual([
      "x.yaml:5:57: peer-groups.base.password-file: /etc/evpnd/base.key cannot be read (ENOENT); " +
        "create it, readable by the user that starts evpnd, with the password in the first line",
    ]);
  });
});

describe("passwords", () => {
  const peer = (option: string) => `${HEAD}peers: [{address: 10.0.0.1, ${option}}]\n`;

  test("in the file are allowed and warned about, without showing them", () => {
    const text = peer("password: hunter2");
    expect(settingsOf(text).speaker.peers[0]?.password).toBe("hunter2");
    const [warning] = warningsOf(text);
    expect(warning).toContain("x.yaml:3:29: warning: peers[0].password");
    expect(warning).not.toContain("hunter2");
  });

  test("in a file that everyone can read are warned about", () => {
    const files = { "/k": { text: "s", mode: 0o644 } };
    expect(warningsOf(peer("password-file: /k"), { files })[0]).toContain("chmod 640 /k");
  });

  test("a missing variable is an error, and a warning in an offline check", () => {
    expect(errorsOf(peer("password-env: NOPE"))[0]).toContain("NOPE is not set");
    expect(warningsOf(peer("password-env: NOPE"), { lenient: true })).toHaveLength(1);
  });

  test("two kinds in one place are an error", () => {
    expect(errorsOf(peer("password: a, password-env: B"), { env: { B: "b" } })).toEqual([
      "x.yaml:3:29: peers[0].password: password-env and password both stand here; keep one",
    ]);
  });

  test("longer than the kernel takes is an error", () => {
    expect(errorsOf(peer("password-env: B"), { env: { B: "b".repeat(81) } })[0]).toContain(
      "at most 80 octets",
    );
  });
});

describe("doubts are warnings", () => {
  test("an eBGP peer that exchanges nothing", () => {
    const text = `${HEAD}peers: [{address: 10.0.0.1, peer-as: 65001}]\n`;
    expect(settingsOf(text).speaker.peers[0]).toMatchObject({ peerAs: 65001, ttl: 1 });
    expect(warningsOf(text)[0]).toContain("RFC 8212");
  });

  test("no peer at all", () => {
    expect(warningsOf(HEAD)[0]).toContain("no peer is configured");
  });
});

test("names by which the API may be addressed; off", () => {
  const text = `${HEAD}http: {listen: "127.0.0.1:8180", allowed-hosts: [rr1]}\n`;
  expect(settingsOf(text).http).toEqual({
    listen: { address: "127.0.0.1", port: 8180 },
    allowedHosts: ["rr1"],
    thread: "worker",
    tls: undefined,
    clients: [],
    grpc: true,
  });
  expect(settingsOf(`${HEAD}http: {listen: off}\n`).http.listen).toBeUndefined();
});
