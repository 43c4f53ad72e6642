/**
 * The RADIUS relay as a reload sees it: on, off, or with other settings while requests are under way.
 * What another directory or dictionary takes is a new relay: a second or so without answers.
 */
import type { DaemonSettings } from "../config/index.js";
import { RemoteRadius } from "../radius/index.js";
import type {
  RadiusControl,
  RadiusRelay,
  RadiusSettings,
  SessionListener,
} from "../radius/index.js";
import { sameSettings, type Applier } from "../util/applier.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";

export interface RadiusSwitchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly onSession: SessionListener;
  /** The relay is up, for the first time or again; and it is gone. */
  readonly onUp?: (relay: RadiusControl) => void;
  readonly onDown?: () => void;
  /** By default in a thread of its own. */
  readonly start?: (settings: RadiusSettings) => Promise<RadiusRelay>;
}

export class RadiusSwitch implements Applier<DaemonSettings> {
  readonly name = "radius";
  private readonly parts: RadiusSwitchParts;
  private relay: RadiusRelay | undefined;

  constructor(parts: RadiusSwitchParts) {
    this.parts = parts;
  }

  /** Undefined while it is off. */
  get control(): RadiusControl | undefined {
    return this.relay;
  }

  /** Opens the ports; rejects with the system's error when one is taken. */
  async start(settings: RadiusSettings | undefined): Promise<void> {
    if (settings !== undefined) this.relay = await this.open(settings);
  }

  async apply(before: DaemonSettings, after: DaemonSettings): Promise<string[]> {
    if (sameSettings(before.radius, after.radius)) return [];
    const next = after.radius;
    if (next === undefined) {
      await this.stop();
      return ["RADIUS relay off; what it has on disk stays"];
    }
    if (this.relay !== undefined && before.radius !== undefined && isLive(before.radius, next)) {
      await this.relay.configure(next);
      return ["RADIUS relay: other settings; what did not change goes on"];
    }
    await this.stop();
    this.relay = await this.open(next);
    return ["RADIUS relay started"];
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    const { relay } = this;
    this.relay = undefined;
    await relay?.stop();
  }

  private open(settings: RadiusSettings): Promise<RadiusRelay> {
    const { start, ...parts } = this.parts;
    return start?.(settings) ?? RemoteRadius.start({ ...parts, settings });
  }
}

function isLive(before: RadiusSettings, after: RadiusSettings): boolean {
  return (
    before.stateDirectory === after.stateDirectory &&
    sameSettings(before.dictionaries, after.dictionaries)
  );
}
