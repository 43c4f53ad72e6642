import { createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ACCEPT_BATCH, Listener } from "../../../src/bgp/transport/listener.js";
import { protectionOf } from "../../../src/bgp/transport/protection.js";
import { TcpDialer } from "../../../src/bgp/transport/dialer.js";
import type { Connection } from "../../../src/bgp/session/types.js";
import { PeerTable } from "../../../src/bgp/session/peer-table.js";
import { silentLog } from "../../../src/util/log.js";
import { LogLines, peer, peerOptions, range, RecordingSink, settings } from "../session/harness.js";
import { closeAll, dial, serve } from "./harness.js";

afterEach(closeAll);

const OPEN_TO_ALL = settings({ dynamic: [range("127.0.0.0/8")] });
const NO_KOFFI = { available: false, detail: "no koffi here" } as const;

test("a hundred and fifty at once are accepted in batches", async () => {
  let batch = 0;
  let most = 0;
  const served = await serve(OPEN_TO_ALL, "127.0.0.1", {
    onConnection: (connection) => {
      if (batch++ === 0) queueMicrotask(() => (batch = 0));
      most = Math.max(most, batch);
      connection.write(Uint8Array.of(1));
      connection.end(1000);
    },
  });
  const sockets: Socket[] = [];
  await Promise.all(
    Array.from({ length: 150 }, () => {
      const socket = createConnection({ port: served.port, host: "127.0.0.1" });
      sockets.push(socket);
      return new Promise((done) => socket.once("data", done));
    }),
  );
  for (const socket of sockets) socket.destroy();
  expect(most).toBeLessThanOrEqual(ACCEPT_BATCH);
});

test("two tables over real sockets, and a clean end", async () => {
  const sink = new RecordingSink();
  const up = new Promise<void>((done) => (sink.established = () => done()));
  const down = new Promise<string>((done) => {
    sink.closed = (_session, { detail }) => done(detail);
  });
  const table = new PeerTable({
    settings: OPEN_TO_ALL,
    sink,
    log: silentLog,
    dialer: new TcpDialer(() => 65000),
  });
  table.start();
  const served = await serve(OPEN_TO_ALL, "127.0.0.1", {
    optionsFor: (address) => table.optionsFor(address),
    onConnection: (connection) => table.accept(connection),
  });
  const other = new PeerTable({
    settings: settings({
      routerId: "10.0.0.2",
      peers: [peer("127.0.0.1", { port: served.port, localAddress: "127.0.0.77" })],
    }),
    sink: new RecordingSink(),
    log: silentLog,
    dialer: new TcpDialer(() => 65000),
  });
  other.start();
  await up;
  expect(table.view("127.0.0.77")?.state).toBe("Established");
  await other.stop("bye");
  expect(await down).toContain("bye");
  await table.stop();
});

describe("addresses", () => {
  test("an address in use is named, with what to do", async () => {
    const served = await serve(OPEN_TO_ALL);
    const settingsOf = { protection: protectionOf(OPEN_TO_ALL), localAs: () => 1, log: silentLog };
    const second = new Listener({
      ...settingsOf,
      listen: [{ address: "127.0.0.1", port: served.port }],
      optionsFor: () => undefined,
      onConnection: () => {},
    });
    await expect(second.start()).rejects.toThrow(
      new RegExp(`cannot listen on 127.0.0.1 port ${served.port}: .*EADDRINUSE.*another BGP`),
    );
  });

  test("an address of another machine", async () => {
    await expect(serve(OPEN_TO_ALL, "192.0.2.1")).rejects.toThrow(/EADDRNOTAVAIL.*not on this/);
  });
});

