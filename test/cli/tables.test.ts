/** Tables of long values: nothing beyond the width, and nothing of a value lost. */
import { describe, expect, test } from "vitest";
import { formatTable } from "../../src/cli/text.js";
import { watchLine } from "../../src/cli/watch-text.js";

const DOMAIN = "customer-of-the-northern-datacenter-0001";
const PE = "2001:db8:1111:2222:3333:4444:5555:6661";
const OTHER = "2001:db8:1111:2222:3333:4444:5555:6662";

const widest = (text: string): number => Math.max(...text.split("\n").map((line) => line.length));

interface Row {
  readonly mac: string;
  readonly domain: string;
  readonly what: string;
  readonly count: string;
}

const COLUMNS = [
  { title: "MAC", value: (row: Row) => row.mac },
  { title: "Domain", value: (row: Row) => row.domain },
  { title: "What", value: (row: Row) => row.what },
  { title: "Count", value: (row: Row) => row.count, right: true },
];

describe("a table too wide", () => {
  test("goes on below, under its titles", () => {
    const rows = [
      { mac: "52:54:00:00:00:01", domain: "red", what: "10.0.0.1", count: "7" },
      { mac: "52:54:00:00:00:02", domain: DOMAIN, what: `${PE} > ${OTHER} seq 3`, count: "12" },
    ];
    expect(formatTable(rows, COLUMNS, 80).split("\n")).toEqual([
      "MAC                Domain                      What                        Count",
      "52:54:00:00:00:01  red                         10.0.0.1                        7",
      "52:54:00:00:00:02  customer-of-the-northern-datacenter-0001",
      "                                        2001:db8:1111:2222:3333:4444:5555:6661 >",
      "                                    2001:db8:1111:2222:3333:4444:5555:6662 seq 3",
      "                                                                              12",
      "",
    ]);
  });

  test.each([200, 80, 40, 20])("has all of each value in %i columns, and no more", (width) => {
    const rows = [{ mac: "m".repeat(17), domain: "d".repeat(90), what: PE, count: "123456789" }];
    const text = formatTable(rows, COLUMNS, width);
    if (width >= 40) expect(widest(text)).toBeLessThanOrEqual(width);
    const joined = text.replace(/\s/g, "");
    expect(joined).toContain("m".repeat(17) + "d".repeat(90) + PE + "123456789");
  });
});

test("a watch says where a MAC went, however long that is", () => {
  const event = {
    kind: "move",
    time: 0,
    mac: "52:54:00:00:00:01",
    domain: DOMAIN,
    from: PE,
    to: OTHER,
  };
  const item = { type: "event", event } as unknown as Parameters<typeof watchLine>[0];
  const text = watchLine(item, 80) ?? "";
  expect(widest(text)).toBeLessThanOrEqual(80);
  for (const part of [DOMAIN, PE, OTHER]) expect(text).toContain(part);
});
