/**
 * The continuous audit over a table that never rests: it goes on a little after each of thousands of
 * random operations, and has nothing to say. Then a fault is planted, and it has.
 */
import { describe, expect, it } from "vitest";
import { FAMILIES, Family } from "../../../src/fast-bgp-codec/family.js";
import { RefreshSubtype } from "../../../src/fast-bgp-codec/route-refresh.js";
import { Random } from "../../model/lib/random.js";
import { evpnUpdate, evpnWithdraw, Speaker, type Line } from "../lib/speaker.js";
import { attribute, mac, marked, PLAIN } from "../lib/tables.js";
import { Walker } from "./lib/walker.js";

const OPERATIONS = 4000;
const MACS = 300;
const PEERS = 40;

/** Some sets share route targets, some differ in nothing else. */
function attributesOf(random: Random): string {
  const set = random.below(30);
  if (set < 15) return marked(set);
  return PLAIN + attribute(16, 0xc0, `0002fde8000000${(set & 7).toString(16).padStart(2, "0")}`);
}

function operate(random: Random, speaker: Speaker, lines: (Line | undefined)[]): void {
  const index = random.below(lines.length);
  const line = lines[index];
  if (line === undefined || !line.session.isOpen) {
    lines[index] = speaker.up({ enhancedRefresh: true });
    return;
  }
  const macs = Array.from({ length: 1 + random.below(12) }, () => mac(1 + random.below(MACS)));
  switch (random.below(12)) {
    case 0:
      if (random.oneIn(4)) line.down();
      return;
    case 1:
      return line.session.block(random.oneIn(2) ? 0 : 256 * 1024 + 1);
    case 2: {
      const { BeginOfRefresh, EndOfRefresh, Request } = RefreshSubtype;
      const subtype = random.pick([Request, BeginOfRefresh, EndOfRefresh]);
      return speaker.reflector.routeRefresh(line.session, Family.Evpn, subtype);
    }
    case 3:
    case 4:
    case 5:
      line.say(evpnWithdraw(macs));
      return;
    case 6:
      return speaker.clock.advance(random.below(20));
    case 7:
      if (speaker.queue.length > 0) speaker.queue.runOnce();
      return;
    default:
      line.say(evpnUpdate(macs, attributesOf(random)));
  }
}

describe("the continuous audit", () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`never alarms under churn (seed ${seed}), and finds what is planted`, () => {
      const random = new Random(seed);
      const speaker = new Speaker();
      const lines: (Line | undefined)[] = new Array<Line | undefined>(PEERS).fill(undefined);
      const walker = new Walker(speaker);
      for (let n = 0; n < OPERATIONS; n++) {
        operate(random, speaker, lines);
        walker.go(random.below(3));
        expect(walker.findings).toEqual([]);
      }
      expect(walker.rounds).toBeGreaterThan(50);

      const { table, attrs, sources } = speaker.reflector;
      let dest = 1;
      while (!table.exists(dest) || table.bestPath(dest) === 0) dest++;
      const path = table.bestPath(dest);
      attrs.retain(table.pathAttr(path));
      walker.finish();
      expect(walker.findings.join("\n")).toMatch(/attribute set \d+ has \d+ references, \d+ found/);
      attrs.release(table.pathAttr(path));

      walker.finish();
      walker.findings.length = 0;
      const row = table.pathSlot(path) * FAMILIES.length + Family.Evpn;
      sources.pathCounts[row]!++;
      walker.finish();
      expect(walker.findings.join("\n")).toMatch(/counts \d+ l2vpn-evpn routes, \d+ found/);
      sources.pathCounts[row]!--;

      walker.finish();
      walker.findings.length = 0;
      walker.finish();
      expect(walker.findings).toEqual([]);
    });
  }
});
