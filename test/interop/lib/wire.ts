/**
 * BGP on the wire, split but not interpreted: an independent second opinion to the codec under
 * test, so it shares no code with it. Only well-formed messages are understood; anything else throws.
 */

export const MessageType = {
  Open: 1,
  Update: 2,
  Notification: 3,
  Keepalive: 4,
  Refresh: 5,
} as const;

/** AFI << 8 | SAFI. */
export const EVPN = (25 << 8) | 70;
export const IPV4 = (1 << 8) | 1;
export const IPV6 = (2 << 8) | 1;
export const RTC = (1 << 8) | 132;
export const VPN4 = (1 << 8) | 128;
export const VPN6 = (2 << 8) | 128;

export interface Attribute {
  readonly flags: number;
  /** Hex of the value. */
  readonly value: string;
}

/** Path attributes by type code, MP_REACH and MP_UNREACH left out. */
export type Attributes = ReadonlyMap<number, Attribute>;

export interface WireRoute {
  /** AFI << 8 | SAFI. */
  readonly family: number;
  /** Hex of the whole NLRI, without path id. */
  readonly nlri: string;
  /** Where the family has path ids (RFC 7911), else 0. */
  readonly pathId: number;
  /** Hex of the next hop: 4, 16 or 32 octets. */
  readonly nextHop: string;
  readonly attributes: Attributes;
}

export interface PathNlri {
  readonly nlri: string;
  readonly pathId: number;
}

export interface WireUpdate {
  readonly announced: readonly WireRoute[];
  readonly withdrawn: readonly (PathNlri & { readonly family: number })[];
  /** Family of an End-of-RIB marker. */
  readonly endOfRib: number | undefined;
  readonly attributes: Attributes;
}

/** Cuts a byte stream into messages. */
export class Framer {
  private rest: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): Buffer[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const messages: Buffer[] = [];
    for (;;) {
      if (this.rest.length < 19) return messages;
      const length = this.rest.readUInt16BE(16);
      if (length < 19) throw new Error(`message of ${String(length)} octets: ${hex(this.rest)}`);
      if (this.rest.length < length) return messages;
      messages.push(Buffer.from(this.rest.subarray(0, length)));
      this.rest = this.rest.subarray(length);
    }
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

export function bytesOf(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ""), "hex");
}

export function messageType(message: Buffer): number {
  return message.readUInt8(18);
}

/**
 * Splits a whole UPDATE, header included.
 * @param addPath families in which each NLRI has a path id in front (RFC 7911)
 */
export function splitUpdate(message: Buffer, addPath: ReadonlySet<number> = NONE): WireUpdate {
  const withdrawnLength = message.readUInt16BE(19);
  const attributesAt = 21 + withdrawnLength + 2;
  const attributesLength = message.readUInt16BE(attributesAt - 2);
  const nlriAt = attributesAt + attributesLength;
  const { attributes, reach, unreach } = splitAttributes(message.subarray(attributesAt, nlriAt));

  const announced: WireRoute[] = [];
  const nlris = (family: number, bytes: Buffer): PathNlri[] =>
    splitNlri(family, bytes, addPath.has(family));
  const withdrawn = nlris(IPV4, message.subarray(21, 21 + withdrawnLength)).map((each) => ({
    family: IPV4,
    ...each,
  }));
  for (const each of nlris(IPV4, message.subarray(nlriAt))) {
    const nextHop = attributes.get(3)?.value ?? "";
    announced.push({ family: IPV4, ...each, nextHop, attributes: without(attributes, 3) });
  }
  let endOfRib: number | undefined;
  if (message.length === 23) endOfRib = IPV4;
  if (unreach) {
    const family = familyAt(unreach);
    const gone = nlris(family, unreach.subarray(3));
    withdrawn.push(...gone.map((each) => ({ family, ...each })));
    if (gone.length === 0 && attributes.size === 0 && !reach) endOfRib = family;
  }
  if (reach) {
    const family = familyAt(reach);
    const nextHopEnd = 4 + reach.readUInt8(3);
    const nextHop = hex(reach.subarray(4, nextHopEnd));
    for (const each of nlris(family, reach.subarray(nextHopEnd + 1))) {
      announced.push({ family, ...each, nextHop, attributes: without(attributes, 3) });
    }
  }
  return { announced, withdrawn, endOfRib, attributes };
}

