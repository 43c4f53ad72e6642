/** Both ends against each other, clause by clause; one end differs in one thing at a time. */
import { describe, expect, test } from "vitest";
import {
  compareSides,
  FINDINGS,
  formatFinding,
  type Finding,
} from "../../../src/ipsec/check/index.js";
import {
  parseEspName,
  parseEspProposal,
  parseIkeName,
  parseIkeSuite,
  parseTransforms,
  sideOf,
  type EndOverride,
  type IkeProposal,
  type Selector,
  type Tunnel,
  type TunnelSide,
} from "../../../src/ipsec/model/index.js";
import { codesOf, facts, found, knowing } from "../lib/facts.js";
import {
  end,
  gateway,
  model,
  NOW,
  optIns,
  PIX_OPT_INS,
  SSG_OPT_INS,
  tunnel,
} from "../lib/models.js";

/** The tunnel whose first end differs. */
function differing(base: Tunnel, override: EndOverride): Tunnel {
  const [first, second] = base.ends;
  return { ...base, ends: [{ ...first, override }, second] };
}

const ssg = tunnel("ssg", { optIns: SSG_OPT_INS });
const pix = tunnel("pix", { optIns: PIX_OPT_INS });
const modern = tunnel("modern");

const ike = (text: string, lifetimeSeconds = 14_400): IkeProposal => ({
  authentication: "psk",
  ...parseIkeSuite(text)!,
  lifetimeSeconds,
});

const selector = (local: string, remote: string): Selector => ({
  local,
  remote,
  protocol: 0,
  localPort: 0,
  remotePort: 0,
});

test("IPS-55: ends that agree have no fault", () => {
  for (const one of [ssg, pix, modern]) expect(codesOf(found(model([one])), "error")).toEqual([]);
});

interface Row {
  readonly name: string;
  readonly base: Tunnel;
  readonly override: EndOverride;
  readonly code: keyof typeof FINDINGS;
  readonly values: readonly [string, string];
}

const rows: readonly Row[] = [
  {
    name: "phase-1 encryption",
    base: pix,
    override: { ike: { proposals: [{ ...parseIkeName("pre-g2-des-md5", 86_400)! }] } },
    code: "phase1-encryption-differs",
    values: ["des", "3des"],
  },
  {
    name: "phase-1 hash",
    base: pix,
    override: { ike: { proposals: [parseIkeName("pre-g2-3des-sha", 86_400)!] } },
    code: "phase1-hash-differs",
    values: ["sha1", "md5"],
  },
  {
    name: "phase-1 group",
    base: pix,
    override: { ike: { proposals: [parseIkeName("pre-g1-3des-md5", 86_400)!] } },
    code: "phase1-group-differs",
    values: ["modp768", "modp1024"],
  },
  {
    name: "phase-1 authentication",
    base: pix,
    override: { ike: { proposals: [parseIkeName("rsa-g2-3des-md5", 86_400)!] } },
    code: "phase1-authentication-differs",
    values: ["rsa", "psk"],
  },
  {
    name: "phase-1 lifetime",
    base: pix,
    override: { ike: { proposals: [parseIkeName("pre-g2-3des-md5", 28_800)!] } },
    code: "phase1-lifetime-differs",
    values: ["28800 s", "86400 s"],
  },
  {
    name: "phase-1 pseudo-random function",
    base: modern,
    override: { ike: { proposals: [ike("aes256gcm16-prfsha256-curve25519")] } },
    code: "phase1-prf-differs",
    values: ["sha256", "sha384"],
  },
  {
    name: "transform",
    base: pix,
    override: { child: { proposals: [parseTransforms("esp-des esp-md5-hmac")!] } },
    code: "phase2-encryption-differs",
    values: ["des", "3des"],
  },
  {
    name: "transform's hash",
    base: pix,
    override: { child: { proposals: [parseTransforms("esp-3des esp-sha-hmac")!] } },
    code: "phase2-hash-differs",
    values: ["sha1", "md5"],
  },
  {
    name: "PFS",
    base: ssg,
    override: { child: { proposals: [parseEspName("nopfs-esp-aes128-sha")!] } },
    code: "pfs-differs",
    values: ["none", "modp1024"],
  },
  {
    name: "phase-2 lifetime",
    base: ssg,
    override: { child: { lifetimeSeconds: 28_800 } },
    code: "phase2-lifetime-differs",
    values: ["28800 s", "3600 s"],
  },
  {
    name: "phase-2 volume",
    base: pix,
    override: { child: { lifetimeKilobytes: 0 } },
    code: "phase2-volume-differs",
    values: ["unlimited", "4608000 kB"],
  },
  {
    name: "extended sequence numbers",
    base: modern,
    override: { child: { proposals: [parseEspProposal("aes256gcm16-curve25519")!] } },
    code: "phase2-esn-differs",
    values: ["off", "on"],
  },
  {
    name: "mode of phase 1",
    base: ssg,
    override: { ike: { mode: "aggressive" } },
    code: "ike-mode-differs",
    values: ["aggressive", "main"],
  },
  {
    name: "version",
    base: ssg,
    override: { ike: { version: 2 } },
    code: "ike-version-differs",
    values: ["IKEv2", "IKEv1"],
  },
  {
    name: "networks",
    base: pix,
    override: { selectors: [selector("10.1.0.0/24", "10.2.0.0/16")] },
    code: "selectors-not-mirrored",
    values: ["10.1.0.0/24 to 10.2.0.0/16", "10.2.0.0/16 to 10.1.0.0/16"],
  },
  {
    name: "NAT traversal",
    base: pix,
    override: {
      ike: { nat: { enabled: true, udpChecksum: false, keepaliveSeconds: 0, force: false } },
    },
    code: "nat-traversal-differs",
    values: ["on", "off"],
  },
];

