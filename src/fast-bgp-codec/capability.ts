/**
 * Capabilities of an OPEN (RFC 5492): 1 code | 1 length | value. One kind per known code; unknown
 * codes, and known ones whose value has a wrong length, are kept as hex under the name "unknown" and
 * never refused.
 */
import {
  fromHex,
  readU16,
  readU24,
  readU32,
  readU8,
  toHex,
  writeU16,
  writeU24,
  writeU32,
} from "../util/bytes.js";
import { CapabilityCode as Code } from "./iana.js";

interface Base<N extends string> {
  readonly code: number;
  readonly name: N;
  /** Octets of the value on the wire, as decoded; not needed to encode. */
  readonly length?: number;
  /** The value's octets, where the fields do not tell them all (reserved bits). Wins on encoding. */
  readonly exact?: string;
}
interface AfiSafi {
  readonly afi: number;
  readonly safi: number;
}

export type Capability =
  | (Base<"multiprotocol"> & AfiSafi)
  | Base<"route-refresh">
  | (Base<"extended-next-hop"> & {
      readonly tuples: readonly (AfiSafi & { readonly nextHopAfi: number })[];
    })
  | Base<"extended-message">
  /** 0 provider, 1 RS, 2 RS-client, 3 customer, 4 peer (RFC 9234 section 4.1). */
  | (Base<"bgp-role"> & { readonly role: number })
  | (Base<"graceful-restart"> & {
      readonly restartState: number;
      readonly notification: number;
      /** Seconds. */
      readonly restartTime: number;
      readonly families: readonly (AfiSafi & { readonly forwarding: number })[];
    })
  | (Base<"four-octet-as"> & { readonly asn: number })
  | (Base<"add-path"> & {
      /** 1 receive, 2 send, 3 both (RFC 7911 section 4). */
      readonly families: readonly (AfiSafi & { readonly sendReceive: number })[];
    })
  | Base<"enhanced-route-refresh">
  | (Base<"long-lived-graceful-restart"> & {
      /** Stale time in seconds. */
      readonly families: readonly (AfiSafi & {
        readonly forwarding: number;
        readonly staleTime: number;
      })[];
    })
  | (Base<"fqdn"> & { readonly hostname: string; readonly domain: string })
  | (Base<"software-version"> & { readonly version: string })
  | Base<"route-refresh-cisco-old">
  | (Base<"unknown"> & { readonly hex: string });

/** Makes capabilities to send. Texts are cut to what their length octet can say. */
export const capability = {
  multiprotocol: (afi: number, safi: number): Capability => ({
    code: Code.Multiprotocol,
    name: "multiprotocol",
    length: 4,
    afi,
    safi,
  }),
  routeRefresh: (): Capability => ({ code: Code.RouteRefresh, name: "route-refresh", length: 0 }),
  extendedNextHop: (
    tuples: readonly { afi: number; safi: number; nextHopAfi: number }[],
  ): Capability => ({
    code: Code.ExtendedNextHop,
    name: "extended-next-hop",
    length: 6 * tuples.length,
    tuples,
  }),
  extendedMessage: (): Capability => ({
    code: Code.ExtendedMessage,
    name: "extended-message",
    length: 0,
  }),
  role: (role: number): Capability => ({ code: Code.BgpRole, name: "bgp-role", length: 1, role }),
  gracefulRestart: (options: {
    restartState: boolean;
    notification: boolean;
    restartTime: number;
    families: readonly { afi: number; safi: number; forwarding: number }[];
  }): Capability => ({
    code: Code.GracefulRestart,
    name: "graceful-restart",
    length: 2 + 4 * options.families.length,
    restartState: options.restartState ? 1 : 0,
    notification: options.notification ? 1 : 0,
    restartTime: options.restartTime,
    families: options.families,
  }),
  fourOctetAs: (asn: number): Capability => ({
    code: Code.FourOctetAs,
    name: "four-octet-as",
    length: 4,
    asn,
  }),
  addPath: (
    families: readonly { afi: number; safi: number; sendReceive: number }[],
  ): Capability => ({
    code: Code.AddPath,
    name: "add-path",
    length: 4 * families.length,
    families,
  }),
  enhancedRouteRefresh: (): Capability => ({
    code: Code.EnhancedRouteRefresh,
    name: "enhanced-route-refresh",
    length: 0,
  }),
  longLivedGracefulRestart: (
    families: readonly { afi: number; safi: number; forwarding: number; staleTime: number }[],
  ): Capability => ({
    code: Code.LongLivedGracefulRestart,
    name: "long-lived-graceful-restart",
    length: 7 * families.length,
    families,
  }),
  fqdn: (hostname: string, domain: string): Capability => {
    const [host, dom] = [cut(hostname, 64), cut(domain, 64)];
    const length = 2 + Buffer.byteLength(host) + Buffer.byteLength(dom);
    return { code: Code.Fqdn, name: "fqdn", length, hostname: host, domain: dom };
  },
  softwareVersion: (text: string): Capability => {
    const version = cut(text, 64);
    const length = 1 + Buffer.byteLength(version);
    return { code: Code.SoftwareVersion, name: "software-version", length, version };
  },
} as const;

