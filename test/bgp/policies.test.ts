/** Policies on live sessions: what comes in, what goes out, and what a change of the rules does. */
import { describe, expect, it, vi } from "vitest";
import { NO_POLICY } from "../../src/bgp/policy/rules/engine.js";
import { HoldReason } from "../../src/bgp/rib/hold.js";
import { PEER_POLICY_DEFAULTS, type PeerPolicy } from "../../src/bgp/policy/rules/settings.js";
import { evpnUpdate, evpnWithdraw, Speaker, type Line } from "./lib/speaker.js";
import { attribute, key, mac, PLAIN } from "./lib/tables.js";
import { rulesOf } from "./policy/rules/lib.js";

const IMPORT = { importPolicies: ["p"] };
const EXPORT = { exportPolicies: ["p"] };
const DROP_100 = `- {match: {vni: 100}, then: reject}`;
const DROP_200 = `- {match: {vni: 200}, then: reject}`;

function speakerWith(text: string): Speaker {
  const speaker = new Speaker();
  speaker.reflector.policies.configure(rulesOf(text));
  return speaker;
}

/** New rules for everybody, or a new part for one line, as a reload gives them. */
function reload(
  speaker: Speaker,
  text: string,
  line?: Line,
  policy: Partial<PeerPolicy> = {},
): void {
  if (line !== undefined) {
    const { options } = line.session;
    Object.assign(options, { policy: { ...PEER_POLICY_DEFAULTS, ...policy } });
  }
  speaker.reflector.policies.configure(rulesOf(text));
  speaker.reflector.policies.refresh();
  speaker.run();
}

function holds(speaker: Speaker): HoldReason[] {
  const { table } = speaker.reflector;
  const reasons: HoldReason[] = [];
  for (let dest = 1; dest < table.destinationLimit; dest++) {
    if (!table.exists(dest)) continue;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      reasons.push(table.pathHold(path));
    }
  }
  return reasons;
}

/** LOCAL_PREF of each announcement, by key. */
function preferences(line: Line): Record<string, number | undefined> {
  const found: Record<string, number | undefined> = {};
  for (const received of line.take()) {
    if (received.kind !== "announce") continue;
    const localPref = received.attributes.find(({ code }) => code === 5)?.value;
    for (const route of received.routes) {
      found[route.key] = localPref === undefined ? undefined : parseInt(localPref, 16);
    }
  }
  return found;
}

