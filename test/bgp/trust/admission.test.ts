/** Trust when a session begins: OPEN, the limits of a VNF, TCP MD5 keys, and who is connected to. */
import { describe, expect, test, vi } from "vitest";
import { PEER_OPTION_DEFAULTS, type PeerOptions } from "../../../src/bgp/settings.js";
import { guard, required } from "../lib/gatekeeper.js";
import { evpnUpdate, Speaker } from "../lib/speaker.js";
import { key, mac } from "../lib/tables.js";
import { bench, others, own, VNF } from "./lib.js";

describe("on OPEN", () => {
  test("AS and router id are asked about again", () => {
    const { trust, gate } = bench("trusted");
    const options = { ...PEER_OPTION_DEFAULTS, trust: required({ effect: "refuse" }) };
    gate.objects = ({ as, routerId }) =>
      as === 65001 || routerId === "9.9.9.9" ? "another AS or router id" : undefined;
    const open = { as: 65000, routerId: "1.1.1.1", instance: undefined };
    expect(trust.refuses(VNF, options, undefined)).toBeUndefined();
    expect(trust.refusesOpen(VNF, options, open)).toBeUndefined();
    const wrong = trust.refusesOpen(VNF, options, { ...open, as: 65001 });
    expect(wrong).toBe("peer not trusted: another AS or router id");
    expect(trust.refusesOpen(VNF, options, { ...open, routerId: "9.9.9.9" })).toBeDefined();
  });

  test("a session that shows another AS is held although its address is trusted", () => {
    const speaker = new Speaker();
    const { gate } = guard(speaker);
    gate.states.set(VNF, "trusted");
    gate.objects = ({ as }) => (as === 65001 ? "another AS" : undefined);
    const listener = speaker.up();
    const vnf = speaker.up({ address: VNF, id: 66, kind: "ebgp", as: 65001, trust: required() });
    vnf.say(evpnUpdate([own]));
    speaker.run();
    expect(listener.takeKeys()).toEqual([]);
    expect(vnf.take()).toEqual([]);
  });
});

describe("the VNF's limits", () => {
  test("sessions: one more than it may have is refused on OPEN", () => {
    const { trust, gate, speaker } = bench("trusted");
    gate.limits = { sessions: 1, updatesPerSecond: 0, prefixes: 0 };
    gate.set(VNF, "trusted");
    speaker.run();
    gate.states.set("10.0.0.67", "trusted");
    const options = { ...PEER_OPTION_DEFAULTS, trust: required() };
    const open = { as: 65000, routerId: "1.1.1.1", instance: undefined };
    expect(trust.refusesOpen("10.0.0.67", options, open)).toContain("may have 1");
    // The peer's own collision is none too many.
    expect(trust.refusesOpen(VNF, options, open)).toBeUndefined();
  });

  test("sessions: of two whose OPENs came at the same time the later one ends", () => {
    const { gate, speaker, vnf } = bench("trusted");
    gate.limits = { sessions: 1, updatesPerSecond: 0, prefixes: 0 };
    gate.set(VNF, "trusted");
    gate.states.set("10.0.0.67", "trusted");
    const second = speaker.up({ address: "10.0.0.67", id: 67, trust: required() });
    speaker.clock.advance(1);
    expect(second.resets).toEqual(["t/v has more than 1 sessions (limits of its VNF)"]);
    expect(vnf.resets).toEqual([]);
  });

  test("routes: those of all its sessions together", () => {
    const { gate, vnf, speaker } = bench("trusted");
    gate.limits = { sessions: 0, updatesPerSecond: 0, prefixes: 3 };
    gate.states.set("10.0.0.67", "trusted");
    gate.set(VNF, "trusted");
    const second = speaker.up({ address: "10.0.0.67", id: 67, trust: required() });
    second.say(evpnUpdate([mac(21), mac(22)]));
    speaker.run();
    expect([...vnf.resets, ...second.resets]).toEqual([]);
    second.say(evpnUpdate([mac(23)]));
    speaker.run();
    expect(second.resets).toEqual(["more than 3 routes of t/v (limits of its VNF)"]);
    expect(vnf.session.isOpen).toBe(true);
  });

  test("UPDATEs: reading pauses for all of its sessions' debt, and goes on", () => {
    const { gate, vnf, speaker } = bench("trusted");
    gate.limits = { sessions: 0, updatesPerSecond: 10, prefixes: 0 };
    gate.set(VNF, "trusted");
    speaker.run();
    for (let n = 0; n < 30; n++) vnf.say(evpnUpdate([mac(100 + n)]));
    expect(vnf.session.paused).toBe(true);
    speaker.clock.advance(10_000);
    expect(vnf.session.paused).toBe(false);
  });
});

