/** Every rule of the fabric check, provoked by routes; and a fabric in order, which has no finding. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LINT_RULES, type Finding } from "../../../src/fib/index.js";
import { LintRun } from "../../../src/fib/lint/run.js";
import { Fabric } from "../lib/fabric.js";
import {
  addressHex,
  ethernetAd,
  ethernetSegment,
  hex,
  imet,
  macIp,
  MAX_ET,
  rdHex,
  type AttrSpec,
  type MacRoute,
} from "../lib/route.js";

/** Type 1, so that the ES-Import derives from it. */
const ESI = "01aabbccddeeff000100";
const ES_IMPORT = "aa:bb:cc:dd:ee:ff";
const MAC = "02:00:00:00:00:01";
const OTHER = "02:00:00:00:00:02";

class Site {
  readonly fabric = new Fabric({}, 4);

  inclusive(pe: number, change: Partial<AttrSpec> = {}): this {
    return this.say(pe, imet(this.rd(pe), 0, this.address(pe)), { pmsiLabel: 100, ...change });
  }

  mac(pe: number, change: Partial<AttrSpec & MacRoute> = {}): this {
    const route = { rd: this.rd(pe), mac: MAC, label: 100, ...change };
    return this.say(pe, macIp(route), change);
  }

  prefix(pe: number, change: Partial<AttrSpec> = {}): this {
    const body = `${rdHex(this.rd(pe))}${"00".repeat(10)}${hex(0, 4)}18${addressHex("10.7.0.0")}${"00".repeat(4)}${hex(5000, 3)}`;
    return this.say(pe, `05${hex(body.length / 2, 1)}${body}`, change);
  }

  perEs(pe: number, change: Partial<AttrSpec> = {}): this {
    const nlri = ethernetAd(`${this.address(pe)}:9`, ESI, MAX_ET, 0);
    return this.say(pe, nlri, { esiLabel: { singleActive: false, label: 0 }, ...change });
  }

  perEvi(pe: number, change: Partial<AttrSpec> = {}): this {
    return this.say(pe, ethernetAd(this.rd(pe), ESI, 0, 100), change);
  }

  segment(pe: number, change: Partial<AttrSpec> = {}): this {
    const nlri = ethernetSegment(`${this.address(pe)}:9`, ESI, this.address(pe));
    return this.say(pe, nlri, { targets: [], esImport: ES_IMPORT, ...change });
  }

  /** Two PEs with a host each, a segment with a host, routing, and a gateway. */
  clean(): this {
    for (const pe of [1, 2]) {
      this.inclusive(pe).perEs(pe).perEvi(pe).segment(pe);
      this.mac(pe, { mac: `02:00:00:00:0${pe}:01`, ip: `10.1.0.${pe}` });
      this.mac(pe, { mac: "02:00:00:00:00:aa", esi: ESI, ip: "10.1.0.9" });
      this.mac(pe, { mac: "02:00:00:00:00:fe", ip: "10.1.0.254", gateway: true, sticky: pe === 1 });
      const routed = {
        label2: 5000,
        targets: ["65000:100", "65000:5000"],
        routerMac: `02:ff:00:00:00:0${pe}`,
      };
      this.mac(pe, { mac: `02:00:00:00:0${pe}:02`, ip: `10.2.0.${pe}`, ...routed });
      this.prefix(pe, { targets: ["65000:5000"], routerMac: routed.routerMac });
    }
    return this;
  }

  find(rules = LINT_RULES): Finding[] {
    this.fabric.read();
    const run = new LintRun(this.fabric.fib, rules);
    while (!run.isDone) run.step(() => 0, 1);
    return run.findings();
  }

  private say(pe: number, nlri: string, change: Partial<AttrSpec>): this {
    const attr = { nextHop: this.address(pe), targets: ["65000:100"], ...change };
    this.fabric.announce(pe - 1, nlri, attr);
    return this;
  }

  private rd(pe: number): string {
    return `${this.address(pe)}:1`;
  }

  private address(pe: number): string {
    return `10.0.0.${pe}`;
  }
}

const site = (): Site => new Site();
const SINGLE = { esiLabel: { singleActive: true, label: 0 } };

