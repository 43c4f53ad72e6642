/** The `asmn` block and the option `trust`: what is wrong is said before anything starts. */
import { describe, expect, test } from "vitest";
import type { AsmnSettings } from "../../src/asmn/settings.js";
import { formatIssue } from "../../src/config/index.js";
import { check, errorsOf, settingsOf, warningsOf } from "./lib/check.js";

const KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const HEAD = `as: 65000
router-id: 10.0.0.254
restart: {state-dir: /var/lib/evpnd}
`;

interface Blocks {
  readonly secEm?: string;
  readonly gate?: string;
  readonly gateway?: string;
  readonly peer?: string;
  readonly head?: string;
}

const blocksText = ({ secEm, gate, gateway, peer = "", head = HEAD }: Blocks) =>
  `${head}peers: [{address: 10.0.0.1${peer}}]
asmn:
${secEm === undefined ? "" : `  sec-em: {${secEm}}\n`}${gate === undefined ? "" : `  gate: {${gate}}\n`}${
    gateway === undefined ? "" : `  gateway: {${gateway}}\n`
  }`;

const AK = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeoC2dQZkli3KesRs9FoCPhz7+2Gs
YOMGJz5G/W/NbkgE5SXIaEmVA82NIMTSqgoequb1R664+cK39J/CRWoqew==
-----END PUBLIC KEY-----`;
const tpmKey = (rest: string, key = AK) =>
  `tenants: [{name: red}], tpm-keys: [{name: rack-7, tenant: red, vnf: pe, public-key: ${JSON.stringify(key)}, ${rest}}]`;
const TENANTS = `tenants: [{name: red, vnfs: [{name: pe, addresses: [10.0.0.1]}, {name: store}]}]`;
const SOURCE = `sources: [{name: far, address: "10.7.0.1:7203", public-key: "${KEY}", root-keys: ["${KEY}"]}]`;

function asmn(blocks: Blocks): AsmnSettings {
  const { asmn: settings } = settingsOf(blocksText(blocks));
  if (settings === undefined) throw new Error("there is no asmn block");
  return settings;
}

const faults = (blocks: Blocks) => errorsOf(blocksText(blocks)).join("\n");

test("without the block there are no trust checks, and an empty one is told", () => {
  const plain = `${HEAD}peers: [{address: 10.0.0.1}]\n`;
  expect(settingsOf(plain).asmn).toBeUndefined();
  expect(warningsOf(`${plain}asmn: {}\n`).join()).toContain("this block does nothing");
});

describe("the Sec-EM", () => {
  test("ASM-05: a tenant and its VNFs are all it needs: the rest has defaults", () => {
    const { secEm } = asmn({ secEm: TENANTS });
    expect(secEm).toMatchObject({
      listen: [{ address: "127.0.0.1", port: 7201 }],
      feedListen: [],
      stateDirectory: "/var/lib/evpnd/asmn/sec-em",
      rootKeyFile: undefined,
      verdictLifetimeSeconds: 300,
      heartbeatSeconds: 5,
      renewalSeconds: 60,
    });
  });

  test("ASM-30, ASM-32: descriptors come with their Sec-catalog: protocol, port, rate, burst, for a pair", () => {
    const line = `{from: pe, to: store, protocol: tcp, port: 8000-8099, rate: 10Mbit, burst: 64KiB, packet-rate: 50}`;
    const { secEm } = asmn({
      secEm: `tenants: [{name: red, default-action: lower, vnfs: [{name: pe}, {name: store}], catalog: [${line}, {from: "*", to: pe, protocol: icmp}]}]`,
    });
    expect(secEm?.tenants[0]).toMatchObject({
      defaultAction: "lower",
      catalog: [
        {
          ...{ from: "pe", to: "store", protocol: "tcp", port: 8000, portEnd: 8099 },
          ...{ rate: 10_000_000, burst: 65_536, packetRate: 50 },
        },
        { from: "*", to: "pe", protocol: "icmp", port: undefined, rate: undefined },
      ],
    });
  });

  test("ASM-68: TPM keys with their PCRs, and the age that a platform's document may have", () => {
    const pcrs = `pcrs: [{pcr: 0, value: "${KEY}"}, {pcr: 14, value: image}], instance: pe-1`;
    const { secEm } = asmn({ secEm: `${tpmKey(pcrs)}, platform-document-seconds: 60` });
    expect(secEm?.platformDocumentSeconds).toBe(60);
    expect(secEm?.tpmKeys).toEqual([
      {
        ...{ name: "rack-7", tenant: "red", vnf: "pe", instance: "pe-1", image: undefined },
        publicKey: AK,
        pcrs: [
          { pcr: 0, value: KEY },
          { pcr: 14, value: "image" },
        ],
      },
    ]);
    const demands = asmn({
      secEm: "tenants: [{name: red, vnfs: [{name: a, root-of-trust: tpm}]}]",
    });
    expect(demands.secEm?.tenants[0]?.vnfs[0]?.rootOfTrust).toBe("tpm");
  });

  test("ASM-36: alarms: volume in a window, and a time of day", () => {
    const alarm = `{name: night, from: store, volume: 2GiB, window-seconds: 600, between: "02:00-05:00"}`;
    const { secEm } = asmn({
      secEm: `tenants: [{name: red, vnfs: [{name: store}], alarms: [${alarm}]}]`,
    });
    expect(secEm?.tenants[0]?.alarms).toEqual([
      {
        ...{ name: "night", from: "store", to: undefined, octets: 2 ** 31, windowSeconds: 600 },
        between: { start: "02:00", end: "05:00" },
      },
    ]);
    expect(
      faults({
        secEm: `tenants: [{name: red, alarms: [{name: a, from: x, volume: 1GiB, between: "2-5"}]}]`,
      }),
    ).toContain('write "02:00-05:00", in quotes');
  });

  const catalog = (line: string) =>
    `tenants: [{name: red, vnfs: [{name: pe}, {name: store}], catalog: [${line}]}]`;
  test.each([
    [
      "a VNF that is not there",
      catalog("{from: pe, to: stor, protocol: udp}"),
      'did you mean "store"?',
    ],
    [
      "ports of icmp",
      catalog("{from: pe, to: store, protocol: icmp, port: 7}"),
      "icmp has no ports",
    ],
    [
      "a range upside down",
      catalog("{from: pe, to: pe, protocol: tcp, port: 9-8}"),
      "9-8 is no range",
    ],
    ["a burst alone", catalog("{from: pe, to: pe, protocol: tcp, burst: 1KiB}"), "add a rate"],
    [
      "a rate without unit",
      catalog("{from: pe, to: pe, protocol: tcp, rate: 10M}"),
      "write 500kbit, 10Mbit or 1Gbit",
    ],
    ["two tenants of a name", "tenants: [{name: red}, {name: red}]", '"red" stands here twice'],
    [
      "one address of two VNFs",
      "tenants: [{name: red, vnfs: [{name: a, addresses: [10.0.0.1]}, {name: b, addresses: [10.0.0.1]}]}]",
      "give each VNF addresses of its own",
    ],
    ["renewals that come too late", "renewal-seconds: 300", "renew at least twice within"],
    ["an overlap that is too short", "key-overlap-seconds: 60", "no shorter than verdict-lifetime"],
    [
      "nobody to vouch",
      "tenants: [{name: red, vnfs: [{name: a, root-of-trust: platform}]}]",
      "add platform-keys",
    ],
    [
      "a TPM of nobody's",
      tpmKey("pcrs: [{pcr: 0, value: image}]").replace("tenant: red", "tenant: rad"),
      'did you mean "red"',
    ],
    [
      "a TPM key that is none",
      tpmKey("pcrs: [{pcr: 0, value: image}]", "x"),
      "no public key in PEM",
    ],
    ["a quote of nothing", tpmKey("pcrs: []"), "it is empty"],
    ["a PCR that anybody sets", tpmKey("pcrs: [{pcr: 16, value: image}]"), "can be set back"],
    [
      "a PCR twice",
      tpmKey(`pcrs: [{pcr: 0, value: image}, {pcr: 0, value: "${KEY}"}]`),
      "PCR 0 stands here twice",
    ],
    ["a PCR's value", tpmKey("pcrs: [{pcr: 0, value: zero}]"), "digits, in quotes, or image"],
    [
      "a change without its kind",
      "tenants: [{name: red, vnfs: [{name: a, allowed-changes: [/etc/frr]}]}]",
      "write file:NAME, process:NAME or configuration:NAME",
    ],
    [
      "two servers at a port",
      'listen: ["10.0.0.254:7201"], feed-listen: ["10.0.0.254:7201"]',
      "is taken by asmn.sec-em.listen",
    ],
    [
      "feeds without a door",
      `feeds: [{name: a, role: gate, public-key: "${KEY}"}]`,
      "add feed-listen",
    ],
    [
      "a key that is none",
      'platform-keys: [{name: a, public-key: "1234"}]',
      "64 hexadecimal digits",
    ],
    ["a word too many", "renewal: 5", 'unknown key "renewal"'],
  ])("says what is wrong with %s", (_what, secEm, sentence) => {
    expect(faults({ secEm })).toContain(sentence);
  });

  test("ASM-01: roles of clients that are not there are warned about", () => {
    const text = blocksText({ secEm: "roles: {vim: [nfvo]}" });
    expect(warningsOf(text).join()).toContain("without api.clients nobody has a name");
  });

  test("has to be told where it keeps its keys", () => {
    const head = "as: 65000\nrouter-id: 10.0.0.254\n";
    expect(faults({ head, secEm: TENANTS })).toContain(
      'add "state-directory" here, or "state-dir" to the block "restart"',
    );
  });
});

describe("gate and gateway", () => {
  test("ASM-67, ASM-77: a gate is told how long silence is bearable, and for how long more", () => {
    const { gate } = asmn({ gate: SOURCE });
    expect(gate).toMatchObject({
      ...{ audience: "evpnd", staleSeconds: 15, graceSeconds: 120, dryRun: false },
      proxy: undefined,
      sources: [{ name: "far", publicKey: KEY, rootKeys: [KEY] }],
    });
    expect(asmn({ secEm: "audience: fabric", gate: "" }).gate?.audience).toBe("fabric");
  });

  test("ASM-34, ASM-76: a gateway drops what nobody allowed unless it is told to lower it", () => {
    const { gateway } = asmn({
      secEm: TENANTS,
      gateway:
        "tenant: red, interfaces: [{name: eth1, vnfs: [{vnf: pe, prefixes: [10.0.0.1/32]}]}]",
    });
    expect(gateway).toMatchObject({
      ...{ table: "evpnd_asmn", defaultAction: "drop" },
      lower: { dscp: 8, rate: 1_000_000, burst: 16_384 },
    });
  });

  test.each([
    ["a gate without a Sec-EM", { gate: "" }, "add sources, or asmn.sec-em"],
    [
      "audiences that differ",
      { secEm: "audience: a", gate: "audience: b" },
      'issues verdicts for "a"',
    ],
    ["impatience", { secEm: "", gate: "stale-seconds: 6" }, "use at least 10"],
    [
      "a community that is none",
      { secEm: "", gate: 'mark-community: "70000:1"' },
      "is no community",
    ],
    [
      "a gateway of nobody",
      { gateway: "tenant: red, interfaces: [{name: a}]" },
      "nobody gives it a catalog",
    ],
    [
      "a tenant with a slip",
      { secEm: TENANTS, gateway: "tenant: rde, interfaces: [{name: a}]" },
      'did you mean "red"?',
    ],
    [
      "a VNF with a slip",
      {
        secEm: TENANTS,
        gateway: "tenant: red, interfaces: [{name: a, vnfs: [{vnf: pee, prefixes: [10.0.0.0/8]}]}]",
      },
      'did you mean "pe"?',
    ],
  ] as const)("say what is wrong with %s", (_what, blocks, sentence) => {
    expect(faults(blocks)).toContain(sentence);
  });
});

describe("trust of a peer", () => {
  const gated = { secEm: TENANTS, gate: "" };
  const peerOf = (trust: string) =>
    settingsOf(blocksText({ ...gated, peer: `, trust: {${trust}}` })).speaker.peers[0]?.trust;

  test("ASM-71, ASM-82: refuses unless told otherwise; a dry run is to be asked for", () => {
    expect(peerOf("tenant: red")).toEqual({
      ...{ tenant: "red", vnf: undefined, effect: "refuse", dryRun: false },
    });
    expect(peerOf("tenant: red, vnf: pe, effect: hold, dry-run: true")).toEqual({
      ...{ tenant: "red", vnf: "pe", effect: "hold", dryRun: true },
    });
  });

  test("of a group holds for its peers, and a peer can take it back", () => {
    const { speaker } = settingsOf(`${HEAD}
