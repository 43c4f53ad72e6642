/**
 * Ethernet segments (RFC 7432 sections 5, 8, 14; RFC 8584): which PEs have one, how, and which bridge
 * domains hang on it.
 *
 * - A *segment* is an ESI that some route carries.
 * - A *place* is a PE at a segment: its per-ES A-D routes, and how many MAC candidates it has there.
 * - An *attachment* is a bridge domain at a segment: its per-EVI A-D routes and its MAC candidates.
 *
 * Whether a MAC's segment is usable, and through which PEs, is never stored with the MAC: it is read
 * from places and attachments (`next-hops.ts`). So the loss of a PE's last per-ES route, which takes
 * all MACs of the segment away from that PE (RFC 7432 section 8.2), costs one change here, however
 * many MACs there are.
 */
import { equalBytes, readI32, readU16, writeU16, writeU32 } from "../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../util/hash.js";
import type { RecordTable } from "../util/record-table.js";
import { SharedTables } from "../util/shared-tables.js";
import type { BridgeDomains } from "./bridge-domain.js";
import type { RemotePes } from "./remote-pes.js";

const SEGMENT = 10;
/** Ten octets, the last two in the low half of the third word. */
const S_ESI = 2;
const S_REFERENCES = 5;
const S_FIRST_PLACE = 6;
const S_FIRST_ROUTE = 7;
const S_FIRST_ATTACHMENT = 8;
/** MAC candidates. */
const S_MACS = 9;

const PLACE = 13;
const P_SEGMENT = 2;
const P_PE = 3;
const P_FIRST_LINK = 4;
/** Per-ES routes, and those of them that say single-active. */
const P_LINKS = 5;
const P_SINGLE_ACTIVE = 6;
const P_MACS = 7;
const P_NEXT = 8;
const P_PREVIOUS = 9;
/** 1 = had per-ES routes and lost them. */
const P_LEFT = 10;
/** MAC candidates that went after that. */
const P_DRAINED = 11;
/** MACs of those that another PE's claim on the segment has kept there, without an event. */
const P_KEPT = 12;

const ATTACHMENT = 10;
const A_SEGMENT = 2;
const A_DOMAIN = 3;
const A_FIRST_LINK = 4;
const A_LINKS = 5;
const A_MACS = 6;
const A_NEXT = 7;
const A_PREVIOUS = 8;

export class EthernetSegments {
  private readonly segments: RecordTable;
  private readonly places: RecordTable;
  private readonly attachments: RecordTable;
  private readonly domains: BridgeDomains;
  private readonly pes: RemotePes;
  /** Told of a segment whose A-D routes change; undefined while nobody wants to know. */
  onChange: ((segment: number) => void) | undefined;
  private readonly scratch = new Uint8Array(10);
  private readonly pair = new Uint8Array(8);

  constructor(domains: BridgeDomains, pes: RemotePes, shared = new SharedTables()) {
    this.segments = shared.table("segments", SEGMENT);
    this.places = shared.table("places", PLACE);
    this.attachments = shared.table("attachments", ATTACHMENT);
    this.domains = domains;
    this.pes = pes;
  }

  get count(): number {
    return this.segments.count;
  }

  get limit(): number {
    return this.segments.limit;
  }

  get placeCount(): number {
    return this.places.count;
  }

  get attachmentCount(): number {
    return this.attachments.count;
  }

  /** Id of the segment with the ESI at `at`; made if need be, without references. 0 for the zero ESI. */
  findOrCreate(bytes: Uint8Array, at: number): number {
    if (isZeroEsi(bytes, at)) return 0;
    const hash = finishHash(hashBytes(HASH_START, bytes, at, 10));
    const found = this.lookUp(hash, bytes, at);
    if (found !== 0) return found;
    const id = this.segments.allocate(hash);
    const words = this.segments.words;
    const base = id * SEGMENT + S_ESI;
    words[base] = readI32(bytes, at);
    words[base + 1] = readI32(bytes, at + 4);
    words[base + 2] = readU16(bytes, at + 8);
    return id;
  }

  /** 0 when no route carries the ESI. */
  find(esi: Uint8Array): number {
    return this.lookUp(finishHash(hashBytes(HASH_START, esi, 0, 10)), esi, 0);
  }

