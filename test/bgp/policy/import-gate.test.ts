/** What stands behind import rules: graceful shutdown (RFC 8326), and a tenant's route targets. */
import { describe, expect, it } from "vitest";
import { HoldReason } from "../../../src/bgp/rib/hold.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { Code, find } from "../../model/lib/attributes.js";
import { hexOf } from "../../model/lib/hex.js";
import { macIp, rd } from "../../model/lib/nlri.js";
import type { PeerSpec } from "../../model/lib/peer.js";
import { evpnUpdate, Speaker, update, type Line } from "../lib/speaker.js";
import { attribute, EMPTY_PATH, key, LOCAL_PREF, ORIGIN, PLAIN } from "../lib/tables.js";

const SHUTDOWN = "ffff0000";
const shutdown = attribute(8, 0xc0, `fde80001${SHUTDOWN}`);
const AS_PATH = attribute(2, 0x40, "02010000fdf2");
const rt = (number: number): string => `0002fde8${hexOf(number, 4)}`;
const targets = (...list: string[]): string => PLAIN + attribute(16, 0xc0, list.join(""));
const mac = (n: number, number = 1): string =>
  macIp({ rd: rd(number), mac: hexOf(n, 6), label: 100 });

/** LOCAL_PREF of each route that came. */
function preferences(line: Line): Record<string, string | undefined> {
  const found: Record<string, string | undefined> = {};
  for (const received of line.take()) {
    if (received.kind !== "announce") continue;
    for (const route of received.routes) {
      found[route.key] = find(received.attributes, Code.LocalPref);
    }
  }
  return found;
}

function start(over: Partial<PeerSpec>) {
  const speaker = new Speaker();
  const source = speaker.up(over);
  const other = speaker.up();
  speaker.run();
  other.take();
  return { speaker, source, other };
}

function change(speaker: Speaker, line: Line, over: object): void {
  const before = line.session.options;
  Object.assign(line.session, { options: { ...before, ...over } });
  expect(speaker.reflector.reconfigured(line.session, before)).toBeUndefined();
  speaker.run();
}

const ROUTES = { plain: ORIGIN + AS_PATH, leaving: ORIGIN + AS_PATH + shutdown };

describe("GRACEFUL_SHUTDOWN", () => {
  const ebgp = { kind: "ebgp", as: 65010 } as const;

  it("makes an eBGP peer's route the last choice, and leaves the community on it", () => {
    const { speaker, source, other } = start(ebgp);
    source.say(evpnUpdate([mac(1)], ROUTES.plain));
    source.say(evpnUpdate([mac(2)], ROUTES.leaving));
    source.say(evpnUpdate([mac(3)], ORIGIN + AS_PATH + LOCAL_PREF + shutdown));
    speaker.run();
    expect(preferences(other)).toEqual({
      [key(mac(1))]: "00000064",
      [key(mac(2))]: "00000000",
      [key(mac(3))]: "00000000",
    });
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("lets another path win at once", () => {
    const { speaker, source, other } = start(ebgp);
    const second = speaker.up({ kind: "ebgp", as: 65020, id: 0x0a090909 });
    source.say(evpnUpdate([mac(1)], ROUTES.plain));
    second.say(evpnUpdate([mac(1)], ORIGIN + attribute(2, 0x40, "02010000fdfc")));
    speaker.run();
    const { table } = speaker.reflector;
    const winner = () => speaker.reflector.addressOf(table.pathSlot(table.bestPath(1)));
    expect(winner()).toBe(source.session.peerAddress);
    source.say(evpnUpdate([mac(1)], ROUTES.leaving));
    speaker.run();
    expect(winner()).toBe(second.session.peerAddress);
    source.say(evpnUpdate([mac(1)], ROUTES.plain));
    speaker.run();
    expect(winner()).toBe(source.session.peerAddress);
    other.take();
  });

  it("is left to iBGP peers themselves, unless asked for, and can be ignored", () => {
    const { speaker, source, other } = start({});
    source.say(evpnUpdate([mac(1)], PLAIN + shutdown));
    speaker.run();
    expect(preferences(other)).toEqual({ [key(mac(1))]: "00000064" });
    change(speaker, source, { gracefulShutdown: "always" });
    expect(preferences(other)).toEqual({ [key(mac(1))]: "00000000" });
    change(speaker, source, { gracefulShutdown: "never" });
    expect(preferences(other)).toEqual({ [key(mac(1))]: "00000064" });
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("finds LOCAL_PREF's place among other attributes", () => {
    const { speaker, source, other } = start(ebgp);
    const med = attribute(4, 0x80, "00000007");
    const atomic = attribute(6, 0x40, "");
    source.say(evpnUpdate([mac(1)], ORIGIN + AS_PATH + med + atomic + shutdown));
    source.say(evpnUpdate([mac(2)], ORIGIN + EMPTY_PATH + shutdown));
    speaker.run();
    expect(preferences(other)[key(mac(1))]).toBe("00000000");
  });
});

describe("a tenant's targets", () => {
  const tenant = { interest: { allowed: [rt(1), rt(2)] } };

  it("keep back routes with others, or with none, and say so", () => {
    const { speaker, source, other } = start(tenant);
    source.say(evpnUpdate([mac(1)], targets(rt(1))));
    source.say(evpnUpdate([mac(2)], targets(rt(1), rt(2))));
    source.say(evpnUpdate([mac(3)], targets(rt(1), rt(3))));
    source.say(evpnUpdate([mac(4)], targets("060202aabbccddee")));
    source.say(evpnUpdate([mac(5)]));
    speaker.run();
    expect(other.takeKeys().sort()).toEqual([1, 2, 4].map((n) => `+${key(mac(n))}`).sort());
    const { table } = speaker.reflector;
    const holds = [1, 2, 3, 4, 5].map((dest) => table.pathHold(table.firstPath(dest)));
    const { None, Tenant } = HoldReason;
    expect(holds).toEqual([None, None, Tenant, None, Tenant]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("withdraw what becomes foreign, and follow a change of the list", () => {
    const { speaker, source, other } = start(tenant);
    source.say(evpnUpdate([mac(1)], targets(rt(1))));
    speaker.run();
    expect(other.takeKeys()).toEqual([`+${key(mac(1))}`]);
    source.say(evpnUpdate([mac(1)], targets(rt(3))));
    speaker.run();
    expect(other.takeKeys()).toEqual([`-${key(mac(1))}`]);
    change(speaker, source, { interest: { ...source.session.options.interest, allowed: [rt(3)] } });
    expect(other.takeKeys()).toEqual([`+${key(mac(1))}`]);
    change(speaker, source, {
      interest: { ...source.session.options.interest, allowed: undefined },
    });
    expect(other.takeKeys()).toEqual([]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("hold against whatever the tenant asks for", () => {
    const speaker = new Speaker();
    const source = speaker.up();
    for (const n of [1, 2, 3]) source.say(evpnUpdate([mac(n)], targets(rt(n))));
    const inside = speaker.up({ interest: { allowed: [rt(1), rt(2)], targets: [rt(2), rt(3)] } });
    speaker.run();
    expect(inside.takeKeys()).toEqual([`+${key(mac(2))}`]);
  });

  it("do not concern families without targets", () => {
    const speaker = new Speaker();
    const families = 1 << Family.Ipv4Unicast;
    const source = speaker.up({ ...tenant, families });
    const other = speaker.up({ families });
    const hop = attribute(3, 0x40, "0a000001");
    source.say(update("", ORIGIN + EMPTY_PATH + hop + LOCAL_PREF, "180a0000"));
    speaker.run();
    expect(other.takeKeys()).toHaveLength(1);
  });
});
