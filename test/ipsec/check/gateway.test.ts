/** Policies, translation, references and shapes; and a thousand tunnels at once. */
import { describe, expect, test } from "vitest";
import {
  checkModel,
  checkModelInSlices,
  structureFindings,
} from "../../../src/ipsec/check/index.js";
import type { Gateway, Policy, Tunnel } from "../../../src/ipsec/model/index.js";
import { codesOf, facts, found, knowing } from "../lib/facts.js";
import {
  end,
  gateway,
  iface,
  model,
  NOW,
  PIX_OPT_INS,
  SSG_OPT_INS,
  tunnel,
  tunnelInterface,
} from "../lib/models.js";

const a = gateway("a", "192.0.2.1");
const b = gateway("b", "198.51.100.1");
const none = { kind: "none" } as const;
const pix = tunnel("pix", {
  optIns: PIX_OPT_INS,
  ends: [
    end("a", "192.168.10.0/24", { binding: none }),
    end("b", "10.32.0.0/17", { binding: none }),
  ],
});

const withNat = (remote: string): Gateway => ({
  ...a,
  nat: {
    exemptions: [
      { interface: "inside", list: "nonat", pairs: [{ local: "192.168.10.0/24", remote }] },
    ],
    overloads: [{ id: 1, inside: "inside", outside: "eth0", source: "0.0.0.0/0" }],
  },
});

describe("IPS-44: exemption from translation and protection agree", () => {
  test("the same pair", () => {
    expect(codesOf(found(model([pix], [withNat("10.32.0.0/17"), b])), "error")).toEqual([]);
  });

  test("protected, and translated all the same", () => {
    const findings = found(model([pix], [withNat("10.32.0.0/18"), b]));
    expect(findings[0]).toMatchObject({ code: "nat-not-exempt", severity: "error", tunnel: "t" });
    expect(findings[0]?.message).toContain("192.168.10.0/24 to 10.32.0.0/17");
  });

  test("exempt, and protected by no tunnel", () => {
    const codes = codesOf(found(model([pix], [withNat("10.99.0.0/16"), b])));
    expect(codes).toEqual(expect.arrayContaining(["nat-not-exempt", "nat-exempt-unused"]));
  });

  test("where nothing is translated nothing need be exempt", () => {
    expect(codesOf(found(model([pix])), "error")).toEqual([]);
  });
});

function policy(id: number, change: Partial<Policy> = {}): Policy {
  return {
    id,
    from: "Untrust",
    to: "Trust",
    sources: ["Any"],
    destinations: ["Any"],
    services: ["ANY"],
    action: "permit",
    log: false,
    enabled: true,
    ...change,
  };
}

describe("IPS-24: the first policy that matches decides", () => {
  const withPolicies = (...policies: readonly Policy[]) =>
    found(model([tunnel("modern")], [{ ...a, policies }, b]));

  test("one behind a policy that takes everything is never asked", () => {
    expect(
      withPolicies(policy(1), policy(2, { sources: ["Any"], action: "tunnel" })),
    ).toMatchObject([{ code: "policy-never-reached", severity: "warning", gateway: "a" }]);
  });

  test("IPS-26: a deny of all behind a permit of all is the source's way, and only told", () => {
    expect(withPolicies(policy(1), policy(4, { action: "deny" }))).toMatchObject([
      { code: "policy-never-reached", severity: "info" },
    ]);
  });

  test("one that is off takes nothing", () => {
    expect(withPolicies(policy(1, { enabled: false }), policy(2))).toEqual([]);
  });

  test("IPS-25: nothing permitted from the tunnel's zone", () => {
    expect(codesOf(withPolicies(policy(3, { action: "deny" })))).toEqual(["policy-blocks-tunnel"]);
  });

  test("an id counts once, a name must be in the book", () => {
    const codes = codesOf(withPolicies(policy(1, { sources: ["HQ-net"] }), policy(1, { to: "X" })));
    expect(codes).toEqual(expect.arrayContaining(["policy-id-twice", "reference-unknown"]));
  });
});

