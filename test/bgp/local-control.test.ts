import { beforeEach, describe, expect, it, test } from "vitest";
import { ControlError } from "../../src/bgp/control.js";
import { LocalControl } from "../../src/bgp/local-control.js";
import type { LocalControlParts } from "../../src/bgp/local-control.js";
import type { PeerStatus, PeerTable } from "../../src/bgp/session/index.js";
import { SPEAKER_DEFAULTS, type SpeakerSettings } from "../../src/bgp/settings.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { systemClock } from "../../src/util/clock.js";
import { ALL_FAMILIES } from "../model/lib/peer.js";
import { evpnUpdate, Speaker, type Line } from "./lib/speaker.js";
import { mac } from "./lib/tables.js";

test("what is no address is refused in words, before anything is looked up", async () => {
  const control = new LocalControl({ clock: systemClock, peers: {} } as LocalControlParts);
  const refusal = new ControlError("invalid", '"foo" is no IP address; peers go by theirs');
  await expect(control.peer("foo")).rejects.toEqual(refusal);
  await expect(control.resetPeer("foo", "")).rejects.toEqual(refusal);
  await expect(control.shutdownPeer("foo", "")).rejects.toEqual(refusal);
  await expect(control.enablePeer("foo")).rejects.toEqual(refusal);
  await expect(control.softClear("foo", "in")).rejects.toEqual(refusal);
});

