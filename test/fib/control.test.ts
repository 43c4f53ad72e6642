/** The FIB's door: filters in text, names of domains, pages, refusals. */
import { beforeEach, describe, expect, test } from "vitest";
import type { LocalFibControl, MacQuery } from "../../src/fib/index.js";
import { addMacs, DUAL, ESI, HOST, SHARED, smallFib } from "../lib/fib.js";
import type { SmallFib } from "../lib/fib.js";

let small: SmallFib;
let control: LocalFibControl;
beforeEach(() => {
  small = smallFib();
  control = small.control;
});

async function found(query: MacQuery): Promise<string[]> {
  const { rows } = await control.macs(query);
  return rows.map(({ domain, mac, pe }) => `${domain} ${mac} ${pe}`).sort();
}

const ALL = [
  `65000:100 ${HOST} 10.0.0.1`,
  `65000:100 ${SHARED} 10.0.0.2`,
  `65000:100 ${DUAL} 10.0.0.1`,
  `65000:200 ${SHARED} 10.0.0.2`,
  `blue/7 ${HOST} 10.0.0.1`,
];

describe("macs", () => {
  test.each<[MacQuery, string[]]>([
    [{}, ALL],
    [{ mac: "5254.0000.0001" }, [ALL[0]!, ALL[4]!]],
    [{ mac: "52:54:00:00:00:0" }, ALL],
    [{ mac: "52:54:00:00:01" }, []],
    [{ domain: "65000:200" }, [ALL[3]!]],
    [{ domain: "blue/7" }, [ALL[4]!]],
    [{ domain: "65000:100", mac: SHARED }, [ALL[1]!]],
    [{ vni: 200 }, [ALL[3]!]],
    [{ ip: "10.1.0.1" }, [ALL[0]!]],
    [{ ip: "10.1.0.2" }, []],
    [{ pe: "10.0.0.2" }, [ALL[1]!, ALL[2]!, ALL[3]!]],
    [{ pe: "10.0.0.9" }, []],
    [{ esi: ESI }, [ALL[2]!]],
  ])("%j", async (query, wanted) => {
    expect(await found(query)).toEqual(wanted);
  });

  test("every page's rows make the whole", async () => {
    addMacs(small, 250);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { rows, next } = await control.macs({ limit: 30, cursor });
      expect(rows.length).toBeLessThanOrEqual(30);
      seen.push(...rows.map(({ domain, mac }) => `${domain} ${mac}`));
      cursor = next;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(ALL.length + 250);
    expect(seen).toHaveLength(ALL.length + 250);
  });
});

test("a cursor of another FIB is refused", async () => {
  addMacs(small, 5);
  const other = smallFib();
  addMacs(other, 5);
  const rebuilt = { code: "rebuilt", message: expect.stringContaining("begin again") as string };
  for (const list of ["macs", "domains"] as const) {
    const { next: cursor } = await control[list]({ limit: 1 });
    await expect(other.control[list]({ cursor })).rejects.toMatchObject(rebuilt);
    expect((await control[list]({ limit: 1, cursor })).rows).toHaveLength(1);
  }
  await expect(control.segments({ cursor: "1.1" })).rejects.toMatchObject(rebuilt);
});

test("domains, segments, summary", async () => {
  const domains = (await control.domains({})).rows.map(({ name, macs }) => [name, macs]);
  expect(domains).toEqual([
    ["65000:100", 3],
    ["65000:200", 1],
    ["blue/7", 1],
  ]);
  const [segment] = (await control.segments({})).rows;
  expect(segment).toMatchObject({ esi: ESI, mode: "all-active" });
  expect(await control.summary()).toEqual({
    macs: 5,
    ips: 1,
    domains: 3,
    segments: 1,
    duplicates: 0,
  });
});

test("each domain's name finds the domain", async () => {
  for (const { name, macs } of (await control.domains({})).rows) {
    expect(await found({ domain: name })).toHaveLength(macs);
  }
});

describe("explain", () => {
  test("in every domain, or in one", async () => {
    const all = await control.explain(SHARED);
    expect(all.map(({ domain }) => domain).sort()).toEqual(["65000:100", "65000:200"]);
    const [one] = await control.explain(SHARED, "65000:100");
    expect(one?.summary[0]).toBe(`${SHARED} is at 10.0.0.2.`);
    expect(one?.candidates.map(({ pe, winner }) => [pe, winner])).toContainEqual([
      "10.0.0.2",
      true,
    ]);
  });
});

describe("refusals say what to do", () => {
  test.each<[MacQuery, string, RegExp]>([
    [{ mac: "xyz" }, "invalid", /no MAC address and no beginning/],
    [{ mac: "52:54:00:00:00:01:02" }, "invalid", /no MAC address/],
    [{ ip: "10.1" }, "invalid", /ip "10.1" is no address/],
    [{ pe: "leaf1" }, "invalid", /pe "leaf1" is no address/],
    [{ esi: "1" }, "invalid", /ten octets/],
    [{ cursor: "x" }, "invalid", /leave it out to begin/],
    [{ domain: "green" }, "not-found", /show domains lists them/],
    [{ domain: "65000:100/9" }, "not-found", /no domain "65000:100\/9"/],
    [{ domain: "blue" }, "not-found", /no domain "blue"/],
  ])("%j", async (query, code, message) => {
    await expect(control.macs(query)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  test("explain: a MAC that is not there, or not whole", async () => {
    await expect(control.explain("52:54:00:00:00:09")).rejects.toMatchObject({ code: "not-found" });
    await expect(control.explain("52:54")).rejects.toMatchObject({ code: "invalid" });
    await expect(control.explain(DUAL, "65000:200")).rejects.toThrow(/does not have/);
  });
});