describe("structure", () => {
  const first = tunnel("modern").ends[0];
  const second = tunnel("modern").ends[1];
  const structured = (made: Tunnel, gateways = [a, b]) =>
    codesOf(structureFindings(model([made], gateways)));
  const interfaces = (...list: Gateway["interfaces"]): Gateway[] => [{ ...a, interfaces: list }, b];

  test("a good one has no fault", () => {
    expect(structureFindings(model([tunnel("modern"), { ...pix, name: "p" }]))).toEqual([]);
  });

  test("IPS-07: a tunnel interface has an address or borrows one, not both, not neither", () => {
    const neither = iface("tun0", { type: "tunnel", addresses: [] });
    const both = iface("tun0", { type: "tunnel", unnumbered: "eth0" });
    const own = iface("tun0", { type: "tunnel", addresses: ["10.9.9.1/30"] });
    const stray = tunnelInterface("tun0", "eth7");
    const check = (one: typeof own) => structured(tunnel("modern"), interfaces(iface("eth0"), one));
    expect(check(neither)).toEqual(["interface-address"]);
    expect(check(both)).toEqual(["interface-address"]);
    expect(check(own)).toEqual([]);
    expect(check(stray)).toEqual(["reference-unknown"]);
  });

  test("IPS-06: a zone must be there; the predefined ones are", () => {
    for (const zone of ["Trust", "Untrust", "MGT", "Null", "VLAN"]) {
      const all = interfaces(iface("eth0", { zone }), tunnelInterface("tun0"));
      expect(structured(tunnel("modern"), all)).toEqual([]);
    }
    const all = interfaces(iface("eth0", { zone: "DMZ" }), tunnelInterface("tun0"));
    expect(structured(tunnel("modern"), all)).toEqual(["reference-unknown"]);
  });

  test("IPS-18: the binding makes it route-based", () => {
    const unbound = tunnel("modern", { ends: [{ ...first, binding: none }, second] });
    expect(structured(unbound)).toEqual(["interface-binding"]);
    const zone = { kind: "zone", zone: "Untrust" } as const;
    expect(structured(tunnel("modern", { ends: [{ ...first, binding: zone }, second] }))).toEqual(
      [],
    );
    const wrong = { kind: "interface", interface: "eth0" } as const;
    expect(structured(tunnel("modern", { ends: [{ ...first, binding: wrong }, second] }))).toEqual([
      "interface-binding",
    ]);
    expect(structured({ ...pix, ends: [end("a", "10.1.0.0/16"), pix.ends[1]] })).toEqual([
      "interface-binding",
    ]);
  });

  test("IPS-10, IPS-14: a ScreenOS gateway takes four proposals of a phase", () => {
    const made = tunnel("ssg", { optIns: SSG_OPT_INS });
    const five = new Array(5).fill(made.ike.proposals[0]) as typeof made.ike.proposals;
    const ssg = [{ ...a, vendor: "screenos" as const }, b];
    expect(structured({ ...made, ike: { ...made.ike, proposals: five } }, ssg)).toEqual([
      "too-many-proposals",
    ]);
  });

  test("IPS-49: numbers of IKE policies are their order", () => {
    const [one] = pix.ike.proposals;
    const twice = { ...pix.ike, proposals: [one!, one!] };
    expect(structured({ ...pix, ike: twice })).toEqual(["policy-number-twice"]);
  });

  test("IPS-85: options of IKEv2 are not for IKEv1", () => {
    const made = tunnel("ssg", { optIns: SSG_OPT_INS });
    const later = { ...made.ike, mobike: true, childless: true };
    expect(structured({ ...made, ike: later })).toEqual(["ikev2-only"]);
    const modern = tunnel("modern");
    const all = { ...modern.ike, mobike: true, childless: true, makeBeforeBreak: true };
    expect(structured({ ...modern, ike: all })).toEqual([]);
  });

  test("IPS-94: a selector joins networks of one family, gateways meet over one", () => {
    const selectors = [
      { local: "10.0.0.0/8", remote: "2001:db8::/32", protocol: 0, localPort: 0, remotePort: 0 },
    ];
    expect(structured({ ...pix, selectors })).toEqual(["selector-family"]);
    const six = [a, gateway("b", "2001:db8::1")];
    expect(codesOf(found(model([tunnel("modern")], six)))).toContain("address-family-differs");
  });

  test("a network behind both ends, an end twice, names that are not there", () => {
    expect(
      structured(tunnel("modern", { ends: [first, { ...second, networks: ["10.1.5.0/24"] }] })),
    ).toEqual(["networks-overlap"]);
    expect(structured(tunnel("modern", { ends: [first, { ...second, gateway: "a" }] }))).toEqual([
      "ends-equal",
    ]);
    expect(structured(tunnel("modern", { ends: [first, { ...second, gateway: "x" }] }))).toEqual([
      "reference-unknown",
    ]);
    expect(codesOf(structureFindings(model([pix, pix])))).toEqual(["name-twice"]);
  });

  test("IPS-93: a backup stands in for another, with hysteresis, and not in a circle", () => {
    const backup = (name: string, of: string, seconds = 10) =>
      tunnel("modern", {
        name,
        backupOf: { tunnel: of, takeOverAfterSeconds: seconds, returnAfterSeconds: 60 },
      });
    const main = tunnel("modern", { name: "main" });
    expect(codesOf(found(model([main, backup("second", "main")])))).toEqual([]);
    expect(codesOf(found(model([main, backup("second", "main", 0)])))).toEqual(["backup-flaps"]);
    expect(codesOf(structureFindings(model([backup("x", "y"), backup("y", "x")])))).toEqual([
      "backup-loop",
      "backup-loop",
    ]);
    expect(codesOf(structureFindings(model([backup("x", "z")])))).toEqual(["reference-unknown"]);
  });

  test("IPS-09: a key chosen by address, and a peer without one", () => {
    const moving = gateway("b", "", { reach: { kind: "dynamic", peerId: "branch" } });
    const old = tunnel("ssg", { optIns: SSG_OPT_INS });
    expect(codesOf(found(model([old], [a, moving])), "error")).toEqual(["peer-unpredictable"]);
    expect(codesOf(found(model([tunnel("modern")], [a, moving])), "error")).toEqual([]);
  });

  test("IPS-81: without ML-KEM a hybrid is refused with the reason", () => {
    const [finding] = found(model([tunnel("hybrid")], [a, { ...b, version: "6.0.1" }]));
    expect(finding).toMatchObject({ code: "hybrid-unsupported", severity: "error" });
    expect(finding?.message).toBe("a runs strongSwan 5.9.8; ML-KEM comes with 6.0");
  });

  test("IPS-47: entries of a crypto map are numbered", () => {
    const names = { cryptoMap: "rtprules", sequence: 10 };
    const named = (name: string, far: string): Tunnel => ({
      ...pix,
      name,
      ends: [
        { ...pix.ends[0], names },
        { ...pix.ends[1], gateway: far },
      ],
    });
    const gateways = [a, b, gateway("c", "203.0.113.1")];
    const codes = codesOf(found(model([named("x", "b"), named("y", "c")], gateways)), "error");
    expect(codes).toEqual(["crypto-sequence-twice"]);
  });
});

