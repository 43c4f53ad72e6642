/** Which routes go to whom by route target, when the peer does not say it itself. */
import { describe, expect, it, vi } from "vitest";
import type { InterestOptions } from "../../src/bgp/policy/interest-options.js";
import { MOST_INFERRED } from "../../src/bgp/policy/target-inference.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { hexOf } from "../model/lib/hex.js";
import { evpn, macIp, rd } from "../model/lib/nlri.js";
import { maskOf } from "../model/lib/peer.js";
import { evpnUpdate, evpnWithdraw, Speaker, update, type Line } from "./lib/speaker.js";
import { attribute, key, PLAIN } from "./lib/tables.js";

const ES_IMPORT = "060202aabbccddee";
const rt = (number: number): string => `0002fde8${hexOf(number, 4)}`;
const withTargets = (...targets: string[]): string => PLAIN + attribute(16, 0xc0, targets.join(""));
const route = (vni: number, n = 1): string =>
  macIp({ rd: rd(vni), mac: hexOf(n * 1000 + vni, 6), label: vni });
const segment = evpn(4, `${rd(9)}01aabbccddee01000700200a000001`);
const endOfRib = update("", attribute(15, 0x80, "001946"));
const RTC = maskOf(Family.Evpn, Family.RouteTarget);

function says(line: Line, vni: number, n = 1): void {
  line.say(evpnUpdate([route(vni, n)], withTargets(rt(vni))));
}

/** The keys of what the peer holds after what came since the last call. */
class Holder {
  readonly line: Line;
  private readonly held = new Set<string>();
  constructor(line: Line) {
    this.line = line;
  }
  get keys(): string[] {
    for (const one of this.line.takeKeys()) {
      if (one.startsWith("+")) this.held.add(one.slice(1));
      else this.held.delete(one.slice(1));
    }
    return [...this.held].sort();
  }
}

const keys = (...routes: string[]): string[] => routes.map((one) => key(one)).sort();

/** New options for a live session, as a reload gives them. */
function change(speaker: Speaker, line: Line, interest: Partial<InterestOptions>): void {
  const before = line.session.options;
  const after = { ...before, interest: { ...before.interest, ...interest } };
  Object.assign(line.session, { options: after });
  expect(speaker.reflector.reconfigured(line.session, before)).toBeUndefined();
  speaker.run();
}

function fabric(interest: Partial<InterestOptions>, families?: number) {
  const speaker = new Speaker();
  const source = speaker.up();
  for (const vni of [100, 200, 300]) says(source, vni);
  source.say(evpnUpdate([segment], withTargets(ES_IMPORT)));
  source.say(evpnUpdate([route(9, 9)], PLAIN));
  const holder = new Holder(speaker.up({ interest, ...(families && { families }) }));
  speaker.run();
  return { speaker, source, holder };
}

