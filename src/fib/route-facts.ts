/**
 * What the FIB needs of an attribute set, read once per set and shared by all its routes: PE, mobility,
 * route targets, the communities of EVPN (RFC 7432 section 7, RFC 8365 section 5.1.3, RFC 9047, RFC
 * 8584, RFC 9135), and the numbers of the ordinary best path.
 *
 * A record belongs to one life of an attribute id, told by the set's serial: an id that is used again for
 * another set is never taken for the old one. The record lives as long as the FIB has routes that use it,
 * also beyond the set's own end.
 */
import { AttrFlag, type AttrStore } from "../bgp/rib/index.js";
import { TunnelType } from "../fast-bgp-codec/index.js";
import { copyBytes, readU16, readU32, readU8 } from "../util/bytes.js";
import { FlatMemory } from "../util/flat-memory.js";
import type { RecordPool } from "../util/record-pool.js";
import { SharedTables } from "../util/shared-tables.js";
import type { RemotePes } from "./remote-pes.js";
import type { RouteTargetSets } from "./route-target-sets.js";

const WIDTH = 16;
const REFERENCES = 0;
const PE = 2;
const SEQUENCE = 3;
const FLAGS = 4;
const TARGETS = 5;
/** Bits 32-47 and 0-31 of the router's MAC. */
const ROUTER_MAC = 6;
const LOCAL_PREF = 8;
/** AS_PATH length in bits 0-15, ORIGIN in bits 16-17. */
const PATH = 9;
/** ESI label in bits 0-23, the flags octet of its community in bits 24-31. */
const ESI_LABEL = 10;
/** DF election: bitmap in bits 0-15, algorithm in bits 16-20, in bit 31 whether there was one. */
const DF = 11;
/** In bits 0-15; bits 16-31 are the first two octets of the ES-Import route target. */
const DF_PREFERENCE = 12;
const TUNNEL_TYPE = 13;
/** Of the attribute set. */
const SERIAL = 14;
/** The last four octets of the ES-Import route target. */
const ES_IMPORT = 15;

export const FactFlag = {
  Sticky: 1,
  Mobility: 2,
  DefaultGateway: 4,
  /** ARP/ND community: proxy as FRR has it, router, override, immutable (RFC 9047). */
  Proxy: 8,
  Router: 16,
  Override: 32,
  Immutable: 64,
  /** Label fields are 24-bit VNIs. */
  Vni: 128,
  RouterMac: 256,
  EsiLabel: 512,
  SingleActive: 1024,
  EsImport: 2048,
} as const;

/** The mark of DF election communities that count as absent: more than one. */
const REPEATED = -1;

/** What `looksLike` compares. */
const SEEN = [PE, SEQUENCE, FLAGS, ROUTER_MAC, ROUTER_MAC + 1] as const;

export interface DfCommunity {
  readonly algorithm: number;
  readonly bitmap: number;
  readonly preference: number;
}

export class RouteFacts {
  private readonly pool: RecordPool;
  /** The last record by attribute id, 0 for none: good while its serial is the set's. */
  private readonly byAttr = new FlatMemory();
  /** Undefined where facts are only looked at. */
  private readonly attrs: AttrStore | undefined;
  private readonly pes: RemotePes;
  private readonly sets: RouteTargetSets;
  private readonly vniByDefault: boolean;
  private readonly targets = new Uint8Array(65536);

  constructor(
    attrs: AttrStore | undefined,
    pes: RemotePes,
    sets: RouteTargetSets,
    vniByDefault: boolean,
    shared = new SharedTables(),
  ) {
    this.pool = shared.pool("facts", WIDTH);
    this.attrs = attrs;
    this.pes = pes;
    this.sets = sets;
    this.vniByDefault = vniByDefault;
  }

  get count(): number {
    return this.pool.count;
  }

  /** The facts of a set in use. Without a reference: take one with `retain` before anything is released. */
  of(attr: number): number {
    const known = this.byAttr.i32[attr] ?? 0;
    return known !== 0 && this.pool.words[known * WIDTH + SERIAL] === this.attrs!.serial(attr)
      ? known
      : this.read(attr);
  }

  retain(id: number): void {
    const words = this.pool.words;
    words[id * WIDTH + REFERENCES] = words[id * WIDTH + REFERENCES]! + 1;
  }

