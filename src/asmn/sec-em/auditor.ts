/**
 * Who notes what in the audit log, and what happens when that cannot be. What gives somebody more trust is
 * noted first and does not happen unless it was; what takes trust away happens, and is noted if it can be.
 * What strangers do is noted at a bounded rate: they must not push the rest out of the log.
 */
import type { AuditLog } from "../audit/index.js";
import { addressBlock } from "../../util/address-block.js";
import type { Clock } from "../../util/clock.js";
import { LogRate } from "../../util/log-rate.js";
import { SecEmError, type Actor } from "./control.js";
import { actorText } from "./names.js";
import { Refusals } from "./refusals.js";

const STRANGER_MS = 60_000;
/** Notes of strangers in all, a minute. */
const MOST_STRANGERS = 60;

export class Auditor {
  readonly log: AuditLog;
  readonly refusals = new Refusals();
  private readonly clock: Clock;
  private readonly rate: LogRate;
  private strangers = 0;
  private strangersSince = 0;
  private leftOut = 0;

  constructor(log: AuditLog, clock: Clock) {
    this.log = log;
    this.clock = clock;
    this.rate = new LogRate(clock, STRANGER_MS);
  }

  /** Rejects with `SecEmError` `storage`, and then it must not happen. */
  async before(actor: Actor, action: string, subject: string, detail: string): Promise<void> {
    try {
      await this.log.note({ actor: actorText(actor), action, subject, detail });
    } catch (error) {
      throw new SecEmError("storage", `nothing was changed: ${(error as Error).message}`);
    }
  }

  /** Of something that has happened, whatever becomes of the note. */
  after(actor: Actor | string, action: string, subject: string, detail: string): void {
    const text = typeof actor === "string" ? actor : actorText(actor);
    this.log.note({ actor: text, action, subject, detail }).catch(() => {
      // The log counts what it lost, says so in its next entry, and is an alarm of the status.
    });
  }

  /** The same of somebody who has proved nothing. */
  stranger(address: string, action: string, subject: string, detail: string): void {
    this.refusals.note(address, subject, detail, this.clock.wall());
    if (this.rate.pass(`${addressBlock(address) ?? address} ${action}`) === undefined) return;
    const now = this.clock.now();
    if (now - this.strangersSince >= STRANGER_MS) {
      this.strangersSince = now;
      this.strangers = 0;
    }
    if (this.strangers >= MOST_STRANGERS) {
      this.leftOut++;
      return;
    }
    this.strangers++;
    const more = this.leftOut > 0 ? ` (and ${this.leftOut} others were left out)` : "";
    this.leftOut = 0;
    this.after(`stranger:${address}`, action, subject, `${detail}${more}`);
  }
}
