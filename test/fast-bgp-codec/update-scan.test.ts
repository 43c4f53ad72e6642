import { describe, expect, it } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { Severity } from "../../src/fast-bgp-codec/fault.js";
import { UpdateScan, scanUpdate, strongestFault } from "../../src/fast-bgp-codec/update-scan.js";
import {
  AS_PATH,
  CONTEXT,
  LOCAL_PREF,
  MAC_ROUTE,
  MANDATORY,
  NEXT_HOP,
  ORIGIN,
  REACH,
  attribute,
  scanOf,
  update,
} from "./update.js";

const { None, AttributeDiscard, TreatAsWithdraw, SessionReset } = Severity;
const UNREACH = attribute("80", 15, `001946${MAC_ROUTE}`);
const evpn = (...nlri: string[]): string =>
  attribute("80", 14, `00194604c000020100${nlri.join("")}`);
const BAD_BODY = `0222${MAC_ROUTE.slice(4)}00`;

describe("what is where", () => {
  it("finds fields, next hop and attributes", () => {
    const bytes = update({
      withdrawn: "18cb0071",
      attributes: REACH + MANDATORY + NEXT_HOP,
      nlri: "20c0000201",
    });
    const scan = scanOf(bytes);
    expect(scan.severity).toBe(None);
    const cut = (start: number, end: number): string =>
      Buffer.from(bytes.subarray(start, end)).toString("hex");
    expect(cut(scan.withdrawnStart, scan.withdrawnEnd)).toBe("18cb0071");
    expect(cut(scan.nlriStart, scan.nlriEnd)).toBe("20c0000201");
    expect(scan.reachFamily).toBe(Family.Evpn);
    expect(cut(scan.reachStart, scan.reachEnd)).toBe(MAC_ROUTE);
    expect(cut(scan.reachNextHopStart, scan.reachNextHopStart + scan.reachNextHopLength)).toBe(
      "c0000201",
    );
    expect(cut(scan.nextHopStart, scan.nextHopStart + 4)).toBe("c0000201");
    expect([...scan.code.subarray(0, scan.attributeCount)]).toEqual([14, 1, 2, 5, 3]);
  });
  it("leaves nothing of the message before", () => {
    const scan = new UpdateScan();
    const run = (bytes: Uint8Array): void => scanUpdate(bytes, 0, bytes.length, CONTEXT, scan);
    run(
      update({ withdrawn: "00", attributes: REACH + UNREACH + MANDATORY + NEXT_HOP, nlri: "00" }),
    );
    run(update({ attributes: attribute("80", 15, "000184") }));
    expect(scan).toMatchObject({
      severity: None,
      reachFamily: -1,
      unreachFamily: Family.RouteTarget,
      nextHopStart: -1,
    });
    expect(scan.withdrawnStart).toBe(scan.withdrawnEnd);
    expect(scan.nlriStart).toBe(scan.nlriEnd);
    run(update({ attributes: MANDATORY.slice(8) + REACH }));
    expect(scan.faults).toHaveLength(1);
    const faults = scan.faults;
    run(update({}));
    expect(scan).toMatchObject({
      severity: None,
      faults: [],
      endOfRib: Family.Ipv4Unicast,
      unreachFamily: -1,
    });
    expect(faults).toHaveLength(1);
  });
  it("takes the message out of the middle of a buffer", () => {
    const bytes = update({ attributes: REACH + MANDATORY });
    const buffer = Buffer.concat([Buffer.alloc(100, 0xff), bytes, Buffer.alloc(100, 0xff)]);
    const scan = new UpdateScan();
    scanUpdate(buffer, 100, 100 + bytes.length, CONTEXT, scan);
    expect(scan.severity).toBe(None);
    expect(scan.reachStart - 100).toBe(scanOf(bytes).reachStart);
  });
});

describe("End-of-RIB (RFC 4724 section 2)", () => {
  it.each([
    ["IPv4", {}, Family.Ipv4Unicast],
    ["EVPN", { attributes: "800f03001946" }, Family.Evpn],
    [
      "EVPN with the long length, as ExaBGP sends it",
      { attributes: "900f0003001946" },
      Family.Evpn,
    ],
    ["route targets", { attributes: "800f03000184" }, Family.RouteTarget],
    ["not a withdraw", { attributes: UNREACH }, -1],
    ["not with another attribute", { attributes: `800f03001946${ORIGIN}` }, -1],
    ["not behind an attribute that is ignored", { attributes: `80630100800f03001946` }, -1],
    ["not with withdrawn routes", { withdrawn: "00", attributes: "800f03001946" }, -1],
    ["not of a family we do not carry", { attributes: "800f03001941" }, -1],
  ])("%s", (_name, fields, family) => {
    expect(scanOf(update(fields)).endOfRib).toBe(family);
  });
  it("only of negotiated families", () => {
    expect(scanOf(update({}), { families: 4 }).endOfRib).toBe(-1);
    expect(scanOf(update({ attributes: "800f03001946" }), { families: 1 }).endOfRib).toBe(-1);
  });
});

