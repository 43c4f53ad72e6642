/** Weaknesses, and who answers for them. */
import { describe, expect, test } from "vitest";
import {
  FINDINGS,
  findingSpec,
  WEAKNESSES,
  type FindingCode,
} from "../../../src/ipsec/check/index.js";
import {
  parseEspProposal,
  parseIkeSuite,
  PROFILES,
  type Gateway,
  type Tunnel,
} from "../../../src/ipsec/model/index.js";
import { codesOf, facts, found, knowing } from "../lib/facts.js";
import {
  gateway,
  iface,
  model,
  NOW,
  optIns,
  SSG_OPT_INS,
  tunnel,
  tunnelInterface,
} from "../lib/models.js";

const modern = tunnel("modern");

function ike(text: string, change: Partial<Tunnel["ike"]> = {}): Partial<Tunnel> {
  const proposal = {
    authentication: "psk" as const,
    ...parseIkeSuite(text)!,
    lifetimeSeconds: 3600,
  };
  return { ike: { ...modern.ike, proposals: [proposal], ...change } };
}

function esp(text: string, change: Partial<Tunnel["child"]> = {}): Partial<Tunnel> {
  return { child: { ...modern.child, proposals: [parseEspProposal(text)!], ...change } };
}

const GCM = "aes256gcm16-curve25519-esn";
const a = gateway("a", "192.0.2.1");
const b = gateway("b", "198.51.100.1");

interface Row {
  readonly code: FindingCode;
  readonly change?: Partial<Tunnel>;
  readonly gateway?: Partial<Gateway>;
  readonly bits?: number;
  readonly clear?: boolean;
}

const rows: readonly Row[] = [
  { code: "ikev1", change: ike("aes256-sha256-modp3072", { version: 1 }) },
  {
    code: "aggressive-mode",
    change: {
      ...ike("aes256-sha256-modp3072", { version: 1, mode: "aggressive" }),
      optIns: optIns("ikev1"),
    },
  },
  { code: "cipher-3des", change: ike("3des-sha256-modp3072") },
  { code: "cipher-des", change: esp("des-sha256-modp3072") },
  { code: "cipher-null", change: esp("null-sha256-modp3072") },
  { code: "esp-no-integrity", change: esp("aes256-modp3072") },
  { code: "integrity-md5", change: esp("aes256-md5-modp3072") },
  { code: "integrity-sha1", change: ike("aes256-sha1-modp3072") },
  { code: "group-modp768", change: ike("aes256-sha256-modp768") },
  { code: "group-modp1024", change: esp("aes256gcm16-modp1024-esn") },
  { code: "group-modp1536", change: ike("aes256-sha256-modp1536") },
  { code: "no-pfs", change: esp("aes256gcm16-esn") },
  { code: "no-replay", change: esp(GCM, { replayWindow: 0 }) },
  {
    code: "wildcard-psk",
    change: {
      authentication: {
        kind: "psk",
        secret: "key",
        scope: { kind: "prefix", prefix: "0.0.0.0/0" },
      },
    },
  },
  {
    code: "group-psk",
    change: {
      authentication: { kind: "psk", secret: "key", scope: { kind: "group", name: "users" } },
    },
  },
  { code: "psk-in-clear", clear: true },
  { code: "weak-psk", bits: 62 },
  { code: "permit-ipsec", gateway: { permitIpsec: true } },
  {
    code: "management-untrusted",
    gateway: { interfaces: [iface("eth0", { manageable: true }), tunnelInterface("tun0")] },
  },
];

function checked(row: Row, change: Partial<Tunnel> = {}, now = NOW) {
  const made = tunnel("modern", { ...row.change, ...change });
  const key = facts("key", { bits: row.bits ?? 256, seenInClear: row.clear ?? false });
  return found(model([made], [{ ...a, ...row.gateway }, b]), { ...knowing(key), now });
}

test("IPS-83: every weakness has a row here", () => {
  expect(new Set(rows.map(({ code }) => code))).toEqual(new Set(WEAKNESSES));
});

