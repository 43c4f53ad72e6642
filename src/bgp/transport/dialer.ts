/**
 * Outgoing connections. The socket is our own where koffi loads, so that source address, MD5 key, TTL
 * and user timeout are in place before the SYN; libuv takes the descriptor over at connect.
 */
import { isIPv6 } from "node:net";
import type { PeerOptions } from "../settings.js";
import type { Connection, Dialer } from "../session/types.js";
import { applyPeerOptions, protectionGap } from "./protection.js";
import { loadSockOpt, type SockOpt, type SockOptResult } from "./sock-opt.js";
import { canonicalAddress } from "./socket-address.js";
import type { AoHold, TcpAoKeeper } from "./tcp-ao-keeper.js";
import { TcpConnection } from "./tcp-connection.js";

interface Target {
  readonly address: string;
  readonly options: PeerOptions;
}

export class TcpDialer implements Dialer {
  private readonly localAs: () => number;
  private readonly sockOpt: SockOptResult;
  private readonly keeper: TcpAoKeeper | undefined;

  /** @param keeper of TCP-AO keys; peers that have some need one */
  constructor(localAs: () => number, sockOpt: SockOptResult = loadSockOpt(), keeper?: TcpAoKeeper) {
    this.localAs = localAs;
    this.sockOpt = sockOpt;
    this.keeper = keeper;
  }

  dial(
    target: Target,
    connected: (connection: Connection) => void,
    failed: (error: Error) => void,
  ): { cancel(): void } {
    let over = false;
    let connection: TcpConnection | undefined;
    const finish = (error: Error): void => {
      if (over) return;
      over = true;
      connection?.destroy();
      failed(error);
    };
    try {
      connection = this.start(target);
    } catch (error) {
      // Not at once: the caller has not got our handle yet.
      setImmediate(() => finish(error instanceof Error ? error : new Error(String(error))));
      return { cancel: () => (over = true) };
    }
    const pending = connection;
    let error: Error | undefined;
    pending.socket.once("error", (cause) => (error = cause));
    pending.onClosed = () => finish(error ?? new Error("connection closed before it was open"));
    pending.socket.once("connect", () => {
      if (over) return;
      if (!pending.ready()) return finish(new Error("connection closed as soon as it was open"));
      over = true;
      pending.onClosed = () => {};
      connected(pending);
    });
    return {
      cancel: () => {
        if (over) return;
        over = true;
        pending.destroy();
      },
    };
  }

  private start({ address, options }: Target): TcpConnection {
    const gap = protectionGap(options, this.sockOpt);
    if (gap !== undefined) throw new Error(gap);
    const host = canonicalAddress(address);
    const to = { host, port: options.port };
    if (!this.sockOpt.available) {
      const connection = new TcpConnection({}, "local", undefined);
      const { localAddress } = options;
      connection.socket.connect(localAddress === undefined ? to : { ...to, localAddress });
      return connection;
    }
    const { sockOpt } = this.sockOpt;
    const fd = openSocket(sockOpt, host, options, this.localAs());
    let ao: AoHold | undefined;
    if (options.tcpAo !== undefined) {
      try {
        ao = this.keeper?.keep(
          fd,
          { address: host, prefixLength: undefined },
          options.tcpAo,
          "dialled",
        );
        if (ao === undefined) throw new Error("tcp-ao is set, but nobody keeps its keys");
      } catch (error) {
        sockOpt.close(fd);
        throw error;
      }
    }
    const connection = new TcpConnection({ fd }, "local", sockOpt, this.localAs);
    connection.ao = ao;
    connection.socket.connect(to);
    return connection;
  }
}

function openSocket(sockOpt: SockOpt, host: string, options: PeerOptions, localAs: number): number {
  const fd = sockOpt.open(isIPv6(host));
  try {
    applyPeerOptions(sockOpt, fd, host, options, localAs);
    if (options.password !== undefined) {
      sockOpt.setMd5(fd, { address: host, prefixLength: undefined, key: options.password });
    }
    if (options.localAddress !== undefined) sockOpt.bind(fd, options.localAddress, 0);
    return fd;
  } catch (error) {
    // Nobody else knows this descriptor yet.
    sockOpt.close(fd);
    throw error;
  }
}
