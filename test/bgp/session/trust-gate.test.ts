/** The gate of trust in front of sessions: before a connection, on OPEN, and the way in once it opens. */
import { describe, expect, test } from "vitest";
import {
  DYNAMIC_LINGER_MS,
  PeerTable,
  type PeerTableOptions,
} from "../../../src/bgp/session/peer-table.js";
import type { DynamicRange, PeerOptions } from "../../../src/bgp/settings.js";
import {
  type MemoryConnection,
  Network,
  node,
  peer,
  range,
  RawPeer,
  settings,
  type Node,
} from "./harness.js";

const A = "10.0.0.1";
const B = "10.0.0.2";

interface Guarded extends Node {
  readonly dials: PeerOptions[];
}

/** A table with a gate, which dials B; B is there. */
function guarded(
  more: Partial<PeerTableOptions>,
  options: Partial<PeerOptions> = {},
): { network: Network; a: Guarded; b: Node } {
  const network = new Network();
  const own = settings({ peers: [peer(B, { connectRetry: 120, ...options })] });
  const dials: PeerOptions[] = [];
  const inner = network.dialer(A);
  const plain = node(network, A, own);
  const table = new PeerTable({
    settings: own,
    dialer: {
      dial: (target, connected, failed) => {
        dials.push(target.options);
        return inner.dial(target, connected, failed);
      },
    },
    sink: plain.sink,
    log: plain.log,
    clock: network.clock,
    afterPoll: network.clock.afterPoll,
    random: () => 0.5,
    ...more,
  });
  network.listeners.set(A, (connection) => table.accept(connection));
  const b = node(
    network,
    B,
    settings({ routerId: B, peers: [peer(A, { passive: true, idleHold: 0.1 })] }),
  );
  b.table.start();
  table.start();
  network.advance(0);
  return { network, a: { ...plain, table, dials }, b };
}

const stateOf = (at: Node, address: string): string | undefined => at.table.view(address)?.state;
const ups = (at: Node): number => at.sink.kinds().filter((kind) => kind === "established").length;
const NOT_TRUSTED = "peer not trusted: nobody";

describe("a closed gate", () => {
  test("nobody is dialled, who connects is refused, and the view says why", () => {
    const { network, a } = guarded({ gate: () => NOT_TRUSTED });
    network.advance(300_000);
    expect(a.dials).toEqual([]);
    expect(a.table.view(B)).toMatchObject({ state: "Idle", lastError: NOT_TRUSTED });
    expect(new RawPeer(network, a, B).notification()).toBe("6/5");
    expect(a.sink.kinds()).toEqual([]);
  });

  test("a gate that closes while a connect is due keeps it from being made", () => {
    const closed: string[] = [];
    const { network, a, b } = guarded({ gate: () => closed[0] });
    expect(stateOf(a, B)).toBe("Established");
    closed.push(NOT_TRUSTED);
    void b.table.stop();
    network.listeners.delete(B);
    const before = a.dials.length;
    network.advance(600_000);
    expect(a.dials.length).toBe(before);
    expect(stateOf(a, B)).toBe("Idle");
  });

  test("strangers of a prefix who are refused are not remembered, however many", () => {
    const { network, a } = guarded({ gate: () => NOT_TRUSTED });
    a.table.applySettings(settings({ dynamic: [range("10.0.0.0/8", {})] }));
    for (let host = 1; host <= 50; host++) new RawPeer(network, a, `10.1.0.${host}`);
    expect(a.table.size).toBe(0);
  });
});

