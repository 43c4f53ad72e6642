/**
 * What happened in the FIB, in order, in a ring of fixed records. Whoever wants to know reads from a
 * position of its own, in batches; what is older than the ring is lost to it, and it is told how much.
 *
 * The ring is shared memory (`event-ring.ts` draws it), read in other threads by `EventReader`: the
 * writer sends nothing, it tells its position once a batch, and reserves what it is about to overwrite a
 * stretch at a time.
 */
import type { BridgeDomains } from "./bridge-domain.js";
import {
  decodeEvent,
  EVENT_WORDS,
  LABEL_IS_VNI,
  type DomainNaming,
  type FibEvent,
  type FibEventKind,
} from "./event-record.js";
import { claimStep, makeRing, PeerDirectory, RingWord, type EventShare } from "./event-ring.js";
import type { EthernetSegments } from "./ethernet-segment.js";
import type { RemotePes } from "./remote-pes.js";

const HIGH = 0x1_0000_0000;

export {
  FIB_EVENT_NAMES,
  FibEventKind,
  macText,
  type DomainKey,
  type FibEvent,
} from "./event-record.js";

export class FibEvents {
  /** Position of the next event. */
  next = 0;
  /** Wall-clock milliseconds; set by the owner before each batch. */
  now = 0;
  readonly capacity: number;
  private readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly directory: PeerDirectory;
  private readonly pes: RemotePes;
  private readonly domains: BridgeDomains;
  private readonly segments: EthernetSegments;
  private base = 0;
  private published = 0;
  /** Records below this one may be open: readers keep off what they overwrite. */
  private claimed = 0;

  /** @param addresses of the peers, by slot; read when an event is written */
  constructor(
    capacity: number,
    pes: RemotePes,
    domains: BridgeDomains,
    segments: EthernetSegments,
    addresses: readonly string[],
  ) {
    this.capacity = capacity;
    this.buffer = makeRing(capacity);
    this.words = new Int32Array(this.buffer);
    this.directory = new PeerDirectory(this.words, addresses);
    this.pes = pes;
    this.domains = domains;
    this.segments = segments;
  }

  /** The oldest position still there. */
  get oldest(): number {
    return Math.max(0, this.next - this.capacity);
  }

  // Writing. `begin` opens a record with the time in it; the others fill the one that is open.

  begin(kind: FibEventKind): this {
    if (this.next === this.claimed) this.claim();
    const { words } = this;
    const base = RingWord.Records + (this.next++ % this.capacity) * EVENT_WORDS;
    for (let i = base; i < base + EVENT_WORDS; i++) words[i] = 0;
    words[base] = kind;
    words[base + 1] = this.now % HIGH;
    words[base + 2] = this.now / HIGH;
    words[base + 21] = -1;
    this.base = base;
    return this;
  }

  mac(domain: number, high: number, low: number): this {
    const { words } = this;
    const { base } = this;
    words[base + 3] = this.domains.keyWord(domain, 0);
    words[base + 4] = this.domains.keyWord(domain, 1);
    words[base + 5] = this.domains.tag(domain);
    words[base + 6] = high;
    words[base + 7] = low;
    return this;
  }

  /** `mac` of a domain that may be gone: by its key. */
  key(k0: number, k1: number, tag: number, high: number, low: number): this {
    const { words, base } = this;
    words[base + 3] = k0;
    words[base + 4] = k1;
    words[base + 5] = tag;
    words[base + 6] = high;
    words[base + 7] = low;
    return this;
  }

  to(pe: number): this {
    this.pe(8, 16, pe);
    return this;
  }

  from(pe: number): this {
    this.pe(12, 8, pe);
    return this;
  }

  fromMac(high: number, low: number): this {
    const { words } = this;
    words[this.base] = words[this.base]! | (6 << 8);
    words[this.base + 12] = high;
    words[this.base + 13] = low;
    return this;
  }

  sequence(sequence: number): this {
    this.words[this.base + 16] = sequence;
    return this;
  }

  /** 0 = none. */
  segment(segment: number): this {
    if (segment === 0) return this;
    const { words } = this;
    for (let i = 0; i < 3; i++) words[this.base + 17 + i] = this.segments.esiWord(segment, i);
    return this;
  }

  count(count: number): this {
    this.words[this.base + 20] = count;
    return this;
  }

  source(slot: number, label: number, vni: boolean): this {
    const { words, base } = this;
    words[base + 21] = slot;
    words[base + 26] = vni ? label | LABEL_IS_VNI : label;
    if (slot >= 0) words[base + 27] = this.directory.number(slot);
    return this;
  }

  ip(word0: number, word1: number, word2: number, word3: number, octets: number): this {
    const { words } = this;
    const { base } = this;
    words[base] = words[base]! | (octets << 24);
    words[base + 22] = word0;
    words[base + 23] = word1;
    words[base + 24] = word2;
    words[base + 25] = word3;
    return this;
  }

  /** Lets readers in other threads see what was written; at the end of each batch. */
  publish(): void {
    if (this.next !== this.published) this.tell();
  }

  // Reading in the same thread: all that was written is there. Others have `EventReader`.

  /** Up to `most` events from `position` on, as plain data; `lost` is how many were there and are gone. */
  read(position: number, most: number): { readonly events: FibEvent[]; readonly lost: number } {
    const start = Math.max(position, this.oldest);
    const end = Math.min(this.next, start + most);
    const events: FibEvent[] = [];
    for (let at = start; at < end; at++) {
      const base = RingWord.Records + (at % this.capacity) * EVENT_WORDS;
      events.push(decodeEvent(this.words, base, at, (peer) => this.directory.text(peer)));
    }
    return { events, lost: start - position };
  }

  private pe(word: number, shift: number, pe: number): void {
    if (pe === 0) return;
    const { words } = this;
    const { base } = this;
    words[base] = words[base]! | (this.pes.addressLength(pe) << shift);
    for (let i = 0; i < 4; i++) words[base + word + i] = this.pes.addressWord(pe, i);
  }

  /** What another thread needs to read along. */
  share(named: readonly DomainNaming[]): EventShare {
    return { buffer: this.buffer, named };
  }

  private tell(): void {
    const { words, next } = this;
    const high = Math.floor(next / HIGH);
    this.published = next;
    Atomics.store(words, RingWord.HighFirst, high);
    Atomics.store(words, RingWord.Next, next | 0);
    Atomics.store(words, RingWord.HighLast, high);
  }

  /** The records up to here are done with; the next ones will be overwritten. */
  private claim(): void {
    this.publish();
    this.claimed = this.next + claimStep(this.capacity);
    Atomics.store(this.words, RingWord.Claimed, this.claimed | 0);
  }
}
