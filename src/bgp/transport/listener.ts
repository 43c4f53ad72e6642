/**
 * Listening sockets. Accepted connections are wrapped and handed on in batches of ACCEPT_BATCH per
 * turn of the event loop; the kernel's backlog and a queue of bare handles hold the rest, unread.
 *
 * MD5 keys and the listener's TTL are changed on live sockets; established sessions keep theirs.
 */
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import type { Log } from "../../util/log.js";
import type { DynamicRange, ListenAddress, PeerOptions } from "../settings.js";
import type { Connection } from "../session/types.js";
import {
  applyPeerOptions,
  listenerTtl,
  protectionGap,
  setTtl,
  ttlFloor,
  type Protection,
} from "./protection.js";
import {
  IPPROTO_TCP,
  loadSockOpt,
  TCP_SAVE_SYN,
  type AoSocketPlace,
  type Md5Key,
  type SockOpt,
  type SockOptResult,
} from "./sock-opt.js";
import type { AoHold, TcpAoKeeper } from "./tcp-ao-keeper.js";
import { savedSyn } from "./saved-syn.js";
import { canonicalAddress } from "./socket-address.js";
import { handleOf, TcpConnection, type TcpHandle } from "./tcp-connection.js";

export const ACCEPT_BATCH = 32;
const BACKLOG = 4096;

export interface ListenerSettings {
  readonly listen: readonly ListenAddress[];
  readonly protection: Protection;
  readonly localAs: () => number;
  /** Options of the peer at a canonical address; undefined for strangers. */
  readonly optionsFor: (address: string) => PeerOptions | undefined;
  /** Whether a connection from this canonical address is looked at; else it is closed as it is. */
  readonly admits?: (address: string) => boolean;
  readonly onConnection: (connection: Connection) => void;
  readonly log: Log;
}

interface Descriptor {
  readonly fd: number;
  readonly ipv6: boolean;
  /** TCP-AO keys by place. */
  readonly holds: Map<string, AoHold>;
}

interface Endpoint extends Descriptor {
  readonly listen: ListenAddress;
  readonly server: Server;
}

export class Listener {
  private readonly settings: ListenerSettings;
  private readonly sockOpt: SockOptResult;
  private readonly keeper: TcpAoKeeper | undefined;
  private protection: Protection;
  private endpoints: Endpoint[] = [];
  /** Bound for a change that is not in force yet. */
  private prepared: Endpoint[] = [];
  private queue: TcpHandle[] = [];
  private draining = false;
  private closed = false;

  /** @param keeper of TCP-AO keys; peers that have some need one */
  constructor(
    settings: ListenerSettings,
    sockOpt: SockOptResult = loadSockOpt(),
    keeper?: TcpAoKeeper,
  ) {
    this.settings = settings;
    this.sockOpt = sockOpt;
    this.keeper = keeper;
    this.protection = settings.protection;
  }

