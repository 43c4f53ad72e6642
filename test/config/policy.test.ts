/** Policies in the file: what is refused, with place and remedy; what peers take over from groups. */
import { describe, expect, it } from "vitest";
import { errorsOf, settingsOf, warningsOf } from "./lib/check.js";

const HEAD = "as: 65000\nlisten: [10.0.0.254:179]\npeers: [{address: 10.0.0.1}]\n";

function ruleErrors(rule: string): string[] {
  return errorsOf(`${HEAD}policies:\n  p:\n    - ${rule}\n`);
}

describe("faults name the place, the fault and the remedy", () => {
  it.each([
    ["{match: {mac: 52:54:00}, then: reject}", /match\.mac: "52:54:00" is not usable.*MAC address/],
    ["{match: {vni: [1, 2-1]}, then: reject}", /match\.vni\[1\]: "2-1".*range such as/],
    ["{match: {vni: 16777216}, then: reject}", /up to 16777215/],
    ["{match: {prefix: 10.0.0.1/8}, then: reject}", /match\.prefix: .*without bits beyond/],
    ["{match: {prefix: 10.0.0.0/8 ge 7}, then: reject}", /match\.prefix: /],
    ["{match: {host: 10.0.0.0/8 ge 9}, then: reject}", /write an address, or a prefix/],
    ["{match: {rd: 65000}, then: reject}", /match\.rd: .*192\.0\.2\.1:\*/],
    ["{match: {community: '65000:x'}, then: reject}", /match\.community: .*no-export/],
    ["{match: {large-community: '1:2'}, then: reject}", /three numbers/],
    ["{match: {extended-community: 'rtt:1'}, then: reject}", /as show routes does/],
    ["{match: {family: evpn}, then: reject}", /use one of: .*l2vpn-evpn/],
    ["{match: {route-type: 0}, then: reject}", /route type, 1 to 255/],
    [
      "{match: {as-path: {pattern: '65001 ('}}, then: reject}",
      /as-path\.pattern: .*65001 \.\* 65010/,
    ],
    ["{match: {peer: 'group:leafs'}, then: reject}", /there is no peer group "leafs"/],
    ["{match: {vlan: 7}, then: reject}", /unknown key "vlan"/],
    ["{match: {vni: 'set:red'}, then: reject}", /there is no set "red" of vnis; add it/],
    ["{match: {esi: 'set:red'}, then: reject}", /no sets for this condition/],
    ["{match: {vni: 7}}", /this rule does nothing; add then/],
    ["{then: drop}", /"drop" is not known; use one of: accept, reject/],
    ["{set: {community: {add: '65000:*'}}}", /community\.add: "65000:\*" stands for many/],
    ["{set: {next-hop: here}}", /IPv4 or IPv6 address, or self/],
    ["{set: {as-path-prepend: 11}}", /out of range; use 1 to 10/],
    ["{set: {med: -1}}", /out of range/],
  ])("%s", (rule, fault) => {
    const errors = ruleErrors(rule);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^x\.yaml:6:\d+: policies\.p\[0\]/);
    expect(errors[0]).toMatch(fault);
  });

  it("a set's values are checked where they stand, used or not", () => {
    expect(errorsOf(`${HEAD}policy-sets: {macs: {lab: [00:50:56:00:00:00/24, x]}}\n`)).toEqual([
      expect.stringMatching(/policy-sets\.macs\.lab\[1\]: "x" is not usable here; write a MAC/),
    ]);
  });

  it("a policy that is not there, with the nearest name", () => {
    const text = `${HEAD.replace("10.0.0.1}", "10.0.0.1, import-policy: form-pe}")}policies: {from-pe: [{then: accept}]}\n`;
    expect(errorsOf(text)).toEqual([
      expect.stringMatching(
        /peers\[0\]\.import-policy: there is no policy "form-pe"; did you mean "from-pe"/,
      ),
    ]);
  });

  it("what a rule sets and throws away is warned of", () => {
    expect(warningsOf(`${HEAD}policies: {p: [{set: {med: 1}, then: reject}]}\n`)).toEqual([
      expect.stringMatching(/what a rule sets is lost when it says reject/),
    ]);
  });
});

