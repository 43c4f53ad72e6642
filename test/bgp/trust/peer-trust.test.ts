/** Trust in the reflector: who is not trusted is sent nothing and counts nowhere, and what a change does to a live session. */
import { describe, expect, test, vi } from "vitest";
import { HoldReason } from "../../../src/bgp/rib/hold.js";
import { RouteExplainer } from "../../../src/bgp/route-explain.js";
import type { RouteExplanation } from "../../../src/bgp/policy-view.js";
import { PEER_OPTION_DEFAULTS, type PeerOptions } from "../../../src/bgp/settings.js";
import type { Negotiated } from "../../../src/bgp/session/types.js";
import { encodeEndOfRib } from "../../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { hasCommunity, numberOf } from "../../model/lib/attributes.js";
import { FULL } from "../../model/lib/fake.js";
import { hexOf } from "../../model/lib/hex.js";
import { maskOf } from "../../model/lib/peer.js";
import { guard, MARK, required } from "../lib/gatekeeper.js";
import { rulesOf } from "../policy/rules/lib.js";
import { evpnUpdate, Speaker, update, type Line } from "../lib/speaker.js";
import { attribute, key, mac, PLAIN } from "../lib/tables.js";

const END = encodeEndOfRib(Family.Evpn);
const VNF = "10.0.0.66";
const RTC = maskOf(Family.Evpn, Family.RouteTarget);
const own = mac(1);
const others = mac(2);

/** A VNF that needs trust, and a listener with a route of its own. */
function bench(state: "trusted" | "untrusted" | "unknown" = "unknown", over = {}) {
  const speaker = new Speaker();
  const guarded = guard(speaker, (address) =>
    address === VNF ? { ...PEER_OPTION_DEFAULTS, trust: required() } : undefined,
  );
  guarded.gate.states.set(VNF, state);
  const listener = speaker.up();
  listener.say(evpnUpdate([others]));
  const vnf = speaker.up({ address: VNF, id: 66, trust: required(), ...over });
  vnf.say(evpnUpdate([own]));
  vnf.say(END);
  speaker.run();
  const clean = (): void => expect(speaker.reflector.audit()).toEqual([]);
  const set = (next: "trusted" | "untrusted" | "stale"): void => {
    guarded.gate.set(VNF, next);
    speaker.run();
  };
  return { speaker, ...guarded, listener, vnf, clean, set };
}

const kinds = (line: Line): string[] => line.take().map(({ kind }) => kind);

function explain(speaker: Speaker, wanted = {}): RouteExplanation {
  let found: RouteExplanation | undefined;
  const job = new RouteExplainer(speaker.reflector, { table: "all", ...wanted }, (one) => {
    found = one;
  });
  while (!job.step());
  return found!;
}

describe("a peer that is not trusted, effect hold", () => {
  test("ASM-03: is sent nothing at all, no End-of-RIB either, and its routes reach nobody", () => {
    const { speaker, listener, vnf, clean } = bench();
    expect(kinds(vnf)).toEqual([]);
    expect(listener.takeKeys()).toEqual([]);
    speaker.reflector.refreshOut(vnf.session, Family.Evpn);
    speaker.run();
    expect(kinds(vnf)).toEqual([]);
    clean();
  });

  test("shows its routes as held, and says so to whoever asks", () => {
    const { speaker } = bench();
    const { table } = speaker.reflector;
    const holds: number[] = [];
    for (let dest = 1; dest < table.destinationLimit; dest++) {
      if (table.exists(dest)) holds.push(table.pathHold(table.firstPath(dest)));
    }
    expect(holds.sort()).toEqual([HoldReason.None, HoldReason.Trust]);
    const { routes } = explain(speaker);
    const reasons = routes.flatMap(({ paths }) => paths.map(({ reason }) => reason));
    expect(reasons).toContain("held: peer not trusted (it is unknown)");
    const receivers = routes.flatMap((route) => route.receivers);
    expect(receivers.find(({ peer }) => peer === VNF)).toMatchObject({
      sent: false,
      code: "trust",
      reason: "held: peer not trusted",
    });
  });

  test("is not asked by route refresh either, until it is trusted", () => {
    const { speaker, vnf, set } = bench();
    speaker.reflector.peer(vnf.session.id)!.ask(1 << Family.Evpn);
    expect(kinds(vnf)).toEqual([]);
    set("trusted");
    expect(kinds(vnf)).toContain("refresh");
  });

  test("its memberships count for nobody: not reflected, not served", () => {
    const speaker = new Speaker();
    const { gate } = guard(speaker);
    const reflector = speaker.up({ kind: "non-client", families: RTC });
    const vnf = speaker.up({ address: VNF, id: 66, families: RTC, trust: required() });
    const target = `0002fde8${hexOf(7, 4)}`;
    const nlri = `60${hexOf(65000, 4)}${target}`;
    vnf.say(update("", PLAIN + attribute(14, 0x80, `000184040a00000100${nlri}`)));
    reflector.say(evpnUpdate([others], PLAIN + attribute(16, 0xc0, target)));
    speaker.run();
    const asked = (): boolean => reflector.takeKeys().some((one) => one.includes(target));
    expect(asked()).toBe(false);
    expect(vnf.take()).toEqual([]);
    vnf.say(encodeEndOfRib(Family.RouteTarget));
    gate.set(VNF, "trusted");
    speaker.run();
    expect(asked()).toBe(true);
    expect(vnf.takeKeys()).toContain(`+${key(others)}`);
    gate.set(VNF, "untrusted");
    speaker.run();
    expect(vnf.takeKeys()).toContain(`-${key(others)}`);
    expect(speaker.reflector.audit()).toEqual([]);
  });
});