/** Rule, what provokes it, what it is about, what it says, and routes behind it. */
const CASES: readonly (readonly [string, Site, string, RegExp, number])[] = [
  [
    "mac-without-inclusive",
    site().inclusive(2).mac(1).mac(1, { mac: OTHER }).mac(2, { mac: "02:00:00:00:00:03" }),
    "65000:100 10.0.0.1",
    /10.0.0.1 announces MACs in 65000:100, and no type 3 route/,
    2,
  ],
  [
    "route-target-with-several-vnis",
    site().inclusive(1).inclusive(2, { pmsiLabel: 200 }).mac(1).mac(2, { mac: OTHER, label: 200 }),
    "65000:100",
    /has the VNIs 100, 200/,
    2,
  ],
  [
    "vni-with-several-route-targets",
    site()
      .inclusive(1)
      .inclusive(2, { targets: ["65001:100"] })
      .inclusive(3),
    "VNI 100",
    /VNI 100 is announced with 65000:100, 65001:100, and no route target/,
    3,
  ],
  [
    "sticky-at-two-pes",
    site().clean().mac(1, { sticky: true }).mac(2, { sticky: true }).mac(3).inclusive(3),
    `65000:100 ${MAC}`,
    /is sticky at 10.0.0.1, 10.0.0.2/,
    2,
  ],
  [
    "ip-on-two-macs",
    site().clean().mac(1, { ip: "10.3.0.1" }).mac(2, { mac: OTHER, ip: "10.3.0.1" }),
    "65000:100 10.3.0.1",
    /10.3.0.1 in 65000:100 has the MACs 02:00:00:00:00:01, 02:00:00:00:00:02/,
    2,
  ],
  [
    "gateway-mac-differs",
    site()
      .clean()
      .mac(1, { ip: "10.3.0.1", gateway: true })
      .mac(2, { mac: OTHER, ip: "10.3.0.1", gateway: true }),
    "65000:100 10.3.0.1",
    /default gateway 10.3.0.1 in 65000:100 has the MACs/,
    2,
  ],
  [
    "mac-unusable",
    site().inclusive(1).mac(1, { esi: ESI }).mac(1, { mac: OTHER, esi: ESI }),
    "65000:100 01:aa:bb:cc:dd:ee:ff:00:01:00",
    /cannot be reached/,
    2,
  ],
  [
    "es-without-evi",
    site().clean().perEs(3).segment(3).inclusive(3),
    "01:aa:bb:cc:dd:ee:ff:00:01:00 10.0.0.3",
    /10.0.0.3 is on .* and has no per-EVI route for 65000:100/,
    1,
  ],
  [
    "evi-without-es",
    site().clean().perEvi(3).inclusive(3),
    "01:aa:bb:cc:dd:ee:ff:00:01:00 10.0.0.3",
    /10.0.0.3 has per-EVI routes .* no per-ES route/,
    1,
  ],
  [
    "mixed-df-algorithms",
    site()
      .segment(1)
      .segment(2, { df: [{ alg: 2, bitmap: 0, pref: 100 }] })
      .segment(3),
    "01:aa:bb:cc:dd:ee:ff:00:01:00",
    /algorithm 2, capabilities 0x0 of 10.0.0.2; the default of 10.0.0.1, 10.0.0.3/,
    3,
  ],
  [
    "mixed-redundancy",
    site().clean().perEs(3, SINGLE).perEvi(3).segment(3).inclusive(3),
    "01:aa:bb:cc:dd:ee:ff:00:01:00",
    /single-active by 10.0.0.3, and all-active by 10.0.0.1, 10.0.0.2/,
    3,
  ],
  [
    "missing-pmsi",
    site().inclusive(1).inclusive(2, { pmsiLabel: undefined }),
    "10.0.0.2",
    /no PMSI tunnel/,
    1,
  ],
  [
    "missing-route-target",
    site().clean().mac(3, { targets: [] }).mac(3, { mac: OTHER, targets: [] }),
    "10.0.0.3 type 2",
    /MAC\/IP routes of 10.0.0.3 have no route target/,
    2,
  ],
  [
    "router-mac-at-two-pes",
    site()
      .clean()
      .prefix(3, { targets: ["65000:5000"], routerMac: "02:ff:00:00:00:01" }),
    "02:ff:00:00:00:01",
    /with the next hops 10.0.0.1, 10.0.0.3/,
    2,
  ],
  [
    "es-import-missing",
    site().segment(1).segment(2, { esImport: undefined }),
    "01:aa:bb:cc:dd:ee:ff:00:01:00 10.0.0.2",
    /without ES-Import/,
    1,
  ],
  [
    "es-import-mismatch",
    site().segment(1).segment(2, { esImport: "aa:bb:cc:dd:ee:00" }),
    "01:aa:bb:cc:dd:ee:ff:00:01:00",
    /aa:bb:cc:dd:ee:00, aa:bb:cc:dd:ee:ff have none in common/,
    2,
  ],
];