describe("import", () => {
  it("rejected routes are held and sent to nobody", () => {
    const speaker = speakerWith(DROP_100);
    const [source, listener] = [speaker.up({ policy: IMPORT }), speaker.up()];
    source.say(evpnUpdate([mac(1, 100), mac(2, 200)]));
    speaker.run();
    expect(listener.takeKeys()).toEqual([`+${key(mac(2))}`]);
    expect(holds(speaker)).toEqual([HoldReason.Policy, HoldReason.None]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("a changed rule takes back what it now rejects, and gives what it now accepts", () => {
    const speaker = speakerWith(DROP_100);
    const [source, listener] = [speaker.up({ policy: IMPORT }), speaker.up()];
    source.say(evpnUpdate([mac(1, 100), mac(2, 200), mac(3, 300)]));
    speaker.run();
    listener.takeKeys();
    reload(speaker, DROP_200);
    expect(listener.takeKeys().sort()).toEqual([`+${key(mac(1))}`, `-${key(mac(2))}`]);
    expect(source.resets).toEqual([]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("rules that a peer names anew, or no more, hold at once", () => {
    const speaker = speakerWith(DROP_100);
    const [source, listener] = [speaker.up(), speaker.up()];
    source.say(evpnUpdate([mac(1, 100), mac(2, 200)]));
    speaker.run();
    listener.takeKeys();
    reload(speaker, DROP_100, source, IMPORT);
    expect(listener.takeKeys()).toEqual([`-${key(mac(1))}`]);
    reload(speaker, DROP_100, source, {});
    expect(listener.takeKeys()).toEqual([`+${key(mac(1))}`]);
    reload(speaker, DROP_100, source, { importDefault: "reject" });
    expect(listener.takeKeys().sort()).toEqual([`-${key(mac(1))}`, `-${key(mac(2))}`]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("what a rule sets decides who is best and is what others get", () => {
    const speaker = speakerWith(`- {match: {peer: 10.0.0.2}, set: {local-preference: 300}}`);
    const [low, high] = [speaker.up({ policy: IMPORT }), speaker.up({ policy: IMPORT })];
    const listener = speaker.up();
    low.say(evpnUpdate([mac(1)]));
    high.say(evpnUpdate([mac(1)]));
    speaker.run();
    expect(preferences(listener)).toEqual({ [key(mac(1))]: 300 });
    high.say(evpnWithdraw([mac(1)]));
    low.down();
    speaker.run();
    const { attrs, policies } = speaker.reflector;
    policies.engine.clearKept();
    expect(attrs.count).toBe(0);
  });

  it("quarantine keeps a route and counts nowhere", () => {
    const speaker = speakerWith(`- {match: {vni: 100}, then: quarantine}`);
    const [source, listener] = [speaker.up({ policy: IMPORT }), speaker.up()];
    source.say(evpnUpdate([mac(1, 100)]));
    speaker.run();
    expect(holds(speaker)).toEqual([HoldReason.Quarantine]);
    expect(listener.takeKeys()).toEqual([]);
  });
});

describe("export", () => {
  it("rules decide for each receiver", () => {
    const speaker = speakerWith(`${DROP_100}\n- {set: {local-preference: 50}}`);
    const [source, ruled, free] = [speaker.up(), speaker.up({ policy: EXPORT }), speaker.up()];
    source.say(evpnUpdate([mac(1, 100), mac(2, 200)]));
    speaker.run();
    expect(preferences(ruled)).toEqual({ [key(mac(2))]: 50 });
    expect(preferences(free)).toEqual({ [key(mac(1))]: 100, [key(mac(2))]: 100 });
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("a change sends only the difference", () => {
    const speaker = speakerWith(DROP_100);
    const [source, ruled, free] = [speaker.up(), speaker.up({ policy: EXPORT }), speaker.up()];
    source.say(evpnUpdate([mac(1, 100), mac(2, 200), mac(3, 300)]));
    speaker.run();
    for (const line of [ruled, free]) line.take();
    reload(speaker, `${DROP_200}\n- {match: {vni: 400}, set: {local-preference: 7}}`);
    expect(ruled.takeKeys().sort()).toEqual([`+${key(mac(1))}`, `-${key(mac(2))}`]);
    reload(speaker, `${DROP_200}\n- {match: {vni: 300}, set: {local-preference: 7}}`);
    expect(preferences(ruled)).toEqual({ [key(mac(3))]: 7 });
    reload(speaker, DROP_200, ruled, {});
    expect(ruled.takeKeys().sort()).toEqual([`+${key(mac(2))}`, `+${key(mac(3))}`]);
    expect(free.takeKeys()).toEqual([]);
    expect(speaker.reflector.audit()).toEqual([]);
    expect(speaker.reflector.policies.engine.isIdle).toBe(true);
  });

  it("a source that joins a group is another to the rules of receivers", () => {
    const text = `- {match: {peer: "group:guests"}, then: reject}`;
    const speaker = speakerWith(text);
    const [source, ruled] = [speaker.up(), speaker.up({ policy: EXPORT })];
    source.say(evpnUpdate([mac(1)]));
    speaker.run();
    ruled.take();
    reload(speaker, text, source, { groups: ["guests"] });
    expect(ruled.takeKeys()).toEqual([`-${key(mac(1))}`]);
    reload(speaker, text, source, {});
    expect(ruled.takeKeys()).toEqual([`+${key(mac(1))}`]);
  });

  it("an override lies behind the rules, and comes off again", () => {
    const speaker = speakerWith(`- {set: {local-preference: 50}}`);
    const [source, ruled, free] = [speaker.up(), speaker.up({ policy: EXPORT }), speaker.up()];
    source.say(evpnUpdate([mac(1)]));
    speaker.run();
    for (const line of [ruled, free]) line.take();
    const action = { communities: { add: ["ffff0000"] }, localPreference: 0 };
    speaker.reflector.policies.setOverride("all", action);
    speaker.run();
    for (const line of [ruled, free]) expect(preferences(line)).toEqual({ [key(mac(1))]: 0 });
    const late = speaker.up();
    speaker.run();
    expect(preferences(late)).toEqual({ [key(mac(1))]: 0 });
    speaker.reflector.policies.setOverride("all", undefined);
    speaker.run();
    expect(preferences(ruled)).toEqual({ [key(mac(1))]: 50 });
    expect(preferences(free)).toEqual({ [key(mac(1))]: 100 });
    const { engine } = speaker.reflector.policies;
    const slot = speaker.reflector.peer(free.session.id)!.slot;
    expect(engine.exportOf(slot)).toBe(NO_POLICY);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("next hop self leaves EVPN alone; ASes are put in front for eBGP only", () => {
    const speaker = speakerWith(`- {set: {next-hop: self, as-path-prepend: 2}}`);
    const source = speaker.up();
    const inner = speaker.up({ policy: EXPORT });
    const outer = speaker.up({ kind: "ebgp", as: 65010, policy: EXPORT });
    source.say(evpnUpdate([mac(1)], PLAIN + attribute(8, 0xc0, "fde80001")));
    speaker.run();
    const pathOf = (line: Line) =>
      line
        .take()
        .flatMap((received) => (received.kind === "announce" ? received.attributes : []))
        .find(({ code }) => code === 2)?.value;
    expect(pathOf(inner)).toBe("");
    expect(pathOf(outer)).toBe(`0203${"0000fde8".repeat(3)}`);
  });
});

describe("a newcomer with import rules", () => {
  it("has no routes, and so no walk of the table that would begin anew each time", () => {
    const speaker = speakerWith(DROP_100);
    const later = vi.spyOn(speaker.reflector, "later");
    const line = speaker.up({ policy: IMPORT });
    speaker.run();
    expect(later).not.toHaveBeenCalled();
    line.say(evpnUpdate([mac(1, 100), mac(2, 300)]));
    expect(holds(speaker)).toEqual([HoldReason.Policy, HoldReason.None]);
  });
});
