/**
 * One part of a daemon that listens to Sec-EMs, the gate or the gateway: there while the settings name it, told
 * of other settings, and begun anew where its files are others.
 */
import { sameSettings } from "../util/applier.js";
import type { LocalSecEm } from "./gate/index.js";

export interface ListenerSettings {
  readonly stateDirectory: string;
  readonly keyFile: string | undefined;
}

export interface ListeningPart<Settings> {
  /** All or nothing. @returns what was done, a line each */
  configure(settings: Settings, secEm: LocalSecEm | undefined): Promise<string[]>;
  /** The Sec-EM of this daemon is there anew. */
  connectLocal(): void;
  stop(): Promise<void>;
}

export interface ListenerParts<Settings, Part> {
  readonly start: (settings: Settings, secEm: LocalSecEm | undefined) => Promise<Part>;
  /** What is said of its start, and of its end. */
  readonly started: string;
  readonly ended: string;
}

export class Listener<Settings extends ListenerSettings, Part extends ListeningPart<Settings>> {
  private readonly parts: ListenerParts<Settings, Part>;
  private current: Settings | undefined;
  private part: Part | undefined;
  /** The Sec-EM of this daemon that it listens to. */
  private listensTo: LocalSecEm | undefined;

  constructor(parts: ListenerParts<Settings, Part>) {
    this.parts = parts;
  }

  get running(): Part | undefined {
    return this.part;
  }

  get settings(): Settings | undefined {
    return this.current;
  }

  /**
   * Makes it so; what did not change goes on as it is. Rejects when it cannot follow: as before then, or gone
   * where it had to begin anew.
   * @returns what was done, a line each
   */
  async set(next: Settings | undefined, secEm: LocalSecEm | undefined): Promise<string[]> {
    const { current, part, parts } = this;
    if (part === undefined && next === undefined) return [];
    if (part !== undefined && current !== undefined && next !== undefined) {
      if (sameSettings(current, next) && this.listensTo === secEm) return [];
      if (sameFiles(current, next)) {
        const lines = await part.configure(next, secEm);
        this.keep(part, next, secEm);
        return lines;
      }
    }
    await part?.stop();
    this.keep(undefined, undefined, undefined);
    if (next === undefined) return [parts.ended];
    this.keep(await parts.start(next, secEm), next, secEm);
    return [parts.started];
  }

  /** @returns what ran, the caller's to stop */
  release(): Part | undefined {
    const { part } = this;
    this.part = undefined;
    return part;
  }

  private keep(
    part: Part | undefined,
    settings: Settings | undefined,
    secEm: LocalSecEm | undefined,
  ): void {
    this.part = part;
    this.current = settings;
    this.listensTo = secEm;
  }
}

function sameFiles(before: ListenerSettings, next: ListenerSettings): boolean {
  return before.stateDirectory === next.stateDirectory && before.keyFile === next.keyFile;
}