describe("families that are not negotiated", () => {
  const only = (family: Family): { families: number } => ({ families: 1 << family });
  it("are ignored with all that is wrong in them", () => {
    const bad = attribute("c0", 14, "0019460300");
    expect(scanOf(update({ attributes: bad }), only(Family.RouteTarget))).toMatchObject({
      severity: None,
      reachFamily: -1,
    });
    expect(
      scanOf(update({ attributes: attribute("80", 15, "00194602ff") }), only(Family.RouteTarget)),
    ).toMatchObject({ severity: None, unreachFamily: -1 });
  });
  it("of which we know nothing, too", () => {
    const flowspec = attribute("80", 14, "0001850000ffffff");
    expect(scanOf(update({ attributes: flowspec + MANDATORY }))).toMatchObject({
      severity: None,
      reachFamily: -1,
    });
  });
  it("IPv4 fields are empty without IPv4 unicast", () => {
    const scan = scanOf(
      update({ withdrawn: "00", attributes: MANDATORY + NEXT_HOP, nlri: "00" }),
      only(Family.Evpn),
    );
    expect(scan.severity).toBe(None);
    expect([scan.withdrawnEnd, scan.nlriEnd]).toEqual([0, 0]);
  });
  it("but still twice is twice (RFC 7606 section 3 g)", () => {
    const twice = attribute("80", 15, "000185").repeat(2);
    expect(scanOf(update({ attributes: twice })).severity).toBe(SessionReset);
  });
});

