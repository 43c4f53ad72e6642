/**
 * Sessions on disk: what changed is written a moment later, each session once, many in one batch. A
 * daemon that is killed loses what changed in that moment; one that is stopped loses nothing.
 * Key: `session/` tenant `/` MAC; value: the session as JSON.
 */
import type { KvWrite } from "../../store/index.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { Disk } from "../spool/disk.js";
import type { Session, SessionEvent } from "./session.js";

/** Long enough for many changes of a busy relay to share one write. */
const WRITE_MS = 200;
/** Sessions made ready in one go: requests wait meanwhile. */
const CHUNK = 100;
const PAGE = 500;

export interface SessionStoreParts {
  readonly disk: Disk;
  readonly tenant: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class SessionStore {
  private readonly parts: SessionStoreParts;
  private readonly prefix: string;
  /** Last word on each session since the last batch; undefined = it ended. */
  private changes = new Map<string, Session | undefined>();
  private timer: TimerHandle | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(parts: SessionStoreParts) {
    this.parts = parts;
    this.prefix = `session/${encodeURIComponent(parts.tenant)}/`;
  }

  /** What an earlier run left. Rejects with `StoreError`. */
  async read(): Promise<Session[]> {
    const sessions: Session[] = [];
    let after: Uint8Array | undefined;
    for (;;) {
      const page = await this.parts.disk.page(this.prefix, after, PAGE);
      for (const { value } of page) {
        const session = parsed(value);
        if (session !== undefined) sessions.push(session);
      }
      after = page.at(-1)?.key;
      if (after === undefined) return sessions;
    }
  }

  note({ kind, session }: SessionEvent): void {
    this.changes.set(session.mac, kind === "ended" ? undefined : session);
    this.timer ??= this.parts.clock.setTimer(WRITE_MS, () => {
      this.timer = undefined;
      void this.flush();
    });
  }

  /** Resolves when everything noted so far is with the disk, or the disk has refused it. */
  flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  /** The last write; nothing is written later by itself. */
  close(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    return this.flush();
  }

  private async write(): Promise<void> {
    const batch = [...this.changes];
    this.changes = new Map();
    for (let at = 0; at < batch.length; at += CHUNK) {
      try {
        const writes = batch.slice(at, at + CHUNK).map((change) => this.writeOf(change));
        await this.parts.disk.write(writes, false);
      } catch {
        // The disk has raised its alarm. They stay noted, unless there is a newer word; the next change
        // tries again.
        this.changes = new Map([...batch.slice(at), ...this.changes]);
        return;
      }
    }
  }

  private writeOf([mac, session]: [string, Session | undefined]): KvWrite {
    const key = Buffer.from(this.prefix + encodeURIComponent(mac));
    return { key, value: session === undefined ? undefined : Buffer.from(JSON.stringify(session)) };
  }
}

/** Undefined for what is no session of this version: it began anew. */
function parsed(value: Uint8Array): Session | undefined {
  try {
    const data = JSON.parse(Buffer.from(value).toString()) as Partial<Session> | null;
    const whole = typeof data?.mac === "string" && typeof data.lastSeenAt === "number";
    return whole ? (data as Session) : undefined;
  } catch {
    return undefined;
  }
}