/** At most `octets` octets of UTF-8, whole characters. */
function cut(text: string, octets: number): string {
  let result = "";
  for (const character of text) {
    if (Buffer.byteLength(result + character) > octets) break;
    result += character;
  }
  return result;
}

/** The capability with `code` and the value `bytes[start, end)`. Never fails: see above. */
export function decodeCapability(
  code: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Capability {
  const known = decodeKnown(code, bytes, start, end);
  if (known !== undefined) {
    // Reserved bits are ignored (RFC 4760 section 8, RFC 4724 section 3), and kept.
    const hex = toHex(bytes, start, end);
    return toHex(encodeValue(known)) === hex ? known : { ...known, exact: hex };
  }
  return { code, name: "unknown", length: end - start, hex: toHex(bytes, start, end) };
}

function decodeKnown(
  code: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Capability | undefined {
  const length = end - start;
  switch (code) {
    case Code.Multiprotocol:
      if (length !== 4) return undefined;
      return { code, name: "multiprotocol", length, ...afiSafi(bytes, start, 3) };
    case Code.RouteRefresh:
      return length === 0 ? { code, name: "route-refresh", length } : undefined;
    case Code.ExtendedNextHop:
      if (length % 6 !== 0) return undefined;
      return { code, name: "extended-next-hop", length, tuples: decodeNextHops(bytes, start, end) };
    case Code.ExtendedMessage:
      return length === 0 ? { code, name: "extended-message", length } : undefined;
    case Code.BgpRole:
      return length === 1
        ? { code, name: "bgp-role", length, role: readU8(bytes, start) }
        : undefined;
    case Code.GracefulRestart:
      return decodeGracefulRestart(code, bytes, start, end);
    case Code.FourOctetAs:
      return length === 4
        ? { code, name: "four-octet-as", length, asn: readU32(bytes, start) }
        : undefined;
    case Code.AddPath: {
      if (length % 4 !== 0) return undefined;
      const families = each(start, end, 4, (at) => ({
        ...afiSafi(bytes, at, 2),
        sendReceive: readU8(bytes, at + 3),
      }));
      return { code, name: "add-path", length, families };
    }
    case Code.EnhancedRouteRefresh:
      return length === 0 ? { code, name: "enhanced-route-refresh", length } : undefined;
    case Code.LongLivedGracefulRestart:
      return decodeLongLived(code, bytes, start, end);
    case Code.Fqdn:
      return decodeFqdn(code, bytes, start, end);
    case Code.SoftwareVersion: {
      if (length < 1 || readU8(bytes, start) !== length - 1) return undefined;
      const version = text(bytes, start + 1, end);
      return version === undefined
        ? undefined
        : { code, name: "software-version", length, version };
    }
    case Code.RouteRefreshOld:
      return length === 0 ? { code, name: "route-refresh-cisco-old", length } : undefined;
    default:
      return undefined;
  }
}

function afiSafi(bytes: Uint8Array, at: number, safi: number): AfiSafi {
  return { afi: readU16(bytes, at), safi: readU8(bytes, at + safi) };
}

function each<T>(start: number, end: number, step: number, read: (at: number) => T): T[] {
  const result: T[] = [];
  for (let at = start; at < end; at += step) result.push(read(at));
  return result;
}

/** NLRI AFI (2), NLRI SAFI (2), next hop AFI (2): RFC 8950 section 4. */
function decodeNextHops(
  bytes: Uint8Array,
  start: number,
  end: number,
): { afi: number; safi: number; nextHopAfi: number }[] {
  return each(start, end, 6, (at) => ({
    afi: readU16(bytes, at),
    safi: readU16(bytes, at + 2),
    nextHopAfi: readU16(bytes, at + 4),
  }));
}

/** 1 bit restart state | 1 bit NOTIFICATION (RFC 8538) | 2 reserved | 12 bits time, then families. */
function decodeGracefulRestart(
  code: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Capability | undefined {
  const length = end - start;
  if (length < 2 || length % 4 !== 2) return undefined;
  const word = readU16(bytes, start);
  return {
    code,
    name: "graceful-restart",
    length,
    restartState: word >>> 15,
    notification: (word >>> 14) & 1,
    restartTime: word & 0x0fff,
    families: each(start + 2, end, 4, (at) => ({
      ...afiSafi(bytes, at, 2),
      forwarding: readU8(bytes, at + 3) >>> 7,
    })),
  };
}

/** 2 AFI | 1 SAFI | 1 flags | 3 stale time, per family (RFC 9494 section 3.1). */
function decodeLongLived(
  code: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Capability | undefined {
  if ((end - start) % 7 !== 0) return undefined;
  const families = each(start, end, 7, (at) => ({
    ...afiSafi(bytes, at, 2),
    forwarding: readU8(bytes, at + 3) >>> 7,
    staleTime: readU24(bytes, at + 4),
  }));
  return { code, name: "long-lived-graceful-restart", length: end - start, families };
}

/** 1 length | host name | 1 length | domain name. */
function decodeFqdn(
  code: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Capability | undefined {
  if (end - start < 2) return undefined;
  const domainAt = start + 1 + readU8(bytes, start);
  if (domainAt >= end || domainAt + 1 + readU8(bytes, domainAt) !== end) return undefined;
  const hostname = text(bytes, start + 1, domainAt);
  const domain = text(bytes, domainAt + 1, end);
  if (hostname === undefined || domain === undefined) return undefined;
  return { code, name: "fqdn", length: end - start, hostname, domain };
}

/** UTF-8, or undefined when it is not. */
function text(bytes: Uint8Array, start: number, end: number): string | undefined {
  const decoded = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
  return Buffer.byteLength(decoded) === end - start && !decoded.includes("\ufffd")
    ? decoded
    : undefined;
}

/** The capability with its code and length octets. Length follows from the fields, not from `length`. */
export function encodeCapability(item: Capability): Uint8Array {
  const value = (item.exact === undefined ? undefined : fromHex(item.exact)) ?? encodeValue(item);
  const result = new Uint8Array(2 + value.length);
  result[0] = item.code;
  result[1] = value.length;
  result.set(value, 2);
  return result;
}

function encodeValue(item: Capability): Uint8Array {
  switch (item.name) {
    case "multiprotocol":
      return tuples([item], 4, (f, out, at) => {
        writeU16(out, at, f.afi);
        out[at + 3] = f.safi;
      });
    case "extended-next-hop":
      return tuples(item.tuples, 6, (f, out, at) => {
        writeU16(out, at, f.afi);
        writeU16(out, at + 2, f.safi);
        writeU16(out, at + 4, f.nextHopAfi);
      });
    case "bgp-role":
      return new Uint8Array([item.role]);
    case "graceful-restart": {
      const families = tuples(item.families, 4, (f, out, at) => {
        writeU16(out, at, f.afi);
        out[at + 2] = f.safi;
        out[at + 3] = f.forwarding << 7;
      });
      const value = new Uint8Array(2 + families.length);
      const bits = (item.restartState << 15) | (item.notification << 14);
      writeU16(value, 0, bits | Math.min(item.restartTime, 0x0fff));
      value.set(families, 2);
      return value;
    }
    case "four-octet-as": {
      const value = new Uint8Array(4);
      writeU32(value, 0, item.asn);
      return value;
    }
    case "add-path":
      return tuples(item.families, 4, (f, out, at) => {
        writeU16(out, at, f.afi);
        out[at + 2] = f.safi;
        out[at + 3] = f.sendReceive;
      });
    case "long-lived-graceful-restart":
      return tuples(item.families, 7, (f, out, at) => {
        writeU16(out, at, f.afi);
        out[at + 2] = f.safi;
        out[at + 3] = f.forwarding << 7;
        writeU24(out, at + 4, f.staleTime);
      });
    case "fqdn":
      return Buffer.concat([counted(item.hostname), counted(item.domain)]);
    case "software-version":
      return counted(item.version);
    case "unknown":
      return fromHex(item.hex) ?? new Uint8Array(0);
    case "route-refresh":
    case "extended-message":
    case "enhanced-route-refresh":
    case "route-refresh-cisco-old":
      return new Uint8Array(0);
  }
}

function tuples<T>(
  items: readonly T[],
  step: number,
  write: (item: T, out: Uint8Array, at: number) => void,
): Uint8Array {
  const value = new Uint8Array(step * items.length);
  for (const [i, item] of items.entries()) write(item, value, step * i);
  return value;
}

function counted(value: string): Uint8Array {
  const utf8 = Buffer.from(value, "utf8");
  return Buffer.concat([new Uint8Array([utf8.length]), utf8]);
}
