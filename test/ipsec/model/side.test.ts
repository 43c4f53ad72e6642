/** Each end's view of one definition, and the profiles that definitions start from. */
import { describe, expect, test } from "vitest";
import {
  DEFAULT_PROFILE,
  formatEspName,
  formatIkeName,
  formatTransforms,
  formatEspProposal,
  formatIkeSuite,
  mirrorSelector,
  PROFILES,
  sideOf,
  type Tunnel,
} from "../../../src/ipsec/model/index.js";
import { end, gateway, model, tunnel } from "../lib/models.js";

const sides = (made: Tunnel, ...rest: Parameters<typeof model>[1] & object) => {
  const all = rest.length > 0 ? model([made], rest) : model([made]);
  return [sideOf(all, made, 0)!, sideOf(all, made, 1)!] as const;
};

describe("one definition, two ends", () => {
  test("IPS-04: each side is the other's mirror", () => {
    const made = tunnel("pix", {
      ends: [
        end("a", "10.1.0.0/24", {
          binding: { kind: "none" },
          networks: ["10.1.0.0/24", "10.3.0.0/24"],
        }),
        end("b", "10.2.0.0/16", { binding: { kind: "none" }, vteps: ["10.2.0.1/32"] }),
      ],
    });
    const [a, b] = sides(made);
    expect(a.selectors).toEqual(b.selectors.map(mirrorSelector));
    expect(a.local).toEqual(b.remote);
    expect(a.remote).toEqual(b.local);
    expect(a.remoteVteps).toEqual(b.localVteps);
    expect(a.ike).toEqual(b.ike);
    expect(a.child).toEqual(b.child);
    expect(a.authentication).toEqual(b.authentication);
  });

  test("IPS-19: route-based is any to any, unless a proxy-id says otherwise", () => {
    const [a] = sides(tunnel("ssg"));
    expect(a.selectors).toMatchObject([{ local: "0.0.0.0/0", remote: "0.0.0.0/0" }]);
    expect(a.proxyId).toBeUndefined();
    const proxyId = { local: "10.1.0.0/16", remote: "10.2.0.0/16", service: "ANY" };
    const [, b] = sides(tunnel("ssg", { proxyId }));
    expect(b.proxyId).toEqual({ local: "10.2.0.0/16", remote: "10.1.0.0/16", service: "ANY" });
    expect(b.selectors).toMatchObject([{ local: "10.2.0.0/16", remote: "10.1.0.0/16" }]);
  });

  test("IPS-01: what a tunnel carries follows routes or selectors, the same tunnel otherwise", () => {
    const route = tunnel("modern");
    const policy = tunnel("modern", {
      kind: "policy-based",
      ends: [
        end("a", "10.1.0.0/16", { binding: { kind: "none" } }),
        end("b", "10.2.0.0/16", { binding: { kind: "none" } }),
      ],
    });
    expect(sides(policy)[0].selectors).toMatchObject([
      { local: "10.1.0.0/16", remote: "10.2.0.0/16" },
    ]);
    expect(sides(policy)[0].ike).toEqual(sides(route)[0].ike);
  });

  test("IPS-94: IPv6 inside and outside, each family with its own selectors", () => {
    const made = tunnel("modern", {
      ends: [
        end("a", "", { networks: ["10.1.0.0/16", "2001:db8:a::/48"] }),
        end("b", "", { networks: ["10.2.0.0/16", "2001:db8:b::/48"] }),
      ],
    });
    expect(sides(made)[0].selectors.map(({ local }) => local)).toEqual(["0.0.0.0/0", "::/0"]);
    const six = sides(made, gateway("a", "2001:db8::1"), gateway("b", "2001:db8::2"))[0];
    expect(six.local.identity).toEqual({ kind: "address", value: "2001:db8::1" });
    const policy = tunnel("modern", { ...made, kind: "policy-based", ends: made.ends });
    expect(sides({ ...policy, selectors: undefined })[0].selectors).toHaveLength(2);
  });

  test("IPS-09: a known static address is the identity; others have theirs", () => {
    const peers = [
      gateway("b", "", { reach: { kind: "host", name: "gw.example.net" } }),
      gateway("b", "", { reach: { kind: "dynamic", peerId: "branch" } }),
      gateway("b", "", { reach: { kind: "dialup-user", user: "u@example.net" } }),
      gateway("b", "", { reach: { kind: "dialup-group", group: "users" } }),
    ];
    const shown = peers.map((peer) => {
      const { identity } = sides(tunnel("modern"), gateway("a", "192.0.2.1"), peer)[0].remote;
      return `${identity.kind} ${identity.value}`;
    });
    expect(shown).toEqual([
      "fqdn gw.example.net",
      "fqdn branch",
      "email u@example.net",
      "key-id users",
    ]);
    expect(sides(tunnel("modern"))[0].local.identity).toEqual({
      kind: "address",
      value: "192.0.2.1",
    });
  });

  test("an end that differs says so, and only there", () => {
    const made = tunnel("modern");
    const [first, second] = made.ends;
    const other = { ...first, override: { child: { lifetimeSeconds: 60 }, secret: "other" } };
    const [a, b] = sides({ ...made, ends: [other, second] });
    expect(a.child.lifetimeSeconds).toBe(60);
    expect(b.child.lifetimeSeconds).toBe(3600);
    expect(a.authentication).toMatchObject({ secret: "other" });
    expect(b.authentication).toMatchObject({ secret: "key" });
  });

  test("IPS-82: certificates go to their ends; without an authority the peer's own is trusted", () => {
    const ends = [
      { certificate: "a-cert", privateKey: "a-key" },
      { certificate: "b-cert", privateKey: "b-key" },
    ] as const;
    const made = tunnel("modern", {
      authentication: { kind: "certificate", ends, authorities: [] },
    });
    const [a, b] = sides(made);
    expect(a.authentication).toMatchObject({ own: ends[0], peerCertificate: "b-cert" });
    expect(b.authentication).toMatchObject({ own: ends[1], peerCertificate: "a-cert" });
  });
});

