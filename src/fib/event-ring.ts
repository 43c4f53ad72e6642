/**
 * The shared memory of the ring of events, as writer (`events.ts`) and readers (`event-reader.ts`) see it:
 *
 *   header of 16 words | peer directory | records, `EVENT_WORDS` each
 *
 * The writer stores its position (three words, so that a reader sees both halves of one value) after
 * the records below it are complete, and `Claimed` before it overwrites: a record at `position` is intact
 * as long as `position >= claimed - capacity`.
 *
 * The directory has peers' addresses as text, by a number that is never given out twice; events name the
 * number, as a session's slot may be another peer's when the event is read. An entry is a number, a length
 * and octets.
 */
import { randomBytes } from "node:crypto";
import { EVENT_WORDS, type DomainNaming } from "./event-record.js";

/** Words of the header. */
export const RingWord = {
  Capacity: 0,
  HighFirst: 1,
  Next: 2,
  HighLast: 3,
  /** Low half only. */
  Claimed: 4,
  /** Two random words that tell this ring from any other. */
  Instance: 8,
  Directory: 16,
  Records: 16 + 16 * 4096,
} as const;

const PEERS = 4096;
const PEER_WORDS = 16;
const TEXT_OCTETS = (PEER_WORDS - 2) * 4;
/** Records reserved at once, at most. */
const CLAIM_MOST = 64;

/** What a reader in another thread is given; structured clone shares the buffer. */
export interface EventShare {
  readonly buffer: SharedArrayBuffer;
  /** The configured domains, in the order of the settings. */
  readonly named: readonly DomainNaming[];
}

export function makeRing(capacity: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer((RingWord.Records + capacity * EVENT_WORDS) * 4);
  const words = new Int32Array(buffer);
  words[RingWord.Capacity] = capacity;
  const instance = randomBytes(8);
  words[RingWord.Instance] = instance.readInt32BE(0);
  words[RingWord.Instance + 1] = instance.readInt32BE(4);
  return buffer;
}

export function claimStep(capacity: number): number {
  return Math.max(1, Math.min(CLAIM_MOST, capacity >> 3));
}

export class PeerDirectory {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly addresses: readonly string[];
  /** By slot: the address the number was given for, and the number. */
  private readonly known: string[] = [];
  private readonly numbers: number[] = [];
  private last = 0;
  private readonly texts = new Map<number, string>();

  /** @param addresses by slot; a reader has none */
  constructor(words: Int32Array, addresses: readonly string[] = []) {
    this.words = words;
    this.bytes = new Uint8Array(words.buffer);
    this.addresses = addresses;
  }

  /** The number of the peer that has the slot now. */
  number(slot: number): number {
    const address = this.addresses[slot];
    if (address === undefined) return 0;
    if (this.known[slot] === address) return this.numbers[slot]!;
    const number = ++this.last;
    this.known[slot] = address;
    this.numbers[slot] = number;
    this.write(number, address);
    return number;
  }

  /** The address by number; empty when it was given up for newer ones. */
  text(number: number): string {
    const known = this.texts.get(number);
    if (known !== undefined) return known;
    const { words } = this;
    const base = entry(number);
    const at = (base + 2) * 4;
    const octets = this.bytes.slice(at, at + Math.min(TEXT_OCTETS, words[base + 1]!));
    if (Atomics.load(words, base) !== number) return "";
    const text = Buffer.from(octets).toString();
    if (this.texts.size >= PEERS) this.texts.clear();
    this.texts.set(number, text);
    return text;
  }

  private write(number: number, address: string): void {
    const { words } = this;
    const base = entry(number);
    const octets = Buffer.from(address).subarray(0, TEXT_OCTETS);
    Atomics.store(words, base, 0);
    words[base + 1] = octets.length;
    this.bytes.set(octets, (base + 2) * 4);
    Atomics.store(words, base, number);
  }
}

function entry(number: number): number {
  return RingWord.Directory + (number % PEERS) * PEER_WORDS;
}