describe("a change of trust on a live session", () => {
  test("ASM-71: trusted: it gets the table and End-of-RIB, the others its routes", () => {
    const { listener, vnf, set, clean, gate } = bench();
    set("trusted");
    const got = vnf.take();
    expect(got.map(({ kind }) => kind)).toEqual(["announce", "end-of-rib"]);
    expect(listener.takeKeys()).toEqual([`+${key(own)}`]);
    expect(gate.applied.at(-1)).toMatchObject({ address: VNF, sessions: 1, routes: 1 });
    clean();
  });

  test("ASM-71: lost: its routes are withdrawn, what it had is taken back, and nothing follows", () => {
    const { speaker, listener, vnf, set, clean } = bench("trusted");
    listener.take();
    vnf.take();
    set("untrusted");
    expect(listener.takeKeys()).toEqual([`-${key(own)}`]);
    expect(vnf.takeKeys()).toEqual([`-${key(others)}`]);
    listener.say(evpnUpdate([mac(3)]));
    vnf.say(evpnUpdate([mac(4)]));
    speaker.run();
    expect(vnf.take()).toEqual([]);
    expect(listener.takeKeys()).toEqual([]);
    expect(vnf.session.isOpen).toBe(true);
    clean();
    set("trusted");
    expect(vnf.takeKeys().sort()).toEqual([`+${key(others)}`, `+${key(mac(3))}`].sort());
    expect(listener.takeKeys().sort()).toEqual([`+${key(own)}`, `+${key(mac(4))}`].sort());
    clean();
  });

  test("in the middle of its first table: no End-of-RIB comes while it is held", () => {
    const { speaker, listener, gate, set, clean } = bench("trusted");
    const many = Array.from({ length: 300 }, (_, i) => mac(1000 + i));
    for (const one of many) listener.say(evpnUpdate([one]));
    speaker.run();
    const late = speaker.up({ address: "10.0.0.67", id: 67, trust: required() });
    gate.states.set("10.0.0.67", "trusted");
    late.take();
    gate.set("10.0.0.67", "trusted");
    gate.set("10.0.0.67", "untrusted");
    speaker.run();
    expect(late.take().filter(({ kind }) => kind === "end-of-rib")).toEqual([]);
    set("trusted");
    clean();
  });

  test("that comes and goes while the peer does not read: what it is sent ends with withdrawals", () => {
    const { speaker, vnf, gate, clean } = bench("trusted");
    vnf.take();
    vnf.session.block(FULL);
    for (const state of ["untrusted", "trusted", "untrusted"] as const) {
      gate.set(VNF, state);
      speaker.run();
    }
    vnf.session.drain(0, false);
    speaker.reflector.drained(vnf.session);
    speaker.run();
    expect(kinds(vnf)).toEqual(["withdraw"]);
    clean();
  });

  test("between BoRR and EoRR: the refresh is ended, what it has is withdrawn", () => {
    const { speaker, vnf, gate, clean } = bench("trusted");
    vnf.take();
    speaker.reflector.refreshOut(vnf.session, Family.Evpn);
    speaker.queue.runOnce();
    gate.set(VNF, "untrusted");
    speaker.run();
    const got = vnf.take();
    const subtypes = got.flatMap((one) => (one.kind === "refresh" ? [one.subtype] : []));
    expect(subtypes.filter((one) => one === 1).length).toBe(
      subtypes.filter((one) => one === 2).length,
    );
    clean();
  });

  test.each(["before", "while"])(
    "released before anything was withdrawn: export rules changed %s it was held are in force",
    (when) => {
      for (const takesPaths of [undefined, 2]) {
        const paths = takesPaths === undefined ? {} : { takesPaths };
        const { speaker, vnf, gate, clean } = bench("trusted", {
          policy: { exportPolicies: ["p"] },
          ...paths,
        });
        const rules = (preference: number): void => {
          const { policies } = speaker.reflector;
          policies.configure(rulesOf(`- {set: {local-preference: ${preference}}}`));
          policies.refresh();
        };
        rules(50);
        speaker.run();
        vnf.take();
        if (when === "before") rules(60);
        gate.set(VNF, "untrusted");
        if (when === "while") rules(60);
        gate.set(VNF, "trusted");
        speaker.run();
        const got = vnf.take();
        expect(got.map(({ kind }) => kind)).toEqual(["announce", "end-of-rib"]);
        const [first] = got;
        expect(first?.kind === "announce" && numberOf(first.attributes, 5)).toBe(60);
        clean();
      }
    },
  );

  test("several paths of a destination are withdrawn and restored as well", () => {
    const { vnf, speaker, listener, set, clean } = bench("trusted", { takesPaths: 2 });
    const second = speaker.up();
    second.say(evpnUpdate([others]));
    speaker.run();
    listener.take();
    const sent = vnf.takeKeys().filter((one) => one.startsWith("+"));
    expect(new Set(sent).size).toBe(2);
    set("stale");
    expect(vnf.takeKeys().filter((one) => one.startsWith("-")).length).toBe(2);
    set("trusted");
    const again = vnf.take();
    expect(again.at(-1)?.kind).toBe("end-of-rib");
    clean();
  });

  test("is told as in force when its walk is over, also with the end of everything told", () => {
    const { gate, speaker } = bench("trusted");
    gate.set(VNF, "untrusted", true);
    expect(gate.applied).toEqual([]);
    gate.set(VNF, "untrusted", true);
    expect(gate.applied).toEqual([]);
    speaker.run();
    expect(gate.applied).toMatchObject([{ address: VNF, revision: 2, sessions: 1, routes: 1 }]);
  });

  test("is told as in force when the session ends meanwhile, and where no session hangs on it", () => {
    const { gate, speaker, listener, vnf } = bench("trusted");
    gate.set(VNF, "untrusted");
    vnf.down();
    speaker.run();
    expect(gate.applied).toMatchObject([{ address: VNF, revision: 1, sessions: 0 }]);
    const { peerAddress: address } = listener.session;
    gate.set(address, "untrusted");
    expect(gate.applied.at(-1)).toMatchObject({ address, revision: 2, sessions: 0 });
  });

  test("many changes within one turn end with the last one", () => {
    const { gate, speaker, vnf, listener, clean } = bench("trusted");
    for (let n = 0; n < 11; n++) gate.set(VNF, n % 2 === 0 ? "untrusted" : "trusted");
    speaker.run();
    listener.take();
    vnf.take();
    expect(speaker.reflector.trust!.viewOf(VNF)).toMatchObject({
      state: "untrusted",
      effect: "hold",
      established: true,
    });
    clean();
    gate.set(VNF, "trusted");
    speaker.run();
    expect(listener.takeKeys()).toEqual([`+${key(own)}`]);
    clean();
  });

  test("routes beyond a limit stay with the limit", () => {
    const limits = {
      in: [
        {
          family: Family.Evpn,
          routeType: undefined,
          perVni: false,
          maximum: 1,
          warnAt: 0,
          action: "discard" as const,
        },
      ],
    };
    const { vnf, speaker, listener, set, clean } = bench("unknown", { limits });
    vnf.say(evpnUpdate([mac(8)]));
    speaker.run();
    set("trusted");
    expect(listener.takeKeys()).toEqual([`+${key(own)}`]);
    set("untrusted");
    expect(listener.takeKeys()).toEqual([`-${key(own)}`]);
    clean();
  });
});

