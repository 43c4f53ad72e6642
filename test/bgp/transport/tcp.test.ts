import { afterEach, describe, expect, test } from "vitest";
import { Listener } from "../../../src/bgp/transport/listener.js";
import { TcpDialer } from "../../../src/bgp/transport/dialer.js";
import { protectionOf } from "../../../src/bgp/transport/protection.js";
import { PeerTable } from "../../../src/bgp/session/peer-table.js";
import { silentLog } from "../../../src/util/log.js";
import { RecordingSink, peer, range, settings } from "../session/harness.js";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe("over real sockets", () => {
  test("two tables come up", async () => {
    const sink = new RecordingSink();
    const up = new Promise<void>((done) => (sink.established = () => done()));
    const own = settings({ dynamic: [range("127.0.0.0/8")] });
    const table = new PeerTable({
      settings: own,
      sink,
      log: silentLog,
      dialer: new TcpDialer(() => 65000),
    });
    const listener = new Listener({
      listen: [{ address: "127.0.0.1", port: 0 }],
      protection: protectionOf(own),
      localAs: () => 65000,
      optionsFor: (address) => table.optionsFor(address),
      onConnection: (connection) => table.accept(connection),
      log: silentLog,
    });
    table.start();
    await listener.start();
    cleanups.push(() => listener.close());
    const other = new PeerTable({
      settings: settings({
        routerId: "10.0.0.2",
        peers: [
          peer("127.0.0.1", { port: listener.addresses[0]!.port, localAddress: "127.0.0.77" }),
        ],
      }),
      sink: new RecordingSink(),
      log: silentLog,
      dialer: new TcpDialer(() => 65000),
    });
    other.start();
    await up;
    expect(table.view("127.0.0.77")?.state).toBe("Established");
    await other.stop("bye");
    await table.stop();
  });
});