describe("a list of route targets", () => {
  it("gives the routes of its targets, Ethernet segments, and nothing without a target", () => {
    const { holder } = fabric({ targets: [rt(100), rt(300)] });
    expect(holder.keys).toEqual(keys(route(100), route(300), segment));
  });

  it("gives only the Ethernet segments it names, if it names any", () => {
    const other = fabric({ targets: [rt(100), "060202aabbccddef"] });
    expect(other.holder.keys).toEqual(keys(route(100)));
    const named = fabric({ targets: [ES_IMPORT] });
    expect(named.holder.keys).toEqual(keys(segment));
  });

  it("changes live, for the routes of what came and went alone", () => {
    const { speaker, source, holder } = fabric({ targets: [rt(100)] });
    expect(holder.keys).toEqual(keys(route(100), segment));
    change(speaker, holder.line, { targets: [rt(100), rt(200)] });
    expect(holder.line.takeKeys()).toEqual([`+${key(route(200))}`]);
    change(speaker, holder.line, { targets: [rt(200)] });
    expect(holder.line.takeKeys()).toEqual([`-${key(route(100))}`]);
    change(speaker, holder.line, { targets: undefined });
    expect(new Set(holder.line.takeKeys())).toEqual(
      new Set([route(100), route(300), route(9, 9)].map((one) => `+${key(one)}`)),
    );
    change(speaker, holder.line, { targets: [rt(300)] });
    expect(holder.line.takeKeys().every((one) => one.startsWith("-"))).toBe(true);
    says(source, 200, 2);
    says(source, 300, 2);
    speaker.run();
    expect(holder.line.takeKeys()).toEqual([`+${key(route(300, 2))}`]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("holds whatever the peer's memberships ask for", () => {
    const { speaker, holder } = fabric({ targets: [rt(100)], inference: "on" }, RTC);
    const all = attribute(14, 0x80, `000184040a00000100` + "00");
    holder.line.say(update("", PLAIN + all));
    holder.line.say(update("", attribute(15, 0x80, "000184")));
    speaker.run();
    expect(holder.keys.filter((one) => !one.includes("132"))).toEqual(
      expect.arrayContaining(keys(route(100), segment)),
    );
    expect(holder.keys).not.toEqual(expect.arrayContaining(keys(route(200))));
  });
});

describe("inference", () => {
  const HOLD = 60;
  const inferring = { inference: "on", inferenceHold: HOLD } as const;

  it("holds back after End-of-RIB, what the peer does not announce itself", () => {
    const { speaker, holder } = fabric(inferring);
    expect(holder.keys).toEqual([]);
    says(holder.line, 100, 5);
    holder.line.say(endOfRib);
    speaker.run();
    expect(holder.keys).toEqual(keys(route(100)));
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("gives a new target at once, and takes one away only after the hold time", () => {
    const { speaker, holder } = fabric(inferring);
    says(holder.line, 100, 5);
    holder.line.say(endOfRib);
    speaker.run();
    says(holder.line, 200, 5);
    speaker.run();
    expect(holder.keys).toEqual(keys(route(100), route(200)));
    holder.line.say(evpnWithdraw([route(200, 5)]));
    speaker.run();
    for (let seconds = 0; seconds < HOLD; seconds += 10) {
      expect(holder.keys).toEqual(keys(route(100), route(200)));
      speaker.clock.advance(10_000);
      speaker.run();
    }
    speaker.clock.advance(20_000);
    speaker.run();
    expect(holder.keys).toEqual(keys(route(100)));
    says(holder.line, 200, 5);
    speaker.run();
    expect(holder.keys).toEqual(keys(route(100), route(200)));
  });

  it("a target that comes back within the hold time has never been away", () => {
    const { speaker, holder } = fabric(inferring);
    says(holder.line, 100, 5);
    holder.line.say(endOfRib);
    speaker.run();
    expect(holder.keys).toEqual(keys(route(100)));
    for (let turn = 0; turn < 5; turn++) {
      holder.line.say(evpnWithdraw([route(100, 5)]));
      speaker.clock.advance((HOLD - 20) * 1000);
      speaker.run();
      says(holder.line, 100, 5);
      speaker.clock.advance(20_000);
      speaker.run();
    }
    expect(holder.line.takeKeys()).toEqual([]);
  });

  it("sends everything to a peer without End-of-RIB, for a minute", () => {
    const { speaker, holder } = fabric(inferring);
    says(holder.line, 100, 5);
    speaker.clock.advance(2_000);
    speaker.run();
    expect(holder.keys).toHaveLength(5);
    speaker.clock.advance(58_000);
    speaker.run();
    expect(holder.keys).toEqual(keys(route(100)));
  });

  it("takes an Ethernet segment of the peer's own for interest in its other PEs", () => {
    const { speaker, holder } = fabric(inferring);
    const own = evpn(4, `${rd(8)}01aabbccddee01000700200a000002`);
    holder.line.say(evpnUpdate([own], withTargets(ES_IMPORT)));
    holder.line.say(endOfRib);
    speaker.run();
    expect(holder.keys).toEqual(keys(segment));
  });

  it("only looks on in shadow mode, and acts once it is switched on", () => {
    const { speaker, holder } = fabric({ ...inferring, inference: "shadow" });
    says(holder.line, 100, 5);
    holder.line.say(endOfRib);
    speaker.run();
    expect(holder.keys).toHaveLength(5);
    change(speaker, holder.line, { inference: "on" });
    expect(holder.keys).toEqual(keys(route(100)));
    change(speaker, holder.line, { inference: "off" });
    expect(holder.keys).toHaveLength(5);
    // What the peer said before counts too.
    change(speaker, holder.line, { inference: "on" });
    expect(holder.keys).toEqual(keys(route(100)));
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("costs an UPDATE only the targets that are new in it", () => {
    const { speaker, holder } = fabric(inferring);
    says(holder.line, 100, 5);
    holder.line.say(endOfRib);
    speaker.run();
    const set = vi.spyOn(speaker.reflector.out, "setTargets");
    says(holder.line, 200, 5);
    says(holder.line, 300, 5);
    speaker.run();
    expect(set).not.toHaveBeenCalled();
    expect(holder.keys).toEqual(keys(route(100), route(200), route(300)));
    // What came so goes so.
    holder.line.say(evpnWithdraw([route(300, 5)]));
    for (let seconds = 0; seconds < 2 * HOLD; seconds += 10) {
      speaker.clock.advance(10_000);
      speaker.run();
    }
    expect(holder.keys).toEqual(keys(route(100), route(200)));
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("keeps so many targets of a peer, and holds one with more to nothing", () => {
    const { speaker, holder } = fabric(inferring);
    says(holder.line, 100, 5);
    holder.line.say(endOfRib);
    speaker.run();
    expect(holder.keys).toEqual(keys(route(100)));
    const { slot } = speaker.reflector.peer(holder.line.session.id)!;
    const kept = (): number => speaker.reflector.interests.learnt(slot)!.targets.size;
    const STEP = 400;
    for (let first = 0; first <= MOST_INFERRED; first += STEP) {
      const targets = Array.from({ length: STEP }, (_, n) => rt(10_000 + first + n));
      holder.line.say(evpnUpdate([route(100, 5)], withTargets(...targets)));
      expect(kept()).toBeLessThanOrEqual(MOST_INFERRED);
    }
    speaker.run();
    expect(holder.keys).toHaveLength(5);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("does not concern a peer with memberships of its own", () => {
    const { speaker, holder } = fabric(inferring, RTC);
    says(holder.line, 100, 5);
    holder.line.say(endOfRib);
    speaker.run();
    expect(holder.keys.filter((one) => one === key(route(100)))).toEqual([]);
  });
});
