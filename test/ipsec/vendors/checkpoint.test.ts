/** What a Check Point management server is told: calls of its API, and the same as a checklist. */
import { expect, test } from "vitest";
import { modernPolicy, render, shipped } from "./lib/orders.js";

interface Call {
  readonly call: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const { files, secrets } = render(shipped("ipsec-pix.yaml"), "checkpoint", "checkpoint");
const calls = JSON.parse(files[0]?.text ?? "[]") as readonly Call[];
const steps = (files[1]?.text ?? "").trimEnd().split("\n");
const bodies = (call: string) => calls.filter((one) => one.call === call).map(({ body }) => body);

test("IPS-51: network objects, gateway objects with their topology, VPN domains set by hand", () => {
  expect(bodies("add-network")).toEqual([
    { name: "CP_Inside", subnet: "10.32.0.0", "mask-length": 17 },
    { name: "PIXINSIDE", subnet: "192.168.10.0", "mask-length": 24 },
  ]);
  expect(bodies("set-simple-gateway")).toMatchObject([
    {
      name: "ciscocp",
      interfaces: [{ topology: "external" }, { topology: "internal" }],
      "vpn-settings": { "vpn-domain-type": "manual", "vpn-domain": "CP_Inside" },
    },
  ]);
  expect(bodies("add-interoperable-device")).toMatchObject([
    {
      name: "PIX",
      "ipv4-address": "198.51.100.158",
      "vpn-settings": { "vpn-domain": "PIXINSIDE" },
    },
  ]);
  expect(steps.some((step) => step.includes("interoperable VPN device"))).toBe(true);
});

test("IPS-52: 3DES, MD5, group 2, the secret by peer, one SA for a pair of subnets", () => {
  expect(bodies("add-vpn-community-meshed")).toMatchObject([
    {
      gateways: ["ciscocp", "PIX"],
      "encryption-method": "ikev1 for ipv4 and ikev2 for ipv6 only",
      "ike-phase-1": {
        "encryption-algorithm": "3des",
        "data-integrity": "md5",
        "diffie-hellman-group": "group-2",
      },
      "ike-phase-2": { "encryption-algorithm": "3des", "ike-p2-use-pfs": false },
      "tunnel-granularity": "per_subnet",
      "shared-secrets": [{ "external-gateway": "PIX" }],
    },
  ]);
  const text = steps.join("\n");
  expect(text).toContain("aggressive mode off");
  expect(text).toContain("key exchange for subnets on");
  expect(secrets.map(({ name }) => name)).toEqual(["pix-checkpoint-key"]);
});

test("IPS-53: both networks on both sides of the rule, on top of the rule base, logged", () => {
  const both = ["CP_Inside", "PIXINSIDE"];
  expect(bodies("add-access-rule")).toMatchObject([
    { position: "top", source: both, destination: both, service: "Any", track: { type: "Log" } },
  ]);
  expect(steps.find((step) => step.includes("rule base"))).toContain("action encrypt, track log");
});

test("IPS-54: nothing takes effect before the policy is installed, which is last", () => {
  expect(calls.slice(-3).map(({ call }) => call)).toEqual([
    "publish",
    "verify-policy",
    "install-policy",
  ]);
  expect(steps.at(-2)).toContain("nothing takes effect before");
});

test("objects are made up for a gateway that names none", () => {
  const own = render(modernPolicy(), "dc1", "checkpoint");
  const made = JSON.parse(own.files[0]?.text ?? "[]") as readonly Call[];
  expect(made.map(({ call }) => call)).toEqual([
    "add-network",
    "add-network",
    "set-simple-gateway",
    "add-interoperable-device",
    "add-vpn-community-meshed",
    "add-access-rule",
    "publish",
    "verify-policy",
    "install-policy",
  ]);
  expect(made.find(({ call }) => call === "add-vpn-community-meshed")?.body).toMatchObject({
    "encryption-method": "ikev2 only",
    "ike-phase-1": { "encryption-algorithm": "aes-256", "data-integrity": "sha384" },
    "ike-phase-2": { "encryption-algorithm": "aes-gcm-256", "ike-p2-pfs-dh-grp": "group-20" },
  });
});
