/**
 * The headers of the SYN that an accepted connection began with, as Linux keeps them for us (TCP_SAVE_SYN): how far it
 * had come, and whether it bore a TCP MD5 signature (RFC 2385). The kernel drops a signed SYN while it has no
 * key, and one without signature while it has: so the option tells whether the key was there in time.
 */
import { readU8 } from "../../util/bytes.js";
import { IPPROTO_TCP, TCP_SAVED_SYN, type SockOpt } from "./sock-opt.js";

export interface SavedSyn {
  /** TTL or hop limit. */
  readonly ttl: number;
  /** Undefined: there are other headers before TCP's. */
  readonly signed: boolean | undefined;
}

/** Octets of IP and TCP headers that are asked for. */
const MOST = 128;
const LEAST = 40;
const MD5_OPTION = 19;
const NOP = 1;

/** Gives it once. Undefined where nothing was saved, as with SYN cookies. Throws `SocketError`. */
export function savedSyn(sockOpt: SockOpt, fd: number): SavedSyn | undefined {
  return parseSyn(sockOpt.getBytes(fd, IPPROTO_TCP, TCP_SAVED_SYN, MOST));
}

export function parseSyn(bytes: Uint8Array): SavedSyn | undefined {
  if (bytes.length < LEAST) return undefined;
  const first = readU8(bytes, 0);
  const ipv6 = first >>> 4 === 6;
  const ttl = readU8(bytes, ipv6 ? 7 : 8);
  const tcp = ipv6 ? 40 : (first & 15) * 4;
  const direct = readU8(bytes, ipv6 ? 6 : 9) === IPPROTO_TCP;
  return { ttl, signed: direct ? isSigned(bytes, tcp) : undefined };
}

/** Options: kind, length, the rest; the first two kinds are one octet each. */
function isSigned(bytes: Uint8Array, tcp: number): boolean {
  if (tcp + 20 > bytes.length) return false;
  const end = Math.min(bytes.length, tcp + (readU8(bytes, tcp + 12) >>> 4) * 4);
  for (let at = tcp + 20; at + 1 < end;) {
    const kind = readU8(bytes, at);
    if (kind === MD5_OPTION) return true;
    if (kind === 0) return false;
    const length = kind === NOP ? 1 : readU8(bytes, at + 1);
    if (length === 0) return false;
    at += length;
  }
  return false;
}
