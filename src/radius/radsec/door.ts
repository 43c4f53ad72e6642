/** The TLS port of a tenant over reloads: it comes, moves, takes other clients and certificates, and goes. */
import type { Prepared } from "../server/side.js";
import { RadsecListener } from "./listener.js";
import type { RadsecParts } from "./listener.js";
import type { RadsecListenerSettings } from "./settings.js";

export class RadsecDoor {
  private readonly parts: Omit<RadsecParts, "settings">;
  private current: RadsecListener | undefined;
  private settings: RadsecListenerSettings | undefined;
  /** As bound. */
  port = 0;

  constructor(parts: Omit<RadsecParts, "settings">) {
    this.parts = parts;
  }

  get listener(): RadsecListener | undefined {
    return this.current;
  }

  /** Rejects with the system's error, with nothing changed. */
  async prepare(next: RadsecListenerSettings | undefined): Promise<Prepared> {
    const { current, settings } = this;
    if (next === undefined || settings === undefined || current === undefined) {
      return this.replace(next);
    }
    if (next.address === settings.address && next.port === settings.port) {
      return {
        commit: () => {
          this.settings = next;
          if (JSON.stringify(next) !== JSON.stringify(settings)) current.configure(next);
          return Promise.resolve();
        },
        discard: () => {},
      };
    }
    if (next.port !== settings.port || next.port === 0) return this.replace(next);
    // Our own old socket has that port: it must go first.
    return {
      commit: async () => {
        await current.unlisten();
        try {
          await (await this.replace(next)).commit();
        } catch (error) {
          await (await this.replace(settings)).commit();
          throw error;
        }
      },
      discard: () => {},
    };
  }

  tick(now: number): void {
    this.current?.tick(now);
  }

  close(): void {
    this.current?.close();
    this.current = undefined;
  }

  private async replace(next: RadsecListenerSettings | undefined): Promise<Prepared> {
    const fresh =
      next === undefined ? undefined : new RadsecListener({ ...this.parts, settings: next });
    const port = (await fresh?.listen()) ?? 0;
    return {
      commit: () => {
        this.current?.close();
        this.current = fresh;
        this.settings = next;
        this.port = port;
        return Promise.resolve();
      },
      discard: () => fresh?.close(),
    };
  }
}