test("IPS-82: certificates that run out", () => {
  const ends = [
    { certificate: "a-cert", privateKey: "a-key" },
    { certificate: "b-cert", privateKey: "b-key" },
  ] as const;
  const made = tunnel("modern", { authentication: { kind: "certificate", ends, authorities: [] } });
  const day = 86_400_000;
  const context = knowing(
    facts("a-cert", { kind: "certificate", notAfter: NOW - day }),
    facts("b-cert", { kind: "certificate", notAfter: NOW + 5 * day }),
    facts("a-key", { kind: "private-key" }),
    facts("b-key", { kind: "private-key" }),
  );
  expect(codesOf(found(model([made]), context))).toEqual([
    "certificate-expired",
    "certificate-expires",
  ]);
});

test("a thousand tunnels are checked whole, in slices as at once", async () => {
  const count = 1000;
  const gateways: Gateway[] = [gateway("hub", "192.0.2.1")];
  const tunnels: Tunnel[] = [];
  for (let n = 0; n < count; n++) {
    const name = `g${n}`;
    gateways.push(gateway(name, `198.18.${n >> 8}.${n & 255}`));
    const [net, far] = [`10.${n >> 8}.${n & 255}.0/24`, `172.16.0.0/16`];
    tunnels.push(tunnel("modern", { name: `t${n}`, ends: [end("hub", far), end(name, net)] }));
  }
  // One in a hundred is wrong.
  for (let n = 0; n < count; n += 100) {
    const made = tunnels[n]!;
    const override = { child: { lifetimeSeconds: 60 } };
    tunnels[n] = { ...made, ends: [made.ends[0], { ...made.ends[1], override }] };
  }
  const whole = model(tunnels, gateways);
  const findings = checkModel(whole, { now: NOW });
  expect(codesOf(findings)).toEqual(new Array(count / 100).fill("phase2-lifetime-differs"));
  expect(await checkModelInSlices(whole, { now: NOW })).toEqual(findings);
});
