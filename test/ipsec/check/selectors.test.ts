/** Networks merged, mirrored, narrowed. */
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import {
  compareSelectors,
  describeUncovered,
  parseTrafficSelector,
  selectorsOfSa,
  summaryOf,
  uncoveredSelectors,
} from "../../../src/ipsec/check/index.js";
import {
  anyPort,
  formatRange,
  mirrorSelector,
  type EndOverride,
} from "../../../src/ipsec/model/index.js";
import { found } from "../lib/facts.js";
import { end, model, PIX_OPT_INS, tunnel } from "../lib/models.js";

const A = "10.0.0.0/24";
const B = "10.0.1.0/24";
const BOTH = "10.0.0.0/23";
const FAR = "10.32.0.0/17";
const none = { kind: "none" } as const;

const twoNetworks = (override?: EndOverride) =>
  tunnel("pix", {
    optIns: PIX_OPT_INS,
    ends: [
      end("a", A, { binding: none, networks: [A, B] }),
      end("b", FAR, { binding: none, override }),
    ],
  });

describe("IPS-62: network summarisation", () => {
  test("(a) a set that a peer may merge is warned about, (b) with both forms", () => {
    const findings = found(model([twoNetworks()]));
    const [finding] = findings.filter(({ code }) => code === "networks-mergeable");
    expect(finding).toMatchObject({ severity: "warning", gateway: "a" });
    expect(finding?.message).toContain(`${A}, ${B} is ${BOTH}`);
    expect(summaryOf([A, B])).toEqual({ separate: [A, B], merged: [BOTH] });
  });

  test("a set that cannot be merged is left alone", () => {
    expect(summaryOf([A, "10.0.2.0/24"])).toBeUndefined();
    expect(summaryOf(["10.0.1.0/24", "10.0.2.0/24"])).toBeUndefined();
    expect(summaryOf([A, "10.0.0.128/25"])).toEqual({
      separate: [A, "10.0.0.128/25"],
      merged: [A],
    });
  });

  test.each([
    ["the far end", [anyPort(FAR, BOTH)]],
    ["the far end, half of it", [anyPort(FAR, BOTH), anyPort(FAR, A)]],
  ])("(c) %s has merged: named beforehand, both lists shown", (_name, selectors) => {
    const findings = found(model([twoNetworks({ selectors })]));
    const [finding] = findings.filter(({ code }) => code === "selectors-summarised");
    expect(finding?.severity).toBe("error");
    expect(finding?.values?.[0].value).toContain(`${A} to ${FAR}`);
    expect(finding?.values?.[1].value).toContain(BOTH);
  });
});

describe("IPS-43: each side's list is the mirror of the other's", () => {
  const ours = [anyPort(A, FAR), anyPort(B, FAR)];

  test("the mirror, in any order", () => {
    const theirs = ours.map(mirrorSelector).reverse();
    expect(compareSelectors(ours, theirs)).toEqual({ kind: "mirror" });
  });

  test("what only one side has is named", () => {
    const result = compareSelectors(ours, [anyPort(FAR, A), anyPort("10.99.0.0/16", B)]);
    expect(result).toEqual({
      kind: "differs",
      onlyFirst: [{ local: B, remote: FAR, protocol: 0 }],
      onlySecond: [{ local: B, remote: "10.99.0.0/16", protocol: 0 }],
    });
  });

  test("a list that is no mirror refuses the tunnel", () => {
    const made = twoNetworks({ selectors: [anyPort(FAR, A)] });
    const [finding] = found(model([made])).filter(({ severity }) => severity === "error");
    expect(finding?.code).toBe("selectors-not-mirrored");
    expect(finding?.message).toContain(`only a protects ${B} to ${FAR}`);
  });
});

describe("IPS-84: what was negotiated against what was configured", () => {
  test("nothing is missing when it is the same, or wider", () => {
    expect(uncoveredSelectors([anyPort(A, FAR)], [anyPort(A, FAR)])).toEqual([]);
    expect(uncoveredSelectors([anyPort(A, FAR)], [anyPort("0.0.0.0/0", "0.0.0.0/0")])).toEqual([]);
    expect(uncoveredSelectors([anyPort(BOTH, FAR)], [anyPort(A, FAR), anyPort(B, FAR)])).toEqual(
      [],
    );
  });

  test("networks that a peer narrowed away are listed", () => {
    const left = uncoveredSelectors([anyPort(BOTH, FAR)], [anyPort(A, FAR)]);
    expect(left).toEqual([{ local: B, remote: FAR, protocol: 0 }]);
    expect(describeUncovered(left)).toBe(`${B} to ${FAR}`);
  });

  test("both sides narrowed", () => {
    const left = uncoveredSelectors([anyPort(BOTH, FAR)], [anyPort(A, "10.32.0.0/18")]);
    expect(left).toEqual([
      { local: B, remote: FAR, protocol: 0 },
      { local: A, remote: "10.32.64.0/18", protocol: 0 },
    ]);
  });

  test("an SA for one protocol does not cover the others", () => {
    const udp = { ...anyPort(A, FAR), protocol: 17 };
    expect(uncoveredSelectors([anyPort(A, FAR)], [udp])).toHaveLength(1);
    expect(uncoveredSelectors([udp], [anyPort(A, FAR)])).toEqual([]);
  });

  test("no SA covers nothing", () => {
    expect(uncoveredSelectors([anyPort(A, FAR)], [])).toEqual([
      { local: A, remote: FAR, protocol: 0 },
    ]);
  });

  test("texts of an IKE daemon", () => {
    expect(selectorsOfSa(["10.0.0.0/24"], ["10.1.0.0/24", "10.2.0.1..10.2.0.6"])).toEqual([
      anyPort("10.0.0.0/24", "10.1.0.0/24"),
      anyPort("10.0.0.0/24", "10.2.0.1..10.2.0.6"),
    ]);
    const l2tp = parseTrafficSelector("192.0.2.1/32[udp/l2f]")!;
    expect([formatRange(l2tp.range), l2tp.protocol, l2tp.port]).toEqual(["192.0.2.1/32", 17, 1701]);
    expect(parseTrafficSelector("dynamic")).toBeUndefined();
    expect(parseTrafficSelector("10.0.0.0/24[strange/x]")).toBeUndefined();
    expect(selectorsOfSa(["10.0.0.0/24"], ["2001:db8::/32"])).toEqual([]);
  });

  test("each address counts once: compared with a slow model", () => {
    const prefix = fc
      .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 28, max: 32 }))
      .map(([host, length]) => `10.0.0.${host}/${length}`);
    const list = fc.array(fc.tuple(prefix, prefix), { maxLength: 4 });
    const covers = (pairs: readonly (readonly [string, string])[], l: number, r: number) =>
      uncoveredSelectors(
        [anyPort(`10.0.0.${l}/32`, `10.0.0.${r}/32`)],
        pairs.map(([local, remote]) => anyPort(local, remote)),
      ).length === 0;
    fc.assert(
      fc.property(list, list, (configured, negotiated) => {
        const left = uncoveredSelectors(
          configured.map(([local, remote]) => anyPort(local, remote)),
          negotiated.map(([local, remote]) => anyPort(local, remote)),
        ).map(({ local, remote }) => [local, remote] as const);
        for (let l = 0; l < 16; l += 3) {
          for (let r = 0; r < 16; r += 3) {
            const missing = covers(configured, l, r) && !covers(negotiated, l, r);
            expect(covers(left, l, r)).toBe(missing);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