  release(id: number): void {
    const words = this.pool.words;
    const base = id * WIDTH;
    const left = words[base + REFERENCES]! - 1;
    words[base + REFERENCES] = left;
    if (left <= 0) this.drop(id);
  }

  /** Drops facts that `of` made and nobody took a reference to. */
  releaseUnused(id: number): void {
    if (this.pool.words[id * WIDTH + REFERENCES] === 0) this.drop(id);
  }

  pe(id: number): number {
    return this.pool.words[id * WIDTH + PE]!;
  }

  /** Unsigned; 0 when the set has no mobility community (RFC 7432 section 15). */
  sequence(id: number): number {
    return this.pool.words[id * WIDTH + SEQUENCE]! >>> 0;
  }

  /** Bits of `FactFlag`. */
  flags(id: number): number {
    return this.pool.words[id * WIDTH + FLAGS]!;
  }

  targetSet(id: number): number {
    return this.pool.words[id * WIDTH + TARGETS]!;
  }

  localPref(id: number): number {
    return this.pool.words[id * WIDTH + LOCAL_PREF]! >>> 0;
  }

  asPathLength(id: number): number {
    return this.pool.words[id * WIDTH + PATH]! & 0xffff;
  }

  origin(id: number): number {
    return this.pool.words[id * WIDTH + PATH]! >>> 16;
  }

  /** The label field of the ESI-label community: 24 raw bits. */
  esiLabel(id: number): number {
    return this.pool.words[id * WIDTH + ESI_LABEL]! & 0xffffff;
  }

  /** Split horizon type of the ESI-label community (RFC 9746 section 2.2): 0 default, 1 local bias, 2 ESI label. */
  splitHorizonType(id: number): number {
    return this.pool.words[id * WIDTH + ESI_LABEL]! >>> 30;
  }

  /** The ES-Import route target (RFC 7432 section 7.6) as one number below 2^48; undefined without one. */
  esImport(id: number): number | undefined {
    const words = this.pool.words;
    const base = id * WIDTH;
    if ((words[base + FLAGS]! & FactFlag.EsImport) === 0) return undefined;
    return (words[base + DF_PREFERENCE]! >>> 16) * 0x1_0000_0000 + (words[base + ES_IMPORT]! >>> 0);
  }

  /** Tunnel type of the encapsulation community; 0 for none. */
  tunnelType(id: number): number {
    return this.pool.words[id * WIDTH + TUNNEL_TYPE]!;
  }

  /** As one number below 2^48; undefined without the community. */
  routerMac(id: number): number | undefined {
    const words = this.pool.words;
    if ((words[id * WIDTH + FLAGS]! & FactFlag.RouterMac) === 0) return undefined;
    return (
      words[id * WIDTH + ROUTER_MAC]! * 0x1_0000_0000 + (words[id * WIDTH + ROUTER_MAC + 1]! >>> 0)
    );
  }

  /** Whether somebody who looks at a MAC sees the same in both: PE, sequence, flags, router's MAC. */
  looksLike(a: number, b: number): boolean {
    const words = this.pool.words;
    return SEEN.every((word) => words[a * WIDTH + word] === words[b * WIDTH + word]);
  }

  /** Undefined when absent, or present more than once, which counts as absent (RFC 8584 section 2.2). */
  dfElection(id: number): DfCommunity | undefined {
    const words = this.pool.words;
    const word = words[id * WIDTH + DF]!;
    if (word >= 0 || word === REPEATED) return undefined;
    return {
      algorithm: (word >>> 16) & 31,
      bitmap: word & 0xffff,
      preference: words[id * WIDTH + DF_PREFERENCE]! & 0xffff,
    };
  }

  private drop(id: number): void {
    const words = this.pool.words;
    const base = id * WIDTH;
    this.pes.release(words[base + PE]!);
    this.sets.release(words[base + TARGETS]!);
    this.pool.give(id);
  }

