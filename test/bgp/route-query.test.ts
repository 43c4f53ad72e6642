/** Pages of routes: whole while the table changes, filtered, as held and as advertised. */
import { describe, expect, it } from "vitest";
import type { RouteQuery, RouteView } from "../../src/bgp/control.js";
import type { ReflectedPeer } from "../../src/bgp/reflected-peer.js";
import { queryRoutes } from "../../src/bgp/route-query.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { imet, ipPrefix, macIp, NO_ESI, rd } from "../model/lib/nlri.js";
import { Random } from "../model/lib/random.js";
import { evpnUpdate, evpnWithdraw, Speaker, type Line } from "./lib/speaker.js";
import { attribute, mac, marked, PLAIN } from "./lib/tables.js";

const still = (): number => 0;

function peerOf(speaker: Speaker, line: Line): ReflectedPeer {
  return speaker.reflector.peer(line.session.id)!;
}

/** All pages, with something done between them. */
function pages(
  speaker: Speaker,
  query: RouteQuery,
  peer?: ReflectedPeer,
  between: () => void = () => {},
): RouteView[] {
  const all: RouteView[] = [];
  let cursor: string | undefined;
  for (let page = 0; ; page++) {
    if (page > 10_000) throw new Error("pages never end");
    const next = { ...query, ...(cursor === undefined ? {} : { cursor }) };
    const found = queryRoutes(speaker.reflector, next, peer, still);
    expect(found.routes.length).toBeLessThanOrEqual(Math.max(1, query.limit ?? 100));
    all.push(...found.routes);
    if (found.next === undefined) return all;
    cursor = found.next;
    between();
  }
}

const name = ({ nlriHex, peer }: RouteView): string => `${nlriHex} from ${peer}`;

describe("pages", () => {
  for (const limit of [1, 2, 3, 7, 100]) {
    it(`of ${limit} show every route that stays once, whatever comes and goes`, () => {
      const random = new Random(limit);
      const speaker = new Speaker();
      const lines = [speaker.up(), speaker.up(), speaker.up()];
      const steady = Array.from({ length: 60 }, (_, n) => mac(n));
      const expected: string[] = [];
      for (const line of random.shuffle(lines)) {
        for (const nlri of random.shuffle(steady)) {
          if (random.oneIn(4)) continue;
          line.say(evpnUpdate([nlri]));
          expected.push(`${nlri} from ${line.session.peerAddress}`);
        }
      }
      const passing = Array.from({ length: 30 }, (_, n) => mac(1000 + n));
      speaker.run();
      const seen = pages(speaker, { table: "all", limit }, undefined, () => {
        for (let n = 0; n < 3; n++) {
          const line = random.pick(lines);
          const nlri = [random.pick(passing)];
          line.say(random.oneIn(2) ? evpnUpdate(nlri) : evpnWithdraw(nlri));
        }
        if (random.oneIn(2)) speaker.run();
      }).map(name);
      expect(seen.filter((one) => expected.includes(one)).sort()).toEqual(expected.sort());
      expect(new Set(seen).size).toBeGreaterThanOrEqual(expected.length);
    });
  }

  it("end in time, go on where they ended, and always get further", () => {
    const speaker = new Speaker();
    const lines = Array.from({ length: 40 }, () => speaker.up());
    for (const line of lines) line.say(evpnUpdate([mac(1), mac(2)]));
    speaker.run();
    let time = 0;
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { table: "all", ...(cursor === undefined ? {} : { cursor }) } as const;
      const page = queryRoutes(speaker.reflector, query, undefined, () => (time += 100));
      expect(page.routes.length).toBeGreaterThan(0);
      expect(page.routes.length).toBeLessThan(17);
      seen.push(...page.routes.map(name));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(80);
    expect(seen).toHaveLength(80);
  });

  it("of no size make progress, and strange cursors are refused", () => {
    const speaker = new Speaker();
    speaker.up().say(evpnUpdate([mac(1), mac(2)]));
    expect(pages(speaker, { table: "best", limit: 0 })).toHaveLength(2);
    expect(pages(speaker, { table: "best", limit: -5 })).toHaveLength(2);
    const asked = (cursor: string) => () =>
      queryRoutes(speaker.reflector, { table: "best", cursor }, undefined);
    for (const bad of ["", "0", "x", "1.", "-1", "1.2.3.4", "12345678901"])
      expect(asked(bad)).toThrow("cursor is not one of ours");
    expect(asked("999999")()).toEqual({ routes: [], next: undefined });
  });
});