test.each(rows)("IPS-55: $name differs, both values named", ({ base, override, code, values }) => {
  const findings = found(model([differing(base, override)])).filter((one) => one.code === code);
  expect(findings).toHaveLength(1);
  const [finding] = findings as [Finding];
  expect(finding.severity).toBe(FINDINGS[code].severity);
  expect(finding.values).toEqual([
    { gateway: "a", value: values[0] },
    { gateway: "b", value: values[1] },
  ]);
  const line = formatFinding(finding);
  for (const value of values) expect(line).toContain(value);
  expect(finding.remedy).not.toBe("");
});

test("IPS-55: one thing that differs is one finding", () => {
  for (const { base, override, code } of rows) {
    const made = differing(base, override);
    const all = model([made]);
    const findings = compareSides(sideOf(all, made, 0)!, sideOf(all, made, 1)!, { now: NOW });
    expect(codesOf(findings)).toEqual([code]);
  }
});

test("a proposal in common is enough; another order is told", () => {
  const [first, second] = modern.ike.proposals;
  const made = differing(modern, { ike: { proposals: [second!, first!] } });
  const codes = codesOf(found(model([made])));
  expect(codes).toContain("proposal-order-differs");
  expect(codesOf(found(model([made])), "error")).toEqual([]);
});

test("IKEv2 ends rekey each by its own: a lifetime that differs is good to know only", () => {
  const made = differing(modern, { child: { lifetimeSeconds: 60 } });
  expect(codesOf(found(model([made])), "info")).toContain("phase2-lifetime-differs");
});

test("IPS-55: PFS that differs with IKEv2 shows at the first rekey, and the finding says so", () => {
  const made = differing(modern, { child: { proposals: [parseEspProposal("aes256gcm16-esn")!] } });
  const [finding] = found(model([made])).filter(({ code }) => code === "pfs-differs");
  expect(finding?.message).toContain("the first rekey fails");
});

describe("keys", () => {
  const other = differing(modern, { secret: "other" });

  test("IPS-55: keys that differ are told by their fingerprints", () => {
    const context = knowing(facts("key"), facts("other", { fingerprint: "ff" }));
    const findings = found(model([other]), context);
    expect(findings).toMatchObject([
      { code: "key-differs", values: [{ value: "ff" }, { value: "00112233445566ff" }] },
    ]);
  });

  test("the same key by two names is the same key", () => {
    expect(found(model([other]), knowing(facts("key"), facts("other")))).toEqual([]);
  });

  test("a key that is not there", () => {
    expect(codesOf(found(model([modern]), knowing()))).toEqual(["secret-missing"]);
  });
});

test("an address or identity that an imported end has wrong", () => {
  const all = model([modern]);
  const a = sideOf(all, modern, 0)!;
  const b = sideOf(all, modern, 1)!;
  const wrong: TunnelSide = {
    ...a,
    remote: {
      ...a.remote,
      reach: { kind: "static", address: "203.0.113.9" },
      identity: { kind: "address", value: "203.0.113.9" },
    },
  };
  const findings = compareSides(wrong, b, { now: NOW });
  expect(codesOf(findings)).toEqual(["peer-address-differs", "identity-differs"]);
  expect(findings[0]?.values?.map(({ value }) => value)).toEqual(["203.0.113.9", "198.51.100.1"]);
});

test("both ends wait", () => {
  const ends: Tunnel["ends"] = [
    end("a", "10.1.0.0/16", { start: "respond" }),
    end("b", "10.2.0.0/16", { start: "respond" }),
  ];
  expect(codesOf(found(model([tunnel("modern", { ends })])))).toContain("both-respond");
});

describe("IPS-89: one IKEv1 tunnel for a pair of addresses", () => {
  const twice = { ...pix, name: "second", ends: [pix.ends[1], pix.ends[0]] } as const;

  test("a second one is refused, whichever end is named first", () => {
    const findings = found(model([pix, twice])).filter(({ code }) => code === "ikev1-pair-twice");
    expect(findings).toMatchObject([{ tunnel: "second", severity: "error" }]);
    expect(findings[0]?.message).toContain(
      "t is an IKEv1 tunnel between 192.0.2.1 and 198.51.100.1",
    );
  });

  test("with IKEv2, or between other addresses, there may be more", () => {
    expect(codesOf(found(model([modern, { ...modern, name: "second" }])), "error")).toEqual([]);
    const third = gateway("c", "203.0.113.1");
    const other = {
      ...pix,
      name: "other",
      ends: [pix.ends[0], { ...pix.ends[1], gateway: "c" }],
    } as const;
    const gateways = [gateway("a", "192.0.2.1"), gateway("b", "198.51.100.1"), third];
    const pairs = model([pix, { ...other, ends: [pix.ends[0], other.ends[1]] }], gateways);
    expect(codesOf(found(pairs))).not.toContain("ikev1-pair-twice");
  });
});

test("IPS-82: the opt-ins of the old profiles are all that they need", () => {
  expect(optIns("ikev1")[0]?.owner).toBe("netops");
  expect(codesOf(found(model([ssg])), "error")).toEqual([]);
  expect(codesOf(found(model([pix])), "error")).toEqual([]);
});
