/**
 * Sessions on disk: what changed is written a moment later, each session once, many in one batch. A
 * daemon that is killed loses what changed in that moment; one that is stopped loses nothing.
 * Key: `session/` tenant `/` MAC, with the place behind it where a newer one has that; value: the session as
 * JSON. Who ended for silence is kept as `silent/` tenant `/` MAC.
 */
import type { KvWrite } from "../../store/index.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { Disk } from "../spool/disk.js";
import { sessionKey } from "./beside.js";
import type { Session, SessionEvent } from "./session.js";
import type { SilentChange, SilentEnd } from "./silent-ends.js";

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
  private readonly silentPrefix: string;
  /** Last word on each key since the last batch; undefined = it ended. */
  private changes = new Map<string, Session | SilentEnd | undefined>();
  private timer: TimerHandle | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(parts: SessionStoreParts) {
    this.parts = parts;
    const tenant = encodeURIComponent(parts.tenant);
    this.prefix = `session/${tenant}/`;
    this.silentPrefix = `silent/${tenant}/`;
  }

  /** What an earlier run left. Rejects with `StoreError`. */
  async read(): Promise<Session[]> {
    const isWhole = (data: Partial<Session>): data is Session =>
      typeof data.mac === "string" && typeof data.lastSeenAt === "number";
    return this.readAll(this.prefix, isWhole);
  }

  /** Who ended for silence in an earlier run. Rejects with `StoreError`. */
  async readSilent(): Promise<SilentEnd[]> {
    const isWhole = (data: Partial<SilentEnd>): data is SilentEnd =>
      typeof data.mac === "string" && typeof data.endedAt === "number";
    return this.readAll(this.silentPrefix, isWhole);
  }

  note({ kind, session }: SessionEvent): void {
    const key = this.prefix + encodeURIComponent(sessionKey(session));
    this.write(key, kind === "ended" ? undefined : session);
  }

  noteSilent({ mac, end }: SilentChange): void {
    this.write(this.silentPrefix + encodeURIComponent(mac), end);
  }

  private async readAll<T>(
    prefix: string,
    isWhole: (data: Partial<T>) => data is T & Partial<T>,
  ): Promise<T[]> {
    const all: T[] = [];
    let after: Uint8Array | undefined;
    for (;;) {
      const page = await this.parts.disk.page(prefix, after, PAGE);
      for (const { value } of page) {
        const data = parsed<T>(value);
        if (data !== undefined && isWhole(data)) all.push(data);
      }
      after = page.at(-1)?.key;
      if (after === undefined) return all;
    }
  }

  private write(key: string, value: Session | SilentEnd | undefined): void {
    this.changes.set(key, value);
    this.timer ??= this.parts.clock.setTimer(WRITE_MS, () => {
      this.timer = undefined;
      void this.flush();
    });
  }

  /** Resolves when everything noted so far is with the disk, or the disk has refused it. */
  flush(): Promise<void> {
    this.writing = this.writing.then(() => this.writeAll());
    return this.writing;
  }

  /** The last write; nothing is written later by itself. */
  close(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    return this.flush();
  }

  private async writeAll(): Promise<void> {
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

  private writeOf([key, data]: [string, Session | SilentEnd | undefined]): KvWrite {
    const value = data === undefined ? undefined : Buffer.from(JSON.stringify(data));
    return { key: Buffer.from(key), value };
  }
}

/** Undefined for what is none of this version: a session begins anew. */
function parsed<T>(value: Uint8Array): Partial<T> | undefined {
  try {
    const data = JSON.parse(Buffer.from(value).toString()) as Partial<T> | null;
    return data ?? undefined;
  } catch {
    return undefined;
  }
}
