/** The gate of trust in front of sessions: before a connection, on OPEN, and the way in once it opens. */
import { describe, expect, test } from "vitest";
import { PeerTable, type PeerTableOptions } from "../../../src/bgp/session/peer-table.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
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