  /** Listens on every address; rejects with a sentence that names the address. */
  async start(): Promise<void> {
    try {
      for (const address of this.settings.listen) this.endpoints.push(await this.open(address));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** `address:port`, with the port the kernel chose where 0 was asked for. */
  get addresses(): readonly ListenAddress[] {
    return this.endpoints.map(({ server }) => {
      const address = server.address();
      if (address === null || typeof address === "string") return { address: "", port: 0 };
      return { address: address.address, port: address.port };
    });
  }

  /** New keys and TTL for connections to come. Returns what could not be done, a line each. */
  protect(protection: Protection): readonly string[] {
    const before = this.protection;
    this.protection = protection;
    const problems: string[] = [];
    if (!this.sockOpt.available) return problems;
    for (const endpoint of this.endpoints) {
      this.setKeys(this.sockOpt.sockOpt, endpoint, before.keys, protection.keys, problems);
      this.setChains(endpoint, problems);
      this.setListenerTtl(this.sockOpt.sockOpt, endpoint, problems);
    }
    return problems;
  }

  /**
   * Binds what `listen` has in addition, not taking connections in yet. What stands in the way of an
   * address of our own that goes (`0.0.0.0` and one address on the same port) waits for `relisten`.
   * Rejects with a sentence that names the address; nothing has changed then.
   */
  async prepare(listen: readonly ListenAddress[]): Promise<void> {
    await this.discard();
    try {
      for (const address of added(this.endpoints, listen)) {
        if (this.standsInTheWay(address, listen)) continue;
        this.prepared.push(await this.open(address));
      }
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Gives up what was prepared. */
  async discard(): Promise<void> {
    const { prepared } = this;
    this.prepared = [];
    await Promise.all(prepared.map(closeEndpoint));
  }

  /** Listens on these addresses and no others; established sessions stay. Returns what it did, a line each. */
  async relisten(listen: readonly ListenAddress[]): Promise<string[]> {
    const wanted = new Set(listen.map(nameOfListen));
    const gone = this.endpoints.filter((endpoint) => !wanted.has(nameOfListen(endpoint.listen)));
    const fresh = this.prepared;
    this.prepared = [];
    this.endpoints = [...this.endpoints.filter((endpoint) => !gone.includes(endpoint)), ...fresh];
    await Promise.all(gone.map(closeEndpoint));
    for (const address of added(this.endpoints, listen)) {
      const endpoint = await this.open(address);
      this.endpoints.push(endpoint);
      fresh.push(endpoint);
    }
    return [
      ...gone.map((endpoint) => `no longer listening on ${nameOfListen(endpoint.listen)}`),
      ...fresh.map((endpoint) => `listening on ${nameOfListen(endpoint.listen)}`),
    ];
  }

  /** Stops listening. Connections already handed on stay. */
  async close(): Promise<void> {
    this.closed = true;
    const endpoints = this.endpoints;
    this.endpoints = [];
    this.drain(this.queue.length);
    await this.discard();
    await Promise.all(endpoints.map(closeEndpoint));
  }

  private standsInTheWay(address: ListenAddress, listen: readonly ListenAddress[]): boolean {
    const wanted = new Set(listen.map(nameOfListen));
    return this.endpoints.some(
      ({ listen: old }) =>
        old.port === address.port &&
        isIPv6(old.address) === isIPv6(address.address) &&
        (isWildcard(old.address) || isWildcard(address.address)) &&
        !wanted.has(nameOfListen(old)),
    );
  }

  private async open({ address, port }: ListenAddress): Promise<Endpoint> {
    const server = createServer({ pauseOnConnect: true }, (socket) => this.accepted(socket));
    const ipv6 = isIPv6(address.split("%")[0]!);
    const own = this.sockOpt.available ? this.sockOpt.sockOpt : undefined;
    let descriptor: Descriptor = { fd: -1, ipv6, holds: new Map() };
    try {
      if (own === undefined) {
        await listening(server, { host: address, port, backlog: BACKLOG, ipv6Only: ipv6 });
      } else {
        descriptor = this.bound(own, { address, port }, ipv6);
        await listening(server, { fd: descriptor.fd, backlog: BACKLOG });
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot listen on ${address} port ${port}: ${why}`, { cause: error });
    }
    server.on("error", (error) => {
      this.settings.log.error({ address, port, error: error.message }, "listener failed");
    });
    return { listen: { address, port }, server, ...descriptor };
  }

  /** A listening descriptor with keys and TTL: all or nothing, it must not start half protected. */
  private bound(sockOpt: SockOpt, { address, port }: ListenAddress, ipv6: boolean): Descriptor {
    const fd = sockOpt.open(ipv6);
    const descriptor: Descriptor = { fd, ipv6, holds: new Map() };
    try {
      const problems: string[] = [];
      sockOpt.bind(fd, address, port);
      this.setKeys(sockOpt, descriptor, [], this.protection.keys, problems);
      this.setChains(descriptor, problems);
      this.setListenerTtl(sockOpt, descriptor, problems);
      if (problems.length > 0) throw new Error(problems.join("; "));
      sockOpt.listen(fd, BACKLOG);
      return descriptor;
    } catch (error) {
      for (const hold of descriptor.holds.values()) hold.release();
      sockOpt.close(fd);
      throw error;
    }
  }

  private setKeys(
    sockOpt: SockOpt,
    { fd, ipv6 }: Descriptor,
    before: readonly Md5Key[],
    after: readonly Md5Key[],
    problems: string[],
  ): void {
    const nameOf = (key: Md5Key): string => `${key.address}/${key.prefixLength ?? "host"}`;
    const wanted = new Map(after.map((key) => [nameOf(key), key]));
    const current = new Map(before.map((key) => [nameOf(key), key]));
    const set = (key: Md5Key): void => {
      if (isIPv6(key.address.split("%")[0]!) !== ipv6) return;
      try {
        sockOpt.setMd5(fd, key);
      } catch (error) {
        problems.push(`${nameOf(key)}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    for (const [name, key] of current) if (!wanted.has(name)) set({ ...key, key: "" });
    for (const [name, key] of wanted) if (current.get(name)?.key !== key.key) set(key);
  }

  /**
   * TCP-AO keys of the peers that may connect here. A peer whose keys this machine cannot have is none
   * of them: it is not served, and the others are.
   */
  private setChains({ fd, ipv6, holds }: Descriptor, problems: string[]): void {
    const { keeper } = this;
    if (keeper === undefined || !this.sockOpt.available) return;
    if (this.sockOpt.sockOpt.aoGap() !== undefined) return;
    const wanted = new Map<string, Protection["chains"][number]>(
      this.protection.chains
        .filter(({ address }) => isIPv6(address.split("%")[0]!) === ipv6)
        .map((entry) => [`${entry.address}/${entry.prefixLength ?? "host"}`, entry] as const),
    );
    for (const [name, { chain, ...place }] of wanted) {
      try {
        const hold = holds.get(name);
        if (hold === undefined) holds.set(name, keeper.keep(fd, place, chain, "listening"));
        else hold.change(chain);
      } catch (error) {
        problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    for (const [name, hold] of holds) {
      if (wanted.has(name)) continue;
      hold.clear();
      holds.delete(name);
    }
  }

  private setListenerTtl(sockOpt: SockOpt, { fd, ipv6 }: Descriptor, problems: string[]): void {
    try {
      setTtl(sockOpt, fd, ipv6, listenerTtl(this.protection), this.protection.minTtl);
      // Always: whoever waits in the backlog when a key or a floor comes began without it.
      sockOpt.setInt(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
    } catch (error) {
      problems.push(`TTL: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Takes the handle out of the socket Node.js made, whose read path is not ours. */
  private accepted(socket: Socket): void {
    const handle = handleOf(socket);
    if (handle === null) return;
    (socket as unknown as { _handle: TcpHandle | null })._handle = null;
    // Without its handle this only settles the server's count of connections.
    socket.destroy();
    this.queue.push(handle);
    if (this.draining) return;
    this.draining = true;
    // Right after this poll phase, in which libuv takes all that knock.
    setImmediate(() => this.drain(ACCEPT_BATCH));
  }

  private drain(most: number): void {
    for (const handle of this.queue.splice(0, most)) this.wrap(handle);
    if (this.queue.length > 0) setImmediate(() => this.drain(ACCEPT_BATCH));
    else this.draining = false;
  }

  private wrap(handle: TcpHandle): void {
    const { optionsFor, admits, onConnection, localAs, log } = this.settings;
    const from = addressOf(handle);
    if (this.closed || from === undefined || admits?.(from) === false) return handle.close();
    const sockOpt = this.sockOpt.available ? this.sockOpt.sockOpt : undefined;
    const connection = new TcpConnection({ handle }, "remote", sockOpt, localAs);
    if (!connection.ready()) return connection.destroy();
    const { remoteAddress } = connection;
    const options = optionsFor(remoteAddress);
    if (options !== undefined) {
      const gap = protectionGap(options, this.sockOpt);
      if (gap !== undefined) {
        log.error({ peer: remoteAddress, why: gap }, "connection refused");
        return connection.destroy();
      }
      try {
        if (sockOpt !== undefined) {
          const syn = savedSyn(sockOpt, handle.fd);
          connection.signed = syn?.signed;
          // GTSM begins with the SYN: until the accepted socket has its floor the kernel takes what comes.
          if (syn !== undefined && syn.ttl < ttlFloor(options)) {
            const { ttl } = syn;
            log.warn({ peer: remoteAddress, ttl }, "connection refused: its SYN came from too far");
            return connection.destroy();
          }
          applyPeerOptions(sockOpt, handle.fd, remoteAddress, options, localAs());
          if (options.tcpAo !== undefined) {
            const place = placeOf(remoteAddress, options);
            connection.ao = this.keeper?.keep(handle.fd, place, options.tcpAo, "accepted");
          }
        }
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        log.error({ peer: remoteAddress, why }, "connection refused: socket options");
        return connection.destroy();
      }
    }
    onConnection(connection);
  }
}

function closeEndpoint({ server, holds }: Endpoint): Promise<void> {
  for (const hold of holds.values()) hold.release();
  return new Promise((done) => server.close(() => done()));
}

/** The listener's key that the kernel copied for the accepted connection: the peer's own, or its range's. */
function placeOf(address: string, options: PeerOptions): AoSocketPlace {
  const { prefix } = options as Partial<DynamicRange>;
  if (prefix === undefined) return { address, prefixLength: undefined };
  const [network = address, length] = prefix.split("/");
  return { address: network, prefixLength: Number(length) };
}

/** Canonical address of who connected; undefined when it is gone already. */
function addressOf(handle: TcpHandle): string | undefined {
  const name: { address?: string } = {};
  if (handle.getpeername(name) !== 0 || name.address === undefined) return undefined;
  return canonicalAddress(name.address);
}

function nameOfListen({ address, port }: ListenAddress): string {
  return `${address} port ${port}`;
}

function added(now: readonly Endpoint[], listen: readonly ListenAddress[]): ListenAddress[] {
  const names = new Set(now.map((endpoint) => nameOfListen(endpoint.listen)));
  return listen.filter((address) => !names.has(nameOfListen(address)));
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function listening(server: Server, options: object): Promise<void> {
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(options, () => {
      server.removeListener("error", fail);
      done();
    });
  });
}
