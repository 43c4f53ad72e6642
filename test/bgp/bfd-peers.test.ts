/** BFD and BGP together: who has a session, of which kind, and what its state does to BGP's. */
import { beforeEach, describe, expect, it } from "vitest";
import type { BfdHostEvents } from "../../src/bgp/bfd/host.js";
import { BFD_DEFAULTS, type BfdOptions } from "../../src/bgp/bfd/index.js";
import type { BfdCommand } from "../../src/bgp/bfd/messages.js";
import { BfdPeers, isOnLink } from "../../src/bgp/bfd-peers.js";
import type { ObservedPeer, PeerTable } from "../../src/bgp/session/index.js";
import { PEER_OPTION_DEFAULTS, type PeerOptions } from "../../src/bgp/settings.js";
import { silentLog } from "../../src/util/log.js";
import { FakeClock } from "./session/harness.js";

const PEER = "198.51.100.7";

let commands: BfdCommand[];
let host: BfdHostEvents;
let ended: unknown[][];
let proceeded: string[];
let peers: BfdPeers;

beforeEach(() => {
  commands = [];
  ended = [];
  proceeded = [];
  peers = new BfdPeers({
    peers: () =>
      ({
        end: (...what: unknown[]) => ended.push(what),
        proceed: (address: string) => proceeded.push(address),
      }) as unknown as PeerTable,
    localAs: () => 65000,
    host: (events) => {
      host = events;
      return { command: (command) => commands.push(command), kill: () => undefined };
    },
    clock: new FakeClock(),
    log: silentLog,
  });
});

function options(bfd?: Partial<BfdOptions>, over: Partial<PeerOptions> = {}): PeerOptions {
  return {
    ...PEER_OPTION_DEFAULTS,
    ...over,
    bfd: bfd === undefined ? undefined : { ...BFD_DEFAULTS, ...bfd },
  };
}

function look(bfd: Partial<BfdOptions> | undefined, over: Partial<ObservedPeer> = {}): void {
  peers.look({
    address: PEER,
    options: options(bfd),
    up: undefined,
    removed: false,
    adminDown: false,
    dynamic: false,
    ...over,
  });
}

const specOf = (at = -1) => {
  const command = commands.at(at);
  if (command?.kind !== "set") throw new Error("no set");
  return command.spec;
};

describe("who has a BFD session", () => {
  it("a configured peer, from the beginning until it is removed, shut down, or has BFD no more", () => {
    look(undefined);
    expect(commands).toEqual([]);
    for (const end of [{ removed: true }, { adminDown: true }, { options: options() }]) {
      look({});
      expect(commands.at(-1)?.kind).toBe("set");
      look({}, end);
      expect(commands.at(-1)).toEqual({ kind: "remove", peer: PEER });
    }
  });

  it("a dynamic peer, while it is Established", () => {
    look({}, { dynamic: true });
    expect(commands).toEqual([]);
    const up = { localAddress: "198.51.100.1" } as NonNullable<ObservedPeer["up"]>;
    look({}, { dynamic: true, up });
    expect(specOf().localAddress).toBe("198.51.100.1");
    look({}, { dynamic: true });
    expect(commands.at(-1)?.kind).toBe("remove");
  });

  it("keeps the source it has when BGP goes", () => {
    const up = { localAddress: "198.51.100.1" } as NonNullable<ObservedPeer["up"]>;
    look({}, { up });
    look({});
    expect(commands).toHaveLength(1);
    look({}, { options: options({}, { localAddress: "198.51.100.2" }) });
    expect(specOf().localAddress).toBe("198.51.100.2");
  });
});

describe("one hop or several", () => {
  const kind = (over: Partial<PeerOptions>, multihop?: boolean): boolean => {
    look(undefined);
    look({}, { options: options({ multihop }, over) });
    return specOf().multihop;
  };

  it("as configured, or by where the peer is", () => {
    expect(kind({}, false)).toBe(false);
    expect(kind({}, true)).toBe(true);
    // iBGP to an address that is on no network of this machine.
    expect(kind({})).toBe(true);
    expect(kind({ peerAs: 65001 })).toBe(PEER_OPTION_DEFAULTS.ttl !== 1);
    expect(kind({ peerAs: 65001, ttl: 1 })).toBe(false);
    expect(kind({ peerAs: 65001, ttl: 5 })).toBe(true);
    expect(kind({ ttlSecurityHops: 1 })).toBe(false);
    expect(kind({ ttlSecurityHops: 2 })).toBe(true);
  });

  it("knows the networks of this machine", () => {
    const interfaces = {
      eth0: [{ cidr: "10.1.2.3/23" }, { cidr: "2001:db8::1/64" }],
      lo: [{ cidr: "10.9.9.9/32" }],
    } as unknown as Parameters<typeof isOnLink>[1];
    expect(isOnLink("10.1.3.250", interfaces)).toBe(true);
    expect(isOnLink("10.1.4.1", interfaces)).toBe(false);
    expect(isOnLink("10.9.9.9", interfaces)).toBe(false);
    expect(isOnLink("2001:db8::77", interfaces)).toBe(true);
    expect(isOnLink("2001:db8:1::77", interfaces)).toBe(false);
    expect(isOnLink("fe80::1%eth0", interfaces)).toBe(true);
  });
});

describe("what it does to BGP", () => {
  const state = (over: object): void =>
    host.report({
      kind: "state",
      peer: PEER,
      state: "Down",
      diag: "none",
      cause: undefined,
      independent: false,
      detail: "",
      ...over,
    });

  it("a failure ends the session with Cease 6/10; routes are kept unless the path failed", () => {
    look({});
    state({ state: "Up" });
    state({ cause: "expired", detail: "BFD heard nothing for 900 ms" });
    state({ cause: "expired", detail: "BFD heard nothing for 900 ms", independent: true });
    const reason = { reason: "bfd", detail: "BFD heard nothing for 900 ms" };
    expect(ended).toMatchObject([
      [PEER, { code: 6, subcode: 10, hard: false }, reason],
      [PEER, { code: 6, subcode: 10, hard: true }, reason],
    ]);
  });

  it("a peer that switches BFD off keeps its session", () => {
    look({});
    state({ state: "Up" });
    state({ cause: "neighbor-admin-down" });
    expect(ended).toEqual([]);
  });

  it("strict: the session waits for BFD, and may come when that is up", () => {
    const strict = options({ strict: true });
    expect(peers.gate(PEER, options({}))).toBeUndefined();
    expect(peers.gate(PEER, strict)).toContain("waits for BFD");
    look({ strict: true });
    expect(peers.gate(PEER, strict)).toContain("waits for BFD");
    state({ state: "Up" });
    expect(proceeded).toEqual([PEER]);
    expect(peers.gate(PEER, strict)).toBeUndefined();
    state({ cause: "expired" });
    expect(peers.gate(PEER, strict)).toContain("waits for BFD");
  });
});
