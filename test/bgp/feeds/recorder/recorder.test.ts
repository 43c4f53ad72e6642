import { describe, expect, test } from "vitest";
import type { TappedSession } from "../../../../src/bgp/session/types.js";
import { FEEDS_OFF, RECORDER_DEFAULTS } from "../../../../src/bgp/feeds/settings.js";
import { readScript } from "../../../../src/cli/replay/script.js";
import { readBgpMessages } from "../../../../src/cli/capture/bgp-stream.js";
import { Family } from "../../../../src/fast-bgp-codec/family.js";
import { hexOf } from "../../../model/lib/hex.js";
import { macIp, rd } from "../../../model/lib/nlri.js";
import { maskOf } from "../../../model/lib/peer.js";
import { evpnUpdate, evpnWithdraw } from "../../lib/speaker.js";
import { readMrt } from "../lib/mrt.js";
import { World, type WorldPeer } from "../lib/world.js";

const RR = "10.99.0.254";

function recording(over: Partial<typeof RECORDER_DEFAULTS> = {}): World {
  return new World({ ...FEEDS_OFF, recorder: { ...RECORDER_DEFAULTS, enabled: true, ...over } });
}

function mac(number: number): string {
  return macIp({ rd: rd(1), mac: hexOf(number, 6), label: 100 });
}

/** An OPEN as large as they come. */
const bigOpen = Buffer.concat([
  Buffer.alloc(16, 0xff),
  Buffer.from([16, 0, 1]),
  Buffer.alloc(4077),
]);
const stranger: TappedSession = {
  id: 0,
  peerAddress: "192.0.2.1",
  localAs: 65000,
  connection: { localAddress: RR, localPort: 179, remotePort: 40000, initiator: "remote" },
  agreed: undefined,
  openSent: undefined,
  openReceived: undefined,
};