describe("tables", () => {
  function twoSources(): { speaker: Speaker; a: Line; b: Line; far: Line } {
    const speaker = new Speaker();
    const [a, b, far] = [speaker.up(), speaker.up(), speaker.up({ kind: "ebgp", as: 65010 })];
    a.say(evpnUpdate([mac(1), mac(2)]));
    b.say(evpnUpdate([mac(2, 200), mac(3)], marked(1)));
    speaker.run();
    return { speaker, a, b, far };
  }

  it("best, all, received and advertised differ as they should", () => {
    const { speaker, a, b } = twoSources();
    const hexes = (query: RouteQuery, line?: Line): string[] =>
      pages(speaker, query, line && peerOf(speaker, line)).map((view) => view.nlriHex);
    expect(hexes({ table: "best" })).toEqual([mac(1), mac(2), mac(3)]);
    expect(hexes({ table: "all" })).toEqual([mac(1), mac(2), mac(2, 200), mac(3)]);
    expect(hexes({ table: "received" }, b)).toEqual([mac(2, 200), mac(3)]);
    expect(hexes({ table: "advertised" }, a)).toEqual([mac(3)]);
    expect(hexes({ table: "advertised" }, b)).toEqual([mac(1), mac(2)]);
  });

  it("say who is best and why, and why not", () => {
    const { speaker } = twoSources();
    const views = pages(speaker, { table: "all" }).map(({ best, reason, peer }) => ({
      best,
      reason,
      peer,
    }));
    expect(views[1]).toEqual({
      best: true,
      reason: "lower originator or router id",
      peer: "10.0.0.2",
    });
    expect(views[2]).toEqual({
      best: false,
      reason: "not best: the best has lower originator or router id",
      peer: "10.0.0.3",
    });
  });

  it("advertised shows what went over the wire", () => {
    const { speaker, far } = twoSources();
    const [view] = pages(speaker, { table: "advertised" }, peerOf(speaker, far));
    expect(view?.attributesHex).toBe("400101004002060201" + "0000fde8");
    expect(view?.nextHop).toBe("10.0.0.1");
    const [held] = pages(speaker, { table: "best" });
    expect(held?.attributesHex).toBe(PLAIN);
    expect(held?.originator).toBe("10.1.0.2");
  });

  it("two link-local and global next hops are shown apart", () => {
    const speaker = new Speaker();
    const line = speaker.up({ families: 0xf });
    const hop = `20010db8${"0".repeat(23)}1fe80${"0".repeat(27)}2`;
    const reach = attribute(14, 0x80, `00020120${hop}002020010db8`);
    line.say(evpnUpdate([mac(1)]));
    const body = PLAIN + reach;
    const length = (octets: number): string => octets.toString(16).padStart(4, "0");
    const message = `${"ff".repeat(16)}${length(23 + body.length / 2)}020000${length(body.length / 2)}${body}`;
    line.say(Buffer.from(message, "hex"));
    const views = pages(speaker, { table: "best", family: Family.Ipv6Unicast });
    expect(views.map((view) => view.nextHop)).toEqual(["2001:db8::1 fe80::2"]);
  });
});

describe("filters", () => {
  const speaker = new Speaker();
  const target = attribute(16, 0xc0, "0002fde800000064");
  speaker
    .up()
    .say(
      evpnUpdate(
        [
          macIp({ rd: rd(7), mac: "0200000000aa", ip: "0a000001", label: 5001 }),
          imet(rd(8), 0, "0a000009"),
          ipPrefix(rd(7), NO_ESI, 0, 24, "0a640000", "00000000", 5002),
        ],
        PLAIN + target,
      ),
    );
  speaker.up().say(evpnUpdate([mac(5)]));
  for (const [what, filter, count] of [
    ["type", { routeType: 3 }, 1],
    ["family", { family: Family.Ipv4Unicast }, 0],
    ["RD", { rd: "65000:7" }, 2],
    ["MAC", { mac: "02:00:00:00:00:AA" }, 1],
    ["IP of a host", { ip: "10.0.0.1" }, 1],
    ["IP of a prefix", { ip: "10.100.0.0" }, 1],
    ["a prefix: hosts inside it", { ip: "10.0.0.0/24" }, 2],
    ["a prefix: prefixes inside it", { ip: "10.100.0.0/16" }, 1],
    ["a prefix longer than what is there", { ip: "10.100.0.0/25" }, 0],
    ["a prefix of everything", { ip: "0.0.0.0/0" }, 3],
    ["VNI", { vni: 5002 }, 1],
    ["route target", { rt: "65000:100" }, 3],
    ["several", { rd: "65000:7", vni: 5001, rt: "65000:100" }, 1],
  ] as const) {
    it(`by ${what}`, () => {
      expect(pages(speaker, { table: "best", limit: 1, ...filter })).toHaveLength(count);
    });
  }
});