describe("a gate that opens", () => {
  test("the peer is connected to at once, not when its retry timer is due", () => {
    let why: string | undefined = NOT_TRUSTED;
    const { network, a } = guarded({ gate: () => why });
    network.advance(10_000);
    why = undefined;
    a.table.hasten(B);
    network.advance(0);
    expect(stateOf(a, B)).toBe("Established");
  });

  test("also when it rests after a failure, or waits for a connect that met nobody", () => {
    const { network, a, b } = guarded({});
    void b.table.stop();
    network.listeners.delete(B);
    network.advance(5000);
    expect(stateOf(a, B)).toBe("Active");
    const again = node(network, B, settings({ routerId: B, peers: [peer(A, { passive: true })] }));
    again.table.start();
    network.advance(1000);
    expect(stateOf(a, B)).not.toBe("Established");
    a.table.hasten(B);
    network.advance(0);
    expect(stateOf(a, B)).toBe("Established");
  });

  test("a session that is up is left alone, a peer that was shut down stays down", () => {
    const { network, a } = guarded({});
    const before = a.table.session(B);
    a.table.hasten(B);
    network.advance(1000);
    expect(a.table.session(B)).toBe(before);
    a.table.shutdown(B, "");
    a.table.hasten(B);
    network.advance(1000);
    expect(stateOf(a, B)).toBe("Idle");
  });
});

describe("who is trusted in a dynamic range", () => {
  const trusted = new Set<string>();
  /** A table whose range is B's, and B, which waits for calls. */
  function ranged(changes: Partial<DynamicRange> = {}, prefix = "10.0.0.0/24") {
    trusted.clear();
    const gate: PeerTableOptions["gate"] = (address) =>
      trusted.has(address) ? undefined : NOT_TRUSTED;
    const made = guarded({ gate });
    made.a.table.applySettings(settings({ dynamic: [range(prefix, changes)] }));
    made.network.advance(1000);
    made.a.dials.length = 0;
    const call = (address: string): void => {
      trusted.add(address);
      made.a.table.hasten(address);
      made.network.advance(0);
    };
    return { ...made, call };
  }

  test("is connected to at once, and again when the session was lost", () => {
    const { network, a, b, call } = ranged();
    expect(a.table.size).toBe(0);
    call(B);
    expect(stateOf(a, B)).toBe("Established");
    b.table.reset(A, "");
    network.advance(60_000);
    expect(stateOf(a, B)).toBe("Established");
    expect(ups(a)).toBe(2);
  });

  test("is called no longer once it is not trusted, and forgotten where it never answers", () => {
    const { network, a, call } = ranged();
    network.listeners.delete(B);
    call(B);
    expect([a.dials.length, a.table.size]).toEqual([1, 1]);
    network.advance(60_000);
    const before = a.dials.length;
    expect(before).toBeGreaterThan(1);
    trusted.clear();
    network.advance(60_000);
    expect([a.dials.length, a.table.size]).toEqual([before, 1]);
    network.advance(DYNAMIC_LINGER_MS);
    expect([a.dials.length, a.table.size]).toEqual([before, 0]);
  });

  test("is waited for where the range is passive, and the reason is told", () => {
    const { a, call } = ranged({ passive: true });
    call(B);
    expect([a.dials.length, a.table.size]).toEqual([0, 0]);
    expect(a.table.waitsFor(B)).toBe("its settings say passive (10.0.0.0/24)");
    const local = ranged({}, "fe80::/10");
    local.call("fe80::1");
    expect(local.a.dials).toEqual([]);
    expect(local.a.table.waitsFor("fe80::1")).toContain("by which interface");
    expect(ranged().a.table.waitsFor(B)).toBeUndefined();
  });

  test("is connected to only while the range has a place", () => {
    const { network, a, call } = ranged({ maxPeers: 2 });
    network.listeners.delete(B);
    for (const host of [2, 3, 4]) call(`10.0.0.${host}`);
    expect(a.table.size).toBe(2);
    expect(a.table.waitsFor("10.0.0.4")).toBe("max-peers of 10.0.0.0/24 are there");
    // Those who come take the places of those who were only called.
    for (const host of [8, 9]) {
      trusted.add(`10.0.0.${host}`);
      new RawPeer(network, a, `10.0.0.${host}`);
    }
    node(network, B, settings({ routerId: B, peers: [peer(A, { passive: true })] })).table.start();
    network.advance(200_000);
    expect(stateOf(a, B)).not.toBe("Established");
  });

  test("that connects by itself at the same time has one session", () => {
    const { network, a, b, call } = ranged();
    b.table.applySettings(settings({ routerId: B, peers: [peer(A, { idleHold: 0.1 })] }));
    call(B);
    network.advance(5000);
    expect(stateOf(a, B)).toBe("Established");
    expect(ups(a)).toBe(1);
    expect(stateOf(b, A)).toBe("Established");
  });
});