describe("other effects", () => {
  test("mark: it is served, and its routes carry the community", () => {
    const { listener, vnf, set, clean } = bench("unknown", { trust: required({ effect: "mark" }) });
    const marked = (): boolean[] =>
      listener
        .take()
        .flatMap((one) =>
          one.kind === "announce" ? [hasCommunity(one.attributes, MARK >>> 0)] : [],
        );
    expect(marked()).toEqual([true]);
    expect(vnf.takeKeys()).toEqual([`+${key(others)}`]);
    set("trusted");
    expect(marked()).toEqual([false]);
    set("untrusted");
    expect(marked()).toEqual([true]);
    clean();
  });

  test("refuse: no session begins, with the reason; one that is up is held instead of reset", () => {
    const refuse = required({ effect: "refuse" });
    const options = { ...PEER_OPTION_DEFAULTS, trust: refuse };
    const { trust, vnf, listener, set } = bench("trusted", { trust: refuse });
    expect(trust.refuses("10.9.9.9", options, undefined)).toBe("peer not trusted: it is unknown");
    expect(trust.viewOf("10.9.9.9")).toMatchObject({ effect: "refuse", established: false });
    listener.take();
    set("untrusted");
    expect(vnf.session.isOpen).toBe(true);
    expect(listener.takeKeys()).toEqual([`-${key(own)}`]);
  });

  test("ASM-82: a dry run does nothing, and says what it would", () => {
    const { trust, listener, vnf, set } = bench("unknown", { trust: required({ dryRun: true }) });
    expect(listener.takeKeys()).toEqual([`+${key(own)}`]);
    expect(trust.viewOf(VNF)).toMatchObject({
      state: "unknown",
      effect: "admit",
      spared: "hold",
    });
    set("untrusted");
    expect(listener.takeKeys()).toEqual([]);
    expect(vnf.session.isOpen).toBe(true);
    expect(trust.viewOf(VNF)).toMatchObject({ state: "untrusted", spared: "hold" });
  });

  test("without a gate nobody is trusted who has to be", () => {
    const { trust, listener, speaker, clean } = bench("trusted");
    listener.take();
    trust.attach(undefined);
    speaker.run();
    expect(listener.takeKeys()).toEqual([`-${key(own)}`]);
    expect(trust.viewOf(VNF)?.reason).toContain("asmn.gate is off");
    clean();
  });
});

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