peer-groups: {vnfs: {trust: {tenant: red}}}
peers: [{address: 10.0.0.1, group: vnfs}, {address: 10.0.0.2, group: vnfs, trust: {require: false}}]
dynamic-peers: [{prefix: 10.1.0.0/16, group: vnfs}]
asmn: {sec-em: {${TENANTS}}, gate: {}}
`);
    expect([...speaker.peers, ...speaker.dynamic].map(({ trust }) => trust?.tenant)).toEqual([
      "red",
      undefined,
      "red",
    ]);
  });

  test.each([
    [
      "no gate",
      { secEm: TENANTS, peer: ", trust: {tenant: red}" },
      "nobody here knows who is trusted",
    ],
    ["no tenant", { ...gated, peer: ", trust: {vnf: pe}" }, '"tenant" is missing'],
    ["a tenant with a slip", { ...gated, peer: ", trust: {tenant: rad}" }, 'did you mean "red"?'],
    [
      "a VNF with a slip",
      { ...gated, peer: ", trust: {tenant: red, vnf: stroe}" },
      'did you mean "store"?',
    ],
    [
      "an effect that is none",
      { ...gated, peer: ", trust: {tenant: red, effect: drop}" },
      "refuse, hold, mark",
    ],
  ] as const)("says what is wrong with %s", (_what, blocks, sentence) => {
    expect(faults(blocks)).toContain(sentence);
  });

  test("names of a Sec-EM elsewhere are taken as they are", () => {
    const result = check(blocksText({ gate: SOURCE, peer: ", trust: {tenant: far, vnf: any}" }));
    expect(result.ok ? [] : result.issues.map(formatIssue)).toEqual([]);
  });
});
