/** The audit is silent when all is well, and finds what is planted. */
import { beforeEach, describe, expect, it } from "vitest";
import { FAMILIES, Family } from "../../../src/fast-bgp-codec/family.js";
import { evpnUpdate, evpnWithdraw, Speaker, type Line } from "../lib/speaker.js";
import { mac, marked } from "../lib/tables.js";

let speaker: Speaker;
let source: Line;
let other: Line;

beforeEach(() => {
  speaker = new Speaker();
  source = speaker.up();
  other = speaker.up();
  for (let n = 0; n < 40; n++) speaker.up();
  source.say(evpnUpdate([mac(1), mac(2), mac(3)]));
  other.say(evpnUpdate([mac(3), mac(4)], marked(1)));
  source.say(evpnWithdraw([mac(2)]));
  speaker.run();
});

function audit(): string[] {
  return speaker.reflector.audit();
}

function destinations(): number[] {
  const { table } = speaker.reflector;
  return Array.from({ length: table.destinationLimit }, (_, dest) => dest).filter(
    (dest) => dest > 0 && table.exists(dest),
  );
}

/** Some destination and the slot of somebody who was sent it. */
function sentOne(): { dest: number; slot: number } {
  const { out } = speaker.reflector;
  for (const dest of destinations())
    for (const { slot } of speaker.reflector.livePeers())
      if (out.hasSent(slot, dest)) return { dest, slot };
  throw new Error("nobody was sent anything");
}

describe("the audit", () => {
  it("has nothing to say when all is well, with sleepers and half-done work too", () => {
    expect(audit()).toEqual([]);
    other.session.block(256 * 1024 + 1);
    source.say(evpnUpdate([mac(1), mac(5)], marked(2)));
    expect(audit()).toEqual([]);
    speaker.run();
    expect(audit()).toEqual([]);
    source.down();
    expect(audit()).toEqual([]);
    speaker.run();
    expect(audit()).toEqual([]);
  });

  it("does not count sets that fit no message by looking at them", () => {
    const far = speaker.up({ extendedMessage: true });
    speaker.run();
    far.say(evpnUpdate([mac(9)], marked(3, 4060)));
    speaker.run();
    const before = speaker.reflector.out.oversized;
    expect(before).toBeGreaterThan(0);
    expect(audit()).toEqual([]);
    expect(speaker.reflector.out.oversized).toBe(before);
  });

  it("finds a sent bit that is missing", () => {
    const { sent } = speaker.reflector.out;
    const { dest, slot } = sentOne();
    sent.clear(slot, dest, Family.Evpn);
    expect(audit()).toEqual([expect.stringMatching(`slot ${slot}.*lacks it against the rules`)]);
  });

  it("finds a sent bit too many", () => {
    const { sent } = speaker.reflector.out;
    const [dest] = destinations();
    const own = speaker.reflector.peer(source.session.id)!.slot;
    const before = sent.read(0, dest!);
    sent.write(0, dest!, Family.Evpn, before, before | (1 << own));
    expect(audit()).toEqual([
      expect.stringMatching(/^l2vpn-evpn 2:65000:1::0::00:00:00:00:00:0\d: .*was sent it against/),
    ]);
  });

  it("finds a count of sent routes that drifted, in the second word of slots too", () => {
    const { sent } = speaker.reflector.out;
    // Counted, but the bit stays: `write` believes what it is told of before.
    const [dest] = destinations();
    const bits = sent.read(1, dest!);
    sent.write(1, dest!, Family.Evpn, bits & ~1, bits);
    expect(audit()).toEqual([
      expect.stringContaining("(slot 32) counts 4 l2vpn-evpn routes sent, 3 found"),
    ]);
  });

  it("finds a reference too many", () => {
    const { attrs, table } = speaker.reflector;
    const attr = table.pathAttr(table.firstPath(destinations()[0]!));
    attrs.retain(attr);
    expect(audit().join()).toMatch(/^attribute set \d+ has \d references, \d found$/);
  });

  it("finds routes counted wrong, and a count of tombstones that is", () => {
    const { sources, table } = speaker.reflector;
    const { slot } = speaker.reflector.peer(source.session.id)!;
    sources.pathCounts[slot * FAMILIES.length + Family.Evpn]!++;
    table.tombstones++;
    expect(audit()).toEqual([
      expect.stringContaining(`(slot ${slot}) counts 3 l2vpn-evpn routes, 2 found`),
      expect.stringContaining("destinations found"),
      "0 tombstones found, 1 counted",
    ]);
  });

  it("finds routes of somebody who is not there", () => {
    const { slot } = speaker.reflector.peer(source.session.id)!;
    speaker.reflector.out.remove(slot);
    // Forgotten without its routes being taken out.
    (speaker.reflector as unknown as { peers: Map<number, unknown> }).peers.delete(
      source.session.id,
    );
    expect(audit()).toHaveLength(2);
    expect(audit()[0]).toMatch(`belongs to slot ${slot}, which nobody has`);
  });

  it("finds a best path that is not the best", () => {
    const { sources } = speaker.reflector;
    const [first, second] = [source, other].map(
      (line) => speaker.reflector.peer(line.session.id)!.slot,
    );
    // Behind the table's back the other becomes the better router id.
    [sources.routerId[first!], sources.routerId[second!]] = [
      sources.routerId[second!]!,
      sources.routerId[first!]!,
    ];
    expect(audit().join()).toMatch("its best path is not the best");
  });
});
