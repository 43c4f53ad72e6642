/** MRT files taken apart, by RFC 6396 and RFC 8050: for tests, owes nothing to the writer. */
import { formatIp } from "../../../../src/fast-bgp-codec/values/ip.js";
import { readU16, readU32, readU8 } from "../../../../src/util/bytes.js";

export interface MrtMessage {
  readonly kind: "message";
  /** Milliseconds with fraction. */
  readonly time: number;
  readonly subtype: number;
  readonly peerAs: number;
  readonly localAs: number;
  readonly peer: string;
  readonly local: string;
  readonly bytes: Uint8Array;
}
export interface MrtState {
  readonly kind: "state";
  readonly peer: string;
  readonly from: number;
  readonly to: number;
}
export interface MrtPeers {
  readonly kind: "peers";
  readonly collector: number;
  readonly peers: readonly { readonly address: string; readonly as: number; readonly id: number }[];
}
export interface MrtEntry {
  readonly peer: number;
  readonly originated: number;
  readonly pathId: number | undefined;
  readonly attributes: Uint8Array;
}
export interface MrtRib {
  readonly kind: "rib";
  readonly subtype: number;
  readonly sequence: number;
  readonly afi: number;
  readonly safi: number;
  readonly nlri: Uint8Array;
  readonly entries: readonly MrtEntry[];
}
export type MrtRecord = MrtMessage | MrtState | MrtPeers | MrtRib;

export function readMrt(file: Uint8Array): MrtRecord[] {
  const records: MrtRecord[] = [];
  for (let at = 0; at < file.length;) {
    if (at + 12 > file.length) throw new Error("a record's header is cut");
    const end = at + 12 + readU32(file, at + 8);
    if (end > file.length) throw new Error("a record is cut");
    const type = readU16(file, at + 4);
    const subtype = readU16(file, at + 6);
    const seconds = readU32(file, at);
    const body = file.subarray(at + 12, end);
    if (type === 17) records.push(bgp4mp(seconds, subtype, body));
    else if (type === 13) records.push(subtype === 1 ? peerIndex(body) : rib(subtype, body));
    else throw new Error(`MRT type ${String(type)}`);
    at = end;
  }
  return records;
}

/** The interface index is 0; addresses follow their family. */
function bgp4mp(seconds: number, subtype: number, body: Uint8Array): MrtRecord {
  const time = seconds * 1000 + readU32(body, 0) / 1000;
  const wide = [4, 5, 7, 9, 11].includes(subtype);
  const as = (index: number): number =>
    wide ? readU32(body, 4 + 4 * index) : readU16(body, 4 + 2 * index);
  let at = wide ? 12 : 8;
  if (readU16(body, at) !== 0) throw new Error("interface index");
  const size = readU16(body, at + 2) === 1 ? 4 : 16;
  at += 4;
  const peer = formatIp(body, at, size);
  const local = formatIp(body, at + size, size);
  at += 2 * size;
  if (subtype === 0 || subtype === 5) {
    return { kind: "state", peer, from: readU16(body, at), to: readU16(body, at + 2) };
  }
  const bytes = body.subarray(at);
  if (readU16(bytes, 16) !== bytes.length) throw new Error("not one whole message");
  return { kind: "message", time, subtype, peerAs: as(0), localAs: as(1), peer, local, bytes };
}

function peerIndex(body: Uint8Array): MrtPeers {
  let at = 6 + readU16(body, 4);
  const count = readU16(body, at);
  at += 2;
  const peers: { address: string; as: number; id: number }[] = [];
  for (let i = 0; i < count; i++) {
    const kind = readU8(body, at);
    const id = readU32(body, at + 1);
    const size = (kind & 1) !== 0 ? 16 : 4;
    const address = formatIp(body, at + 5, size);
    at += 5 + size;
    const as = (kind & 2) !== 0 ? readU32(body, at) : readU16(body, at);
    at += (kind & 2) !== 0 ? 4 : 2;
    peers.push({ address, as, id });
  }
  if (at !== body.length) throw new Error("octets behind the peer index");
  return { kind: "peers", collector: readU32(body, 0), peers };
}

function rib(subtype: number, body: Uint8Array): MrtRib {
  const pathIds = subtype >= 8;
  const plain = pathIds ? subtype - 6 : subtype;
  let afi = plain === 4 ? 2 : 1;
  let safi = 1;
  let at = 4;
  let length: number;
  if (plain === 6) {
    afi = readU16(body, 4);
    safi = readU8(body, 6);
    at = 7;
    length = afi === 25 ? 2 + readU8(body, at + 1) : 1 + Math.ceil(readU8(body, at) / 8);
  } else length = 1 + Math.ceil(readU8(body, at) / 8);
  const nlri = body.subarray(at, at + length);
  at += length;
  const entries: MrtEntry[] = [];
  const count = readU16(body, at);
  at += 2;
  for (let i = 0; i < count; i++) {
    const peer = readU16(body, at);
    const originated = readU32(body, at + 2);
    at += 6;
    const pathId = pathIds ? readU32(body, at) : undefined;
    if (pathIds) at += 4;
    const size = readU16(body, at);
    entries.push({ peer, originated, pathId, attributes: body.subarray(at + 2, at + 2 + size) });
    at += 2 + size;
  }
  if (at !== body.length) throw new Error("octets behind the RIB entries");
  return { kind: "rib", subtype, sequence: readU32(body, 0), afi, safi, nlri, entries };
}

/** An entry as the UPDATE that would have brought it: its short MP_REACH_NLRI made whole. */
export function updateOf(record: MrtRib, entry: MrtEntry): Uint8Array {
  const parts: Uint8Array[] = [];
  let isClassic = true;
  for (let at = 0; at < entry.attributes.length;) {
    const { attributes } = entry;
    const extended = (readU8(attributes, at) & 0x10) !== 0;
    const value = at + (extended ? 4 : 3);
    const end = value + (extended ? readU16(attributes, at + 2) : readU8(attributes, at + 2));
    if (readU8(attributes, at + 1) === 14) {
      isClassic = false;
      if (readU8(attributes, value) !== end - value - 1) throw new Error("MP_REACH is not short");
      const whole = Buffer.concat([
        Uint8Array.of(record.afi >>> 8, record.afi & 255, record.safi),
        attributes.subarray(value, end),
        Uint8Array.of(0),
        record.nlri,
      ]);
      parts.push(Uint8Array.of(0x90, 14, whole.length >>> 8, whole.length & 255), whole);
    } else parts.push(attributes.subarray(at, end));
    at = end;
  }
  const set = Buffer.concat(parts);
  const nlri = isClassic ? record.nlri : new Uint8Array(0);
  const message = Buffer.concat([
    Buffer.alloc(16, 0xff),
    Buffer.alloc(5),
    Uint8Array.of(set.length >>> 8, set.length & 255),
    set,
    nlri,
  ]);
  message.writeUInt16BE(message.length, 16);
  message.writeUInt8(2, 18);
  return message;
}
