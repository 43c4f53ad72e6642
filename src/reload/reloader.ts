/**
 * Changes of configuration, one at a time: read and checked as a whole, then applied as a whole, or
 * refused with everything as before. With a time to confirm, a change is taken back by itself unless
 * somebody says in time that it is good: the operator who locked himself out need do nothing.
 *
 * While a change waits to be confirmed, every other one is refused (SIGHUP as well): what "back" means
 * stays clear. A restart of evpnd reads the file as it is and knows nothing of the wait.
 */
import type {
  ConfigBackend,
  ConfigChange,
  ConfigDiff,
  PendingConfirm,
  ReloadResult,
  RunningConfig,
} from "../api/index.js";
import { formatIssue, maskSecrets, type ConfigResult } from "../config/index.js";
import type { DaemonSettings } from "../config/index.js";
import { applyAll, sameSettings, type Applier } from "../util/applier.js";
import type { Clock, TimerHandle } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { describeChange, restartChanges, sectionChanges } from "./changes.js";

/** A configuration that passed: its settings, and the text's data for people. */
export interface Loaded {
  readonly settings: DaemonSettings;
  readonly document: unknown;
}

export interface ReloaderParts {
  /** Shown beside the running configuration. */
  readonly file: string;
  /** Reads the daemon's own file again, or checks `text` in its place. */
  readonly load: (text?: string) => ConfigResult | Promise<ConfigResult>;
  readonly initial: Loaded;
  readonly appliers: readonly Applier<DaemonSettings>[];
  /** What the speaker would do. */
  readonly preview: (after: DaemonSettings) => Promise<readonly ConfigChange[]>;
  readonly log: Log;
  readonly clock: Clock;
}

/** After a rollback that failed, for example because a port was taken meanwhile. */
const RETRY_SECONDS = 10;

const STOPPING = "evpnd is stopping";

interface Waiting {
  /** What it goes back to. */
  readonly back: Loaded;
  /** Clock's milliseconds. */
  readonly until: number;
  readonly timer: TimerHandle;
}

export class Reloader implements ConfigBackend {
  private readonly parts: ReloaderParts;
  private current: Loaded;
  /** Before the last change; undefined when there was none. */
  private previous: Loaded | undefined;
  private waiting: Waiting | undefined;
  private loadedAt: number;
  private queue: Promise<unknown> = Promise.resolve();
  /** A plain reload that is last in the queue and has not begun: one more asks for the same. */
  private next: Promise<ReloadResult> | undefined;
  private stopped = false;

  constructor(parts: ReloaderParts) {
    this.parts = parts;
    this.current = parts.initial;
    this.loadedAt = parts.clock.wall();
  }

  get settings(): DaemonSettings {
    return this.current.settings;
  }

  /** Data of the configuration that runs, secrets in it. */
  get document(): unknown {
    return this.current.document;
  }

  /** Never rejects; so the next two. A hundred SIGHUPs at once are two reloads. */
  reload(confirmSeconds?: number): Promise<ReloadResult> {
    if (confirmSeconds !== undefined) return this.inTurn(() => this.reloadNow(confirmSeconds));
    if (this.next !== undefined) return this.next;
    const reload = this.inTurn(() => {
      if (this.next === reload) this.next = undefined;
      return this.reloadNow(undefined);
    });
    this.next = reload;
    return reload;
  }

  confirm(): Promise<ReloadResult> {
    return this.inTurn(() => {
      if (this.waiting === undefined) return refused("nothing waits to be confirmed");
      this.endWait();
      this.parts.log.info({}, "configuration confirmed");
      return { ok: true, lines: ["confirmed"] };
    });
  }

  rollback(): Promise<ReloadResult> {
    return this.inTurn(() => {
      const back = this.waiting?.back ?? this.previous;
      if (back === undefined) {
        return refused(
          "there is nothing to go back to: no change was made since the start, or it was rolled back",
        );
      }
      return this.goBack(back, "configuration rolled back");
    });
  }

  /** What the daemon's file, or `text` in its place, would change. */
  async diff(text?: string): Promise<ConfigDiff> {
    const config = await this.parts.load(text);
    if (!config.ok) {
      return { ok: false, issues: config.issues.map(formatIssue), changes: [], lines: [] };
    }
    const changes = [
      ...(await this.parts.preview(config.settings)),
      ...sectionChanges(this.settings, config.settings),
    ];
    const lines = changes.map(describeChange);
    return { ok: true, issues: config.warnings.map(formatIssue), changes, lines };
  }