describe("verdicts beyond the vectors", () => {
  const judge = (attributes: string, context = {}): number =>
    scanOf(update({ attributes: REACH + attributes }), context).severity;
  it.each([
    [
      "AS 0 in AS_PATH (RFC 7607)",
      `${ORIGIN}40020602010000${"0000"}${LOCAL_PREF}`,
      TreatAsWithdraw,
    ],
    ["AS 0 in AGGREGATOR", `${MANDATORY}c0070800000000c0000201`, AttributeDiscard],
    ["AIGP of a wrong length", `${MANDATORY}801a0301000b`, AttributeDiscard],
    ["AIGP marked transitive", `${MANDATORY}c01a0b01000b000000000000004d`, AttributeDiscard],
    ["a tunnel that overruns", `${MANDATORY}c0170400080001`, TreatAsWithdraw],
    ["a sub-TLV that overruns", `${MANDATORY}c01706000800020101`, TreatAsWithdraw],
    ["a sub-TLV header that is cut off", `${MANDATORY}c017050008000101`, TreatAsWithdraw],
    ["a long sub-TLV header that is cut off", `${MANDATORY}c0170600080002c800`, TreatAsWithdraw],
    [
      "only a tunnel with a malformed endpoint",
      `${MANDATORY}c017080008000406020000`,
      TreatAsWithdraw,
    ],
    ["PMSI ingress replication without address", `${MANDATORY}c016050006000064`, TreatAsWithdraw],
    ["PMSI without a tunnel", `${MANDATORY}c016050000000064`, None],
    ["PMSI composite tunnel (RFC 8317)", `${MANDATORY}c0160c0086000064000064c0000201`, None],
    ["a prefix SID TLV that overruns", `${MANDATORY}c0280301000a`, AttributeDiscard],
    ["ATTR_SET of 3 octets", `${MANDATORY}c08003000000`, TreatAsWithdraw],
    ["an unknown attribute, not optional, not transitive", `${MANDATORY}006300`, SessionReset],
    ["Partial on a well-known attribute is not looked at", `60010100${AS_PATH}${LOCAL_PREF}`, None],
    ["a NEXT_HOP nobody needs may be malformed", `${MANDATORY}400301c0`, None],
  ])("%s", (_name, attributes, severity) => {
    expect(judge(attributes)).toBe(severity);
  });

  it("the first AS of an external peer (RFC 4271 section 6.3)", () => {
    const route = (path: string): string => ORIGIN + attribute("40", 2, path);
    const peer = { ibgp: false, peerAs: 65001 };
    expect(judge(route("02010000fde9"), peer)).toBe(None);
    expect(judge(route("02010000fdea"), peer)).toBe(TreatAsWithdraw);
    expect(judge(route("01010000fde9"), peer)).toBe(TreatAsWithdraw);
    expect(judge(route(""), peer)).toBe(TreatAsWithdraw);
    expect(judge(route("02010000fdea"), { ibgp: false, peerAs: 0 })).toBe(None);
    expect(judge(route("02015ba0"), { ibgp: false, peerAs: 4200000001, as4: false })).toBe(None);
    expect(judge(MANDATORY, { peerAs: 65001 })).toBe(None);
  });

  it("nothing reachable to withdraw: reset with the code of the first fault (RFC 7606 section 5.2)", () => {
    const scan = scanOf(update({ withdrawn: "00", attributes: "40010105" }));
    expect(strongestFault(scan)).toMatchObject({
      severity: SessionReset,
      code: 3,
      subcode: 6,
      attribute: 1,
    });
    expect(scanOf(update({ attributes: `${UNREACH}40010105` })).severity).toBe(SessionReset);
    expect(scanOf(update({ attributes: `${UNREACH}40060100` })).severity).toBe(AttributeDiscard);
  });

  it("what a malformed EVPN body costs is up to the operator", () => {
    const inReach = update({ attributes: evpn(MAC_ROUTE, BAD_BODY) + MANDATORY });
    const inUnreach = update({ attributes: attribute("80", 15, `001946${BAD_BODY}`) });
    expect(scanOf(inReach).severity).toBe(None);
    expect(scanOf(inUnreach).severity).toBe(None);
    expect(scanOf(inReach, { malformedNlri: "treat-as-withdraw" }).severity).toBe(TreatAsWithdraw);
    expect(scanOf(inUnreach, { malformedNlri: "treat-as-withdraw" }).severity).toBe(
      TreatAsWithdraw,
    );
    expect(scanOf(inReach, { malformedNlri: "reset" }).severity).toBe(SessionReset);
    expect(scanOf(inUnreach, { malformedNlri: "reset" }).severity).toBe(SessionReset);
  });

  it("an envelope that overruns is a reset, with any knob, before any NLRI is used (RFC 7606 section 5.3)", () => {
    for (const malformedNlri of ["drop", "treat-as-withdraw", "reset"] as const) {
      for (const attributes of [
        evpn(MAC_ROUTE, "0240") + MANDATORY,
        attribute("80", 15, `001946${MAC_ROUTE}02`),
      ]) {
        const scan = scanOf(update({ attributes }), { malformedNlri });
        expect(strongestFault(scan)).toMatchObject({ severity: SessionReset, code: 3, subcode: 9 });
        expect(scan).toMatchObject({ reachFamily: -1, unreachFamily: -1 });
      }
    }
  });

  it.each([
    [Family.Evpn, "001946", [4, 16]],
    [Family.RouteTarget, "000184", [4, 16]],
    [Family.Ipv4Unicast, "000101", [4, 16, 32]],
    [Family.Ipv6Unicast, "000201", [16, 32]],
    [Family.Ipv4Vpn, "000180", [12, 24, 48]],
    [Family.Ipv6Vpn, "000280", [24, 48]],
  ])("next hop lengths of family %i", (family, afiSafi, lengths) => {
    for (let length = 0; length <= 50; length++) {
      const reach = attribute(
        "80",
        14,
        `${afiSafi}${length.toString(16).padStart(2, "0")}${"0a".repeat(length)}00`,
      );
      const scan = scanOf(update({ attributes: reach + MANDATORY }));
      expect(scan.severity, `${length}`).toBe(lengths.includes(length) ? None : SessionReset);
      if (scan.severity === None) expect(scan.reachFamily).toBe(family);
    }
  });

  it.each([
    ["EVPN", "001946"],
    ["route targets", "000184"],
    ["IPv4", "000101"],
    ["IPv6", "000201"],
    ["VPNv4", "000180"],
    ["VPNv6", "000280"],
  ])("a next hop of %s that leaves no room for the reserved octet", (_name, afiSafi) => {
    for (const length of [4, 12, 16, 24, 32, 48]) {
      const size = length.toString(16).padStart(2, "0");
      const reach = attribute("80", 14, `${afiSafi}${size}${"0a".repeat(length)}`);
      expect(scanOf(update({ attributes: reach + MANDATORY })).severity).toBe(SessionReset);
    }
  });

  it("path ids make other NLRI of the same octets (RFC 7911)", () => {
    const reach = evpn(`00000001${MAC_ROUTE}`);
    expect(scanOf(update({ attributes: reach + MANDATORY }), { addPath: 4 }).severity).toBe(None);
    expect(
      scanOf(update({ attributes: evpn(MAC_ROUTE) + MANDATORY }), { addPath: 4 }).severity,
    ).toBe(SessionReset);
    expect(scanOf(update({ withdrawn: "0000000118cb0071" }), { addPath: 1 }).severity).toBe(None);
  });

  it("a message can repeat an attribute thousands of times without filling the log", () => {
    const scan = scanOf(update({ attributes: REACH + MANDATORY + "c0630101".repeat(5000) }));
    expect(scan.severity).toBe(None);
    expect(scan.faults.length).toBeLessThan(20);
    expect(scan.attributeCount).toBe(5);
  });
});
