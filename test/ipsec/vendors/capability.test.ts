/** What a vendor cannot be told is a finding, never left out in silence. */
import { describe, expect, test } from "vitest";
import {
  PROFILES,
  VENDORS,
  type IpsecModel,
  type Tunnel,
  type Vendor,
} from "../../../src/ipsec/model/index.js";
import { end, gateway, model, tunnel } from "../lib/models.js";
import { modernPair, modernPolicy, render } from "./lib/orders.js";

function findingsOf(of: IpsecModel, name: string, vendor: Vendor) {
  return render(of, name, vendor).findings.map(({ code, severity }) => `${severity} ${code}`);
}

/** A tunnel that every vendor of policy-based ones can be told, with one thing changed. */
function plain(change: Partial<Tunnel> = {}): IpsecModel {
  const none = { binding: { kind: "none" } as const, outgoingInterface: "outside" };
  return model([
    tunnel("pix", {
      name: "plain",
      ends: [end("a", "10.1.0.0/16", none), end("b", "10.2.0.0/16", none)],
      ...change,
    }),
  ]);
}

const pix = PROFILES["pix"]!;
const modern = PROFILES["modern"]!;
const ppk = (required: boolean) =>
  ({
    kind: "psk",
    secret: "key",
    scope: { kind: "peer" },
    ppk: { id: "q", secret: "quantum", required },
  }) as const;

const CASES: readonly (readonly [string, Partial<Tunnel>, Vendor, string])[] = [
  ["IPS-80: IKEv2 on a PIX", { ike: modern.ike }, "pix", "error vendor-ike-version"],
  ["a route-based tunnel on a PIX", { kind: "route-based" }, "pix", "error vendor-kind"],
  [
    "IPS-12: aggressive mode on a Check Point",
    { ike: { ...pix.ike, mode: "aggressive" } },
    "checkpoint",
    "error vendor-aggressive",
  ],
  [
    "IPS-17: transport mode on an SRX",
    { child: { ...pix.child, mode: "transport" } },
    "junos",
    "error vendor-transport",
  ],
  ["IPS-80: AES-GCM on ScreenOS", { child: modern.child }, "screenos", "error vendor-no-proposal"],
  [
    "IPS-82: a post-quantum key that is required",
    { authentication: ppk(true) },
    "vyos",
    "error vendor-ppk",
  ],
  ["IPS-82: one that is not", { authentication: ppk(false) }, "vyos", "warning vendor-ppk"],
  [
    "IPS-19: two pairs of networks on ScreenOS",
    {
      ends: [
        end("a", "10.1.0.0/16", {
          networks: ["10.1.0.0/16", "10.9.0.0/16"],
          binding: { kind: "none" },
        }),
        end("b", "10.2.0.0/16", { binding: { kind: "none" } }),
      ],
    },
    "screenos",
    "error vendor-selectors",
  ],
  [
    "ports in a selector",
    {
      selectors: [
        { local: "10.1.0.0/16", remote: "10.2.0.0/16", protocol: 6, localPort: 0, remotePort: 80 },
      ],
    },
    "asa",
    "error vendor-selector-ports",
  ],
  [
    "a range in a selector",
    {
      selectors: [
        {
          local: "10.1.0.1..10.1.0.9",
          remote: "10.2.0.0/16",
          protocol: 0,
          localPort: 0,
          remotePort: 0,
        },
      ],
    },
    "junos",
    "error vendor-selector-range",
  ],
  [
    "IPS-94: IPv6 networks on a PIX",
    {
      selectors: [
        {
          local: "2001:db8:1::/48",
          remote: "2001:db8:2::/48",
          protocol: 0,
          localPort: 0,
          remotePort: 0,
        },
      ],
    },
    "pix",
    "error vendor-ipv6",
  ],
  ["IPS-50: kilobytes on a Check Point", {}, "checkpoint", "warning vendor-kilobytes"],
  [
    "IPS-16: no replay protection on a PIX",
    { child: { ...pix.child, replayWindow: 0 } },
    "pix",
    "warning vendor-replay-window",
  ],
  [
    "IPS-22: an idle time on VyOS",
    { child: { ...pix.child, idleSeconds: 600 } },
    "vyos",
    "warning vendor-idle",
  ],
  [
    "IPS-13: a heartbeat on strongSwan",
    { ike: { ...pix.ike, detection: { kind: "heartbeat", helloSeconds: 5, threshold: 5 } } },
    "strongswan",
    "warning vendor-detection",
  ],
  [
    "IPS-13: UDP forced on an ASA",
    { ike: { ...pix.ike, nat: { ...pix.ike.nat, force: true } } },
    "asa",
    "warning vendor-nat-force",
  ],
  ["IPS-13: NAT traversal off on strongSwan", {}, "strongswan", "warning vendor-nat-off"],
  [
    "IPS-85: MOBIKE on an SRX",
    { ike: { ...modern.ike, mobike: true } },
    "junos",
    "warning vendor-mobike",
  ],
  [
    "IPS-85: childless on VyOS",
    { ike: { ...modern.ike, childless: true, proposals: modern.ike.proposals } },
    "vyos",
    "warning vendor-childless",
  ],
  ["a tunnel that is switched off", { enabled: false }, "linux", "warning vendor-disabled"],
  [
    "IPS-40: to begin at once on a PIX",
    {
      ends: [
        end("a", "10.1.0.0/16", { start: "start", binding: { kind: "none" } }),
        end("b", "10.2.0.0/16", { binding: { kind: "none" } }),
      ],
    },
    "pix",
    "warning vendor-start",
  ],
  [
    "IPS-90: a tunnel that does not fail closed, on Linux",
    { failClosed: false },
    "linux",
    "warning vendor-fail-open",
  ],
];

