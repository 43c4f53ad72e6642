/**
 * Which socket options a peer's settings ask for, on its own sockets and on the listeners it shares with others.
 *
 * GTSM (RFC 5082): we send with TTL 255 and take nothing below 256 - hops. On a listener the floor can
 * only be set when every peer wants one; it is set per accepted connection otherwise. A listener must
 * always answer with TTL 255 when any peer has GTSM: that peer's kernel would drop a SYN-ACK with less.
 */
import { isIPv6 } from "node:net";
import type { PeerOptions, SpeakerSettings } from "../settings.js";
import {
  IP_MINTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_MINHOPCOUNT,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  TCP_USER_TIMEOUT,
  type AoSocketPlace,
  type Md5Key,
  type SockOpt,
  type SockOptResult,
} from "./sock-opt.js";
import { canonicalAddress } from "./socket-address.js";
import type { TcpAoChain } from "./tcp-ao-settings.js";

/** CS6, internetwork control. */
const TOS_INTERNETWORK_CONTROL = 0xc0;
const MAX_TTL = 255;
/** Makes the kernel use its default again. */
const DEFAULT_TTL = -1;

/** What listeners need. */
export interface Protection {
  readonly keys: readonly Md5Key[];
  /** TCP-AO chains by whom they are for. */
  readonly chains: readonly (AoSocketPlace & { readonly chain: TcpAoChain })[];
  /** Some peer has GTSM. */
  readonly fullTtl: boolean;
  /** Lowest TTL any peer may have; 0 when one takes all. */
  readonly minTtl: number;
}

export function protectionOf(settings: SpeakerSettings): Protection {
  const keys: Md5Key[] = [];
  const chains: Protection["chains"][number][] = [];
  let fullTtl = false;
  let minTtl = MAX_TTL;
  const add = (options: PeerOptions): void => {
    if (options.ttlSecurityHops > 0) fullTtl = true;
    minTtl = Math.min(minTtl, ttlFloor(options));
  };
  for (const peer of settings.peers) {
    add(peer);
    const address = canonicalAddress(peer.address);
    if (peer.password !== undefined) {
      keys.push({ address, prefixLength: undefined, key: peer.password });
    }
    if (peer.tcpAo !== undefined) {
      chains.push({ address, prefixLength: undefined, chain: peer.tcpAo });
    }
  }
  for (const range of settings.dynamic) {
    add(range);
    const [address = "", length = ""] = range.prefix.split("/");
    if (range.password !== undefined) {
      keys.push({ address, prefixLength: Number(length), key: range.password });
    }
    if (range.tcpAo !== undefined) {
      chains.push({ address, prefixLength: Number(length), chain: range.tcpAo });
    }
  }
  return { keys, chains, fullTtl, minTtl: fullTtl ? minTtl : 0 };
}

/** Why a peer with these options cannot be served; undefined when it can. */
export function protectionGap(options: PeerOptions, result: SockOptResult): string | undefined {
  if (result.available) {
    const gap = options.tcpAo === undefined ? undefined : result.sockOpt.aoGap();
    return gap === undefined ? undefined : `tcp-ao is set, but ${gap}`;
  }
  if (options.tcpAo !== undefined) return `tcp-ao is set, but ${result.detail}`;
  if (options.password !== undefined) return `password is set, but ${result.detail}`;
  if (options.ttlSecurityHops > 0) return `ttl-security is set, but ${result.detail}`;
  return undefined;
}

/**
 * Options of a peer's own socket, before connect or after accept. The MD5 key is not among them. `ttl`
 * counts for eBGP only.
 * @param again the socket had others before
 */
export function applyPeerOptions(
  sockOpt: SockOpt,
  fd: number,
  address: string,
  options: PeerOptions,
  localAs: number,
  again = false,
): void {
  const ebgp = options.peerAs !== undefined && options.peerAs !== localAs;
  const ownTtl = ebgp && options.ttl > 0 ? options.ttl : DEFAULT_TTL;
  const ttl = options.ttlSecurityHops > 0 ? MAX_TTL : ownTtl;
  setTtl(sockOpt, fd, isIPv6(address), ttl, ttlFloor(options));
  if (options.tcpUserTimeoutMs > 0 || again) {
    sockOpt.setInt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.tcpUserTimeoutMs);
  }
}

/** TTL we send, lowest TTL we take (0 = any), and DSCP CS6. */
export function setTtl(
  sockOpt: SockOpt,
  fd: number,
  ipv6: boolean,
  ttl: number,
  floor: number,
): void {
  if (ipv6) {
    sockOpt.setInt(fd, IPPROTO_IPV6, IPV6_TCLASS, TOS_INTERNETWORK_CONTROL);
    sockOpt.setInt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
    sockOpt.setInt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, floor);
  } else {
    sockOpt.setInt(fd, IPPROTO_IP, IP_TOS, TOS_INTERNETWORK_CONTROL);
    sockOpt.setInt(fd, IPPROTO_IP, IP_TTL, ttl);
    sockOpt.setInt(fd, IPPROTO_IP, IP_MINTTL, floor);
  }
}

export function listenerTtl(protection: Protection): number {
  return protection.fullTtl ? MAX_TTL : DEFAULT_TTL;
}

/** Lowest TTL that is taken from a peer; 0 = any. */
export function ttlFloor(options: PeerOptions): number {
  return options.ttlSecurityHops > 0 ? MAX_TTL + 1 - options.ttlSecurityHops : 0;
}
