/** Elections on a segment from real routes: what each PE works out, and whether that comes to one forwarder. */
import { describe, expect, it } from "vitest";
import type { ForwarderView, SegmentView } from "../../src/fib/index.js";
import { Fabric } from "./lib/fabric.js";
import { ethernetAd, ethernetSegment, imet, macIp, MAX_ET, type AttrSpec } from "./lib/route.js";

const ESI = "00112233445566778899";
/** The first six octets of its value. */
const IMPORT = "11:22:33:44:55:66";
const TARGETS = ["65000:100"];
const AC_DF = 0x4000;
const DONT_PREEMPT = 0x8000;

class Segment extends Fabric {
  /** All that a PE on the segment announces. */
  pe(pe: number, df: AttrSpec["df"] = [], change: Partial<AttrSpec> = {}): this {
    const nextHop = `10.0.0.${pe}`;
    return this.type4(pe, df, change)
      .announce(pe, ethernetAd(`${nextHop}:0`, ESI, MAX_ET, 0), {
        nextHop,
        targets: TARGETS,
        esiLabel: { singleActive: false, label: 0 },
      })
      .perEvi(pe);
  }

  type4(pe: number, df: AttrSpec["df"] = [], change: Partial<AttrSpec> = {}, rd = 0): this {
    const nextHop = `10.0.0.${pe}`;
    const attr = { nextHop, targets: [], esImport: IMPORT, df, ...change };
    return this.announce(pe, ethernetSegment(`${nextHop}:${rd}`, ESI, nextHop), attr);
  }

  perEvi(pe: number): this {
    const nlri = ethernetAd(`10.0.0.${pe}:1`, ESI, 0, 100);
    return this.announce(pe, nlri, { nextHop: `10.0.0.${pe}`, targets: TARGETS });
  }

  get segment(): SegmentView {
    this.read();
    return this.fib.pages.segments(0, 1).rows[0]!;
  }

  get elected(): ForwarderView {
    return this.segment.forwarders[0]!;
  }

  /** `PE takes FORWARDER` of each. */
  get views(): string[] {
    return this.elected.views.map(({ originator, forwarder }) => {
      return `${originator.slice(-1)} takes ${forwarder?.slice(-1) ?? "none"}`;
    });
  }
}

const preference = (pref: number, bitmap = 0) => [{ alg: 2, bitmap, pref }];

