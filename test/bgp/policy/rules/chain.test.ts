/** Each condition and each action of the language, from the text of the file to what becomes of a route. */
import { describe, expect, it } from "vitest";
import { Family, labelOf } from "../../../../src/fast-bgp-codec/index.js";
import { policiesOf, rulesOf } from "./lib.js";
import { CONTEXT, macRoute, route, Rules, type Route } from "./routes.js";

const ESI = "00112233445566778899";
const V4 = { family: Family.Ipv4Unicast, nlri: { prefix: "10.1.0.0/16" } };
const V6 = {
  family: Family.Ipv6Unicast,
  nlri: { prefix: "2001:db8:1::/48" },
  nextHop: "2001:db8::1",
};
const VPN = {
  family: Family.Ipv4Vpn,
  nlri: { rd: "0:65000:7", prefix: "10.1.2.0/24", labels: [{ ...labelOf(1601), bos: 1 }] },
};
const AD = { type: 1 as const, rd: "1:192.0.2.1:5", esi: ESI, ethTag: 7, label: labelOf(300) };
const IMET = { type: 3 as const, rd: "0:65000:1", ethTag: 0, ipLen: 32, originator: "192.0.2.9" };
const SEGMENT = {
  type: 4 as const,
  rd: "1:192.0.2.1:5",
  esi: ESI,
  ipLen: 32,
  originator: "192.0.2.8",
};
const TYPE5 = {
  type: 5 as const,
  rd: "2:70000:1",
  esi: "0".repeat(20),
  ethTag: 0,
  prefixLen: 24,
  prefix: "10.20.30.0",
  gateway: "0.0.0.0",
  label: labelOf(5000),
};