  running(): RunningConfig {
    const { file } = this.parts;
    return {
      file,
      loaded: this.loadedAt,
      pending: this.pending(),
      configuration: maskSecrets(this.current.document),
    };
  }

  pending(): PendingConfirm | undefined {
    if (this.waiting === undefined) return undefined;
    const left = Math.max(0, this.waiting.until - this.parts.clock.now());
    return { secondsLeft: Math.ceil(left / 1000) };
  }

  stop(): void {
    this.stopped = true;
    this.endWait();
  }

  private async reloadNow(confirmSeconds: number | undefined): Promise<ReloadResult> {
    const { log } = this.parts;
    const pending = this.pending();
    if (pending !== undefined) {
      return refused(
        `the last change waits to be confirmed (${pending.secondsLeft} s left): ` +
          "evpnctl config confirm or evpnctl config rollback first",
      );
    }
    const config = await this.parts.load();
    if (this.stopped) return refused(STOPPING);
    if (!config.ok) {
      const lines = config.issues.map(formatIssue);
      for (const line of lines) log.error({}, line);
      log.error({}, "configuration refused; the running one stays");
      return { ok: false, lines };
    }
    for (const issue of config.warnings) log.warn({}, formatIssue(issue));
    const back = this.current;
    // What came from reading it has taken its time: others first.
    await new Promise((resolve) => setImmediate(resolve));
    const result = await this.apply(config, "configuration reloaded");
    if (!result.ok || confirmSeconds === undefined) return result;
    this.wait(back, confirmSeconds);
    const wait = `goes back in ${confirmSeconds} s unless confirmed: evpnctl config confirm`;
    log.info({ seconds: confirmSeconds }, "configuration waits to be confirmed");
    return { ok: true, lines: [...result.lines, wait] };
  }

  /** @param ranOut may have been confirmed while this stood in the queue */
  private unconfirmed(ranOut: Waiting): Promise<ReloadResult> {
    return this.inTurn(async () => {
      if (this.waiting !== ranOut) return { ok: true, lines: [] };
      const { back } = ranOut;
      const result = await this.goBack(back, "configuration not confirmed in time: rolled back");
      // Nobody may be able to reach us who could do it by hand.
      if (!result.ok && !this.stopped) this.wait(back, RETRY_SECONDS);
      return result;
    });
  }

  private wait(back: Loaded, seconds: number): void {
    const { clock } = this.parts;
    const waiting: Waiting = {
      back,
      until: clock.now() + 1000 * seconds,
      timer: clock.setTimer(1000 * seconds, () => void this.unconfirmed(waiting)),
    };
    this.waiting = waiting;
  }

  private async goBack(back: Loaded, words: string): Promise<ReloadResult> {
    const unconfirmed = this.waiting !== undefined;
    this.endWait();
    const result = await this.apply(back, words);
    // A second rollback, for example by hand as the time runs out, must not bring it back.
    if (unconfirmed && result.ok) this.previous = undefined;
    return result;
  }

  /** All or nothing; `words` for the log. */
  private async apply(next: Loaded, words: string): Promise<ReloadResult> {
    const { log, clock, appliers } = this.parts;
    const { current } = this;
    try {
      const lines = await applyAll(appliers, current.settings, next.settings);
      lines.push(...restartChanges(current.settings, next.settings).map(describeChange));
      if (lines.length === 0) lines.push("nothing changed");
      this.current = { settings: next.settings, document: next.document };
      // A reload that changes nothing leaves what a rollback goes back to.
      if (!sameSettings(current.settings, next.settings)) this.previous = current;
      this.loadedAt = clock.wall();
      log.info({ done: lines }, words);
      return { ok: true, lines };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.error({ err: error }, "configuration could not be applied; the running one stays");
      return { ok: false, lines: [why] };
    }
  }

  private endWait(): void {
    this.waiting?.timer.cancel();
    this.waiting = undefined;
  }

  /** One after another. A bug of ours is not worth the sessions that run. */
  private inTurn(run: () => ReloadResult | Promise<ReloadResult>): Promise<ReloadResult> {
    this.next = undefined;
    const result = this.queue
      .then(() => (this.stopped ? refused(STOPPING) : run()))
      .catch((error: unknown) => {
        this.parts.log.error({ err: error }, "a bug in the reload, please report it");
        return refused("a bug, the log has it; the running configuration stays");
      });
    this.queue = result;
    return result;
  }
}

function refused(line: string): ReloadResult {
  return { ok: false, lines: [line] };
}