describe("keys and calls", () => {
  test("ASM-75: the instance's TCP MD5 key is put in force when it is known, and taken out", () => {
    const { gate, trust, rekeyed } = bench("unknown");
    const options = { ...PEER_OPTION_DEFAULTS, trust: required() };
    gate.keys.set(VNF, "secret");
    gate.set(VNF, "trusted");
    expect(rekeyed).toEqual([[VNF, "secret"]]);
    expect(trust.keyFor(VNF, options)).toBe("secret");
    expect(trust.keyFor(VNF, PEER_OPTION_DEFAULTS)).toBeUndefined();
    gate.keys.delete(VNF);
    gate.set(VNF, "untrusted");
    expect(rekeyed.at(-1)).toEqual([VNF, undefined]);
  });

  test("ASM-75: the key of another tenant's instance at the same address is not the peer's", () => {
    const { gate, rekeyed } = bench("unknown", { trust: required({ tenant: "u" }) });
    gate.keys.set(VNF, "secret");
    gate.set(VNF, "trusted");
    expect(rekeyed).toEqual([]);
  });

  test("ASM-75: bound by a key that cannot be put in force, it is not trusted", () => {
    const { gate, unfit, listener, vnf, set } = bench("unknown");
    gate.binding = "tcp-md5";
    gate.objects = ({ instance }) => (instance === undefined ? undefined : "another instance's");
    gate.keys.set(VNF, "secret");
    unfit.add(VNF);
    set("trusted");
    expect([listener.takeKeys(), vnf.take()]).toEqual([[], []]);
    unfit.clear();
    gate.keys.set(VNF, "other");
    set("trusted");
    expect(listener.takeKeys()).toEqual([`+${key(own)}`]);
  });

  test("ASM-75: keys of instances in a prefix that asks for trust from now on are put in force", () => {
    const speaker = new Speaker();
    let options = PEER_OPTION_DEFAULTS;
    const { gate, trust, rekeyed } = guard(speaker, () => options);
    gate.keys.set(VNF, "secret");
    gate.set(VNF, "trusted");
    expect(rekeyed).toEqual([]);
    options = { ...options, trust: required() };
    trust.reconfigured();
    expect(rekeyed).toEqual([[VNF, "secret"]]);
    options = PEER_OPTION_DEFAULTS;
    trust.reconfigured();
    expect(rekeyed.at(-1)).toEqual([VNF, undefined]);
  });

  test("ASM-75: a held session leaves its place to the instance that comes through its proxy", () => {
    const { gate, vnf, listener, set } = bench("unknown");
    const reset = vi.spyOn(vnf.session, "reset");
    gate.objects = ({ instance }) => (instance === "aa" ? undefined : "not through its proxy");
    set("trusted");
    expect(reset).not.toHaveBeenCalled();
    gate.instances.set(VNF, "aa");
    set("trusted");
    expect(reset.mock.calls[0]?.[3]).toBe("peer not trusted: not through its proxy");
    expect(listener.takeKeys()).toEqual([]);
  });

  test("one in a prefix that is configured later is connected to then", () => {
    const speaker = new Speaker();
    const options: PeerOptions[] = [];
    const { gate, trust, calls } = guard(speaker, () => options[0]);
    gate.set(VNF, "trusted");
    gate.set("10.0.0.67", "untrusted");
    trust.reconfigured();
    expect(calls).toEqual([]);
    options.push({ ...PEER_OPTION_DEFAULTS, trust: required() });
    trust.reconfigured();
    expect(calls).toEqual([VNF]);
  });

  test("ASM-82: a dry run connects to nobody in a prefix who is not trusted", () => {
    const trust = required({ dryRun: true });
    const { gate, calls } = guard(new Speaker(), () => ({ ...PEER_OPTION_DEFAULTS, trust }));
    gate.set(VNF, "untrusted");
    expect(calls).toEqual([]);
    gate.set(VNF, "trusted");
    expect(calls).toEqual([VNF]);
  });

  test("a peer without a session is connected to as soon as it is trusted", () => {
    const { gate, vnf, calls, speaker } = bench("unknown");
    vnf.down();
    speaker.run();
    expect(calls).toEqual([]);
    gate.set(VNF, "trusted");
    expect(calls).toEqual([VNF]);
  });

  test("ASM-75: a link-local address is nobody's alone: no verdict makes it trusted", () => {
    const speaker = new Speaker();
    const { gate, trust } = guard(speaker);
    gate.objects = ({ instance }) => (instance === undefined ? undefined : "another instance's");
    gate.states.set("fe80::1", "trusted");
    const listener = speaker.up();
    listener.say(evpnUpdate([others]));
    const zoned = speaker.up({ address: "fe80::1%eth0", id: 66, trust: required() });
    zoned.say(evpnUpdate([own]));
    speaker.run();
    expect([listener.takeKeys(), zoned.take()]).toEqual([[], []]);
    expect(trust.viewOf("fe80::1%eth0")).toMatchObject({
      state: "untrusted",
      reason: expect.stringContaining("nobody's alone") as string,
    });
  });

  test("ASM-03: who may peer and is waited for is told with the reason", () => {
    const { gate, trust, calls, vnf, speaker, waits } = bench("unknown");
    vnf.down();
    speaker.run();
    waits.set(VNF, "its settings say passive");
    gate.set(VNF, "trusted");
    expect(gate.applied.at(-1)).toMatchObject({ sessions: 0, waits: "its settings say passive" });
    expect(trust.viewOf(VNF)?.reason).toBe("it is trusted; waited for: its settings say passive");
    waits.clear();
    gate.set(VNF, "trusted");
    expect(gate.applied.at(-1)?.waits).toBeUndefined();
    expect(calls).toContain(VNF);
    expect(trust.viewOf(VNF)?.reason).toBe("it is trusted");
  });

  test("a reload that lifts the demand serves the peer, one that makes it holds it", () => {
    const { speaker, vnf, listener, clean } = bench("unknown");
    const change = (trust: typeof vnf.session.options.trust): void => {
      const before = vnf.session.options;
      vnf.session.options = { ...before, trust };
      expect(speaker.reflector.reconfigured(vnf.session, before)).toBeUndefined();
      speaker.run();
    };
    change(undefined);
    expect(listener.takeKeys()).toEqual([`+${key(own)}`]);
    expect(vnf.takeKeys()).toEqual([`+${key(others)}`]);
    change(required());
    expect(listener.takeKeys()).toEqual([`-${key(own)}`]);
    expect(vnf.takeKeys()).toEqual([`-${key(others)}`]);
    clean();
  });
});