describe("long lists", () => {
  const macs = Array.from({ length: 20_000 }, (_, i) => {
    const [high, low] = [i >> 8, i & 255].map((n) => n.toString(16).padStart(2, "0"));
    return `"00:00:00:00:${high!}:${low!}"`;
  });
  const text = (rules: number): string =>
    `${HEAD}policy-sets: {macs: {many: [${macs.join(", ")}]}}\npolicies:\n  p:\n` +
    "    - {match: {mac: set:many}, then: reject}\n".repeat(rules);

  it("are parsed once, however many rules use them", () => {
    const { speaker } = settingsOf(text(3));
    const [first, ...others] = speaker.policies[0]!.rules.map(({ match }) => match.macs);
    expect(first).toHaveLength(20_000);
    for (const other of others) expect(other).toBe(first);
  });

  it("in too many rules are refused, once", () => {
    expect(errorsOf(text(40))).toEqual([
      expect.stringMatching(
        /p\[12\]\.match\.mac: .*more than 250000 values; use long sets in fewer/,
      ),
    ]);
  });

  it("too many AS_PATH patterns are refused: each of them is run over every path", () => {
    const patterns = Array.from({ length: 251 }, (_, i) => `"${i} .*"`).join(", ");
    const rule = `    - {match: {as-path: {pattern: [${patterns}]}}, then: reject}\n`;
    expect(errorsOf(`${HEAD}policies:\n  p:\n${rule}`)).toEqual([
      expect.stringMatching(
        /as-path\.pattern: .*more than 250000 values; a pattern counts for 1000/,
      ),
    ]);
  });

  it("too many rules are refused", () => {
    const rules = "    - {match: {vni: 1}, then: reject}\n".repeat(1001);
    expect(errorsOf(`${HEAD}policies:\n  p:\n${rules}`)).toEqual([
      expect.stringMatching(/policies\.p: it has 1001 rules; use at most 1000; sets help/),
    ]);
  });
});

describe("peers", () => {
  const TEXT = `
as: 65000
listen: [10.0.0.254:179]
policies:
  a: [{then: accept}]
  b: [{then: reject}]
peer-groups:
  base: {import-policy: a, export-default: reject}
  leaf: {inherits: base, export-policy: [a, b]}
peers:
  - {address: 10.0.0.1, group: leaf}
  - {address: 10.0.0.2, group: leaf, import-policy: [b], export-default: accept}
dynamic-peers:
  - {prefix: 10.1.0.0/16}
`;

  it("take policies over from groups, and may say otherwise", () => {
    const { speaker } = settingsOf(TEXT);
    expect(speaker.peers.map(({ policy }) => policy)).toEqual([
      {
        importPolicies: ["a"],
        exportPolicies: ["a", "b"],
        importDefault: "accept",
        exportDefault: "reject",
        groups: ["leaf", "base"],
      },
      {
        importPolicies: ["b"],
        exportPolicies: ["a", "b"],
        importDefault: "accept",
        exportDefault: "accept",
        groups: ["leaf", "base"],
      },
    ]);
    expect(speaker.dynamic[0]?.policy).toEqual({
      importPolicies: [],
      exportPolicies: [],
      importDefault: "accept",
      exportDefault: "accept",
      groups: [],
    });
  });

  it("rules keep their words for people", () => {
    const { speaker } = settingsOf(
      `${HEAD}policies: {p: [{match: {vni: [1, 2], as-path: {length: 3}}, set: {med: 7}, then: accept}]}\n`,
    );
    expect(speaker.policies[0]?.rules[0]?.text).toBe(
      "vni 1 | 2 & as-path {length 3} -> med 7, accept",
    );
  });
});