/** A condition; routes that it takes, and routes that it does not. */
const CONDITIONS: readonly (readonly [
  string,
  readonly Partial<Route>[],
  readonly Partial<Route>[],
])[] = [
  ["family: l2vpn-evpn", [{}], [V4, V6, VPN]],
  ["family: [ipv4-unicast, ipv4-vpn]", [V4, VPN], [{}, V6]],
  ["route-type: 2", [{}], [{ nlri: AD }, V4]],
  ["route-type: [1, 5]", [{ nlri: AD }, { nlri: TYPE5 }], [{}, { nlri: SEGMENT }]],
  ["rd: '65000:1'", [{}, { nlri: IMET }], [{ nlri: AD }, VPN, V4]],
  ["rd: '65000:*'", [{}, VPN], [{ nlri: AD }, { nlri: TYPE5 }]],
  ["rd: '192.0.2.1:*'", [{ nlri: AD }, { nlri: SEGMENT }], [{}]],
  ["rd: '*:5'", [{ nlri: AD }], [{}, { nlri: TYPE5 }]],
  ["rd: '*:1'", [{}, { nlri: TYPE5 }], [{ nlri: AD }]],
  ["rd: '*'", [{}, VPN], [V4]],
  [
    "vni: 100",
    [{}, { nlri: IMET, pmsi: 100 }],
    [{ nlri: AD }, { nlri: IMET, pmsi: 101 }, { nlri: IMET }, { nlri: SEGMENT, pmsi: 100 }],
  ],
  ["vni: [100-200, 5000]", [{}, { nlri: TYPE5 }], [{ nlri: AD }]],
  ["label: 100", [{ nlri: macRoute({ vni: 1600 }) }, VPN], [{}]],
  [
    "mac: '52:54:00:12:34:56'",
    [{}],
    [{ nlri: macRoute({ mac: "52:54:00:12:34:57" }) }, { nlri: AD }],
  ],
  ["mac: 52:54:00:00:00:00/24", [{}], [{ nlri: macRoute({ mac: "52:54:01:12:34:56" }) }]],
  ["mac: 5254.0000.0000/ffff.ff00.0000", [{}], [{ nlri: macRoute({ mac: "00:54:00:12:34:56" }) }]],
  [
    "mac: '01:00:00:00:00:00/01:00:00:00:00:00'",
    [{ nlri: macRoute({ mac: "03:54:01:12:34:56" }) }],
    [{}],
  ],
  [
    "host: 10.0.0.0/8",
    [{ nlri: macRoute({ ip: "10.9.9.9" }) }],
    [{}, { nlri: macRoute({ ip: "11.0.0.1" }) }, V4],
  ],
  [
    "host: [192.0.2.9, '2001:db8::5']",
    [{ nlri: IMET }, { nlri: macRoute({ ip: "2001:db8::5" }) }],
    [{ nlri: SEGMENT }],
  ],
  [
    "prefix: 10.20.30.0/24",
    [{ nlri: TYPE5 }],
    [{ nlri: { ...TYPE5, prefixLen: 23, prefix: "10.20.30.0" } }, V4],
  ],
  [
    "prefix: 10.0.0.0/8 le 24",
    [{ nlri: TYPE5 }, V4, VPN],
    [V6, { ...V4, nlri: { prefix: "10.1.0.128/25" } }],
  ],
  [
    "prefix: 10.0.0.0/8 ge 20",
    [{ nlri: TYPE5 }, VPN],
    [V4, { ...V4, nlri: { prefix: "11.0.0.0/24" } }],
  ],
  ["prefix: 10.0.0.0/8 ge 16 le 16", [V4], [{ nlri: TYPE5 }]],
  ["prefix: 2001:db8::/32 le 64", [V6], [V4]],
  [
    "prefix: 0.0.0.0/0",
    [{ ...V4, nlri: { prefix: "0.0.0.0/0" } }],
    [V4, { ...V6, nlri: { prefix: "::/0" } }],
  ],
  [
    `esi: '${ESI}'`,
    [{ nlri: AD }, { nlri: SEGMENT }, { nlri: macRoute({ esi: ESI }) }],
    [{}, { nlri: IMET }],
  ],
  ["esi: 00:11:22:00:00:00:00:00:00:00/24", [{ nlri: AD }], [{}]],
  ["esi: none", [{}, { nlri: TYPE5 }], [{ nlri: AD }, V4]],
  ["ethernet-tag: 7", [{ nlri: AD }, { nlri: macRoute({ tag: 7 }) }], [{}, { nlri: SEGMENT }]],
  [
    "community: '65000:1'",
    [{ communities: ["65000:2", "65000:1"] }],
    [{}, { communities: ["65000:2"] }],
  ],
  [
    "community: ['65000:*', no-export]",
    [{ communities: ["65000:9"] }, { communities: ["65535:65281"] }],
    [{ communities: ["65001:9"] }],
  ],
  ["community: '*:666'", [{ communities: ["7:666"] }], [{ communities: ["666:7"] }]],
  [
    "extended-community: 'rt:65000:1'",
    [{ extended: ["rt:65000:1"] }],
    [{ extended: ["soo:65000:1"] }, {}],
  ],
  [
    "extended-community: 'soo:65000:*'",
    [{ extended: ["soo:65000:77"] }],
    [{ extended: ["rt:65000:77"] }],
  ],
  [
    "extended-community: 'encapsulation:*'",
    [{ extended: ["encapsulation:8"] }],
    [{ extended: ["rt:65000:8"] }],
  ],
  ["extended-community: default-gateway", [{ extended: ["default-gateway"] }], [{}]],
  ["large-community: '65000:1:2'", [{ large: ["65000:1:2"] }], [{ large: ["65000:2:1"] }]],
  ["large-community: '65000:*:2'", [{ large: ["65000:99999:2"] }], [{ large: ["65000:2:1"] }]],
  [
    "route-target: '65000:1'",
    [{ extended: ["encapsulation:8", "rt:65000:1"] }],
    [{ extended: ["soo:65000:1"] }],
  ],
  [
    "route-target: '*:100'",
    [
      { extended: ["rt:10.0.0.1:100"] },
      { extended: ["rt:70000:100"] },
      { extended: ["rt:65000:100"] },
    ],
    [{ extended: ["rt:65000:101"] }],
  ],
  ["route-target: '*'", [{ extended: ["rt:10.0.0.1:100"] }], [{ extended: ["soo:65000:1"] }, {}]],
  [
    "route-target: 'es-import:00:11:22:33:44:55'",
    [{ extended: ["es-import:00:11:22:33:44:55"] }],
    [{}],
  ],
  ["peer: 10.0.0.1", [{}], [{ from: { address: "10.0.0.2", groups: [] } }]],
  [
    "peer: 10.0.0.0/30",
    [{}],
    [
      { from: { address: "10.0.0.4", groups: [] } },
      { from: { address: "fe80::1%eth0", groups: [] } },
    ],
  ],
  ["peer: 'group:leaves'", [{ from: { address: "10.0.0.9", groups: ["rack1", "leaves"] } }], [{}]],
  ["next-hop: 192.0.2.1", [{}, VPN], [{ nextHop: "192.0.2.2" }, V6]],
  ["next-hop: [192.0.2.0/24, '2001:db8::/32']", [{}, V6], [{ nextHop: "198.51.100.1" }]],
  ["as-path: {length: 0}", [{}], [{ asPath: [65001] }]],
  [
    "as-path: {length: 2-3}",
    [{ asPath: [1, 2] }, { asPath: [1, 2, 3] }],
    [{ asPath: [1] }, { asPath: [1, 2, 3, 4] }],
  ],
  ["as-path: {contains: 65002}", [{ asPath: [65001, 65002, 65003] }], [{ asPath: [65001] }, {}]],
  ["as-path: {origin: 65003}", [{ asPath: [65001, 65003] }], [{ asPath: [65003, 65001] }, {}]],
  ["as-path: {neighbor: 64512-65534}", [{ asPath: [65001, 3] }], [{ asPath: [3, 65001] }, {}]],
  [
    "as-path: {pattern: '65001 .* 65003'}",
    [{ asPath: [65001, 65003] }, { asPath: [65001, 1, 2, 65003] }],
    [{ asPath: [65001] }, { asPath: [1, 65001, 65003] }],
  ],
  ["as-path: {length: 2, origin: 5}", [{ asPath: [1, 5] }], [{ asPath: [5] }]],
  ["local-preference: 100", [{}, { localPref: undefined }], [{ localPref: 101 }]],
  ["med: 0-9", [{}, { med: 9 }], [{ med: 10 }]],
  [
    "mobility-sequence: 3-9",
    [{ extended: ["mac-mobility:sticky=0:seq=5"] }],
    [{}, { extended: ["mac-mobility:sticky=0:seq=2"] }],
  ],
  ["{}", [{}, V4, V6, VPN], []],
];