/** Key of an NLRI inside its family: what a withdraw has to match (RFC 7432 section 7, RFC 9136 section 3.1). */
export function routeKey(family: number, nlri: string): string {
  if (family === VPN4 || family === VPN6) return `${String(family)}/${vpnKey(nlri)}`;
  if (family !== EVPN) return `${String(family)}/${nlri}`;
  const bytes = bytesOf(nlri);
  const type = bytes.readUInt8(0);
  const body = bytes.subarray(2);
  const at = (from: number, to: number): string => hex(body.subarray(from, to));
  switch (type) {
    case 1:
      return `1/${at(0, 22)}`;
    case 2:
      return `2/${at(0, 8)}/${at(18, 30 + body.readUInt8(29) / 8)}`;
    case 5:
      return `5/${at(0, 8)}/${at(18, body.length === 34 ? 27 : 39)}`;
    case 6:
    case 7:
      return `${String(type)}/${at(0, body.length - 1)}`;
    case 8:
      return `8/${at(0, body.length - 6)}`;
    default:
      return `${String(type)}/${at(0, body.length)}`;
  }
}

/** Bits of the prefix, RD and prefix: what stands behind the label stack (RFC 8277 section 2). */
function vpnKey(nlri: string): string {
  const bytes = bytesOf(nlri);
  let from = 1;
  let label: number;
  do {
    label = bytes.readUIntBE(from, 3);
    from += 3;
  } while ((label & 1) === 0 && label !== 0 && label !== 0x800000);
  return `${String(bytes.readUInt8(0) - 8 * (from - 1) - 64)}/${hex(bytes.subarray(from))}`;
}

/** What one side of a session has told the other: a table made of the UPDATEs alone. */
export class WireTable {
  private readonly byKey = new Map<string, WireRoute>();
  private readonly addPath: ReadonlySet<number>;
  readonly endOfRib = new Set<number>();
  updates = 0;

  /** @param addPath families in which each NLRI has a path id in front (RFC 7911) */
  constructor(addPath: readonly number[] = []) {
    this.addPath = new Set(addPath);
  }

  apply(message: Buffer): WireUpdate {
    const update = splitUpdate(message, this.addPath);
    this.updates += 1;
    for (const gone of update.withdrawn) this.byKey.delete(pathKey(gone));
    for (const route of update.announced) this.byKey.set(pathKey(route), route);
    if (update.endOfRib !== undefined) this.endOfRib.add(update.endOfRib);
    return update;
  }

  get size(): number {
    return this.byKey.size;
  }

  routes(family?: number): WireRoute[] {
    const all = [...this.byKey.values()];
    return family === undefined ? all : all.filter((route) => route.family === family);
  }

  /** The route with the same key as this NLRI, and this path id. */
  get(family: number, nlri: string, pathId = 0): WireRoute | undefined {
    return this.byKey.get(pathKey({ family, nlri, pathId }));
  }

  clear(): void {
    this.byKey.clear();
    this.endOfRib.clear();
  }
}

const NONE: ReadonlySet<number> = new Set();

function pathKey({ family, nlri, pathId }: PathNlri & { readonly family: number }): string {
  return `${String(pathId)} ${routeKey(family, nlri)}`;
}

function splitAttributes(block: Buffer): {
  attributes: Map<number, Attribute>;
  reach: Buffer | undefined;
  unreach: Buffer | undefined;
} {
  const attributes = new Map<number, Attribute>();
  let reach: Buffer | undefined;
  let unreach: Buffer | undefined;
  for (let at = 0; at < block.length;) {
    const flags = block.readUInt8(at);
    const code = block.readUInt8(at + 1);
    const extended = (flags & 0x10) !== 0;
    const length = extended ? block.readUInt16BE(at + 2) : block.readUInt8(at + 2);
    const start = at + (extended ? 4 : 3);
    const value = block.subarray(start, start + length);
    if (value.length !== length) throw new Error(`attribute ${String(code)} cut: ${hex(block)}`);
    if (attributes.has(code)) throw new Error(`attribute ${String(code)} twice: ${hex(block)}`);
    if (code === 14) reach = value;
    else if (code === 15) unreach = value;
    else attributes.set(code, { flags: flags & 0xe0, value: hex(value) });
    at = start + length;
  }
  return { attributes, reach, unreach };
}

function without(attributes: Map<number, Attribute>, code: number): Attributes {
  return new Map([...attributes].filter(([each]) => each !== code));
}

function familyAt(value: Buffer): number {
  return (value.readUInt16BE(0) << 8) | value.readUInt8(2);
}

function splitNlri(family: number, bytes: Buffer, addPath: boolean): PathNlri[] {
  const list: PathNlri[] = [];
  for (let at = 0; at < bytes.length;) {
    const pathId = addPath ? bytes.readUInt32BE(at) : 0;
    if (addPath) at += 4;
    const octets =
      family === EVPN ? 2 + bytes.readUInt8(at + 1) : 1 + Math.ceil(bytes.readUInt8(at) / 8);
    const end = at + octets;
    if (end > bytes.length) throw new Error(`NLRI cut: ${hex(bytes)}`);
    list.push({ nlri: hex(bytes.subarray(at, end)), pathId });
    at = end;
  }
  return list;
}