  private read(attr: number): number {
    const attrs = this.attrs!;
    const id = this.pool.take();
    const bytes = attrs.bytes;
    const pe = this.pes.intern(bytes, attrs.nextHopStart(attr), attrs.nextHopLength(attr));
    const words = this.pool.words;
    const base = id * WIDTH;
    words[base + REFERENCES] = 0;
    words[base + SERIAL] = attrs.serial(attr);
    words[base + PE] = pe;
    words[base + LOCAL_PREF] = attrs.localPref(attr);
    words[base + PATH] = attrs.asPathLength(attr) | (attrs.origin(attr) << 16);
    words[base + SEQUENCE] = attrs.sequence(attr);
    const known = attrs.flags(attr);
    let flags = 0;
    if ((known & AttrFlag.Mobility) !== 0) flags |= FactFlag.Mobility;
    if ((known & AttrFlag.Sticky) !== 0) flags |= FactFlag.Sticky;
    words[base + FLAGS] = flags;
    let targets = 0;
    let at = attrs.attributesStart(attr);
    const end = attrs.attributesEnd(attr);
    while (at < end) {
      const extended = (readU8(bytes, at) & 0x10) !== 0;
      const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
      const value = at + (extended ? 4 : 3);
      if (readU8(bytes, at + 1) === 16)
        targets = this.communities(words, base, bytes, value, value + length);
      at = value + length;
    }
    if (words[base + TUNNEL_TYPE] === 0 && this.vniByDefault) {
      words[base + FLAGS] = words[base + FLAGS]! | FactFlag.Vni;
    }
    words[base + TARGETS] = this.sets.intern(this.targets, targets);
    if ((attr + 1) * 4 > this.byAttr.byteLength) this.byAttr.ensure((attr + 1) * 4);
    this.byAttr.i32[attr] = id;
    return id;
  }

  /** Returns how many route targets were put in `this.targets`. */
  private communities(
    words: Int32Array,
    base: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    let targets = 0;
    let flags = words[base + FLAGS]!;
    for (let at = start; at + 8 <= end; at += 8) {
      switch (readU16(bytes, at)) {
        case 0x0002:
        case 0x0102:
        case 0x0202:
          copyBytes(bytes, at, at + 8, this.targets, targets * 8);
          targets++;
          break;
        case 0x030c: {
          const type = readU16(bytes, at + 6);
          words[base + TUNNEL_TYPE] = type;
          if (isVniTunnel(type)) flags |= FactFlag.Vni;
          break;
        }
        case 0x030d:
          flags |= FactFlag.DefaultGateway;
          break;
        case 0x0601:
          flags |= FactFlag.EsiLabel;
          if ((readU8(bytes, at + 2) & 1) !== 0) flags |= FactFlag.SingleActive;
          words[base + ESI_LABEL] =
            (readU8(bytes, at + 2) << 24) | (readU32(bytes, at + 4) & 0xffffff);
          break;
        case 0x0602:
          if ((flags & FactFlag.EsImport) !== 0) break;
          flags |= FactFlag.EsImport;
          words[base + DF_PREFERENCE] =
            words[base + DF_PREFERENCE]! | (readU16(bytes, at + 2) << 16);
          words[base + ES_IMPORT] = readU32(bytes, at + 4);
          break;
        case 0x0603:
          flags |= FactFlag.RouterMac;
          words[base + ROUTER_MAC] = readU16(bytes, at + 2);
          words[base + ROUTER_MAC + 1] = readU32(bytes, at + 4);
          break;
        case 0x0606:
          words[base + DF] =
            words[base + DF] === 0
              ? 0x8000_0000 | ((readU8(bytes, at + 2) & 31) << 16) | readU16(bytes, at + 3)
              : REPEATED;
          words[base + DF_PREFERENCE] =
            (words[base + DF_PREFERENCE]! & ~0xffff) | readU16(bytes, at + 6);
          break;
        case 0x0608:
          flags |= arpNdFlags(readU8(bytes, at + 2));
          break;
        default:
          break;
      }
    }
    words[base + FLAGS] = flags;
    return targets;
  }
}

function isVniTunnel(type: number): boolean {
  return (
    type === TunnelType.Vxlan ||
    type === TunnelType.Nvgre ||
    type === TunnelType.VxlanGpe ||
    type === TunnelType.Geneve
  );
}

function arpNdFlags(octet: number): number {
  let flags = 0;
  if ((octet & 0x01) !== 0) flags |= FactFlag.Router;
  if ((octet & 0x02) !== 0) flags |= FactFlag.Override;
  if ((octet & 0x04) !== 0) flags |= FactFlag.Proxy;
  if ((octet & 0x08) !== 0) flags |= FactFlag.Immutable;
  return flags;
}
