/** Who is slow, who is not, and when that is said. */
import { beforeEach, describe, expect, it } from "vitest";
import { SlowPeers } from "../../src/bgp/slow-peers.js";
import { SLOW_PEER_DEFAULTS } from "../../src/bgp/slow-settings.js";
import type { AdjRibOut } from "../../src/bgp/adj-rib-out/adj-rib-out.js";
import type { EstablishedSession } from "../../src/bgp/session/types.js";
import type { Log } from "../../src/util/log.js";
import { FakeClock } from "./session/harness.js";

interface Fake {
  pending: number;
  backlog: number;
  dump: { stage: number; next: number } | undefined;
}

const NOTHING = (): void => undefined;
const settings = { ...SLOW_PEER_DEFAULTS, seconds: 10, recoverySeconds: 5 };

let clock: FakeClock;
let peers: Fake[];
let said: string[];
let slow: SlowPeers;

beforeEach(() => {
  clock = new FakeClock();
  said = [];
  peers = Array.from({ length: 5 }, () => ({ pending: 0, backlog: 0, dump: undefined }));
  const log: Log = {
    debug: NOTHING,
    error: NOTHING,
    info: (fields, message) => said.push(`${(fields as { peer: string }).peer} ${message}`),
    warn: (fields, message) => said.push(`${(fields as { peer: string }).peer} ${message}`),
  };
  const out = {
    backlog: (slot: number) => peers[slot]!.backlog,
    cursor: (slot: number) => ({ dump: peers[slot]!.dump }),
  } as unknown as AdjRibOut;
  slow = new SlowPeers({
    sessions: () =>
      peers.map((peer, slot) => ({
        slot,
        session: {
          id: slot,
          peerAddress: `10.0.0.${slot}`,
          get pendingBytes() {
            return peer.pending;
          },
        } as EstablishedSession,
      })),
    out,
    clock,
    log,
  });
  slow.configure(settings);
});

function seconds(count: number, each: () => void = NOTHING): void {
  for (let n = 0; n < count; n++) {
    each();
    clock.advance(1000, NOTHING);
  }
}

describe("a peer is slow", () => {
  it("when its octets wait for ten seconds while others are past, and no longer when it caught up", () => {
    peers[1]!.pending = 70_000;
    seconds(9);
    expect(slow.of(1)).toBeUndefined();
    seconds(2);
    expect(slow.of(1)).toEqual({ since: clock.wall() - 11_000 });
    expect(slow.stats()).toEqual({ slow_peers: 1, slow_peer_events_total: 1 });
    // Around the threshold it neither comes nor goes.
    seconds(30, () => (peers[1]!.pending = peers[1]!.pending === 70_000 ? 40_000 : 70_000));
    expect(slow.of(1)).toBeDefined();
    peers[1]!.pending = 0;
    seconds(6);
    expect(slow.of(1)).toBeUndefined();
    expect(said).toEqual([
      "10.0.0.1 the peer is slow: it has been behind for 10 s",
      expect.stringMatching(/^10\.0\.0\.1 the peer is no longer slow, after 4\d s$/),
    ]);
  });

  it("when changes it has not read pile up", () => {
    peers[2]!.backlog = 10_000;
    seconds(12);
    expect(slow.of(2)).toBeDefined();
    expect(slow.of(1)).toBeUndefined();
  });

  it("but not when most are behind: that is a burst, or us", () => {
    for (const peer of peers.slice(0, 3)) peer.pending = 200_000;
    seconds(60);
    expect(slow.stats()["slow_peers"]).toBe(0);
    peers[0]!.pending = peers[1]!.pending = 0;
    seconds(11);
    expect(slow.of(2)).toBeDefined();
  });

  it("but not while its first table moves on", () => {
    peers[1]!.pending = 200_000;
    peers[1]!.dump = { stage: 1, next: 1 };
    seconds(60, () => peers[1]!.dump!.next++);
    expect(slow.of(1)).toBeUndefined();
    seconds(12);
    expect(slow.of(1)).toBeDefined();
  });

  it("but not for a time in which this thread stood still", () => {
    peers[1]!.pending = 200_000;
    seconds(3);
    clock.stall(30_000);
    seconds(3);
    expect(slow.of(1)).toBeUndefined();
  });

  it("until its session is gone", () => {
    peers[4]!.pending = 200_000;
    seconds(12);
    expect(slow.stats()["slow_peers"]).toBe(1);
    peers.pop();
    seconds(2);
    expect(slow.stats()).toEqual({ slow_peers: 0, slow_peer_events_total: 1 });
  });

  it("for nobody when it is switched off", () => {
    slow.configure({ ...settings, enabled: false });
    peers[1]!.pending = 200_000;
    seconds(60);
    expect(slow.of(1)).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });
});
