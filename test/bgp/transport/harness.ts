/** Listener and dialer on loopback; ports are the kernel's choice, addresses 127.x.y.z. */
import { Listener, type ListenerSettings } from "../../../src/bgp/transport/listener.js";
import { TcpDialer } from "../../../src/bgp/transport/dialer.js";
import { protectionOf } from "../../../src/bgp/transport/protection.js";
import type { Connection } from "../../../src/bgp/session/types.js";
import type { PeerOptions, SpeakerSettings } from "../../../src/bgp/settings.js";
import { silentLog } from "../../../src/util/log.js";
import { peerOptions } from "../session/harness.js";

const open: Listener[] = [];
const connections: Connection[] = [];

/** For afterEach. */
export async function closeAll(): Promise<void> {
  for (const connection of connections.splice(0)) connection.destroy();
  for (const listener of open.splice(0)) await listener.close();
}

export interface Served {
  readonly listener: Listener;
  readonly port: number;
  /** Accepted so far. */
  readonly accepted: Connection[];
  /** The next accepted one. */
  readonly next: () => Promise<Connection>;
}

/** Listens at `address` with what the settings ask for. */
export async function serve(
  settings: SpeakerSettings,
  address = "127.0.0.1",
  changes: Partial<ListenerSettings> = {},
): Promise<Served> {
  const accepted: Connection[] = [];
  let waiting: ((connection: Connection) => void)[] = [];
  let taken = 0;
  const listener = new Listener({
    listen: [{ address, port: 0 }],
    protection: protectionOf(settings),
    localAs: () => 65000,
    optionsFor: (from) =>
      settings.peers.find((peer) => peer.address === from) ?? settings.dynamic[0],
    onConnection: (connection) => {
      accepted.push(connection);
      connections.push(connection);
      for (const wake of waiting.splice(0)) wake(connection);
    },
    log: silentLog,
    ...changes,
  });
  open.push(listener);
  await listener.start();
  return {
    listener,
    port: listener.addresses[0]!.port,
    accepted,
    next: async () => {
      while (accepted.length <= taken) {
        await new Promise<Connection>((done) => (waiting = [...waiting, done]));
      }
      return accepted[taken++]!;
    },
  };
}

export function dial(
  port: number,
  options: Partial<PeerOptions> = {},
  address = "127.0.0.1",
): Promise<Connection> {
  return new Promise((done, fail) => {
    new TcpDialer(() => 65000).dial(
      { address, options: peerOptions({ port, ...options }) },
      (connection) => {
        connections.push(connection);
        done(connection);
      },
      fail,
    );
  });
}

/** Collects what arrives, reading on; `take(n)` waits for n octets in all. */
export class Collector {
  readonly chunks: Buffer[] = [];
  length = 0;
  private wake: () => void = () => {};

  constructor(connection: Connection) {
    connection.onBytes = (bytes, start, end) => {
      this.chunks.push(Buffer.from(bytes.subarray(start, end)));
      this.length += end - start;
      this.wake();
      return end - start;
    };
    connection.resume();
  }

  async take(octets: number): Promise<Buffer> {
    while (this.length < octets) await new Promise<void>((done) => (this.wake = done));
    return Buffer.concat(this.chunks);
  }
}

/** The end of a connection, from outside. */
export function ended(connection: Connection): Promise<Error | undefined> {
  return new Promise((done) => (connection.onClosed = done));
}
