/** Findings by domain and MAC, a bounded number of them, in the order in which they were made. */
import type { FindingKind, SessionView } from "./finding.js";
import type { OurHold } from "./holds.js";
import type { SubscriberAction } from "./settings.js";

/** Beyond, MACs are neither told of nor held, only counted. */
export const MOST_FOUND = 20_000;

export interface NewFinding {
  readonly domain: string;
  readonly mac: string;
  kind: FindingKind;
  action: SubscriberAction;
  pe: string;
  esi: string | undefined;
  /** Of the clock, and wall-clock milliseconds. */
  readonly since: number;
  readonly wall: number;
  session: SessionView | undefined;
}

export interface Finding extends NewFinding {
  /** Ascending; stands for it in cursors. */
  readonly number: number;
  /** The sweep that saw it last. */
  sweep: number;
  /** Of the clock: when it was seen last, and from when on a hold without held routes is over. */
  seenAt: number;
  reviewAt: number;
  alarmed: boolean;
  hold: OurHold | undefined;
  /** An operator ended the hold: it is not begun again. */
  released: boolean;
}

export class FindingBook {
  /** Not kept for want of room, since the start; each time they were seen. */
  more = 0;
  private readonly byKey = new Map<string, Finding>();
  private next = 1;

  get size(): number {
    return this.byKey.size;
  }

  all(): Iterable<Finding> {
    return this.byKey.values();
  }

  find(domain: string, mac: string): Finding | undefined {
    return this.byKey.get(`${domain} ${mac}`);
  }

  /** Undefined: there are too many. */
  add(finding: NewFinding): Finding | undefined {
    if (this.byKey.size >= MOST_FOUND) {
      this.more++;
      return undefined;
    }
    const made: Finding = {
      ...finding,
      number: this.next++,
      sweep: 0,
      seenAt: finding.since,
      reviewAt: 0,
      alarmed: false,
      hold: undefined,
      released: false,
    };
    this.byKey.set(`${finding.domain} ${finding.mac}`, made);
    return made;
  }

  remove({ domain, mac }: Finding): void {
    this.byKey.delete(`${domain} ${mac}`);
  }

  clear(): void {
    this.byKey.clear();
  }

  /** They are of a FIB that is no more. */
  forgetHolds(): void {
    for (const finding of this.byKey.values()) finding.hold = undefined;
  }
}