describe("conditions", () => {
  it.each(CONDITIONS)("%s", (text, takes, leaves) => {
    const match = text === "{}" ? text : `{${text}}`;
    const rules = new Rules(rulesOf(`- {match: ${match}, then: reject}`));
    for (const one of takes) expect(rules.decide(route(one))).toMatchObject({ verdict: "reject" });
    for (const one of leaves) expect(rules.decide(route(one))).toMatchObject({ verdict: "accept" });
    // What was found out about sets is not remembered for others that come after.
    for (const one of takes) expect(rules.decide(route(one))).toMatchObject({ verdict: "reject" });
    expect(rules.attrs.count).toBe(0);
  });

  it("all of a rule's conditions must hold", () => {
    const rules = new Rules(
      rulesOf(
        `- {match: {vni: 100, mac: 52:54:00:00:00:00/24, community: '65000:1'}, then: reject}`,
      ),
    );
    const communities = ["65000:1"];
    expect(rules.decide(route({ communities })).verdict).toBe("reject");
    expect(rules.decide(route()).verdict).toBe("accept");
    expect(rules.decide(route({ communities, nlri: macRoute({ vni: 101 }) })).verdict).toBe(
      "accept",
    );
  });

  it("named sets stand for their values", () => {
    const rules = new Rules(
      policiesOf(`
policy-sets:
  vnis: {tenant: [100, 200-299]}
  prefixes: {servers: [10.0.0.0/8 le 24]}
policies:
  p:
    - {match: {vni: ["set:tenant", 7]}, then: reject}
    - {match: {prefix: "set:servers"}, then: quarantine}
`),
    );
    for (const vni of [100, 250, 7]) {
      expect(rules.decide(route({ nlri: macRoute({ vni }) })).verdict).toBe("reject");
    }
    expect(rules.decide(route({ nlri: macRoute({ vni: 300 }) })).verdict).toBe("accept");
    expect(rules.decide(route({ nlri: TYPE5 })).verdict).toBe("quarantine");
  });
});