describe("an election", () => {
  it("is one for all PEs that announce the same", () => {
    const fabric = new Segment().pe(1).pe(2);
    expect(fabric.elected).toMatchObject({
      forwarder: "10.0.0.1",
      backup: "10.0.0.2",
      tag: 100,
      tagFrom: "vni",
      outcome: "one",
      outcomeByOwnWord: "one",
    });
    expect(fabric.views).toEqual(["1 takes 1", "2 takes 1"]);
    const preferred = new Segment().pe(1, preference(10)).pe(2, preference(20, DONT_PREEMPT));
    expect(preferred.elected).toMatchObject({ forwarder: "10.0.0.2", disagree: false });
    expect(preferred.views).toEqual(["1 takes 2", "2 takes 2"]);
  });

  it("names as backup who is elected when the forwarder leaves", () => {
    // 100 modulo 3 is ordinal 1; of the two that are left, 100 modulo 2 is ordinal 0.
    const fabric = new Segment().pe(1).pe(2).pe(3);
    expect(fabric.elected).toMatchObject({ forwarder: "10.0.0.2", backup: "10.0.0.1" });
    fabric.lose(2);
    expect(fabric.elected.forwarder).toBe("10.0.0.1");
    // Without the one that announces nothing, all announce the same.
    const mixed = new Segment().pe(1, preference(10)).pe(2, []).pe(3, preference(30));
    expect(mixed.elected).toMatchObject({ forwarder: "10.0.0.2", backup: "10.0.0.3" });
  });

  it("falls back to the default for everybody where one knows no community, and says what insisting would do", () => {
    const fabric = new Segment().pe(1, []).pe(2, preference(500));
    expect(fabric.elected).toMatchObject({
      algorithm: 0,
      disagree: true,
      forwarder: "10.0.0.1",
      outcome: "one",
      outcomeByOwnWord: "several",
    });
    expect(fabric.elected.views).toMatchObject([
      { originator: "10.0.0.1", byOwnWord: "10.0.0.1" },
      { originator: "10.0.0.2", byOwnWord: "10.0.0.2" },
    ]);
    const reverse = new Segment().pe(2, []).pe(1, preference(0)).pe(3, preference(500));
    expect(reverse.elected).toMatchObject({ forwarder: "10.0.0.2", outcome: "one" });
    // 1 and 3 would take 3, and 2 takes itself.
    expect(reverse.elected.outcomeByOwnWord).toBe("several");
  });

  it("may come to nobody if each insists", () => {
    const fabric = new Segment()
      .pe(1, [{ alg: 3, bitmap: 0, pref: 200 }])
      .pe(2, [{ alg: 2, bitmap: 0, pref: 100 }]);
    // 1 wants the lowest, which is 2; 2 wants the highest, which is 1.
    expect(fabric.elected).toMatchObject({ outcome: "one", outcomeByOwnWord: "none" });
  });

  it("is one with other bitmaps too: all go without AC-DF", () => {
    const fabric = new Segment().pe(1, [{ alg: 1, bitmap: AC_DF, pref: 0 }]);
    fabric.pe(2, [{ alg: 1, bitmap: 0, pref: 0 }]);
    expect(fabric.elected).toMatchObject({ algorithm: 0, acDf: false, disagree: true });
    expect(fabric.elected.outcome).toBe("one");
  });

  it("is two where PEs do not import each other's routes", () => {
    const other = { esImport: "02:00:00:00:00:01" };
    const fabric = new Segment().pe(1).pe(2, [], other);
    expect(fabric.elected).toMatchObject({ forwarder: "10.0.0.1", outcome: "several" });
    expect(fabric.elected.views).toMatchObject([{ sees: 1 }, { sees: 1 }]);
    expect(fabric.views).toEqual(["1 takes 1", "2 takes 2"]);
    // Without an ES-Import route target a route is imported by nobody; its PE imports what the ESI says.
    const without = new Segment().pe(1).pe(2, [], { esImport: undefined });
    expect(without.views).toEqual(["1 takes 1", "2 takes 1"]);
    expect(without.elected).toMatchObject({ outcome: "one" });
  });

  it("leaves out a PE without A-D routes under AC-DF, for that domain alone", () => {
    const df = [{ alg: 0, bitmap: AC_DF, pref: 0 }];
    const fabric = new Segment().type4(1, df).pe(2, df);
    expect(fabric.elected).toMatchObject({ forwarder: "10.0.0.2", acDf: true, outcome: "one" });
    fabric.perEvi(1);
    expect(fabric.elected.forwarder).toBe("10.0.0.2");
    fabric.pe(1, df);
    expect(fabric.elected.forwarder).toBe("10.0.0.1");
  });

  it("counts a PE once however many type 4 routes it has", () => {
    const fabric = new Segment().pe(1).pe(2).type4(1, [], {}, 7);
    expect(fabric.segment.electors).toHaveLength(2);
    expect(fabric.elected.reason).toBe("100 modulo 2 PEs is ordinal 0");
  });

  it("is bounded, however many say that they are on the segment", () => {
    const fabric = new Segment();
    for (let n = 0; n < 1500; n++) {
      const originator = `10.${1 + (n >> 8)}.${n & 255}.1`;
      fabric.announce(1, ethernetSegment(`${originator}:0`, ESI, originator), {
        nextHop: originator,
        targets: [],
        esImport: IMPORT,
        df: [{ alg: 1, bitmap: 0, pref: 0 }],
      });
    }
    for (let vni = 1; vni <= 30; vni++) {
      fabric.announce(1, ethernetAd(`10.0.0.1:${vni}`, ESI, 0, vni), {
        nextHop: "10.0.0.1",
        targets: [`65000:${vni}`],
      });
    }
    const { electors, forwarders } = fabric.segment;
    expect(electors).toHaveLength(64);
    expect(forwarders).toHaveLength(30);
    expect(forwarders[0]).toMatchObject({ views: [], outcome: "unknown", algorithm: 1 });
  });

  it("goes by the Ethernet tag, else by the VNI, else by nothing that is known", () => {
    const attr = { nextHop: "10.0.0.1", targets: ["65000:7"] };
    const tagged = new Segment().pe(1);
    tagged.announce(1, ethernetAd("10.0.0.1:1", ESI, 33, 9), attr).read();
    const tags = tagged.segment.forwarders.map(({ tag, tagFrom }) => `${tag} ${tagFrom}`);
    expect(tags.sort()).toEqual(["100 vni", "33 ethernet-tag"]);
    const mpls = new Segment().type4(1);
    mpls.announce(1, ethernetAd("10.0.0.1:1", ESI, 0, 160), { ...attr, tunnel: 10 });
    expect(mpls.elected).toMatchObject({ tag: 0, tagFrom: "unknown" });
    // Of a type 3 route, where a MAC is all that attaches the domain.
    const late = new Segment().type4(1);
    late.announce(
      1,
      macIp({ rd: "10.0.0.1:1", mac: "02:00:00:00:00:01", esi: ESI, label: 7 }),
      attr,
    );
    late.announce(1, imet("10.0.0.1:1", 0, "10.0.0.1"), { ...attr, pmsiLabel: 7 });
    expect(late.elected).toMatchObject({ tag: 7, tagFrom: "vni" });
  });
});

