/** Trust in the reflector: who is not trusted is sent nothing and counts nowhere, and what a change does to a live session. */
import { describe, expect, test } from "vitest";
import { HoldReason } from "../../../src/bgp/rib/hold.js";
import { PEER_OPTION_DEFAULTS } from "../../../src/bgp/settings.js";
import { encodeEndOfRib } from "../../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { hasCommunity, numberOf } from "../../model/lib/attributes.js";
import { FULL } from "../../model/lib/fake.js";
import { hexOf } from "../../model/lib/hex.js";
import { guard, MARK, required } from "../lib/gatekeeper.js";
import { rulesOf } from "../policy/rules/lib.js";
import { evpnUpdate, Speaker, update } from "../lib/speaker.js";
import { attribute, key, mac, PLAIN } from "../lib/tables.js";
import { bench, explain, kinds, others, own, RTC, VNF } from "./lib.js";

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