/** An action, a route, and what it is then. */
const ACTIONS: readonly (readonly [string, Partial<Route>, Partial<Route>])[] = [
  ["local-preference: 250", {}, { localPref: 250 }],
  ["local-preference: 250", { localPref: undefined }, { localPref: 250 }],
  ["med: 7", {}, { med: 7 }],
  ["med: 7", { med: 9 }, { med: 7 }],
  ["next-hop: 198.51.100.1", {}, { nextHop: "198.51.100.1" }],
  ["next-hop: '2001:db8::9'", {}, { nextHop: "2001:db8::9" }],
  ["next-hop: '2001:db8::9'", V4, { nextHop: "192.0.2.1" }],
  ["next-hop: '2001:db8::9'", V6, { nextHop: "2001:db8::9" }],
  ["next-hop: 198.51.100.1", V6, { nextHop: "2001:db8::1" }],
  ["next-hop: 198.51.100.1", VPN, { nextHop: "198.51.100.1" }],
  ["next-hop: self", {}, { nextHop: "192.0.2.1" }],
  ["next-hop: self", V4, { nextHop: "192.0.2.254" }],
  ["next-hop: self", VPN, { nextHop: "192.0.2.254" }],
  ["community: {add: '65000:1'}", {}, { communities: ["65000:1"] }],
  [
    "community: {add: ['65000:1', '65000:2']}",
    { communities: ["65000:2"] },
    { communities: ["65000:2", "65000:1"] },
  ],
  ["community: {delete: '65000:*'}", { communities: ["65000:2", "1:1"] }, { communities: ["1:1"] }],
  ["community: {delete: '65000:*'}", { communities: ["65000:2"] }, { communities: [] }],
  ["community: {set: no-export}", { communities: ["65000:2"] }, { communities: ["65535:65281"] }],
  ["community: {set: [], add: '1:1'}", { communities: ["65000:2"] }, { communities: ["1:1"] }],
  ["community: {delete: '1:*', add: '1:2'}", { communities: ["1:1"] }, { communities: ["1:2"] }],
  ["large-community: {add: '1:2:3'}", {}, { large: ["1:2:3"] }],
  ["large-community: {delete: '1:*:*'}", { large: ["1:2:3", "2:2:3"] }, { large: ["2:2:3"] }],
  [
    "extended-community: {add: 'soo:65000:1'}",
    { extended: ["rt:1:1"] },
    { extended: ["rt:1:1", "soo:65000:1"] },
  ],
  [
    "extended-community: {delete: 'encapsulation:*'}",
    { extended: ["rt:1:1", "encapsulation:8"] },
    { extended: ["rt:1:1"] },
  ],
  [
    "route-target: {add: '65000:5'}",
    { extended: ["encapsulation:8"] },
    { extended: ["encapsulation:8", "rt:65000:5"] },
  ],
  [
    "route-target: {set: '65000:5'}",
    { extended: ["rt:1:1", "encapsulation:8", "rt:1:2"] },
    { extended: ["encapsulation:8", "rt:65000:5"] },
  ],
  [
    "route-target: {delete: '1:*'}",
    { extended: ["rt:1:1", "soo:1:1", "rt:2:2"] },
    { extended: ["soo:1:1", "rt:2:2"] },
  ],
  [
    "route-target: {delete: '*', add: '7:7'}, extended-community: {add: 'rt:9:9'}",
    { extended: ["rt:1:1"] },
    { extended: ["rt:7:7"] },
  ],
  ["as-path-prepend: 2", { asPath: [7] }, { asPath: [65000, 65000, 7] }],
  ["as-path-prepend: {as: 65010, count: 1}", {}, { asPath: [65010] }],
  [
    "med: 1, local-preference: 2, community: {add: '3:3'}, large-community: {add: '4:4:4'}, route-target: {add: '5:5'}",
    {},
    { med: 1, localPref: 2, communities: ["3:3"], large: ["4:4:4"], extended: ["rt:5:5"] },
  ],
];