describe("graceful restart", () => {
  const negotiated: Partial<Negotiated> = {
    gracefulRestart: {
      restarting: false,
      notification: false,
      time: 120,
      families: maskOf(Family.Evpn),
      forwarding: maskOf(Family.Evpn),
    },
  };

  test("routes kept for a peer's return go when it loses trust meanwhile", () => {
    const { vnf, speaker, listener, set, clean } = bench("trusted", { negotiated });
    listener.take();
    vnf.down();
    speaker.run();
    expect(listener.takeKeys()).toEqual([]);
    set("untrusted");
    expect(listener.takeKeys()).toEqual([`-${key(own)}`]);
    clean();
  });

  test("routes kept for a peer's return go when a reload asks for trust that it has not", () => {
    const { vnf, speaker, listener, trust, gate, clean } = bench("trusted", { negotiated });
    listener.take();
    vnf.down();
    gate.states.set(VNF, "untrusted");
    trust.look(VNF, { ...PEER_OPTION_DEFAULTS, trust: required() });
    speaker.run();
    expect(listener.takeKeys()).toEqual([`-${key(own)}`]);
    clean();
  });

  test("routes of one that comes through its proxy are kept while it is trusted", () => {
    const { vnf, speaker, listener, gate, set, clean } = bench("trusted", { negotiated });
    listener.take();
    vnf.down();
    speaker.run();
    gate.instances.set(VNF, "aa");
    gate.objects = ({ instance }) => (instance === "aa" ? undefined : "not through its proxy");
    set("trusted");
    expect(listener.takeKeys()).toEqual([]);
    gate.instances.clear();
    set("untrusted");
    expect(listener.takeKeys()).toEqual([`-${key(own)}`]);
    clean();
  });

  test("nothing is kept of a session that was held", () => {
    const { vnf, speaker, listener, clean, gate } = bench("unknown", { negotiated });
    vnf.down();
    speaker.run();
    expect(speaker.reflector.retains(VNF)).toBe(false);
    expect(speaker.reflector.stats()).toMatchObject({ routes: 1 });
    gate.set(VNF, "trusted");
    speaker.run();
    expect(listener.takeKeys()).toEqual([]);
    clean();
  });

  test("who comes back as somebody else does not get back what was kept", () => {
    const { vnf, speaker, listener, gate, clean } = bench("trusted", { negotiated });
    listener.take();
    vnf.down();
    gate.objects = ({ routerId }) => (routerId === "0.0.0.66" ? undefined : "another router id");
    const fake = speaker.up({ address: VNF, id: 99, trust: required(), negotiated });
    speaker.run();
    expect(listener.takeKeys()).toEqual([`-${key(own)}`]);
    expect(fake.take()).toEqual([]);
    clean();
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
