/** What the random operations of test/model do not reach: limits, floods, sleepers. */
import { describe, expect, it } from "vitest";
import { evpn, rd } from "../model/lib/nlri.js";
import { Severity } from "../../src/fast-bgp-codec/fault.js";
import { silentLog } from "../../src/util/log.js";
import { ALL_FAMILIES } from "../model/lib/peer.js";
import { evpnUpdate, Speaker } from "./lib/speaker.js";
import { attribute, key, LOCAL_PREF, mac, marked, ORIGIN } from "./lib/tables.js";

const CONGESTED = 256 * 1024 + 1;
/** Whole chunks of the log, whose times are those of their first entries. */
const FLOOD = 16_384;

describe("laggards above the budget", () => {
  function flood(speaker: Speaker, source: ReturnType<Speaker["up"]>, from: number): void {
    for (let n = from; n < from + FLOOD; n += 64) {
      source.say(evpnUpdate(Array.from({ length: 64 }, (_, i) => mac(n + i))));
      speaker.run();
    }
  }

  it("the worst is closed, one at a time, and none that has just fallen behind", () => {
    const speaker = new Speaker({ laggardBudget: 60_000 });
    const source = speaker.up();
    const [reader, sleeper, late] = [speaker.up(), speaker.up(), speaker.up()];
    speaker.run();
    sleeper.session.block(CONGESTED);
    flood(speaker, source, 0);
    expect(sleeper.resets).toEqual([]);
    speaker.clock.advance(5000);
    late.session.block(CONGESTED);
    flood(speaker, source, FLOOD);
    expect(sleeper.resets).toHaveLength(1);
    expect(late.resets).toEqual([]);
    expect(reader.resets).toEqual([]);
    expect(new Set(reader.takeKeys()).size).toBe(2 * FLOOD);
  });

  it("readers that lag for a moment behind the loss of a large peer stay", () => {
    const speaker = new Speaker({ laggardBudget: 60_000 });
    const source = speaker.up();
    const readers = [speaker.up(), speaker.up()];
    flood(speaker, source, 0);
    for (const { session } of readers) session.block(CONGESTED);
    source.down();
    speaker.run();
    for (const { session } of readers) {
      session.drain(0, false);
      speaker.reflector.drained(session);
    }
    speaker.run();
    for (const reader of readers) {
      expect(reader.resets).toEqual([]);
      expect(reader.takeKeys().filter((key) => key.startsWith("-"))).toHaveLength(FLOOD);
    }
    expect(speaker.reflector.table.tombstones).toBe(0);
  });
});

describe("what a peer may not bring in", () => {
  it("a path of 2-octet ASes that no attribute can hold in its 4-octet form", () => {
    const speaker = new Speaker();
    const source = speaker.up({ as4: false, extendedMessage: true });
    const others = [
      speaker.up({ extendedMessage: true }),
      speaker.up({ kind: "ebgp", as: 65010, extendedMessage: true }),
    ];
    source.say(evpnUpdate([mac(1)]));
    speaker.run();
    for (const other of others) expect(other.takeKeys()).toHaveLength(1);
    const path = attribute(2, 0x40, `02ff${"fde9".repeat(255)}`.repeat(125));
    expect(source.say(evpnUpdate([mac(1)], ORIGIN + path + LOCAL_PREF))).toBeUndefined();
    speaker.run();
    for (const other of others) expect(other.takeKeys()[0]).toMatch(/^-/);
    expect(speaker.reflector.stats()["routes"]).toBe(0);
    expect(speaker.reflector.peer(source.session.id)?.faults.treatAsWithdraw).toBe(1);
  });

  it("route types that its settings leave out, however high", () => {
    const speaker = new Speaker();
    const source = speaker.up({ typesIn: [2, 35], unknownTypes: true });
    const listener = speaker.up();
    const esi = "00112233445566778899";
    source.say(
      evpnUpdate([
        evpn(1, `${rd(1)}${esi}00000000000064`),
        mac(1),
        evpn(3, `${rd(1)}00000000200a000001`),
        ...[34, 35, 67].map((type) => evpn(type, rd(1))),
      ]),
    );
    speaker.run();
    expect(listener.takeKeys().sort()).toEqual([`+${key(mac(1))}`, `+${key(evpn(35, rd(1)))}`]);
    expect(speaker.reflector.peer(source.session.id)?.faults.typeRefused).toBe(4);
  });
});

describe("what a peer is not sent", () => {
  it("routes of a type 0 that it did not ask for", () => {
    const speaker = new Speaker();
    const source = speaker.up({ unknownTypes: true });
    const picky = speaker.up({ typesOut: [2] });
    source.say(evpnUpdate([evpn(0, rd(1)), mac(1)]));
    speaker.run();
    expect(picky.takeKeys()).toHaveLength(1);
  });
});

describe("a bug met by an UPDATE", () => {
  it("costs the session and leaves no reference behind", () => {
    const speaker = new Speaker({
      log: {
        ...silentLog,
        warn: () => {
          throw new Error("a bug");
        },
      },
    });
    const source = speaker.up({ families: ALL_FAMILIES });
    source.say(evpnUpdate([mac(1)]));
    const long = `${mac(2)}00`.replace(/^0221/, "0222");
    expect(source.say(evpnUpdate([mac(3), long], marked(1)))?.severity).toBe(Severity.SessionReset);
    expect(speaker.reflector.audit()).toEqual([]);
    source.down();
    speaker.run();
    expect(speaker.reflector.stats()).toMatchObject({ routes: 0, attribute_sets: 0 });
  });
});