describe.each(rows)("IPS-83: $code", (row) => {
  const { code } = row;
  const mine = (findings: ReturnType<typeof checked>) =>
    findings.filter((one) => one.code === code);
  const others = row.change?.optIns ?? [];

  test("is an error by name, and the only one", () => {
    const findings = checked(row);
    expect(new Set(codesOf(findings, "error"))).toEqual(new Set([code]));
    expect(mine(findings)[0]?.remedy).toContain(`opt into ${code}`);
  });

  test("is a warning once somebody answers for it", () => {
    const findings = checked(row, { optIns: [...others, ...optIns(code)] });
    expect(codesOf(findings, "error")).toEqual([]);
    expect(mine(findings)).toMatchObject([
      { severity: "warning", optIn: { owner: "netops", expires: "2026-12-31" } },
    ]);
  });

  test("is an error again when the day is over", () => {
    const after = Date.parse("2027-01-01T00:00:00Z");
    const findings = checked(row, { optIns: [...others, ...optIns(code)] }, after);
    expect(codesOf(findings, "error")).toEqual(expect.arrayContaining([code, "opt-in-expired"]));
  });
});

test("IPS-83: an opt-in counts for its tunnel alone", () => {
  const made = tunnel("ssg", { optIns: SSG_OPT_INS });
  const bare = tunnel("ssg", {
    name: "bare",
    ends: [{ ...made.ends[0], gateway: "c" }, made.ends[1]],
  });
  const gateways = [a, b, gateway("c", "203.0.113.1")];
  const errors = found(model([made, bare], gateways)).filter(
    ({ severity }) => severity === "error",
  );
  expect(new Set(errors.map(({ tunnel: name }) => name))).toEqual(new Set(["bare"]));
});

test("IPS-83: no default is weak, and no fall-back", () => {
  for (const name of ["modern", "hybrid"] as const) {
    const upgraded = [a, b].map((one) => ({ ...one, version: "6.0.1" }));
    const codes = codesOf(found(model([tunnel(name)], upgraded), knowing(facts("key"))));
    expect(codes.filter((code) => (WEAKNESSES as readonly string[]).includes(code))).toEqual([]);
  }
  const fallen = found(
    model([tunnel("hybrid", { classicalFallback: true })]),
    knowing(facts("key")),
  );
  expect(codesOf(fallen)).toEqual(["hybrid-fallback", "hybrid-fallback"]);
  expect(PROFILES["modern"]?.ike.version).toBe(2);
});

test("IPS-91: manageable counts where the interface is untrusted and the tunnel uses it", () => {
  const inside = iface("eth1", { zone: "Trust", manageable: true });
  const dmz = iface("eth2", { zone: "DMZ", manageable: true });
  const interfaces = [iface("eth0"), inside, dmz, tunnelInterface("tun0")];
  const zones = [{ name: "DMZ", trusted: false }];
  expect(codesOf(checked({ code: "ikev1", gateway: { interfaces, zones } }))).toEqual([]);
  const out = tunnel("modern", {
    ends: [{ ...modern.ends[0], outgoingInterface: "eth2" }, modern.ends[1]],
  });
  const findings = found(model([out], [{ ...a, interfaces, zones }, b]));
  expect(codesOf(findings)).toEqual(["management-untrusted"]);
  expect(findings[0]?.message).toContain("on eth2, in zone DMZ");
});

test("an opt-in that nobody needs, and one that ends soon", () => {
  const unused = checked({ code: "ikev1" }, { optIns: optIns("cipher-des") });
  expect(unused).toMatchObject([{ code: "opt-in-unused", severity: "info" }]);
  const soon = [{ finding: "no-pfs", owner: "netops", expires: "2026-06-10", reason: "" }];
  const findings = checked({ code: "no-pfs", change: esp("aes256gcm16-esn") }, { optIns: soon });
  expect(codesOf(findings)).toEqual(expect.arrayContaining(["no-pfs", "opt-in-expires"]));
});

test("an opt-in cannot excuse what is simply wrong", () => {
  const made = tunnel("modern", {
    ends: [{ ...modern.ends[0], override: { ike: { version: 1 } } }, modern.ends[1]],
    optIns: optIns("ike-version-differs", "ikev1"),
  });
  expect(codesOf(found(model([made])), "error")).toContain("ike-version-differs");
  expect(findingSpec("ike-version-differs").insecure).toBeUndefined();
  expect(Object.keys(FINDINGS).length).toBeGreaterThan(WEAKNESSES.length);
});
