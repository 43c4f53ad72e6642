/**
 * Peers that strain what they negotiated: path ids without end (RFC 7911), memberships of any length and
 * number (RFC 4684). What they cost stays bounded, and the tables agree afterwards.
 */
import { describe, expect, it } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { MOST_PATH_IDS } from "../../src/bgp/rib/route-table.js";
import { hexOf } from "../model/lib/hex.js";
import { macIp, rd } from "../model/lib/nlri.js";
import { maskOf } from "../model/lib/peer.js";
import { evpnUpdate, evpnWithdraw, Speaker, update, type Line } from "./lib/speaker.js";
import { attribute, key, PLAIN } from "./lib/tables.js";

const RTC = maskOf(Family.Evpn, Family.RouteTarget);
const EVPN = 1 << Family.Evpn;
const rt = (number: number): string => `0002fde8${hexOf(number, 4)}`;
const withTarget = (number: number): string => PLAIN + attribute(16, 0xc0, rt(number));
const route = macIp({ rd: rd(1), mac: hexOf(1, 6), label: 1 });
const other = macIp({ rd: rd(1), mac: hexOf(2, 6), label: 1 });
const numbered = (id: number, nlri = route): string => hexOf(id, 4) + nlri;

/** A session whose EVPN routes come with path ids. */
function withPathIds(speaker: Speaker): Line {
  const line = speaker.make();
  const negotiated = { ...line.session.negotiated, addPathIn: EVPN };
  Object.assign(line.session, { negotiated });
  speaker.reflector.established(line.session);
  return line;
}

describe("path ids", () => {
  it("without end: so many paths of a destination are kept, the others dropped and counted", () => {
    const speaker = new Speaker();
    const line = withPathIds(speaker);
    const { table } = speaker.reflector;
    for (let id = 1; id <= 5000; id++) line.say(evpnUpdate([numbered(id)], withTarget(id)));
    expect(table.pathCount).toBe(MOST_PATH_IDS);
    expect(table.stats.excessPaths).toBe(5000 - MOST_PATH_IDS);
    // Other destinations and known ids go on.
    line.say(evpnUpdate([numbered(9000, other), numbered(7)], withTarget(1)));
    expect(table.pathCount).toBe(MOST_PATH_IDS + 1);
    line.say(evpnWithdraw([numbered(4999)]));
    line.say(evpnWithdraw([numbered(7)]));
    line.say(evpnUpdate([numbered(4999)], withTarget(1)));
    expect(table.pathCount).toBe(MOST_PATH_IDS + 1);
    speaker.run();
    expect(speaker.reflector.audit()).toEqual([]);
    line.down();
    speaker.run();
    expect([table.pathCount, table.destinationCount, table.tombstones]).toEqual([0, 0, 0]);
  });

  it("new ones beside stale ones: room for both, and no more however often a refresh begins", () => {
    const speaker = new Speaker();
    const line = withPathIds(speaker);
    const { table } = speaker.reflector;
    let id = 0;
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 2 * MOST_PATH_IDS; n++) {
        line.say(evpnUpdate([numbered(++id)], withTarget(1)));
      }
      expect(table.pathCount).toBe(Math.min(round + 1, 2) * MOST_PATH_IDS);
      table.markStale(table.pathSlot(table.firstPath(1)), Family.Evpn);
    }
    speaker.run();
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("0 and 0xffffffff are ids like others; a second set under an id replaces the first", () => {
    const speaker = new Speaker();
    const line = withPathIds(speaker);
    const { table } = speaker.reflector;
    const taker = speaker.up();
    line.say(evpnUpdate([numbered(0), numbered(0xffffffff)], withTarget(1)));
    expect(table.pathCount).toBe(2);
    line.say(evpnUpdate([numbered(0xffffffff)], withTarget(2)));
    line.say(evpnUpdate([numbered(0), numbered(0)], withTarget(3)));
    expect(table.pathCount).toBe(2);
    speaker.run();
    expect(taker.takeKeys()).toEqual([`+${key(route)}`]);
    line.say(evpnWithdraw([numbered(0)]));
    speaker.run();
    // The other one is left, and is best.
    expect(taker.takeKeys()).toEqual([`+${key(route)}`]);
    line.say(evpnWithdraw([numbered(0xffffffff)]));
    speaker.run();
    expect(taker.takeKeys()).toEqual([`-${key(route)}`]);
    expect(speaker.reflector.audit()).toEqual([]);
  });
});

describe("memberships", () => {
  const membership = (bits: number, target: string): string => {
    const octets = Math.ceil(bits / 8);
    return hexOf(bits, 1) + ("0000fde8" + target).slice(0, 2 * octets);
  };
  const reach = (nlri: string): Uint8Array =>
    update("", PLAIN + attribute(14, 0x80, `000184040a00000100${nlri}`));
  const unreach = (nlri: string): Uint8Array => update("", attribute(15, 0x80, `000184${nlri}`));

  it("of every length, one inside the other: the longest that is left decides", () => {
    const speaker = new Speaker();
    const source = speaker.up();
    source.say(evpnUpdate([route], withTarget(0x55555555)));
    const asking = speaker.up({ families: RTC });
    asking.say(unreach(""));
    const target = rt(0x55555555);
    const lengths = Array.from({ length: 97 }, (_, bits) => bits).filter(
      (bits) => bits === 0 || bits >= 32,
    );
    for (const bits of lengths) asking.say(reach(membership(bits, target)));
    speaker.run();
    expect(asking.takeKeys().filter((one) => one.endsWith(key(route)))).toHaveLength(1);
    for (const bits of lengths.slice(0, -1)) asking.say(unreach(membership(bits, target)));
    speaker.run();
    expect(asking.takeKeys()).toEqual([]);
    asking.say(unreach(membership(96, target)));
    speaker.run();
    expect(asking.takeKeys()).toEqual([`-${key(route)}`]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("by the hundred thousand: others are sent their routes, and nothing is left of them", () => {
    const speaker = new Speaker();
    const [source, holder] = [speaker.up(), speaker.up({ families: RTC })];
    const flood = speaker.up({ families: RTC });
    holder.say(reach(membership(96, rt(7))));
    for (const line of [holder, flood]) line.say(unreach(""));
    for (let at = 0; at < 100_000; at += 250) {
      const some = Array.from({ length: 250 }, (_, n) => membership(96, rt(1000 + at + n)));
      flood.say(reach(some.join("")));
    }
    source.say(evpnUpdate([route], withTarget(7)));
    source.say(evpnUpdate([other], withTarget(50_000)));
    speaker.run();
    expect(holder.takeKeys().filter((one) => one.startsWith("+2:"))).toEqual([`+${key(route)}`]);
    expect(flood.takeKeys()).toContain(`+${key(other)}`);
    flood.down();
    speaker.run();
    expect(speaker.reflector.table.sources.count(2, Family.RouteTarget)).toBe(0);
    expect(speaker.reflector.audit()).toEqual([]);
  });
});
