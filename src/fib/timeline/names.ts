/** What the ring's records name by keys and numbers, as octets of text; each worked out once. */
import type { EventReader } from "../event-reader.js";
import { domainOfWords } from "../event-record.js";
import type { Names } from "./writer.js";

const MOST = 65_536;

export class RingNames implements Names {
  private readonly reader: EventReader;
  private readonly domains = new Map<string, Uint8Array>();
  private readonly peers = new Map<number, Uint8Array>();

  constructor(reader: EventReader) {
    this.reader = reader;
  }

  domain(high: number, low: number, tag: number): Uint8Array {
    const key = `${high},${low},${tag}`;
    const known = this.domains.get(key);
    if (known !== undefined) return known;
    const text = this.reader.domain(domainOfWords(high, low, tag));
    if (this.domains.size >= MOST) this.domains.clear();
    const octets = Buffer.from(text).subarray(0, 255);
    this.domains.set(key, octets);
    return octets;
  }

  peer(number: number): Uint8Array {
    const known = this.peers.get(number);
    if (known !== undefined) return known;
    if (this.peers.size >= MOST) this.peers.clear();
    const octets = Buffer.from(number === 0 ? "" : this.reader.peer(number));
    this.peers.set(number, octets);
    return octets;
  }
}