  exists(segment: number): boolean {
    return this.segments.words[segment * SEGMENT + S_REFERENCES] !== 0;
  }

  /** Frees a segment that `findOrCreate` made and nothing uses. */
  collect(segment: number): void {
    if (segment === 0) return;
    const words = this.segments.words;
    const base = segment * SEGMENT;
    if (words[base + S_REFERENCES] === 0) this.segments.release(segment);
  }

  retain(segment: number): void {
    if (segment !== 0) this.refer(segment, 1);
  }

  release(segment: number): void {
    if (segment !== 0) this.refer(segment, -1);
  }

  /** The ESI's ten octets; valid until the next call. */
  esi(segment: number): Uint8Array {
    this.writeEsi(segment);
    return this.scratch;
  }

  /** One of three words: 4, 4 and 2 octets. */
  esiWord(segment: number, index: number): number {
    return this.segments.words[segment * SEGMENT + S_ESI + index]!;
  }

  /** All ones: what backbone MACs carry, no segment of its own (RFC 7623 section 5). */
  isMaxEsi(segment: number): boolean {
    const words = this.segments.words;
    const base = segment * SEGMENT + S_ESI;
    return words[base] === -1 && words[base + 1] === -1 && words[base + 2] === 0xffff;
  }

  macs(segment: number): number {
    return this.segments.words[segment * SEGMENT + S_MACS]!;
  }

  firstPlace(segment: number): number {
    return this.segments.words[segment * SEGMENT + S_FIRST_PLACE]!;
  }

  firstAttachment(segment: number): number {
    return this.segments.words[segment * SEGMENT + S_FIRST_ATTACHMENT]!;
  }

  /** First of the segment's type 4 routes. */
  firstRoute(segment: number): number {
    return this.segments.words[segment * SEGMENT + S_FIRST_ROUTE]!;
  }

  /** A type 4 route came (`by` 1) or went: the list begins with `first` now. */
  setFirstRoute(segment: number, first: number, by: 1 | -1): void {
    this.segments.words[segment * SEGMENT + S_FIRST_ROUTE] = first;
    this.refer(segment, by);
  }

  // Places

  place(segment: number, pe: number): number {
    const words = this.places.words;
    const hash = this.hashPair(segment, pe);
    for (let id = this.places.head(hash); id !== 0; id = this.places.next(id)) {
      if (words[id * PLACE + P_SEGMENT] === segment && words[id * PLACE + P_PE] === pe) return id;
    }
    return 0;
  }

  placeOrCreate(segment: number, pe: number): number {
    const found = this.place(segment, pe);
    if (found !== 0) return found;
    const id = this.places.allocate(this.hashPair(segment, pe));
    const words = this.places.words;
    const first = this.firstPlace(segment);
    words[id * PLACE + P_SEGMENT] = segment;
    words[id * PLACE + P_PE] = pe;
    words[id * PLACE + P_NEXT] = first;
    if (first !== 0) words[first * PLACE + P_PREVIOUS] = id;
    this.segments.words[segment * SEGMENT + S_FIRST_PLACE] = id;
    this.pes.retain(pe);
    this.refer(segment, 1);
    return id;
  }

  nextPlace(place: number): number {
    return this.places.follow(place, P_NEXT);
  }

  placeSegment(place: number): number {
    return this.places.words[place * PLACE + P_SEGMENT]!;
  }

  placePe(place: number): number {
    return this.places.words[place * PLACE + P_PE]!;
  }

  firstPerEs(place: number): number {
    return this.places.words[place * PLACE + P_FIRST_LINK]!;
  }

  perEsRoutes(place: number): number {
    return this.places.words[place * PLACE + P_LINKS]!;
  }

  isSingleActive(place: number): boolean {
    return this.places.words[place * PLACE + P_SINGLE_ACTIVE]! > 0;
  }

  placeMacs(place: number): number {
    return this.places.words[place * PLACE + P_MACS]!;
  }

  /** MAC candidates that went since the PE left the segment. */
  drained(place: number): number {
    return this.places.words[place * PLACE + P_DRAINED]!;
  }

  /** MACs that stayed on the segment by another PE's claim when this one's went, since it left. */
  kept(place: number): number {
    return this.places.words[place * PLACE + P_KEPT]!;
  }

