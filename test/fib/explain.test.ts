/** Why a MAC is where it is, in words. */
import { describe, expect, it } from "vitest";
import type { Explanation } from "../../src/fib/index.js";
import { Fabric } from "./lib/fabric.js";
import { ethernetAd, macIp, MAX_ET, type AttrSpec } from "./lib/route.js";

const MAC = "02:00:00:00:00:01";
const ESI = "00112233445566778899";

class Story extends Fabric {
  at(pe: number, attr: Partial<AttrSpec> = {}, esi?: string, ip?: string): this {
    return this.announce(pe, macIp({ rd: `10.0.0.${pe}:1`, mac: MAC, esi, ip }), {
      nextHop: `10.0.0.${pe}`,
      targets: ["65000:1"],
      ...attr,
    });
  }

  perEs(pe: number): this {
    return this.announce(pe, ethernetAd(`10.0.0.${pe}:0`, ESI, MAX_ET, 0), {
      nextHop: `10.0.0.${pe}`,
      targets: ["65000:1"],
      esiLabel: { singleActive: false, label: 0 },
    });
  }

  get told(): Explanation {
    this.read();
    return this.fib.explainer.explain(1)!;
  }

  /** `pe because` of each candidate. */
  get verdicts(): string[] {
    return this.told.candidates.map(({ pe, because }) => `${pe} ${because}`).sort();
  }
}

describe("the explanation", () => {
  it("of a MAC that one PE has", () => {
    const { told } = new Story().at(1);
    expect(told).toMatchObject({
      mac: MAC,
      domain: "65000:1",
      summary: [`${MAC} is at 10.0.0.1.`, "No other PE claims it."],
      candidates: [{ pe: "10.0.0.1", peer: "10.9.0.2", bestPath: "only path", winner: true }],
      cut: false,
    });
    expect(told.candidates[0]?.route).toContain("02:00:00:00:00:01");
  });

  it("names the rule against each candidate", () => {
    const story = new Story().at(1, { sequence: 3 }).at(2, { sequence: 4 }).at(3, { sequence: 4 });
    expect(story.verdicts).toEqual([
      "10.0.0.1 has a lower sequence (RFC 7432 section 15)",
      "10.0.0.2 has the lowest PE address at an equal sequence",
      "10.0.0.3 has an equal sequence and a higher PE address (RFC 7432 section 15)",
    ]);
    expect(story.told.summary).toEqual([
      `${MAC} is at 10.0.0.2.`,
      "The next candidate, of 10.0.0.3, has an equal sequence and a higher PE address (RFC 7432 section 15).",
    ]);
    expect(story.at(1, { sticky: true }).verdicts[0]).toBe("10.0.0.1 is sticky");
  });

  it("says that routes of one PE say the same", () => {
    const story = new Story().at(1).at(1, {}, undefined, "10.1.0.1");
    expect(story.verdicts[1]).toBe("10.0.0.1 says the same as the winner");
  });

  it("knows a multihomed MAC, and an unusable one", () => {
    const story = new Story().perEs(1).perEs(2).at(1, {}, ESI).at(2, { sequence: 9 }, ESI);
    expect(story.verdicts).toEqual([
      "10.0.0.1 no other PE outside its segment claims it",
      "10.0.0.2 is on the winner's segment: its PE is a next hop as well (RFC 7432 section 8.4)",
    ]);
    expect(story.told.summary[1]).toBe("Further next hops: 10.0.0.2 (advertised).");
    for (const pe of [1, 2]) story.withdraw(pe, ethernetAd(`10.0.0.${pe}:0`, ESI, MAX_ET, 0));
    expect(story.told.summary[0]).toContain("is unusable");
    story.at(3);
    expect(story.told.summary[0]).toContain("10.0.0.1 would win, but no PE of its segment");
    expect(story.told.summary[1]).toBe(`${MAC} is at 10.0.0.3.`);
    expect(story.verdicts[0]).toContain("through which no PE reaches the domain");
  });

  it("is cut where there are very many", () => {
    const story = new Story();
    for (let n = 0; n < 300; n++) story.at(1, {}, undefined, `10.1.${n >> 8}.${n & 255}`);
    expect(story.told).toMatchObject({ cut: true });
    expect(story.told.candidates).toHaveLength(100);
  });

  it("of what is not there is nothing", () => {
    expect(new Story().fib.explainer.explain(5)).toBeUndefined();
  });
});