describe("every rule finds what it is there for, and no other rule speaks", () => {
  it.each(CASES)("%s", (rule, on, subject, message, count) => {
    const found = on.find();
    expect(found.map((finding) => `${finding.rule}: ${finding.subject}`)).toEqual([
      `${rule}: ${subject}`,
    ]);
    expect(found[0]!.message).toMatch(message);
    expect(found[0]!.count).toBe(count);
    expect(found[0]!.routes).toHaveLength(Math.min(5, count));
    expect(found[0]!.routes[0]).toMatchObject({
      route: expect.stringMatching(/./) as string,
      pe: expect.stringMatching(/^10\.0\.0\./) as string,
      peer: expect.stringMatching(/^10\.9\.0\./) as string,
    });
  });

  it("sequence-back, until it is put right", () => {
    const on = site().clean().mac(1, { sequence: 7 });
    expect(on.find()).toEqual([]);
    on.mac(1, { sequence: 3 });
    expect(on.find()).toMatchObject(
      [{ rule: "sequence-back", message: /from 7 back to 3/ as unknown as string, count: 1 }].map(
        (one) => ({ ...one, message: expect.stringMatching(/from 7 back to 3/) as string }),
      ),
    );
    on.mac(1, { sequence: 8 });
    expect(on.find()).toEqual([]);
    on.mac(1, { sequence: 5 });
    on.fabric.read();
    on.fabric.lose(0);
    expect(on.find().filter(({ rule }) => rule === "sequence-back")).toEqual([]);
  });

  it("each rule has a case", () => {
    // Sessions have their own tests: test/fib/subscribers.
    const others = ["sequence-back", "mac-without-session", "mac-away-from-session"];
    const cases = [...CASES.map(([rule]) => rule), ...others];
    expect(LINT_RULES.map(({ id }) => id).sort()).toEqual(cases.sort());
  });
});

it("docs/lint.md has every rule, and no other", () => {
  const page = readFileSync("docs/lint.md", "utf8");
  const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (error|warning) /gm)];
  const listed = rows.map(([, id, severity]) => `${id} ${severity}`);
  expect(listed).toEqual(LINT_RULES.map(({ id, severity }) => `${id} ${severity}`));
});

describe("a fabric in order", () => {
  it("has no finding", () => {
    expect(site().clean().find()).toEqual([]);
    expect(site().find()).toEqual([]);
  });

  it("nor has one whose PEs are going, with an ES-Import that does not derive", () => {
    const on = site().clean();
    on.find();
    on.fabric.lose(1);
    expect(on.find()).toEqual([]);
  });
});

it("findings and routes are bounded, and counted", () => {
  const on = site();
  for (let n = 0; n < 600; n++) {
    on.mac(1, {
      mac: `02:00:00:01:0${n >> 8}:${(n & 255).toString(16).padStart(2, "0")}`,
      targets: [`65000:${1000 + n}`],
    });
  }
  on.fabric.read();
  const rule = LINT_RULES.filter(({ id }) => id === "mac-without-inclusive");
  const run = new LintRun(on.fabric.fib, rule);
  run.step(() => 0, 1);
  expect(run.findings()).toHaveLength(500);
  expect(run.summary(3).rules).toEqual([
    { rule: "mac-without-inclusive", findings: 500, more: 100 },
  ]);
});