describe("actions", () => {
  it.each(ACTIONS)("%s of %j", (text, before, after) => {
    const rules = new Rules(rulesOf(`- {set: {${text}}}`));
    const { nextHop, asPath, med, localPref, communities, extended, large } = route(before);
    const rest = { nextHop, asPath, med, localPref, communities, extended, large };
    for (let again = 0; again < 2; again++) {
      expect(rules.decide(route(before))).toEqual({
        ...rest,
        ...after,
        verdict: "accept",
        rule: -1,
      });
    }
    expect(rules.attrs.count).toBe(0);
  });

  it("ASes are put in front on eBGP sessions alone", () => {
    const rules = new Rules(rulesOf(`- {set: {as-path-prepend: 2}}`), "accept", {
      ...CONTEXT,
      ebgp: false,
    });
    expect(rules.decide(route({ asPath: [7] })).asPath).toEqual([7]);
  });

  it("a segment that is full gets another in front", () => {
    const rules = new Rules(rulesOf(`- {set: {as-path-prepend: 3}}`));
    const asPath = Array.from({ length: 253 }, (_, i) => i + 1);
    expect(rules.decide(route({ asPath })).asPath).toEqual([65000, 65000, 65000, ...asPath]);
  });

  it("what changes nothing keeps the set", () => {
    const rules = new Rules(rulesOf(`- {set: {local-preference: 100}}`));
    const attr = rules.intern(route());
    rules.decide(route());
    rules.chain.evaluate(attr, Family.Evpn, new Uint8Array(64), 0, new Int32Array([1]));
    expect(rules.chain.attr).toBe(attr);
  });
});

describe("order", () => {
  it("the first rule that decides wins; rules see what those before them set", () => {
    const rules = new Rules(
      rulesOf(`
- {name: mark, match: {vni: 100}, set: {community: {add: '65000:7'}}}
- {match: {community: '65000:8'}, then: accept}
- {match: {community: '65000:7'}, set: {local-preference: 9}, then: accept}
- {then: reject}`),
    );
    expect(rules.decide(route())).toMatchObject({ verdict: "accept", rule: 2, localPref: 9 });
    expect(rules.decide(route({ nlri: AD }))).toMatchObject({ verdict: "reject", rule: 3 });
    expect([...rules.chain.hits]).toEqual([1, 0, 1, 1]);
  });

  it("policies stand one behind the other, then the default", () => {
    const policies = policiesOf(
      "policies:\n  a: [{match: {vni: 100}, then: accept}]\n  b: [{match: {vni: 200}, then: accept}]",
    );
    const rules = new Rules(policies, "reject");
    const verdicts = [100, 200, 300].map(
      (vni) => rules.decide(route({ nlri: macRoute({ vni }) })).verdict,
    );
    expect(verdicts).toEqual(["accept", "accept", "reject"]);
  });

  it("leave a route untouched only where none matches: each match is counted", () => {
    const policies = policiesOf("policies:\n  a: [{match: {vni: 100}, then: accept}]");
    const untouched = (fallback: "accept" | "reject"): boolean[] =>
      [100, 200].map((vni) => {
        const rules = new Rules(policies, fallback);
        rules.decide(route({ nlri: macRoute({ vni }) }));
        return rules.chain.isUntouched;
      });
    expect([untouched("accept"), untouched("reject")]).toEqual([
      [false, true],
      [false, false],
    ]);
  });

  it("more than 32 rules", () => {
    const lines = Array.from({ length: 70 }, (_, i) =>
      i % 2 === 0
        ? `- {match: {vni: ${i}}, then: reject}`
        : `- {match: {vni: ${i}}, set: {local-preference: ${i}}}`,
    );
    const rules = new Rules(rulesOf(lines.join("\n")));
    for (let vni = 0; vni < 70; vni++) {
      const one = rules.decide(route({ nlri: macRoute({ vni }) }));
      if (vni % 2 === 0) expect(one).toMatchObject({ verdict: "reject", rule: vni });
      else expect(one).toMatchObject({ verdict: "accept", localPref: vni });
    }
  });
});
