/** The `ipsec` block: profiles, forms of proposals, references, and the three examples. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkModel } from "../../src/ipsec/check/index.js";
import {
  formatEspName,
  formatIkeName,
  formatIkeSuite,
  formatTransforms,
  sideOf,
} from "../../src/ipsec/model/index.js";
import type { IpsecSettings } from "../../src/ipsec/settings.js";
import { errorsOf, settingsOf } from "./lib/check.js";

const HEAD = `as: 65000
router-id: 10.0.0.254
peers: [{address: 10.0.0.1}]
restart: {state-dir: /var/lib/evpnd}
`;

const GATEWAYS = `
  sites:
    - name: one
      gateways:
        - {name: a, vendor: strongswan, address: 192.0.2.1, interfaces: [{name: eth0, zone: Untrust}, {name: tun0, zone: Untrust, type: tunnel, unnumbered: eth0}]}
        - {name: b, vendor: screenos, address: 198.51.100.1, interfaces: [{name: eth0, zone: Untrust}, {name: tun0, zone: Untrust, type: tunnel, unnumbered: eth0}]}
`;

const tunnelText = (more: string, first = "", second = "") => `${HEAD}ipsec:${GATEWAYS}
  tunnels:
    - name: t
      ends:
        - {gateway: a, interface: eth0, bind: tun0, networks: [10.1.0.5/16]${first}}
        - {gateway: b, interface: eth0, bind: tun0, networks: [10.2.0.0/16]${second}}
      ${more}
`;

function ipsec(text: string): IpsecSettings {
  const { ipsec: settings } = settingsOf(text);
  if (settings === undefined) throw new Error("there is no ipsec block");
  return settings;
}

const only = (text: string) => ipsec(text).model.tunnels[0]!;
const example = (name: string) => ipsec(readFileSync(`conf/${name}.yaml`, "utf8"));

test("without the block there is no IPsec", () => {
  expect(settingsOf(HEAD).ipsec).toBeUndefined();
});

test("IPS-80: a tunnel that says nothing is modern", () => {
  const made = only(tunnelText("psk: key"));
  expect(made).toMatchObject({ profile: "modern", kind: "route-based", failClosed: true });
  expect(made.ike.proposals.map(formatIkeSuite)[0]).toBe("aes256gcm16-prfsha384-curve25519");
  expect(made.optIns).toEqual([]);
  expect(made.ends[0].networks).toEqual(["10.1.0.0/16"]);
});

test("IPS-54: a changed file waits for an install unless told otherwise", () => {
  expect(ipsec(tunnelText("psk: key"))).toMatchObject({
    install: "manual",
    local: undefined,
    viciSocket: "/var/run/charon.vici",
    secrets: { file: "/var/lib/evpnd/ipsec/secrets", keyFile: undefined },
  });
  const more = tunnelText("psk: key").replace(
    "ipsec:",
    "ipsec:\n  install: automatic\n  local: a\n  secrets: {file: s, key-file: /k}",
  );
  expect(ipsec(more)).toMatchObject({
    install: "automatic",
    local: "a",
    secrets: { file: "/etc/evpnd/s", keyFile: "/k" },
  });
});

describe("proposals", () => {
  test("IPS-11, IPS-15: ScreenOS names", () => {
    const text =
      "psk: key\n      ike: {version: 1, proposals: [pre-g2-aes128-sha]}\n      esp: {proposals: [g2-esp-aes128-sha]}";
    const { ike, child } = only(tunnelText(text));
    expect(ike.proposals.map(formatIkeName)).toEqual(["pre-g2-aes128-sha"]);
    expect(child.proposals.map(formatEspName)).toEqual(["g2-esp-aes128-sha"]);
  });

  test("IPS-10: a ScreenOS level is its list", () => {
    const text =
      "psk: key\n      ike: {version: 1, proposals: [compatible]}\n      esp: {proposals: [standard]}";
    const { ike, child } = only(tunnelText(text));
    expect(ike.proposals).toHaveLength(4);
    expect(child.proposals.map(formatEspName)).toEqual(["g2-esp-3des-sha", "g2-esp-aes128-sha"]);
  });

  test("IPS-46, IPS-49: transforms, and IKE policies with a number and lifetime each", () => {
    const text = `psk: key
      ike:
        version: 1
        lifetime: 86400
        proposals: [{number: 1, proposal: pre-g2-3des-md5}, {number: 20, proposal: pre-g2-des-md5, lifetime: 3600}]
      esp: {proposals: [esp-3des esp-md5-hmac], pfs: modp1024}`;
    const { ike, child } = only(tunnelText(text));
    expect(ike.proposals).toMatchObject([
      { number: 1, encryption: "3des", lifetimeSeconds: 86_400 },
      { number: 20, encryption: "des", lifetimeSeconds: 3600 },
    ]);
    expect(child.proposals.map(formatTransforms)).toEqual(["esp-3des esp-md5-hmac"]);
    expect(child.proposals[0]?.pfs).toBe("modp1024");
  });

  test.each([
    ["ike: {proposals: [aes256]}", '"aes256" is not a phase-1 proposal'],
    ["esp: {proposals: [what]}", '"what" is not a phase-2 proposal'],
    ["esp: {pfs: modp1}", '"modp1" is not a group'],
    ["ike: {version: 1, proposals: [rsa-g2-aes128-sha]}", "authenticates in another way"],
  ])("%s is refused", (text, words) => {
    expect(errorsOf(tunnelText(`psk: key\n      ${text}`)).join()).toContain(words);
  });
});

test.each([
  ["", "nothing says how the ends authenticate"],
  ["psk: key\n      certificates: []", "psk and certificates both stand here"],
  ["certificates: [{certificate: c, private-key: k}]", "there are not two"],
  ["psk: key\n      profile: modrn", '"modrn" is not known'],
  [
    "psk: key\n      opt-ins: [{finding: cipher-4des, owner: me, expires: 2030-01-01}]",
    "no weakness",
  ],
  ["psk: key\n      opt-ins: [{finding: ikev1, owner: me, expires: 2030-13-01}]", "is no day"],
  ["psk: key\n      opt-ins: [{finding: ikev1, owner: me, expires: soon}]", 'write "2026-12-31"'],
  ["psk: key\n      kind: policy-based", "a policy-based tunnel is bound"],
  ["psk: key\n      backup-of: {tunnel: t}", "stand in for each other"],
])("%j is refused: %s", (text, words) => {
  expect(errorsOf(tunnelText(text === "" ? "enabled: true" : text)).join("\n")).toContain(words);
});

test("what stands where is told by line", () => {
  const [line] = errorsOf(tunnelText("psk: key").replace("gateway: b", "gateway: x"));
  expect(line).toMatch(/^x\.yaml:\d+:\d+: ipsec\.tunnels\[0\]: the gateway "x" is not there/);
  const [zone] = errorsOf(tunnelText("psk: key").replace("zone: Untrust", "zone: Outer"));
  expect(zone).toContain(
    "ipsec.sites[0].gateways[0]: interface eth0 is in a zone that is not there",
  );
});

test.each([
  ["address: 192.0.2.1", "", "nothing says where its peer finds it"],
  ["address: 192.0.2.1", "address: 192.0.2.1, host: gw", "several words"],
])("IPS-09: a gateway is found in one way: %s becomes %j", (from, to, words) => {
  const text = tunnelText("psk: key").replace(`${from},`, to === "" ? "" : `${to},`);
  expect(errorsOf(text).join()).toContain(words);
});

test("evpnd drives a strongSwan, or nothing", () => {
  const text = tunnelText("psk: key").replace("ipsec:", "ipsec:\n  local: b");
  expect(errorsOf(text).join()).toContain('"b" is no strongSwan');
});

test("secrets need a place", () => {
  const text = tunnelText("psk: key").replace(/restart:.*\n/, "");
  expect(errorsOf(text).join()).toContain("nothing says where secrets are to be kept");
});

test("an end that differs takes the definition and what it says itself", () => {
  const override =
    ", override: {ike: {detection: {kind: heartbeat, hello: 5}}, esp: {lifetime: 60}}";
  const settings = ipsec(tunnelText("psk: key", override));
  const made = settings.model.tunnels[0]!;
  const [a, b] = [sideOf(settings.model, made, 0)!, sideOf(settings.model, made, 1)!];
  expect(a.ike.detection).toEqual({ kind: "heartbeat", helloSeconds: 5, threshold: 5 });
  expect([a.child.lifetimeSeconds, b.child.lifetimeSeconds]).toEqual([60, 3600]);
  expect(b.ike.detection.kind).toBe("dpd");
});

test("IPS-23: an entry that a policy names cannot be taken out", () => {
  const text = readFileSync("conf/ipsec-ssg.yaml", "utf8");
  const without = text.replace(/.*name: HQ-net, prefix: 198.*\n(?=\s+policies)/, "");
  expect(without).not.toBe(text);
  expect(errorsOf(without).join()).toContain(
    'policy 3 names "HQ-net", which the address book of zone Untrust does not have',
  );
});

describe("IPS-64: the examples", () => {
  const now = Date.parse("2026-06-01T00:00:00Z");

  test.each(["ipsec", "ipsec-ssg", "ipsec-pix"])("%s passes the check", (name) => {
    const findings = checkModel(example(name).model, { now });
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("IPS-02: three sites, the third reached through the first", () => {
    const { sites, tunnels, gateways } = example("ipsec-ssg").model;
    expect(sites.map(({ name }) => name)).toEqual(["hq", "branch-2", "branch-7"]);
    expect(tunnels).toHaveLength(1);
    const [hq, branch] = tunnels[0]!.ends;
    // Headquarters' own network and the one of branch 2 behind it.
    expect(hq.networks).toEqual(["198.51.100.0/25", "198.51.100.128/25"]);
    expect(branch.networks).toEqual(["203.0.113.0/24"]);
    expect(gateways[1]?.routes).toMatchObject([
      { prefix: "198.51.100.0/24", interface: "tunnel.1" },
    ]);
  });

  test("IPS-05, IPS-08: interfaces with what is known of them", () => {
    const [hq] = example("ipsec-ssg").model.gateways;
    expect(hq?.interfaces.find(({ name }) => name === "tunnel.1")).toEqual({
      name: "tunnel.1",
      zone: "Untrust",
      type: "tunnel",
      addresses: [],
      unnumbered: "ethernet0/1",
      mode: "route",
      manageable: false,
      mtu: 1438,
      bandwidth: { egressMaximum: 0, egressGuaranteed: 0, ingressMaximum: 0 },
      dnsProxy: false,
      nhrp: false,
    });
  });

  test("IPS-14, IPS-20, IPS-21: names, group and monitor of a VPN", () => {
    const { tunnels } = example("ipsec-ssg").model;
    const [hq, branch] = tunnels[0]!.ends;
    expect(hq.names).toMatchObject({ gateway: "To_Branch", vpn: "To_Branch-VPN" });
    expect(branch.names).toMatchObject({ gateway: "To_HQ", vpn: "To_HQ-VPN", vpnId: 1 });
    expect(hq.monitor).toMatchObject({ optimized: false, rekey: false });
    expect(hq.monitor?.source).toBeUndefined();
    expect(branch.monitor).toBeUndefined();
    expect(tunnels[0]?.group).toBeUndefined();
    const grouped = only(tunnelText("psk: key\n      vpn-group: {name: hubs}"));
    expect(grouped.group).toEqual({ name: "hubs", weight: 0 });
  });

  const partner = () => example("ipsec-pix").model;

  test("IPS-42: the PIX side's addresses and networks", () => {
    const { gateways, tunnels } = partner();
    const [pix] = gateways;
    expect(pix?.interfaces.map(({ name }) => name)).toEqual(["outside", "inside"]);
    expect(sideOf(partner(), tunnels[0]!, 0)?.selectors).toMatchObject([
      { local: "192.168.10.0/24", remote: "10.32.0.0/17" },
    ]);
  });

  test("IPS-45: passing access lists is a switch", () => {
    expect(partner().gateways[0]?.permitIpsec).toBe(true);
    expect(partner().gateways[1]?.permitIpsec).toBe(false);
  });

  test("IPS-47: the entry of the crypto map", () => {
    expect(partner().tunnels[0]?.ends[0].names).toMatchObject({
      cryptoMap: "rtprules",
      sequence: 10,
      accessList: "101",
      transformSet: "rtptac",
    });
  });

  test("IPS-48: IKE per interface; a key is bound to a peer unless told otherwise", () => {
    const { gateways, tunnels } = partner();
    expect(gateways[0]?.ikeInterfaces).toEqual(["outside"]);
    expect(tunnels[0]?.authentication).toMatchObject({ scope: { kind: "peer" } });
    const wider = only(tunnelText("psk: key\n      psk-prefix: 198.51.100.9/24"));
    expect(wider.authentication).toMatchObject({
      scope: { kind: "prefix", prefix: "198.51.100.0/24" },
    });
  });

  test("IPS-51: network and gateway objects of the other side", () => {
    const { objects } = partner().gateways[1]!;
    expect(objects?.networks.map(({ name }) => name)).toEqual(["CP_Inside", "PIXINSIDE"]);
    expect(objects?.gateways).toMatchObject([
      { name: "ciscocp", interoperable: false, vpnDomain: "CP_Inside" },
      { name: "PIX", interoperable: true, vpnDomain: "PIXINSIDE" },
    ]);
    expect(objects?.gateways[0]?.topology.map(({ side }) => side)).toEqual([
      "external",
      "internal",
    ]);
  });

  test("IPS-52: one SA for a pair of subnets, and no aggressive mode", () => {
    const { gateways, tunnels } = partner();
    const keyed = gateways[1]?.objects?.gateways.map((one) => one.subnetKeyExchange);
    expect(keyed).toEqual([true, true]);
    expect(tunnels[0]?.ike.mode).toBe("main");
  });

  test("IPS-53: the encryption rule, at the top", () => {
    const [rule] = partner().gateways[1]!.objects!.rules;
    expect(rule).toEqual({
      name: "to-pix",
      position: 1,
      sources: ["CP_Inside", "PIXINSIDE"],
      destinations: ["CP_Inside", "PIXINSIDE"],
      service: "Any",
      action: "encrypt",
      track: "log",
      peer: "PIX",
    });
  });

  test("IPS-93: a backup through a second hub", () => {
    expect(example("ipsec").model.tunnels[1]).toMatchObject({
      backupOf: { tunnel: "dc1-dc2", takeOverAfterSeconds: 10, returnAfterSeconds: 120 },
      authentication: { kind: "certificate", authorities: ["example-ca"] },
    });
  });
});
