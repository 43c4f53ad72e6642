/** EVPN NLRI as FRR and GoBGP write them, made from the bytes: to look a route up in their tables. */
import { bytesOf, hex } from "./wire.js";

interface Parts {
  readonly type: number;
  readonly rd: string;
  readonly esi: Buffer;
  readonly tag: number;
  readonly mac: string;
  readonly ip: string;
  readonly bits: number;
}

/** `10.99.0.1:2 [2]:[0]:[48]:[02:…]`, or undefined for the types FRR 8.4 does not hold. */
export function frrName(nlri: string): string | undefined {
  const { type, rd, esi, tag, mac, ip, bits } = partsOf(nlri);
  const t = String(tag);
  switch (type) {
    case 1:
      return `${rd} [1]:[${t}]:[${colons(esi)}]:[32]:[0.0.0.0]:[0]`;
    case 2:
      return `${rd} [2]:[${t}]:[48]:[${mac}]${ip === "" ? "" : `:[${String(bits)}]:[${ip}]`}`;
    case 3:
      return `${rd} [3]:[${t}]:[${String(bits)}]:[${ip}]`;
    case 4:
      return `${rd} [4]:[${colons(esi)}]:[${String(bits)}]:[${ip}]`;
    case 5:
      return `${rd} [5]:[${t}]:[${String(bits)}]:[${ip}]`;
    default:
      return undefined;
  }
}

/** `[type:macadv][rd:…][etag:…][mac:…][ip:…]`, for types 1 to 5 and LACP or zero ESIs. */
export function gobgpName(nlri: string): string | undefined {
  const { type, rd, esi, tag, mac, ip, bits } = partsOf(nlri);
  const t = String(tag);
  const lacp = `ESI_LACP | system mac ${colons(esi.subarray(1, 7))}, port key ${String(esi.readUInt16BE(7))}`;
  switch (type) {
    case 1:
      return `[type:A-D][rd:${rd}][esi:${lacp}][etag:${t}]`;
    case 2:
      return `[type:macadv][rd:${rd}][etag:${t}][mac:${mac}][ip:${ip === "" ? "<nil>" : ip}]`;
    case 3:
      return `[type:multicast][rd:${rd}][etag:${t}][ip:${ip}]`;
    case 4:
      return `[type:esi][rd:${rd}][esi:${lacp}][ip:${ip}]`;
    case 5:
      return `[type:Prefix][rd:${rd}][etag:${t}][prefix:${ip}/${String(bits)}]`;
    default:
      return undefined;
  }
}

export function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join(".");
  const groups = hex(bytes).replaceAll(/(....)(?!$)/g, "$1:");
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}

function colons(bytes: Buffer): string {
  return hex(bytes).replaceAll(/(..)(?!$)/g, "$1:");
}

function partsOf(nlri: string): Parts {
  const bytes = bytesOf(nlri);
  const type = bytes.readUInt8(0);
  const body = bytes.subarray(2);
  const none = { type, rd: "", esi: Buffer.alloc(10), tag: 0, mac: "", ip: "", bits: 0 };
  if (type < 1 || type > 5) return none;
  const rd = `${ipText(body.subarray(2, 6))}:${String(body.readUInt16BE(6))}`;
  const esi = body.subarray(8, 18);
  const at = (offset: number): Pick<Parts, "ip" | "bits"> => {
    const bits = body.readUInt8(offset);
    return { bits, ip: bits === 0 ? "" : ipText(body.subarray(offset + 1, offset + 1 + bits / 8)) };
  };
  switch (type) {
    case 1:
      return { ...none, rd, esi, tag: body.readUInt32BE(18) };
    case 2:
      return {
        ...none,
        rd,
        tag: body.readUInt32BE(18),
        mac: colons(body.subarray(23, 29)),
        ...at(29),
      };
    case 3:
      return { ...none, rd, tag: body.readUInt32BE(8), ...at(12) };
    case 4:
      return { ...none, rd, esi, ...at(18) };
    default: {
      const size = body.length === 34 ? 4 : 16;
      const [bits, ip] = [body.readUInt8(22), ipText(body.subarray(23, 23 + size))];
      return { ...none, rd, tag: body.readUInt32BE(18), ip, bits };
    }
  }
}
