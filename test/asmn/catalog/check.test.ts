import { expect, test } from "vitest";
import {
  catalogData,
  compareCatalogs,
  readCatalog,
  rateText,
} from "../../../src/asmn/catalog/index.js";
import { catalogOf, WRITTEN } from "./lib.js";

test("ASM-30: an entry is protocol, port, policing rate and burst, for an ordered pair", () => {
  const [bgp, icmp, range, office] = catalogOf(WRITTEN).entries;
  expect(bgp).toMatchObject({
    ...{ from: "pe1", to: "rr", protocol: 6, ports: { first: 179, last: 179 } },
    ...{ rate: 10_000_000, burst: 131_072, opens: 100, answers: true },
  });
  expect(icmp).toMatchObject({ protocol: 1, ports: undefined, rate: 1_000_000, opens: undefined });
  expect(range).toMatchObject({ from: "*", ports: { first: 5000, last: 5100 }, packets: 500 });
  expect(office).toMatchObject({ rate: undefined, opens: 20, connections: 8 });
});

test("ASM-32: a catalog speaks of VNFs that it has descriptors of, and of nobody else", () => {
  const entries = [{ from: "pe1", to: "stranger", protocol: "tcp", port: 80 }];
  const outcome = readCatalog({ ...WRITTEN, entries });
  expect(outcome).toEqual({
    kind: "problems",
    problems: [
      "entries[0] names stranger, of which the catalog has neither descriptor nor network",
    ],
  });
});

test("what an operator wrote wrongly is said, all at once, with where it is", () => {
  const cases: [object, string][] = [
    [{ version: 0 }, "version must be a whole number from 1 on"],
    [{ abnormal: "pass" }, "abnormal must be lower or drop"],
    [{ surprise: 1 }, 'catalog has no "surprise"; it has issuer, tenant'],
    [{ entries: [{ from: "pe1", to: "rr", protocol: "icmp", port: 7 }] }, "has no ports"],
    [{ entries: [{ from: "pe1", to: "rr", protocol: "tpc" }] }, "entries[0].protocol must be"],
    [{ entries: [{ from: "pe1", to: "rr", protocol: "tcp", port: 70000 }] }, "1 to 65535"],
    [{ entries: [{ from: "pe1", to: "rr", protocol: "tcp", rate: "fast" }] }, "must be bit/s"],
    [{ entries: [{ from: "pe1", to: "rr", protocol: "udp", opens: 3 }] }, "which only TCP has"],
    [{ entries: [WRITTEN.entries[0], WRITTEN.entries[0]] }, "twice"],
    [{ networks: [{ name: "pe1", prefixes: ["10.0.0.0/8"] }] }, "have a name twice"],
    [{ networks: [{ name: "n", prefixes: ["10.0.0.1/8"] }] }, "is no prefix"],
    [{ alarms: [{ name: "a", from: "db" }] }, "neither octets nor hours"],
    [{ alarms: [{ name: "a", from: "db", hours: "25:00-26:00" }] }, "01:00-05:00"],
    [{ alarms: [{ name: "a", from: "db", hours: "01:00-02:00", zone: "Mars" }] }, "a zone such"],
    [{ entries: [{ from: "office", to: "office", protocol: "any" }] }, "between two networks"],
    [{ entries: "all" }, "entries must be a list"],
    [{ tenant: "../etc" }, "tenant must be 1 to 64 letters"],
  ];
  for (const [change, words] of cases) {
    const outcome = readCatalog({ ...WRITTEN, ...change });
    expect(outcome.kind === "problems" && outcome.problems.join("\n"), words).toContain(words);
  }
  const both = readCatalog({ ...WRITTEN, version: "x", abnormal: 3 });
  expect(both.kind === "problems" && both.problems).toHaveLength(2);
  for (const nothing of [undefined, null, 7, "", [], [[[]]]]) {
    expect(readCatalog(nothing).kind).toBe("problems");
  }
});

test("a catalog as data reads back to the same catalog", () => {
  const catalog = catalogOf(WRITTEN);
  expect(catalogOf(catalogData(catalog))).toEqual(catalog);
});

test("a comparison names what is added, removed and changed", () => {
  const before = catalogOf(WRITTEN);
  const [bgp, , ...others] = WRITTEN.entries;
  const ssh = { from: "rr", to: "pe1", protocol: "tcp", port: 22 };
  const after = catalogOf({
    ...{ ...WRITTEN, version: 2, abnormal: "drop" },
    entries: [{ ...bgp, rate: "20mbit" }, ...others, ssh],
  });
  expect(compareCatalogs(before, after).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "changed default action",
    "changed pe1 > rr tcp 179",
    "removed pe1 > rr icmp any",
    "added rr > pe1 tcp 22",
  ]);
  expect(compareCatalogs(before, before)).toEqual([]);
  expect(compareCatalogs(undefined, before).every(({ kind }) => kind === "added")).toBe(true);
});

test("rates are decimal", () => {
  expect([10_000_000, 1_500, 8, 2_500_000_000].map(rateText)).toEqual([
    ...["10 Mbit/s", "1.5 kbit/s", "8 bit/s", "2.5 Gbit/s"],
  ]);
});
