/**
 * What time alone does: heartbeats, proofs that are too old, images whose time is over, prompts that nobody
 * answered, keys that are due, and what the disk did not take before. One pass a second, and no more than a
 * part of the instances in each, so that many cost no stall.
 */
import type { TimerHandle } from "../../util/clock.js";
import type { Core } from "./core.js";
import type { InstanceRecord } from "./instance-book.js";
import { instanceText } from "./names.js";

const TICK_MS = 1000;
/** An agent that was prompted begins a step in this time. */
const PROMPT_MS = 30_000;
/** A pass looks at one instance in so many; at so many at least, and at most. */
const PASSES = 8;
const LEAST_LOOKED_AT = 250;
const MOST_LOOKED_AT = 5000;
const MARK_MS = 60_000;

export class Watch {
  private readonly core: Core;
  private readonly beat: () => void;
  private readonly prompted = new Map<string, number>();
  private timer: TimerHandle | undefined;
  private beatAt = 0;
  private markAt = 0;
  private rotating = false;
  private storing: Promise<void> | undefined;
  private walk: Iterator<InstanceRecord> | undefined;

  /** @param beat called when heartbeats are due: for agents that have asked */
  constructor(core: Core, beat: () => void) {
    this.core = core;
    this.beat = beat;
  }

  start(): void {
    this.arm();
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** It has been asked for a proof: silence from now on makes it stale. */
  promptedNow(identity: string): void {
    if (!this.prompted.has(identity)) this.prompted.set(identity, this.core.clock.now());
  }

  stepped(identity: string): void {
    this.prompted.delete(identity);
  }

  /** One pass; settled when what it had to store is on the disk, or cannot be. */
  async tick(): Promise<void> {
    const { clock, hub, settings } = this.core;
    const now = clock.now();
    if (now - this.beatAt >= settings.heartbeatSeconds * 1000) {
      this.beatAt = now;
      hub.beat();
      this.beat();
    }
    this.lookAround();
    this.silent(now);
    this.storing ??= this.store(now).finally(() => (this.storing = undefined));
    await this.storing;
  }

  /** Without waiting for the next pass. */
  lookAtAll(): void {
    for (const record of [...this.core.book.each()]) this.look(record);
  }

  /** Proofs that have become too old, images and keys that have ended since. */
  private lookAround(): void {
    this.walk ??= this.core.book.each();
    const part = Math.ceil(this.core.book.size / PASSES);
    const most = Math.min(MOST_LOOKED_AT, Math.max(LEAST_LOOKED_AT, part));
    for (let count = 0; count < most; count++) {
      const next = this.walk.next();
      if (next.done === true) {
        this.walk = undefined;
        return;
      }
      this.look(next.value);
    }
  }

  private look(record: InstanceRecord): void {
    const { desk, images, tpm, auditor, settings, hub } = this.core;
    // Issued again before it ends, as long as what it rests on lasts.
    const since = desk.sinceIssued(record.identity);
    if (since !== undefined && since > settings.verdictLifetimeSeconds * 500) hub.publish(record);
    if (record.state !== "trusted") return;
    const fault = images.fault(record, record.image ?? "");
    if (fault !== undefined) {
      this.lower(record, "untrusted", "image", fault);
      return;
    }
    if (record.root === "tpm" && !tpm.covers(record, record.image ?? "")) {
      this.lower(record, "untrusted", "root-of-trust", "the TPM key that vouched for it is gone");
      return;
    }
    const { state, sentence } = desk.standing(record);
    if (state === "stale" && this.core.told(record) === "trusted") {
      auditor.after("sec-em", "stale", instanceText(record), sentence);
      this.core.publish(record);
    }
  }

  private async store(now: number): Promise<void> {
    await this.core.book.retry();
    await this.core.book.flush();
    await this.core.auditor.log.tick();
    if (now - this.markAt >= MARK_MS) {
      this.markAt = now;
      await this.core.keepAuditMark().catch(() => {});
      await this.core.reserve.ensure();
    }
    await this.rotate();
  }

  private silent(now: number): void {
    for (const [identity, at] of this.prompted) {
      if (now - at < PROMPT_MS) continue;
      this.prompted.delete(identity);
      const record = this.core.book.get(identity);
      if (record?.state !== "trusted") continue;
      this.lower(record, "stale", "silent", "it was asked for a proof and gave none");
    }
  }

  private lower(
    record: InstanceRecord,
    state: "untrusted" | "stale",
    reason: "image" | "silent" | "root-of-trust",
    sentence: string,
  ): void {
    const { book, clock, revocations, auditor, links } = this.core;
    const revocation = revocations.next();
    const next = { ...record, state, reason, sentence, since: clock.wall(), revocation };
    // In force at once; what the disk does not take is tried again.
    void book.force(next);
    auditor.after("sec-em", state, instanceText(record), `${reason}: ${sentence}`);
    this.core.publish(next, revocation);
    links.notice(record.identity, { state, reason, sentence }, false);
  }

  private async rotate(): Promise<void> {
    const { settings, keys } = this.core;
    const due =
      settings.verdictKeySeconds > 0 && keys.verdictKeyAge() > settings.verdictKeySeconds * 1000;
    if (!due || this.rotating) return;
    this.rotating = true;
    try {
      await this.core.rotateKeys(false);
      this.core.auditor.after("sec-em", "rotate", "keys", "their time was over");
    } catch {
      // Tried again with the next pass; the status has the disk's alarm.
    } finally {
      this.rotating = false;
    }
  }

  private arm(): void {
    this.timer = this.core.clock.setTimer(TICK_MS, () => {
      // Not waited for: a disk that is slow, or stuck, must not hold up the next heartbeat.
      this.tick().catch((error: unknown) => {
        this.core.log.error({ err: error }, "the Sec-EM's watch failed; it goes on");
      });
      this.arm();
    });
  }
}
