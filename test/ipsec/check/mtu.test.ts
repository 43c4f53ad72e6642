/** Sizes: against packets laid out octet by octet, and figures that gateways print. */
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import {
  ipsecOverhead,
  largestInside,
  sealedLength,
  tunnelMtu,
} from "../../../src/ipsec/check/index.js";
import { parseEspProposal, parseTransforms, sideOf } from "../../../src/ipsec/model/index.js";
import { codesOf, found } from "../lib/facts.js";
import { end, gateway, iface, model, PIX_OPT_INS, tunnel, tunnelInterface } from "../lib/models.js";

const plain = { outer: 4, udp: false, mode: "tunnel" } as const;
const des = parseTransforms("esp-3des esp-md5-hmac")!;
const gcm = parseEspProposal("aes256gcm16-curve25519-esn")!;
const cbc = parseEspProposal("aes256-sha256-modp2048")!;

test("IPS-57: the overhead of 3DES with MD5 in tunnel mode is 56", () => {
  expect(ipsecOverhead(des, plain)).toBe(56);
});

test.each([
  // 20 outer, 8 SPI and sequence, 8 IV, 1438 + 2 padded to 1440, 16 check value
  { name: "AES-GCM", proposal: gcm, options: plain, inner: 1446 },
  { name: "AES-GCM over UDP", proposal: gcm, options: { ...plain, udp: true }, inner: 1438 },
  { name: "AES-GCM over IPv6", proposal: gcm, options: { ...plain, outer: 6 }, inner: 1426 },
  { name: "AES-CBC with SHA-256", proposal: cbc, options: plain, inner: 1438 },
  { name: "3DES with MD5", proposal: des, options: plain, inner: 1446 },
] as const)("IPS-87: of 1,500 octets $name leaves $inner", ({ proposal, options, inner }) => {
  expect(largestInside(1500, proposal, options)).toBe(inner);
  expect(sealedLength(inner, proposal, options)).toBeLessThanOrEqual(1500);
  expect(sealedLength(inner + 1, proposal, options)).toBeGreaterThan(1500);
});

test("IPS-87: the largest that fits is the largest, for any path", () => {
  const proposal = fc.constantFrom(des, gcm, cbc, parseEspProposal("null-sha1")!);
  const options = fc.record({
    outer: fc.constantFrom(4 as const, 6 as const),
    udp: fc.boolean(),
    mode: fc.constantFrom("tunnel" as const, "transport" as const),
  });
  fc.assert(
    fc.property(fc.integer({ min: 600, max: 9216 }), proposal, options, (path, one, how) => {
      const inner = largestInside(path, one, how);
      expect(sealedLength(inner, one, how)).toBeLessThanOrEqual(path);
      expect(sealedLength(inner + 1, one, how)).toBeGreaterThan(path);
    }),
  );
});

test("IPS-87: MSS and what VXLAN leaves to hosts", () => {
  const made = tunnel("modern");
  const report = tunnelMtu(sideOf(model([made]), made, 0)!);
  // NAT traversal may put UDP around it.
  expect(report).toMatchObject({ path: 1500, inner: 1438, mss4: 1398, mss6: 1378 });
  expect(report.vxlan4).toBe(1388);
  expect(report.vxlan6).toBe(1368);
});

describe("findings", () => {
  const sized = (mtu: number, clampMss: boolean, path = 1500) => {
    const made = tunnel("modern", { mtu: { path, clampMss } });
    const bound = [iface("eth0"), tunnelInterface("tun0", "eth0", mtu)];
    const gateways = [
      gateway("a", "192.0.2.1", { interfaces: bound }),
      gateway("b", "198.51.100.1"),
    ];
    return found(model([made], gateways));
  };

  test("IPS-87: a tunnel interface that is larger than what fits", () => {
    const [finding] = sized(1500, false);
    expect(finding).toMatchObject({ code: "mtu-too-large", severity: "warning", gateway: "a" });
    expect(finding?.remedy).toBe("set its MTU to 1438, and clamp the MSS of TCP to 1398");
    expect(sized(1500, true)).toMatchObject([{ code: "mtu-too-large", severity: "info" }]);
    expect(sized(1438, false)).toEqual([]);
  });

  test("IPS-87: a path that is too small", () => {
    expect(codesOf(sized(1400, true, 600))).toContain("mtu-path-too-small");
  });

  test("IPS-87: hosts behind VTEPs", () => {
    const ends = [
      end("a", "10.1.0.0/16", { vteps: ["10.1.0.1/32"] }),
      end("b", "10.2.0.0/16", { vteps: ["10.2.0.1/32"] }),
    ] as const;
    const small = found(model([tunnel("modern", { ends })]));
    expect(small[0]).toMatchObject({ code: "mtu-vxlan" });
    expect(small[0]?.remedy).toBe("set their MTU to 1388, or raise the path's to 1612");
    const large = tunnel("modern", { ends, mtu: { path: 1612, clampMss: true } });
    expect(found(model([large]))).toEqual([]);
  });

  test("IPS-80: a small replay window, and one too small for the rate", () => {
    const windowed = (replayWindow: number, egressMaximum: number) => {
      const made = tunnel("modern");
      const bandwidth = { egressMaximum, egressGuaranteed: 0, ingressMaximum: 0 };
      const interfaces = [iface("eth0", { bandwidth }), tunnelInterface("tun0")];
      const child = { ...made.child, replayWindow };
      const gateways = [gateway("a", "192.0.2.1", { interfaces }), gateway("b", "198.51.100.1")];
      return codesOf(found(model([{ ...made, child }], gateways)));
    };
    expect(windowed(32, 0)).toContain("replay-window-small");
    expect(windowed(64, 0)).toEqual([]);
    expect(windowed(64, 10_000_000)).toContain("replay-window-small");
    expect(windowed(1024, 10_000_000)).toEqual([]);
  });

  test("IPS-17: transport mode is for L2TP alone", () => {
    const made = tunnel("pix", { optIns: PIX_OPT_INS });
    const transport = { ...made, child: { ...made.child, mode: "transport" as const } };
    expect(codesOf(found(model([transport])), "error")).toEqual(["transport-not-l2tp"]);
    const l2tp = {
      local: "192.0.2.1/32",
      remote: "198.51.100.1/32",
      protocol: 17,
      localPort: 1701,
      remotePort: 0,
    };
    expect(codesOf(found(model([{ ...transport, selectors: [l2tp] }])), "error")).toEqual([]);
  });
});
