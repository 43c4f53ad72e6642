/**
 * The comparison of MACs with subscribers' sessions as a reload sees it: other domains and actions are in force at
 * once, findings that stay keep their age. It outlives the FIB that it looks at, and the relay whose
 * sessions it is told of.
 */
import type { SubscriberSink } from "../contract.js";
import type { DaemonSettings } from "../config/index.js";
import {
  LocalSubscriberControl,
  SubscriberCheck,
  type ComparedFib,
  type SubscriberControl,
  type SubscriberSettings,
} from "../fib/index.js";
import { sameSettings, type Applier } from "../util/applier.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";

export interface SubscriberSwitchParts {
  readonly settings: SubscriberSettings | undefined;
  readonly fib: () => ComparedFib | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export class SubscriberSwitch implements Applier<DaemonSettings> {
  readonly name = "subscribers";
  private readonly check: SubscriberCheck;
  private readonly door: SubscriberControl;
  private isOn: boolean;

  constructor(parts: SubscriberSwitchParts) {
    this.check = new SubscriberCheck(parts);
    this.door = new LocalSubscriberControl(this.check);
    this.isOn = parts.settings !== undefined;
  }

  /** Takes the relay's stream of sessions. */
  get sink(): SubscriberSink {
    return this.check.sink;
  }

  /** Undefined while nothing is compared. */
  get control(): SubscriberControl | undefined {
    return this.isOn ? this.door : undefined;
  }

  apply(before: DaemonSettings, after: DaemonSettings): string[] {
    if (sameSettings(before.subscribers, after.subscribers)) return [];
    this.isOn = after.subscribers !== undefined;
    this.check.configure(after.subscribers);
    if (after.subscribers === undefined) {
      return ["MACs are no longer compared with sessions; what was held for it is let go"];
    }
    const { domains } = after.subscribers;
    return [`MACs of ${domains.length} domains are compared with sessions`];
  }

  /** What is held stays so, and is taken up again after a restart. */
  close(): void {
    this.check.close();
  }
}