describe("profiles", () => {
  test("IPS-80: what is new is IKEv2 with AES-GCM-256, PFS, ESN, a replay window, rekey by bytes", () => {
    expect(DEFAULT_PROFILE).toBe("modern");
    const { ike, child } = PROFILES["modern"]!;
    expect(ike.version).toBe(2);
    expect(ike.proposals.map(formatIkeSuite)).toEqual([
      "aes256gcm16-prfsha384-curve25519",
      "aes256gcm16-prfsha384-ecp384",
    ]);
    expect(child.proposals.map(formatEspProposal)).toEqual([
      "aes256gcm16-curve25519-esn",
      "aes256gcm16-ecp384-esn",
    ]);
    expect(child.replayWindow).toBeGreaterThanOrEqual(1024);
    expect(child.lifetimeKilobytes).toBeGreaterThan(0);
  });

  test("IPS-12: the SSG profile is main mode, and no profile is aggressive", () => {
    const { ike, child } = PROFILES["ssg"]!;
    expect(ike.proposals.map(formatIkeName)).toEqual(["pre-g2-aes128-sha"]);
    expect(child.proposals.map(formatEspName)).toEqual(["g2-esp-aes128-sha"]);
    expect(Object.values(PROFILES).map((one) => one.ike.mode)).not.toContain("aggressive");
  });

  test("IPS-49, IPS-50: the PIX profile", () => {
    const { ike, child } = PROFILES["pix"]!;
    expect(ike.proposals).toMatchObject([
      {
        number: 1,
        encryption: "3des",
        integrity: "md5",
        group: "modp1024",
        lifetimeSeconds: 86_400,
      },
    ]);
    expect(child.proposals.map(formatTransforms)).toEqual(["esp-3des esp-md5-hmac"]);
    expect(child).toMatchObject({ lifetimeSeconds: 28_800, lifetimeKilobytes: 4_608_000 });
    expect(child.proposals[0]?.pfs).toBeUndefined();
  });

  test("IPS-73: lifetimes belong to a profile", () => {
    const times = Object.values(PROFILES).map(({ name, ike, child }) => [
      name,
      ike.proposals[0]?.lifetimeSeconds,
      child.lifetimeSeconds,
    ]);
    expect(times).toContainEqual(["ssg", 28_800, 3600]);
    expect(times).toContainEqual(["pix", 86_400, 28_800]);
  });

  test("IPS-13, IPS-16, IPS-22: switches of the SSG profile", () => {
    const { ike, child } = PROFILES["ssg"]!;
    expect(ike.nat).toMatchObject({ enabled: false, udpChecksum: false, keepaliveSeconds: 0 });
    expect(child.replayWindow).toBe(0);
    expect(child.idleSeconds).toBe(0);
  });

  test("IPS-81: a hybrid falls back only where the operator allows it", () => {
    const old = gateway("a", "192.0.2.1", { version: "5.9.8" });
    const fresh = gateway("b", "198.51.100.1", { version: "6.0.1" });
    const strict = sides(tunnel("hybrid"), old, fresh);
    for (const side of strict) {
      expect(side.ike.proposals.map(formatIkeSuite)).toEqual([
        "aes256gcm16-prfsha384-curve25519-ke1_mlkem768",
      ]);
    }
    const [a, b] = sides(tunnel("hybrid", { classicalFallback: true }), old, fresh);
    expect(a.ike.proposals.map(formatIkeSuite)).toEqual(["aes256gcm16-prfsha384-curve25519"]);
    expect(b.ike.proposals.map(formatIkeSuite)).toEqual([
      "aes256gcm16-prfsha384-curve25519-ke1_mlkem768",
      "aes256gcm16-prfsha384-curve25519",
    ]);
  });
});