test.each(CASES)("%s is a finding", (_name, change, vendor, wanted) => {
  expect(findingsOf(plain(change), "a", vendor)).toContain(wanted);
});

test("IPS-81: a hybrid key exchange is for strongSwan 6 and later", () => {
  const of = (version: string) =>
    model(
      [tunnel("hybrid", { name: "h" })],
      [gateway("a", "192.0.2.1", { version }), gateway("b", "198.51.100.1")],
    );
  expect(findingsOf(of("5.9.8"), "a", "strongswan")).toContain("error vendor-no-proposal");
  expect(findingsOf(of("6.0.1"), "a", "strongswan")).toEqual([]);
});

test("IPS-82: certificates are told where they can be, and refused where not", () => {
  const certificates = {
    kind: "certificate",
    ends: [
      { certificate: "a-cert", privateKey: "a-key" },
      { certificate: "b-cert", privateKey: "b-key" },
    ],
    authorities: ["ca"],
  } as const;
  const of = modernPair({ authentication: certificates });
  for (const vendor of ["strongswan", "junos", "vyos", "asa"] as const) {
    const { findings, byHand } = render(of, "dc1", vendor);
    expect(
      findings.filter(({ severity }) => severity === "error"),
      vendor,
    ).toEqual([]);
    expect(byHand.join("\n"), vendor).toContain('"a-cert"');
  }
  expect(findingsOf(of, "dc1", "screenos")).toContain("error vendor-certificate");
});

test("a weak proposal is never put in place of one that a vendor lacks", () => {
  for (const vendor of VENDORS) {
    for (const of of [modernPair(), modernPolicy()]) {
      const { files } = render(of, "dc1", vendor);
      const text = files.map((file) => file.text).join("");
      expect(text, vendor).not.toMatch(
        /3des|\bdes\b|md5|sha1\b|sha-1\b|group2\b|group-2\b|modp1024/i,
      );
    }
  }
});

describe("each finding says what is the matter and what to do", () => {
  test.each(CASES)("%s", (_name, change, vendor) => {
    for (const { message, remedy } of render(plain(change), "a", vendor).findings) {
      expect(message).toMatch(/\S+ \S+/);
      expect(remedy).toMatch(/\S+/);
      expect(message.endsWith(".")).toBe(false);
    }
  });
});