describe("a recording", () => {
  test("as pcap has the session's own ends, and says who sent what", () => {
    const world = recording();
    const peer = world.up({ address: "10.0.0.7" });
    const six = world.up({ address: "2001:db8::7" });
    peer.line.say(evpnUpdate([mac(1), mac(2)]));
    six.line.say(evpnUpdate([mac(3)]));
    world.run();
    const report = { notes: [] as string[] };
    const messages = [...readBgpMessages(world.feeds.recording("10.0.0.7", "pcap")!, report)];
    expect(report.notes).toEqual([]);
    const port = peer.tapped.connection.remotePort;
    const ends = new Set(messages.map(({ source, destination }) => `${source} ${destination}`));
    expect(ends).toEqual(
      new Set([`10.0.0.7:${String(port)} ${RR}:179`, `${RR}:179 10.0.0.7:${String(port)}`]),
    );
    expect(
      messages.map(({ bytes, outgoing }) => `${String(bytes[18])} ${String(outgoing)}`),
    ).toEqual(["1 true", "1 false", "2 false", ...messages.slice(3).map(() => "2 true")]);
    expect(Buffer.from(messages[2]!.bytes)).toEqual(Buffer.from(evpnUpdate([mac(1), mac(2)])));
    expect(world.feeds.recording("192.0.2.1", "pcap")).toBeUndefined();
    const script = readScript(world.feeds.recording(undefined, "pcap")!, undefined);
    expect(script.peers.map(({ address, as }) => [address, as])).toEqual([
      ["10.0.0.7", 65000],
      ["2001:db8::7", 65000],
    ]);
    expect(script.evpnd).toEqual({ as: 65000, bgpId: RR });
  });

  test("as MRT has messages and states with their subtypes", () => {
    const world = recording();
    const peer = world.up({ as4: false });
    const paths = world.up({ addPath: maskOf(Family.Evpn) });
    peer.line.say(evpnUpdate([mac(1)]));
    paths.line.say(evpnUpdate([hexOf(5, 4) + mac(2)]));
    world.run();
    const records = readMrt(world.feeds.recording(undefined, "mrt")!);
    const kinds = records.map((one) =>
      one.kind === "message"
        ? `${one.peer} ${String(one.subtype)} ${String(one.bytes[18])}`
        : one.kind,
    );
    expect(kinds).toContain("10.0.0.2 1 2");
    expect(kinds).toContain("10.0.0.3 9 2");
    expect(kinds).toContain("state");
  });

  test("keeps the OPENs when its messages have pushed each other out", () => {
    const world = recording({ octetsPerPeer: 4096 });
    const peer = world.up();
    for (let i = 0; i < 200; i++) peer.line.say(evpnUpdate([mac(i)]));
    const [view] = world.feeds.recordings();
    expect(view!.overwritten).toBeGreaterThan(100);
    expect(view!.octets).toBeLessThanOrEqual(4096);
    const { steps } = readScript(world.feeds.recording("10.0.0.2", "pcap")!, undefined);
    expect(steps[0]!.kind).toBe("open");
    const last = steps.at(-1)!;
    expect(last.kind === "message" && Buffer.from(last.bytes)).toEqual(
      Buffer.from(evpnUpdate([mac(199)])),
    );
  });

  test("outlives its session for a while, the next one goes on in it", () => {
    const world = recording({ keepAfterDown: 600 });
    const first = world.up();
    first.line.say(evpnUpdate([mac(1)]));
    world.down(first);
    world.speaker.clock.advance(300_000);
    const second = world.up({ address: "10.0.0.2" });
    second.line.say(evpnWithdraw([mac(1)]));
    expect(world.feeds.recordings()).toMatchObject([
      { peer: "10.0.0.2", established: true, sessions: 2 },
    ]);
    const { steps } = readScript(world.feeds.recording("10.0.0.2", "pcap")!, undefined);
    expect(steps.map(({ kind }) => kind)).toEqual(["open", "message", "close", "open", "message"]);
    world.down(second);
    world.speaker.clock.advance(700_000);
    expect(world.feeds.recordings()).toEqual([]);
    expect(world.feeds.view().recorder.octets).toBe(0);
  });

  test("all together stay within their bound; who is gone for longest makes room", () => {
    const world = recording({ octetsPerPeer: 16384, octetsTotal: 40_000 });
    const say = (peer: WorldPeer): void => {
      for (let i = 0; i < 300; i++) peer.line.say(evpnUpdate([mac(i)]));
    };
    for (let i = 0; i < 3; i++) {
      const peer = world.up({ address: `10.0.1.${String(i + 1)}` });
      say(peer);
      world.down(peer);
      world.speaker.clock.advance(1000);
    }
    for (let i = 0; i < 3; i++) say(world.up({ address: `10.0.2.${String(i + 1)}` }));
    expect(world.feeds.view().recorder.octets).toBeLessThanOrEqual(40_000);
    const peers = world.feeds.recordings().map(({ peer }) => peer);
    expect(peers).not.toContain("10.0.1.1");
    expect(peers).toContain("10.0.2.3");
  });

  test("has nothing older than it may be", () => {
    const world = recording({ maxAge: 60 });
    const peer = world.up();
    peer.line.say(evpnUpdate([mac(1)]));
    world.speaker.clock.advance(61_000);
    peer.line.say(evpnUpdate([mac(2)]));
    const { steps } = readScript(world.feeds.recording("10.0.0.2", "pcap")!, undefined);
    expect(steps.map(({ kind }) => kind)).toEqual(["open", "message"]);
  });

  test("can be switched off and on while sessions are up", async () => {
    const world = recording();
    const peer = world.up();
    peer.line.say(evpnUpdate([mac(1)]));
    await world.feeds.apply(FEEDS_OFF);
    expect(world.taps.tap).toBeUndefined();
    peer.line.say(evpnUpdate([mac(2)]));
    expect(
      await world.feeds.apply({ ...FEEDS_OFF, recorder: { ...RECORDER_DEFAULTS, enabled: true } }),
    ).toEqual(["recorder on"]);
    peer.line.say(evpnUpdate([mac(3)]));
    const { steps } = readScript(world.feeds.recording("10.0.0.2", "pcap")!, undefined);
    expect(steps.map(({ kind }) => kind)).toEqual(["open", "message"]);
  });

  test("of thousands that come with large OPENs and go stays within its bound", () => {
    const total = 1 << 20;
    const world = recording({ octetsPerPeer: 8192, octetsTotal: total });
    const { tap } = world.taps;
    let most = 0;
    for (let i = 0; i < 5000; i++) {
      const address = `10.${String(i >> 8)}.${String(i & 255)}.1`;
      // Strangers: they say OPEN and go.
      const session = { ...stranger, id: 1_000_000 + i, peerAddress: address };
      tap!.state(session, "Active", "OpenSent");
      tap!.sent(session, bigOpen);
      tap!.received(session, bigOpen, 0, bigOpen.length);
      if (i % 10 !== 0) tap!.ended(session, { reason: "tcp", detail: "" }, false);
      const { octets, peers } = world.feeds.view().recorder;
      most = Math.max(most, octets);
      // Those that are still there, and those of which something is kept.
      expect(peers).toBeLessThanOrEqual(i / 10 + 1 + total / 4096);
    }
    expect(most).toBeLessThanOrEqual(total);
    expect(most).toBeGreaterThan(total / 2);
    // What is counted is what there is: when all have gone, nothing is left.
    world.speaker.clock.advance(3_700_000);
    const { octets, peers } = world.feeds.view().recorder;
    expect(peers).toBeLessThanOrEqual(500);
    expect(octets).toBeLessThanOrEqual(500 * (4096 + 2 * bigOpen.length));
  });

  test("of one that connects over and over keeps the newest sessions, live ones too", () => {
    const world = recording();
    const { tap } = world.taps;
    for (let i = 0; i < 40; i++) {
      const session = { ...stranger, id: 2000 + i };
      tap!.sent(session, bigOpen);
      tap!.received(session, bigOpen, 0, bigOpen.length);
    }
    const [view] = world.feeds.recordings();
    expect(view).toMatchObject({ sessions: 16, established: true });
    for (let i = 0; i < 40; i++) {
      tap!.ended({ ...stranger, id: 2000 + i }, { reason: "tcp", detail: "" }, false);
    }
    expect(world.feeds.recordings()).toMatchObject([{ sessions: 16, established: false }]);
    expect(world.feeds.view().recorder.octets).toBe(2 * 16 * bigOpen.length);
    world.speaker.clock.advance(3_700_000);
    expect(world.feeds.view().recorder).toMatchObject({ peers: 0, octets: 0 });
  });
});