describe("without koffi", () => {
  test("unprotected peers work both ways", async () => {
    const accepted: string[] = [];
    const listener = new Listener(
      {
        listen: [{ address: "127.0.0.1", port: 0 }],
        protection: protectionOf(OPEN_TO_ALL),
        localAs: () => 65000,
        optionsFor: () => peerOptions(),
        onConnection: (connection) => {
          accepted.push(connection.remoteAddress);
          connection.destroy();
        },
        log: silentLog,
      },
      NO_KOFFI,
    );
    await listener.start();
    const connection = await new Promise<Connection>((done, fail) =>
      new TcpDialer(() => 65000, NO_KOFFI).dial(
        {
          address: "127.0.0.1",
          options: peerOptions({
            port: listener.addresses[0]!.port,
            localAddress: "127.0.0.9",
          }),
        },
        done,
        fail,
      ),
    );
    await new Promise<void>((done) => {
      connection.onClosed = () => done();
      connection.resume();
    });
    expect(accepted).toEqual(["127.0.0.9"]);
    await listener.close();
  });

  test.each([
    [{ password: "x" }, /password is set, but no koffi here/],
    [{ ttlSecurityHops: 1 }, /ttl-security is set, but no koffi here/],
  ])("a peer with %o is refused, dialling", async (options, message) => {
    await expect(
      new Promise((done, fail) => {
        new TcpDialer(() => 65000, NO_KOFFI).dial(
          { address: "127.0.0.1", options: peerOptions({ port: 1, ...options }) },
          done,
          fail,
        );
      }),
    ).rejects.toThrow(message);
  });

  test("and accepting", async () => {
    const log = new LogLines();
    const own = settings({ peers: [peer("127.0.0.9", { password: "secret" })] });
    const listener = new Listener(
      {
        listen: [{ address: "127.0.0.1", port: 0 }],
        protection: protectionOf(own),
        localAs: () => 65000,
        optionsFor: () => own.peers[0],
        onConnection: () => {
          throw new Error("accepted");
        },
        log,
      },
      NO_KOFFI,
    );
    await listener.start();
    const socket = createConnection({ port: listener.addresses[0]!.port, host: "127.0.0.1" });
    await new Promise((done) => socket.once("close", done).once("error", () => {}));
    expect(log.text).toMatch(/connection refused.*password is set/);
    expect(log.text).not.toContain("secret");
    await listener.close();
  });
});

test("a connect that nobody takes fails, once", async () => {
  const served = await serve(OPEN_TO_ALL);
  await served.listener.close();
  await expect(dial(served.port)).rejects.toThrow(/ECONNREFUSED/);
});

test("a cancelled connect says nothing", async () => {
  const served = await serve(OPEN_TO_ALL);
  const told: string[] = [];
  new TcpDialer(() => 65000)
    .dial(
      { address: "127.0.0.1", options: peerOptions({ port: served.port }) },
      () => told.push("connected"),
      () => told.push("failed"),
    )
    .cancel();
  await dial(served.port);
  expect(told).toEqual([]);
});

describe("other addresses while it runs", () => {
  /** Whether something answers there. */
  const answers = (host: string, port: number): Promise<boolean> =>
    new Promise((done) => {
      const socket = createConnection({ host, port });
      socket.once("connect", () => {
        socket.destroy();
        done(true);
      });
      socket.once("error", () => done(false));
    });

  test("new ones are bound before old ones go; what is kept is not touched", async () => {
    const { listener, port } = await serve(OPEN_TO_ALL);
    const kept = { address: "127.0.0.1", port: 0 };
    const next = [kept, { address: "127.0.0.2", port }];
    await listener.prepare(next);
    expect(await answers("127.0.0.1", port)).toBe(true);
    expect(await listener.relisten(next)).toEqual([`listening on 127.0.0.2 port ${port}`]);
    expect(await answers("127.0.0.1", port)).toBe(true);
    expect(await answers("127.0.0.2", port)).toBe(true);
    await listener.prepare([{ address: "127.0.0.2", port }]);
    expect(await listener.relisten([{ address: "127.0.0.2", port }])).toEqual([
      "no longer listening on 127.0.0.1 port 0",
    ]);
    expect(await answers("127.0.0.1", port)).toBe(false);
  });

  test("one that cannot be had changes nothing and is named", async () => {
    const { listener, port } = await serve(OPEN_TO_ALL);
    const taken = await serve(OPEN_TO_ALL, "127.0.0.3");
    const next = [
      { address: "127.0.0.2", port },
      { address: "127.0.0.3", port: taken.port },
    ];
    await expect(listener.prepare(next)).rejects.toThrow(
      `cannot listen on 127.0.0.3 port ${taken.port}`,
    );
    expect(await answers("127.0.0.1", port)).toBe(true);
    expect(await answers("127.0.0.2", port)).toBe(false);
  });

  test("all addresses in place of one on the same port, and back", async () => {
    const { port } = await serve(OPEN_TO_ALL);
    await closeAll();
    const one = [{ address: "127.0.0.1", port }];
    const every = [{ address: "0.0.0.0", port }];
    const { listener } = await serve(OPEN_TO_ALL, "127.0.0.1", { listen: one });
    await listener.prepare(every);
    await listener.relisten(every);
    expect(await answers("127.0.0.9", port)).toBe(true);
    await listener.prepare(one);
    await listener.relisten(one);
    expect(await answers("127.0.0.9", port)).toBe(false);
    expect(await answers("127.0.0.1", port)).toBe(true);
  });
});