  noteKept(place: number): void {
    const { words } = this.places;
    words[place * PLACE + P_KEPT] = words[place * PLACE + P_KEPT]! + 1;
  }

  /** Whether the PE had per-ES routes here and has none now. */
  hasLeft(place: number): boolean {
    return this.places.words[place * PLACE + P_LEFT] !== 0;
  }

  /** A per-ES route came or went. Call `collectPlace` when done. */
  countPerEs(place: number, first: number, by: 1 | -1, singleActive: boolean): void {
    const words = this.places.words;
    const base = place * PLACE;
    this.onChange?.(words[base + P_SEGMENT]!);
    words[base + P_FIRST_LINK] = first;
    words[base + P_LINKS] = words[base + P_LINKS]! + by;
    if (singleActive) words[base + P_SINGLE_ACTIVE] = words[base + P_SINGLE_ACTIVE]! + by;
    words[base + P_LEFT] = words[base + P_LINKS] === 0 ? 1 : 0;
    if (by === 1) words[base + P_DRAINED] = words[base + P_KEPT] = 0;
  }

  /** A per-ES route stays but says otherwise. */
  countSingleActive(place: number, by: 1 | -1): void {
    const words = this.places.words;
    words[place * PLACE + P_SINGLE_ACTIVE] = words[place * PLACE + P_SINGLE_ACTIVE]! + by;
  }

  collectPlace(place: number): void {
    const words = this.places.words;
    const base = place * PLACE;
    if (words[base + P_LINKS] !== 0 || words[base + P_MACS] !== 0) return;
    const segment = words[base + P_SEGMENT]!;
    const next = words[base + P_NEXT]!;
    const previous = words[base + P_PREVIOUS]!;
    if (previous === 0) this.segments.words[segment * SEGMENT + S_FIRST_PLACE] = next;
    else words[previous * PLACE + P_NEXT] = next;
    if (next !== 0) words[next * PLACE + P_PREVIOUS] = previous;
    this.pes.release(words[base + P_PE]!);
    this.places.release(place);
    this.refer(segment, -1);
  }

  // Attachments

  attachment(segment: number, domain: number): number {
    const words = this.attachments.words;
    const hash = this.hashPair(segment, domain);
    for (let id = this.attachments.head(hash); id !== 0; id = this.attachments.next(id)) {
      const base = id * ATTACHMENT;
      if (words[base + A_SEGMENT] === segment && words[base + A_DOMAIN] === domain) return id;
    }
    return 0;
  }

  /** Made if need be; whoever does not use it calls `collectAttachment`. */
  attach(segment: number, domain: number): number {
    const found = this.attachment(segment, domain);
    if (found !== 0) return found;
    const id = this.attachments.allocate(this.hashPair(segment, domain));
    const words = this.attachments.words;
    const first = this.firstAttachment(segment);
    words[id * ATTACHMENT + A_SEGMENT] = segment;
    words[id * ATTACHMENT + A_DOMAIN] = domain;
    words[id * ATTACHMENT + A_NEXT] = first;
    if (first !== 0) words[first * ATTACHMENT + A_PREVIOUS] = id;
    this.segments.words[segment * SEGMENT + S_FIRST_ATTACHMENT] = id;
    this.domains.retain(domain);
    this.refer(segment, 1);
    return id;
  }

  /** Every id of an attachment in use is below this. */
  get attachmentLimit(): number {
    return this.attachments.limit;
  }

  attachmentExists(attachment: number): boolean {
    return this.segmentOf(attachment) !== 0;
  }

  segmentOf(attachment: number): number {
    return this.attachments.words[attachment * ATTACHMENT + A_SEGMENT]!;
  }

  domainOf(attachment: number): number {
    return this.attachments.words[attachment * ATTACHMENT + A_DOMAIN]!;
  }

  nextAttachment(attachment: number): number {
    return this.attachments.follow(attachment, A_NEXT);
  }

  attachmentMacs(attachment: number): number {
    return this.attachments.words[attachment * ATTACHMENT + A_MACS]!;
  }

  firstPerEvi(attachment: number): number {
    return this.attachments.words[attachment * ATTACHMENT + A_FIRST_LINK]!;
  }

