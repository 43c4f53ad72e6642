/**
 * A TCP segment out of a captured frame: Ethernet (with VLAN tags), Linux cooked (both versions),
 * raw IP, BSD loopback; IPv4 and IPv6 with extension headers. Fragments are passed over.
 */
import type { Frame } from "./capture-file.js";

export interface Segment {
  readonly time: number | undefined;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly syn: boolean;
  /** FIN or RST. */
  readonly isLast: boolean;
  /** Sent by the machine that captured; undefined where the link type does not say. */
  readonly outgoing: boolean | undefined;
  readonly payload: Uint8Array;
}

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const PROTOCOL_TCP = 6;

/** undefined: not TCP over IP, a fragment, or cut short. */
export function segmentOf(frame: Frame): Segment | undefined {
  const { bytes } = frame;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const at = ipStart(frame.link, view);
    return at === undefined ? undefined : ip(frame, view, at);
  } catch (error) {
    // DataView's own bounds check: the frame was cut short by the capture.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function ipStart(link: number, view: DataView): number | undefined {
  switch (link) {
    case 1:
      return behindEtherType(view, 12);
    case 113:
      return behindEtherType(view, 14);
    case 276:
      return isIp(view.getUint16(0)) ? 20 : undefined;
    case 0:
    case 108:
      return 4;
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return 0;
    default:
      return undefined;
  }
}

/** Linux cooked packets begin with who sent them: 4 = this machine. */
function outgoing(link: number, view: DataView): boolean | undefined {
  if (link === 113) return view.getUint16(0) === 4;
  return link === 276 ? view.getUint8(10) === 4 : undefined;
}

function behindEtherType(view: DataView, typeAt: number): number | undefined {
  let at = typeAt;
  let type = view.getUint16(at);
  while (type === 0x8100 || type === 0x88a8) {
    at += 4;
    type = view.getUint16(at);
  }
  return isIp(type) ? at + 2 : undefined;
}

function isIp(type: number): boolean {
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6;
}

function ip(frame: Frame, view: DataView, at: number): Segment | undefined {
  const version = view.getUint8(at) >>> 4;
  if (version === 4) {
    if (view.getUint8(at + 9) !== PROTOCOL_TCP) return undefined;
    if ((view.getUint16(at + 6) & 0x3fff) !== 0) return undefined;
    const start = at + (view.getUint8(at) & 15) * 4;
    // The total length leaves Ethernet's padding out; 0 where the network card cuts segments.
    const total = view.getUint16(at + 2);
    const end = total === 0 ? view.byteLength : Math.min(at + total, view.byteLength);
    return tcp(frame, view, start, end, ipv4(view, at + 12), ipv4(view, at + 16));
  }
  if (version !== 6) return undefined;
  const total = view.getUint16(at + 4);
  const end = total === 0 ? view.byteLength : Math.min(at + 40 + total, view.byteLength);
  let next = view.getUint8(at + 6);
  let start = at + 40;
  while (next !== PROTOCOL_TCP) {
    // Hop-by-hop, routing, destination options; all else (fragments among them) is not for us.
    if (next !== 0 && next !== 43 && next !== 60) return undefined;
    next = view.getUint8(start);
    start += 8 + view.getUint8(start + 1) * 8;
  }
  return tcp(frame, view, start, end, ipv6(view, at + 8), ipv6(view, at + 24));
}

function tcp(
  frame: Frame,
  view: DataView,
  at: number,
  end: number,
  source: string,
  destination: string,
): Segment | undefined {
  const data = at + (view.getUint8(at + 12) >>> 4) * 4;
  if (data > end) return undefined;
  return {
    time: frame.time,
    source,
    destination,
    sourcePort: view.getUint16(at),
    destinationPort: view.getUint16(at + 2),
    sequence: view.getUint32(at + 4),
    syn: (view.getUint8(at + 13) & 2) !== 0,
    isLast: (view.getUint8(at + 13) & 5) !== 0,
    outgoing: outgoing(frame.link, view),
    payload: frame.bytes.subarray(data, end),
  };
}

function ipv4(view: DataView, at: number): string {
  return [0, 1, 2, 3].map((index) => view.getUint8(at + index)).join(".");
}

/** Groups without the `::` shorthand when there is no run of zeros, as RFC 5952 writes them. */
function ipv6(view: DataView, at: number): string {
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((index) =>
    view.getUint16(at + index).toString(16),
  );
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}
