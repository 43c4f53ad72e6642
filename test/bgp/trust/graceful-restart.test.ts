/** Trust and graceful restart: what is kept for a peer that is away is kept only while it is trusted. */
import { describe, expect, test } from "vitest";
import { PEER_OPTION_DEFAULTS } from "../../../src/bgp/settings.js";
import type { Negotiated } from "../../../src/bgp/session/types.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { maskOf } from "../../model/lib/peer.js";
import { required } from "../lib/gatekeeper.js";
import { key } from "../lib/tables.js";
import { bench, own, VNF } from "./lib.js";

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