describe("split horizon", () => {
  const perEs = (fabric: Segment, pe: number, attr: Partial<AttrSpec>): Segment =>
    fabric.announce(pe, ethernetAd(`10.0.0.${pe}:0`, ESI, MAX_ET, 0), {
      nextHop: `10.0.0.${pe}`,
      targets: TARGETS,
      ...attr,
    });
  const esiLabel = (sht?: number) => ({
    singleActive: false,
    label: 0x12340,
    ...(sht !== undefined && { sht }),
  });

  it("is local bias under VXLAN whatever is asked for, the ESI label under MPLS", () => {
    const vxlan = perEs(new Segment(), 1, { esiLabel: esiLabel(2) });
    expect(vxlan.segment).toMatchObject({
      splitHorizon: "local-bias",
      places: [{ esiLabel: undefined, splitHorizon: "local-bias" }],
    });
    const mpls = perEs(new Segment(), 1, { tunnel: 10, esiLabel: esiLabel(1) });
    expect(mpls.segment).toMatchObject({
      splitHorizon: "esi-label",
      places: [{ esiLabel: 0x1234, splitHorizon: "esi-label" }],
    });
  });

  it("is what the PE asks for where both can be (RFC 9746)", () => {
    const type = (tunnel: number, sht: number) =>
      perEs(new Segment(), 1, { tunnel, esiLabel: esiLabel(sht) }).segment.splitHorizon;
    expect([0, 1, 2].map((sht) => type(13, sht))).toEqual(["esi-label", "local-bias", "esi-label"]);
    expect([0, 1, 2].map((sht) => type(19, sht))).toEqual([
      "local-bias",
      "local-bias",
      "esi-label",
    ]);
  });

  it("is mixed where PEs differ", () => {
    const fabric = perEs(new Segment(), 1, { esiLabel: esiLabel() });
    perEs(fabric, 2, { tunnel: 10, esiLabel: esiLabel() });
    expect(fabric.segment.splitHorizon).toBe("mixed");
  });
});