describe("with a reflector behind it", () => {
  let speaker: Speaker;
  let source: Line;
  let other: Line;
  let calls: string[];
  let settings: SpeakerSettings;
  let control: LocalControl;
  /** Somebody configured who is not up. */
  const ABSENT = "10.9.9.9";

  beforeEach(() => {
    speaker = new Speaker();
    source = speaker.up({ families: ALL_FAMILIES });
    other = speaker.up();
    speaker.run();
    source.say(evpnUpdate([mac(1), mac(2)]));
    speaker.run();
    other.take();
    calls = [];
    settings = {
      ...SPEAKER_DEFAULTS,
      as: 65000,
      routerId: "10.99.0.254",
      clusterId: "10.99.0.253",
      dynamic: [],
    };
    const lines = [source, other];
    const status = (address: string, state: string): PeerStatus =>
      ({ address, state }) as PeerStatus;
    const call = (what: string) => (address: string, text?: string) => {
      calls.push([what, address, ...(text === undefined ? [] : [text])].join(" "));
      return address !== "10.8.8.8";
    };
    const views = [
      ...lines.map(({ session }) => status(session.peerAddress, "Established")),
      status(ABSENT, "Active"),
    ];
    const peers = {
      size: 3,
      waiting: 4,
      stats: { strangers: 5, refused: 6 },
      views: () => views,
      view: (address: string) => views.find((view) => view.address === address),
      session: (address: string) =>
        lines.find(({ session }) => session.isOpen && session.peerAddress === address)?.session,
      reset: call("reset"),
      shutdown: call("shutdown"),
      enable: call("enable"),
    } as unknown as PeerTable;
    control = new LocalControl({
      settings: () => settings,
      apply: (next) => {
        settings = next;
        return ["done"];
      },
      listening: () => [
        { address: "127.0.0.1", port: 179 },
        { address: "::1", port: 1179 },
      ],
      peers,
      reflector: speaker.reflector,
      clock: speaker.clock,
    });
  });

  it("counts what is there", async () => {
    expect(await control.summary()).toMatchObject({
      as: 65000,
      listening: ["127.0.0.1:179", "[::1]:1179"],
      peers: 3,
      established: 2,
      destinations: 2,
      routes: 2,
      attributeSets: 1,
      ready: false,
    });
    control.started();
    expect((await control.summary()).ready).toBe(true);
    expect(await control.stats()).toMatchObject({
      sessions: 2,
      handshakes_waiting: 4,
      strangers_total: 5,
      connections_refused_total: 6,
    });
  });

  it("tells a peer that is not up apart, where it explains who has a route and who lacks what", async () => {
    const asked = control.explainRoutes({ table: "best", mac: "00:00:00:00:00:01" });
    speaker.run();
    const { routes } = await asked;
    expect(routes).toHaveLength(1);
    expect(routes[0]?.receivers).toMatchObject([
      { peer: source.session.peerAddress, sent: false, code: "own" },
      { peer: other.session.peerAddress, sent: true },
      { peer: ABSENT, sent: false, reason: "it has no session: it is Active" },
    ]);
    const one = control.explainRoutes({ table: "best", peer: other.session.peerAddress });
    const lacking = control.lacks(ABSENT, other.session.peerAddress);
    // What peers have is looked up first, a turn before the work begins.
    await Promise.resolve();
    speaker.run();
    const ofOne = await one;
    expect(ofOne.routes.map(({ receivers }) => receivers.length)).toEqual([1, 1]);
    expect((await lacking).rows).toMatchObject([
      { reason: "it has no session: it is Active", routes: 2 },
    ]);
    await expect(control.lacks(other.session.peerAddress, ABSENT)).rejects.toThrow(
      "has no session",
    );
  });

  it("shows each peer with what it sent and was sent, and those that are not up", async () => {
    const [first, second, third] = await control.peers();
    expect(first?.families.map(({ family, accepted }) => `${family} ${accepted}`)).toEqual([
      "ipv4-unicast 0",
      "ipv6-unicast 0",
      "l2vpn-evpn 2",
      "ipv4-vpn 0",
      "ipv6-vpn 0",
    ]);
    expect(second?.families).toEqual([
      {
        family: "l2vpn-evpn",
        accepted: 0,
        advertised: 2,
        endOfRibReceived: false,
        endOfRibSent: true,
      },
    ]);
    expect([third?.state, third?.families, third?.backlog]).toEqual(["Active", [], 0]);
    other.session.block(256 * 1024 + 1);
    source.say(evpnUpdate([mac(3)]));
    speaker.run();
    expect((await control.peer(other.session.peerAddress)).backlog).toBe(1);
    await expect(control.peer("10.7.7.7")).rejects.toMatchObject({ code: "not-found" });
  });

  it("shows a peer's routes, and none of one that is not up", async () => {
    const peer = other.session.peerAddress;
    expect((await control.routes({ table: "advertised", peer })).routes).toHaveLength(2);
    expect((await control.routes({ table: "received", peer })).routes).toEqual([]);
    expect((await control.routes({ table: "best" })).routes).toHaveLength(2);
    expect(await control.routes({ table: "received", peer: ABSENT })).toEqual({
      routes: [],
      next: undefined,
    });
    await expect(control.routes({ table: "best", cursor: "?" })).rejects.toBeInstanceOf(
      ControlError,
    );
  });

  it("clears softly: out sends the table again, in asks for it", async () => {
    const address = other.session.peerAddress;
    await control.softClear(address, "out");
    speaker.run();
    expect(other.take().map(({ kind }) => kind)).toEqual(["refresh", "announce", "refresh"]);
    await control.softClear(address, "in");
    expect(other.take()).toEqual([{ kind: "refresh", family: Family.Evpn, subtype: 0 }]);
    await control.softClear(source.session.peerAddress, "in", Family.Ipv6Unicast);
    expect(source.take().at(-1)).toEqual({
      kind: "refresh",
      family: Family.Ipv6Unicast,
      subtype: 0,
    });
    await expect(control.softClear(address, "out", Family.Ipv4Unicast)).rejects.toMatchObject({
      code: "invalid",
    });
    await expect(control.softClear(ABSENT, "out")).rejects.toThrow("it is Active");
    Object.assign(other.session.negotiated, { routeRefresh: false });
    await expect(control.softClear(address, "in")).rejects.toMatchObject({ code: "unsupported" });
    expect(other.take()).toEqual([]);
  });

  it("hands on what is done to peers, and says when there is none", async () => {
    await control.resetPeer(ABSENT, "why");
    await control.shutdownPeer(ABSENT, "because");
    await control.enablePeer(ABSENT);
    expect(calls).toEqual([
      `reset ${ABSENT} why`,
      `shutdown ${ABSENT} because`,
      `enable ${ABSENT}`,
    ]);
    await expect(control.enablePeer("10.8.8.8")).rejects.toMatchObject({ code: "not-found" });
  });

  it("applies what it is given, and previews it", async () => {
    const next = { ...settings, peers: [], dynamic: [], as: 65001, hostName: "new" };
    settings = { ...settings, peers: [], dynamic: [] };
    const effects = await control.preview(next);
    expect(effects.map(({ subject, effect }) => `${subject} ${effect}`)).toEqual([
      "as reset",
      "host-name next-session",
    ]);
    expect(settings.as).toBe(65000);
    expect(await control.apply(next)).toEqual(["done"]);
    expect(settings.as).toBe(65001);
  });

  it("audits", async () => {
    expect(await control.audit()).toEqual({ ok: true, findings: [] });
    speaker.reflector.table.tombstones++;
    expect((await control.audit()).ok).toBe(false);
  });
});
