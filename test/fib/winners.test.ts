/** Who has a MAC: the rules of RFC 7432 sections 8.4 and 15, one pair of routes a row, in both orders of arrival. */
import { describe, expect, it } from "vitest";
import type { MacView } from "../../src/fib/index.js";
import { Fabric } from "./lib/fabric.js";
import { macIp, type AttrSpec } from "./lib/route.js";

const MAC = "02:00:00:00:00:01";
const E1 = "00112233445566778899";
const E2 = "00aabbccddeeff001122";

type Shape = Partial<AttrSpec> & {
  readonly esi?: string;
  readonly rd?: string;
  readonly label?: number;
};

const LOW = "10.0.0.1";
const HIGH = "10.0.0.2";
const V6 = "20010db8000000000000000000000001";

function view(routes: readonly (readonly [pe: string, shape: Shape])[]): MacView {
  const fabric = new Fabric();
  routes.forEach(([pe, { esi, rd, label, ...attr }], slot) => {
    const nlri = macIp({ rd: rd ?? `10.0.0.9:${slot}`, mac: MAC, esi, label });
    fabric.announce(slot, nlri, { nextHop: pe, targets: ["65000:100"], ...attr }).read();
  });
  expect(fabric.fib.macs.entries.count).toBe(1);
  return fabric.fib.view.mac(1)!;
}

const ROWS: readonly (readonly [
  rule: string,
  better: readonly [string, Shape],
  worse: readonly [string, Shape],
])[] = [
  ["sticky over any sequence", [HIGH, { sticky: true }], [LOW, { sequence: 9 }]],
  ["higher sequence", [HIGH, { sequence: 2 }], [LOW, { sequence: 1 }]],
  ["a sequence over none", [HIGH, { sequence: 1 }], [LOW, {}]],
  ["sequence 0 equals none: lowest PE", [LOW, {}], [HIGH, { sequence: 0 }]],
  ["lowest PE at equal sequence", [LOW, { sequence: 3 }], [HIGH, { sequence: 3 }]],
  ["lowest PE before LOCAL_PREF", [LOW, { localPref: 50 }], [HIGH, { localPref: 200 }]],
  ["IPv4 before IPv6", [HIGH, {}], [V6, {}]],
  ["two sticky: lowest PE", [LOW, { sticky: true }], [HIGH, { sticky: true }]],
  ["small after large: wrapped", [HIGH, { sequence: 1 }], [LOW, { sequence: 0xffffffff }]],
  ["none never counts as wrapped", [HIGH, { sequence: 0xffffffff }], [LOW, {}]],
  ["0x10000 is no wrapped number", [HIGH, { sequence: 0xffffffff }], [LOW, { sequence: 0x10000 }]],
  ["one segment: sequences are not compared", [LOW, { esi: E1 }], [HIGH, { esi: E1, sequence: 9 }]],
  ["two segments: they are", [HIGH, { esi: E2, sequence: 1 }], [LOW, { esi: E1 }]],
  [
    "a proxy is not asked when its segment has first hand",
    [HIGH, { esi: E1 }],
    [LOW, { esi: E1, arpNd: 4 }],
  ],
  ["a proxy elsewhere wins by address", [LOW, { esi: E1, arpNd: 4 }], [HIGH, { esi: E2 }]],
  ["one PE: LOCAL_PREF", [LOW, { localPref: 200, label: 2 }], [LOW, { label: 1 }]],
  ["one PE: AS_PATH", [LOW, { asPath: [1], label: 2 }], [LOW, { asPath: [1, 2], label: 1 }]],
  ["one PE: ORIGIN", [LOW, { origin: 0, label: 2 }], [LOW, { origin: 2, label: 1 }]],
  [
    "one PE: lower RD",
    [LOW, { rd: "10.0.0.9:1", label: 2 }],
    [LOW, { rd: "10.0.0.9:2", label: 1 }],
  ],
];

describe("the winner", () => {
  for (const [rule, better, worse] of ROWS) {
    it(rule, () => {
      for (const pair of [
        [better, worse],
        [worse, better],
      ]) {
        const { pe, label, sequence } = view(pair);
        const shown = better[0] === V6 ? "2001:db8::1" : better[0];
        expect({ pe, label: label.value, sequence }).toEqual({
          pe: shown,
          label: better[1].label ?? 100,
          sequence: better[1].sequence ?? 0,
        });
      }
    });
  }

  it("takes the best sequence of a segment for all of it", () => {
    // E1 leads with 5 through its second PE, so its first, lower PE wins with its own lower number.
    const three: [string, Shape][] = [
      ["10.0.0.3", { esi: E1, sequence: 1 }],
      ["10.0.0.4", { esi: E1, sequence: 5 }],
      ["10.0.0.2", { esi: E2, sequence: 4 }],
    ];
    for (const order of [three, [...three].reverse()]) {
      expect(view(order)).toMatchObject({ pe: "10.0.0.3", sequence: 1 });
    }
  });

  it("changes when the proxy goes whose address led to its segment", () => {
    const fabric = new Fabric();
    const route = (pe: string, esi: string, arpNd: number | undefined, slot: number): string => {
      const nlri = macIp({ rd: `${pe}:1`, mac: MAC, esi });
      fabric.announce(slot, nlri, { nextHop: pe, targets: ["65000:100"], arpNd }).read();
      return nlri;
    };
    const proxy = route("10.0.0.1", E1, 4, 0);
    route("10.0.0.3", E1, undefined, 1);
    route("10.0.0.2", E2, undefined, 2);
    expect(fabric.fib.view.mac(1)?.pe).toBe("10.0.0.3");
    fabric.withdraw(0, proxy).read();
    expect(fabric.fib.view.mac(1)?.pe).toBe("10.0.0.2");
  });

  it("decides a wrap over all candidates, in every order", () => {
    const three: [string, Shape][] = [
      ["10.0.0.1", { sequence: 0xfffffffe }],
      ["10.0.0.2", { sequence: 0x20000 }],
      ["10.0.0.3", { sequence: 2 }],
    ];
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    for (const order of orders) {
      expect(view(order.map((index) => three[index]!)).pe).toBe("10.0.0.3");
    }
  });
});
