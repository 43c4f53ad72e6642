/**
 * TCP for BGP: listening, dialling, socket options, back-pressure.
 *
 * In: accepted and dialled sockets. Out: `Connection` objects (session/types.ts), which read nothing
 * until somebody calls `resume()`.
 *
 * - `Listener` accepts in bounded batches, so that a thousand peers at once do not hold the loop, and
 *   keeps TCP MD5 keys (RFC 2385) and TTL security (RFC 5082) current on live sockets.
 * - `TcpDialer` connects with source address, key, TTL and user timeout set before the SYN.
 * - `TcpConnection` reads through one shared buffer and writes with water marks.
 *
 * Invariants: no octet of a message is copied between the kernel and the codec, but those of a message
 * split across reads; one connection reads at most READ_BUDGET octets per turn of the event loop; a peer
 * configured with a key or TTL security gets no connection where the kernel or koffi cannot do it.
 * TCP-AO (RFC 5925) where the kernel has it: `tcp-ao.ts` packs its structures, `tcp-ao-schedule.ts` says
 * which keys count when, `tcp-ao-keeper.ts` keeps live sockets in step.
 */
export { StreamConnection, type StreamEnds } from "./stream-connection.js";
export { TcpDialer } from "./dialer.js";
export { Listener, type ListenerSettings } from "./listener.js";
export { TcpAoKeeper } from "./tcp-ao-keeper.js";
export { protectionOf, protectionGap, type Protection } from "./protection.js";
export { loadSockOpt, type SockOpt, type SockOptResult } from "./sock-opt.js";
export { canonicalAddress, parseSocketAddress } from "./socket-address.js";
export { HIGH_WATER, LOW_WATER, TcpConnection } from "./tcp-connection.js";