describe("on OPEN", () => {
  test("AS and router id are looked at; who is not the one is sent Cease, connection rejected", () => {
    const asked: object[] = [];
    const { network, a, b } = guarded({
      gateOpen: (address, _options, open) => {
        asked.push({ address, ...open });
        return "peer not trusted: another router id";
      },
    });
    network.advance(100);
    expect(asked[0]).toEqual({ address: B, as: 65000, routerId: B, instance: undefined });
    expect(a.sink.kinds()).toEqual([]);
    expect(a.table.view(B)?.lastError).toContain("another router id");
    expect(b.log.text).toContain("Connection Rejected");
  });
});

describe("keys and proxies", () => {
  test("ASM-75: an instance's key takes the place of the settings' own", () => {
    const { a } = guarded({ keyFor: () => "of the instance" }, { password: "of the file" });
    expect(a.dials[0]?.password).toBe("of the instance");
  });

  test("ASM-75: a session that began before the instance had a key ends when it gets one", () => {
    const instanceKeys: string[] = [];
    const { network, a } = guarded({ keyFor: () => instanceKeys[0] });
    expect(stateOf(a, B)).toBe("Established");
    instanceKeys.push("one");
    a.table.rekey(B, "one");
    expect(stateOf(a, B)).not.toBe("Established");
    expect(a.table.view(B)?.lastError).toContain("without the TCP MD5 key");
    a.table.hasten(B);
    network.advance(1000);
    expect(a.dials.at(-1)?.password).toBe("one");
    expect(stateOf(a, B)).toBe("Established");
    const keys: string[] = [];
    for (const connection of network.connections) connection.rekey = (key) => keys.push(key) > 0;
    expect(a.table.rekey(B, "two")).toBe(true);
    expect([keys.at(-1), stateOf(a, B)]).toEqual(["two", "Established"]);
  });

  test("ASM-75: who connected before there was a key is closed, in whichever queue he waited", () => {
    for (const keyed of [{ keyFor: () => "one" }, { password: "of the file" }]) {
      const { network, a } = guarded("keyFor" in keyed ? keyed : {}, keyed);
      a.table.shutdown(B, "");
      a.table.enable(B);
      network.listeners.delete(B);
      const come = (signed: boolean | undefined): MemoryConnection => {
        const [theirs, ours] = network.pair(B, A);
        ours.signed = signed;
        a.table.accept(ours);
        network.advance(0);
        return theirs;
      };
      const unsigned = come(false);
      expect(unsigned.eof).toBe(true);
      expect(stateOf(a, B)).not.toBe("OpenSent");
      expect(a.log.text).toContain("before the peer's TCP MD5 key was set");
      come(true);
      expect(stateOf(a, B)).toBe("OpenSent");
    }
    // Nobody asks for a signature there.
    const { network, a } = guarded({});
    const [, ours] = network.pair("10.0.0.9", A);
    ours.signed = false;
    a.table.applySettings(settings({ dynamic: [range("10.0.0.0/24", {})] }));
    a.table.accept(ours);
    network.advance(0);
    expect(stateOf(a, "10.0.0.9")).toBe("OpenSent");
  });

  test("ASM-75: a session that a proxy brings is taken although there is nothing to dial", () => {
    const gate: PeerTableOptions["gate"] = (_address, _options, instance) =>
      instance === "aa" ? undefined : NOT_TRUSTED;
    const { network, a } = guarded({ gate });
    expect(stateOf(a, B)).toBe("Idle");
    const bring = (instance: string): MemoryConnection => {
      const [theirs, ours] = network.pair(B, A);
      Object.assign(ours, { instance });
      a.table.accept(ours);
      network.advance(0);
      return theirs;
    };
    bring("bb");
    expect(stateOf(a, B)).toBe("Idle");
    bring("aa");
    expect(stateOf(a, B)).toBe("OpenSent");
  });
});