  /** A per-EVI route came or went. Call `collectAttachment` when done. */
  countPerEvi(attachment: number, first: number, by: 1 | -1): void {
    const words = this.attachments.words;
    const base = attachment * ATTACHMENT;
    this.onChange?.(words[base + A_SEGMENT]!);
    words[base + A_FIRST_LINK] = first;
    words[base + A_LINKS] = words[base + A_LINKS]! + by;
  }

  collectAttachment(attachment: number): void {
    const words = this.attachments.words;
    const base = attachment * ATTACHMENT;
    if (words[base + A_LINKS] !== 0 || words[base + A_MACS] !== 0) return;
    const segment = words[base + A_SEGMENT]!;
    const domain = words[base + A_DOMAIN]!;
    const next = words[base + A_NEXT]!;
    const previous = words[base + A_PREVIOUS]!;
    if (previous === 0) this.segments.words[segment * SEGMENT + S_FIRST_ATTACHMENT] = next;
    else words[previous * ATTACHMENT + A_NEXT] = next;
    if (next !== 0) words[next * ATTACHMENT + A_PREVIOUS] = previous;
    this.attachments.release(attachment);
    this.domains.release(domain);
    this.refer(segment, -1);
  }

  // MAC candidates

  /** A candidate of the PE came to the attachment. */
  enter(attachment: number, pe: number): void {
    const words = this.attachments.words;
    const base = attachment * ATTACHMENT;
    words[base + A_MACS] = words[base + A_MACS]! + 1;
    const segment = words[base + A_SEGMENT]!;
    const place = this.placeOrCreate(segment, pe);
    const placeWords = this.places.words;
    placeWords[place * PLACE + P_MACS] = placeWords[place * PLACE + P_MACS]! + 1;
    const segmentWords = this.segments.words;
    segmentWords[segment * SEGMENT + S_MACS] = segmentWords[segment * SEGMENT + S_MACS]! + 1;
  }

  /** A candidate of the PE left the attachment; attachment, place and segment go when it was their last use. */
  leave(attachment: number, pe: number): void {
    const words = this.attachments.words;
    const base = attachment * ATTACHMENT;
    words[base + A_MACS] = words[base + A_MACS]! - 1;
    const segment = words[base + A_SEGMENT]!;
    const segmentWords = this.segments.words;
    segmentWords[segment * SEGMENT + S_MACS] = segmentWords[segment * SEGMENT + S_MACS]! - 1;
    const place = this.place(segment, pe);
    const placeWords = this.places.words;
    placeWords[place * PLACE + P_MACS] = placeWords[place * PLACE + P_MACS]! - 1;
    if (placeWords[place * PLACE + P_LEFT] !== 0) {
      placeWords[place * PLACE + P_DRAINED] = placeWords[place * PLACE + P_DRAINED]! + 1;
    }
    this.collectPlace(place);
    this.collectAttachment(attachment);
  }

  private refer(segment: number, by: 1 | -1): void {
    const words = this.segments.words;
    const left = words[segment * SEGMENT + S_REFERENCES]! + by;
    words[segment * SEGMENT + S_REFERENCES] = left;
    if (left === 0) this.segments.release(segment);
  }

  private writeEsi(segment: number): void {
    const words = this.segments.words;
    const base = segment * SEGMENT + S_ESI;
    writeU32(this.scratch, 0, words[base]!);
    writeU32(this.scratch, 4, words[base + 1]!);
    writeU16(this.scratch, 8, words[base + 2]!);
  }

  private lookUp(hash: number, bytes: Uint8Array, at: number): number {
    const words = this.segments.words;
    for (let id = this.segments.head(hash); id !== 0; id = this.segments.next(id)) {
      if (words[id * SEGMENT] !== hash) continue;
      this.writeEsi(id);
      if (equalBytes(this.scratch, 0, bytes, at, 10)) return id;
    }
    return 0;
  }

  private hashPair(a: number, b: number): number {
    writeU32(this.pair, 0, a);
    writeU32(this.pair, 4, b);
    return finishHash(hashBytes(HASH_START, this.pair, 0, 8));
  }
}

function isZeroEsi(bytes: Uint8Array, at: number): boolean {
  return readI32(bytes, at) === 0 && readI32(bytes, at + 4) === 0 && readU16(bytes, at + 8) === 0;
}
