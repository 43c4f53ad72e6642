/** ScreenOS text: as a page prints it, and clean; what becomes of each line; and back. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { sideOf } from "../../../src/ipsec/model/index.js";
import { importText } from "../../../src/ipsec/vendors/index.js";
import type { ImportNote } from "../../../src/ipsec/vendors/index.js";
import { named, renderedAgain as rendered } from "./lib/orders.js";

const read = (name: string) => readFileSync(`test/ipsec/fixtures/${name}`, "utf8");
const PRINTED = read("ssg-branch.printed.txt");
const CLEAN = read("ssg-branch.clean.txt");
const take = (text: string) => importText("screenos", text, { gateway: "branch" });
const codes = (notes: readonly ImportNote[]) => notes.map(({ code }) => code);

const printed = take(PRINTED);
const branch = named(printed.model, "branch");
const [tunnel] = printed.model.tunnels;
if (tunnel === undefined) throw new Error("no tunnel");

test("IPS-27: the printed text and its clean form give one model", () => {
  expect(printed.model).toEqual(take(CLEAN).model);
});

test("IPS-27: what is rendered of the printed text is its clean form, and that is its own", () => {
  expect(rendered(printed)).toBe(CLEAN);
  expect(rendered(take(CLEAN))).toBe(CLEAN);
});

test("IPS-01: the tunnel is route-based; what may pass is another object", () => {
  expect(tunnel.kind).toBe("route-based");
  expect(tunnel.ends[0].binding).toEqual({ kind: "interface", interface: "tunnel.1" });
  expect(branch.policies.every(({ action }) => action !== "tunnel")).toBe(true);
});

test("IPS-02: a third site's network lies behind the far end, beside its own", () => {
  expect(tunnel.ends[1].networks).toEqual(["22.1.1.0/24", "30.1.1.0/24"]);
  expect(tunnel.ends[0].networks).toEqual(["77.1.1.0/24"]);
});

test("IPS-05, IPS-91: interfaces with address, zone, type, route mode and management", () => {
  expect(
    branch.interfaces.map(({ name, zone, type, addresses, mode, manageable }) => [
      name,
      zone,
      type,
      addresses,
      mode,
      manageable,
    ]),
  ).toEqual([
    ["ethernet0/0", "Untrust", "layer3", ["10.10.45.1/24"], "route", true],
    ["ethernet0/1", "Null", "layer3", ["77.1.1.254/24"], "route", true],
    ["tunnel.1", "Untrust", "tunnel", [], "route", false],
  ]);
});

test("IPS-06, IPS-07: the tunnel interface is in Untrust and borrows its address", () => {
  const found = branch.interfaces.find(({ name }) => name === "tunnel.1");
  expect(found).toMatchObject({ zone: "Untrust", unnumbered: "ethernet0/0", addresses: [] });
});

test("IPS-08: bandwidths, MTU, DNS proxy and NHRP of an interface, there and back", () => {
  const text =
    'set interface "tunnel.2" zone "Untrust"\n' +
    "set interface tunnel.2 ip 192.0.2.1/30\n" +
    "set interface tunnel.2 mtu 1400\n" +
    "set interface tunnel.2 bandwidth egress gbw 100 mbw 2000 ingress mbw 3000\n" +
    "set interface tunnel.2 proxy dns\n" +
    "set interface tunnel.2 protocol nhrp enable\n";
  const imported = take(text);
  const [found] = named(imported.model, "branch").interfaces;
  expect(found).toMatchObject({
    mtu: 1400,
    addresses: ["192.0.2.1/30"],
    bandwidth: { egressMaximum: 2000, egressGuaranteed: 100, ingressMaximum: 3000 },
    dnsProxy: true,
    nhrp: true,
  });
  expect(found?.unnumbered).toBeUndefined();
  expect(rendered(imported)).toBe(text);
  expect(branch.interfaces.every(({ bandwidth }) => bandwidth.egressMaximum === 0)).toBe(true);
});

test("IPS-09, IPS-10: the far gateway by its address, which is its identity; the key by name", () => {
  const far = named(printed.model, "HQ");
  expect(far.reach).toEqual({ kind: "static", address: "10.10.30.1" });
  const side = sideOf(printed.model, tunnel, 0);
  expect(side?.remote.identity).toEqual({ kind: "address", value: "10.10.30.1" });
  expect(side?.outgoingInterface).toBe("ethernet0/0");
  expect(side?.names.gateway).toBe("To_HQ");
  expect(tunnel.authentication).toMatchObject({ kind: "psk", secret: "To_HQ-VPN" });
});

test("IPS-11, IPS-12, IPS-13: phase 1 is pre-g2-aes128-sha in main mode; extras are off", () => {
  expect(tunnel.ike).toMatchObject({
    version: 1,
    mode: "main",
    detection: { kind: "none" },
    nat: { enabled: false, udpChecksum: false, keepaliveSeconds: 0 },
  });
  expect(tunnel.ike.proposals).toMatchObject([
    {
      authentication: "psk",
      encryption: "aes128",
      integrity: "sha1",
      group: "modp1024",
      lifetimeSeconds: 28_800,
    },
  ]);
});

test("IPS-14, IPS-15, IPS-16, IPS-17, IPS-18, IPS-22: the VPN", () => {
  expect(tunnel.name).toBe("To_HQ-VPN");
  expect(tunnel.ends[0].names.vpnId).toBe(1);
  expect(tunnel.child).toMatchObject({
    mode: "tunnel",
    replayWindow: 0,
    idleSeconds: 0,
    lifetimeSeconds: 3600,
    lifetimeKilobytes: 0,
    proposals: [{ encryption: "aes128", integrity: "sha1", pfs: "modp1024", protocol: "esp" }],
  });
});

test("IPS-23, IPS-26: address book and policies, in order, one with two sources", () => {
  expect(branch.addressBook).toEqual([
    { zone: "Trust", name: "Branch-7 net", prefix: "77.1.1.0/24" },
    { zone: "Untrust", name: "Branch-2", prefix: "22.1.1.0/24" },
    { zone: "Untrust", name: "HQ-net", prefix: "30.1.1.0/24" },
  ]);
  expect(
    branch.policies.map(({ id, from, to, sources, action, log }) => [
      id,
      from,
      to,
      sources,
      action,
      log,
    ]),
  ).toEqual([
    [3, "Untrust", "Trust", ["Branch-2", "HQ-net"], "permit", true],
    [1, "Trust", "Untrust", ["Any"], "permit", true],
    [4, "Untrust", "Trust", ["Any"], "deny", true],
    [5, "Trust", "Untrust", ["Any"], "deny", true],
  ]);
});

describe("IPS-75: what a reader of the printed text trips over is said", () => {
  const at = (code: string) => printed.notes.filter((note) => note.code === code);
  test("a name of two words without quotes", () => {
    expect(at("form")).toMatchObject([{ severity: "warning", from: 26, to: 26 }]);
    expect(at("form")[0]?.message).toContain('"Branch-7 net" has 2 words and wants quotes');
  });
  test("wrapped lines", () => {
    expect(at("wrapped").map(({ from, to }) => [from, to])).toEqual([
      [18, 19],
      [20, 21],
    ]);
  });
  test("an exit that leaves nothing", () => {
    expect(at("lone-exit").map(({ from }) => from)).toEqual([39, 41, 43]);
  });
  test("an address in zone Null, and policies of a zone with no interface", () => {
    expect(at("zone-null")[0]?.message).toContain("ethernet0/1 has the address 77.1.1.254/24");
    expect(at("zone-empty")[0]?.message).toContain("zone Trust");
  });
  test("the key in clear, which no note shows", () => {
    expect(at("key-in-clear")).toHaveLength(1);
    expect(JSON.stringify(printed.notes)).not.toContain("MySecretKey");
    expect(printed.secrets).toEqual([{ name: "To_HQ-VPN", value: "MySecretKey", from: 18 }]);
  });
  test("nothing else", () => {
    expect(new Set(codes(printed.notes))).toEqual(
      new Set(["wrapped", "form", "lone-exit", "key-in-clear", "zone-null", "zone-empty"]),
    );
  });
});

describe("IPS-76: no line is dropped in silence", () => {
  test("a command in a comment is taken behind prose, left out behind the mark, and said", () => {
    const { notes, model } = take(
      '# the outside port. set interface "ethernet0/0" zone "Untrust"\n' +
        '# set interface "ethernet0/1" zone "Trust"\n' +
        "#--- now. set interface ethernet0/0 ip nonsense\n" +
        "# just words about a set of interfaces\n",
    );
    expect(codes(notes)).toEqual(["hidden-command", "hidden-left", "hidden-suspect"]);
    expect(notes.map(({ severity }) => severity)).toEqual(["warning", "warning", "warning"]);
    expect(named(model, "branch").interfaces.map(({ name }) => name)).toEqual(["ethernet0/0"]);
  });
  test("and left out altogether when asked", () => {
    const { model, notes } = importText(
      "screenos",
      '# outside. set interface "ethernet0/0" zone "Untrust"',
      { hidden: "leave" },
    );
    expect(codes(notes)).toEqual(["hidden-left"]);
    expect(model.gateways[0]?.interfaces).toEqual([]);
  });
  test("commands of other matters are kept, and rendered again", () => {
    const text =
      'set admin name "root"\nset clock timezone 1\n' +
      'set interface "ethernet0/0" zone "Untrust"\nset interface ethernet0/0 ip 192.0.2.1/24\n' +
      "set interface ethernet0/0 route\n";
    const imported = take(text);
    expect(codes(imported.notes)).toEqual(["kept", "kept"]);
    expect(rendered(imported)).toBe(text);
  });
  test("what stands in a policy's context keeps it", () => {
    const imported = take(
      'set policy id 1 from "Trust" to "Untrust" "Any" "Any" "ANY" permit\n' +
        "set policy id 1\nset log session-init\nexit\n",
    );
    expect(imported.kept).toEqual(["set policy id 1\nset log session-init\nexit"]);
    expect(rendered(imported)).toContain("set policy id 1\nset log session-init\nexit\n");
  });
  test.each([
    ['set vpn "A" gateway "B" proposal "g2-esp-aes128-sha"', "unknown-name"],
    ['set vpn "A" bind interface tunnel.1', "unknown-name"],
    ['set ike gateway "B" address 192.0.2.1 Sideways', "unreadable"],
    ['set ike gateway "B address 192.0.2.1', "unreadable"],
    ["set address Trust", "unreadable"],
    ["set address Trust x 192.0.2.0 255.0.255.0", "unreadable"],
    ["set src-address HQ-net", "no-policy"],
    ["set interface ethernet0/0 ip 192.0.2.300/24", "unreadable"],
    [
      'set ike gateway "B" address 192.0.2.1 proposal "pre-g99-aes128-sha"\n' +
        'set vpn "V" gateway "B" proposal "g2-esp-aes128-sha"',
      "proposal",
    ],
    ["words of a page", "stray"],
  ])("%s: %s", (line, code) => {
    const { notes } = take(line);
    const note = notes.find((one) => one.code === code);
    expect(note).toMatchObject({ severity: "error", from: 1 });
    expect(note?.remedy).not.toBe("");
  });
  test("words of a page behind a command do not spoil it", () => {
    const { notes, model } = take('set interface "e1" zone "Trust"\nThen press the button.\n');
    expect(named(model, "branch").interfaces[0]?.zone).toBe("Trust");
    expect(notes).toMatchObject([{ code: "stray", from: 2 }]);
  });
  test("a name that is nearly right is suggested", () => {
    const { notes } = take(
      'set ike gateway "To_HQ" address 192.0.2.1 preshare "<secret:k>" proposal "pre-g2-aes128-sha"\n' +
        'set vpn "V" gateway "ToHQ" proposal "g2-esp-aes128-sha"\n',
    );
    expect(notes.find(({ code }) => code === "unknown-name")?.remedy).toBe("did you mean To_HQ?");
  });
});

test("a part of a key that stands unquoted is in no note", () => {
  const { notes, kept } = take(
    'set ike gateway "B" address 192.0.2.1 preshare my Zweig7secret proposal "pre-g2-aes128-sha"\n' +
      'set admin password "Zweig7secret"\n',
  );
  expect(JSON.stringify([notes, kept])).not.toContain("Zweig7");
});

describe("more of a gateway and a VPN, there and back", () => {
  const base = (more: string) =>
    'set interface "e0" zone "Untrust"\nset interface e0 ip 192.0.2.9/24\nset interface e0 route\n' +
    'set interface "tunnel.1" zone "Untrust"\n' +
    more;
  const gateway = (remote: string, rest = "Main") =>
    `set ike gateway "G" ${remote} ${rest} outgoing-interface "e0" preshare "<secret:k>" proposal "pre-g2-aes128-sha"\n`;
  const VPN = 'set vpn "V" gateway "G" no-replay tunnel idletime 0 proposal "g2-esp-aes128-sha"\n';
  test.each([
    ["IPS-09: a host name", gateway("address gw.example.net") + VPN],
    ["IPS-09: an identity of its own", gateway('address 192.0.2.1 id "gw.example.net"') + VPN],
    ["IPS-09: any address with a peer id", gateway('dynamic "branch.example.net"') + VPN],
    ["IPS-09: a dial-up user", gateway('dialup "anna@example.net"') + VPN],
    ["IPS-10: a local id", gateway("address 192.0.2.1", 'Main local-id "me.example.net"') + VPN],
    [
      "IPS-10: four proposals",
      gateway("address 192.0.2.1").replace(
        /proposal .*/,
        'proposal "pre-g2-aes128-sha" "pre-g2-3des-sha" "pre-g2-3des-md5" "pre-g1-des-md5"',
      ) + VPN,
    ],
    ["IPS-12: aggressive mode", gateway("address 192.0.2.1", "Aggressive") + VPN],
    [
      "IPS-13: NAT traversal with checksum and keepalive",
      gateway("address 192.0.2.1") +
        'set ike gateway "G" nat-traversal\nset ike gateway "G" nat-traversal udp-checksum\n' +
        'set ike gateway "G" nat-traversal keepalive-frequency 5\n' +
        VPN,
    ],
    [
      "IPS-13: a heartbeat",
      gateway("address 192.0.2.1") + 'set ike gateway "G" heartbeat hello 10\n' + VPN,
    ],
    [
      "IPS-13: dead peer detection",
      gateway("address 192.0.2.1") +
        'set ike gateway "G" dpd interval 10\nset ike gateway "G" dpd retry 3\n' +
        VPN,
    ],
    [
      "IPS-16: replay protection",
      gateway("address 192.0.2.1") + VPN.replace("no-replay", "replay"),
    ],
    [
      "IPS-17: transport mode",
      gateway("address 192.0.2.1") + VPN.replace(" tunnel ", " transport "),
    ],
    [
      "IPS-18: bound to a zone",
      gateway("address 192.0.2.1") + VPN + 'set vpn "V" bind zone "Untrust"\n',
    ],
    [
      "IPS-19: a proxy-id",
      gateway("address 192.0.2.1") +
        VPN +
        'set vpn "V" id 7 bind interface tunnel.1\n' +
        'set vpn "V" proxy-id local-ip 10.1.0.0/16 remote-ip 10.2.0.0/16 "ANY"\n',
    ],
    [
      "IPS-20: a VPN group with weight",
      gateway("address 192.0.2.1") + VPN + 'set vpn-group id 3 vpn "V" weight 10\n',
    ],
    [
      "IPS-21: a monitor",
      gateway("address 192.0.2.1") +
        VPN +
        'set vpn "V" monitor source-interface e0 destination-ip 10.2.0.1 optimized rekey\n',
    ],
    [
      "IPS-24: a policy that is off, and services",
      'set address "Trust" "a" 10.0.0.0 255.0.0.0\n' +
        'set policy id 9 name "mail" from "Trust" to "Untrust" "a" "Any" "SMTP" deny\n' +
        "set policy id 9 disable\nset policy id 9\n" +
        'set service "HTTP"\nexit\n',
    ],
    [
      "a policy into a tunnel",
      gateway("address 192.0.2.1") +
        VPN +
        'set address "Trust" "a" 10.1.0.0 255.255.0.0\nset address "Untrust" "b" 10.2.0.0 255.255.0.0\n' +
        'set policy id 1 from "Trust" to "Untrust" "a" "b" "ANY" tunnel vpn "V"\n',
    ],
    [
      "proposals of one's own",
      'set ike p1-proposal "p1-pre-g5-aes256-sha-7200" preshare group5 esp aes256 sha-1 second 7200\n' +
        'set ike p2-proposal "p2-nopfs-esp-aes256-sha2-256-1800-1000" no-pfs esp aes256 sha2-256 second 1800 kbyte 1000\n' +
        gateway("address 192.0.2.1").replace("pre-g2-aes128-sha", "p1-pre-g5-aes256-sha-7200") +
        VPN.replace("g2-esp-aes128-sha", "p2-nopfs-esp-aes256-sha2-256-1800-1000"),
    ],
    [
      "routes",
      "set route 10.2.0.0/16 interface tunnel.1\nset route 0.0.0.0/0 interface e0 gateway 192.0.2.254\n",
    ],
  ])("%s", (_name, text) => {
    const whole = base(text);
    const imported = take(whole);
    expect(imported.notes.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(rendered(imported)).toBe(whole);
    expect(take(rendered(imported)).model).toEqual(imported.model);
  });
  test("IPS-10: a security level is what it stands for", () => {
    const text = gateway("address 192.0.2.1").replace(/proposal .*/, "sec-level standard");
    const { model } = take(base(text + VPN.replace(/proposal .*/, "sec-level standard")));
    expect(model.tunnels[0]?.ike.proposals.map(({ encryption }) => encryption)).toEqual([
      "3des",
      "aes128",
    ]);
    expect(model.tunnels[0]?.child.proposals).toHaveLength(2);
  });
});
