/**
 * Is a home server there? (RFC 3539 section 3.4, RFC 5997.) No I/O and no clock in here.
 *
 * alive --silence while requests wait--> suspect --probes unanswered--> dead --any answer--> alive
 * Traffic goes to alive servers, then to suspect ones, never to dead ones as long as the server can
 * be probed. A server without Status-Server is tried with real requests after `deadIntervalMs`.
 */
import type { HomeServerSettings } from "../settings.js";
import type { HealthState } from "./upstream.js";

export class Health {
  state: HealthState = "alive";
  since: number;
  /** First request sent since something was heard; undefined = none waits. */
  private waitingSince: number | undefined;
  private probes = 0;
  private nextProbeAt = 0;
  private settings: HomeServerSettings;

  constructor(settings: HomeServerSettings, now: number) {
    this.settings = settings;
    this.since = now;
  }

  configure(settings: HomeServerSettings): void {
    this.settings = settings;
  }

  sent(now: number): void {
    this.waitingSince ??= now;
  }

  /** A verified answer. @returns true when that changed the state */
  heard(now: number): boolean {
    this.waitingSince = undefined;
    this.probes = 0;
    return this.enter("alive", now);
  }

  /** Nothing listens there. @returns true when that changed the state */
  refused(now: number): boolean {
    this.nextProbeAt = now + this.settings.probeIntervalMs;
    return this.enter("dead", now);
  }

  /** To be called a few times a second. */
  tick(now: number): "probe" | "changed" | "quiet" {
    const { settings } = this;
    if (this.state === "alive") {
      if (now - (this.waitingSince ?? now) < settings.suspectAfterMs) return "quiet";
      this.probes = 0;
      this.nextProbeAt = now;
      this.enter("suspect", now);
      return "changed";
    }
    if (settings.watchdog === "none") return this.tickBlind(now);
    if (now < this.nextProbeAt) return "quiet";
    if (this.state === "suspect" && this.probes >= settings.probesUntilDead) {
      this.nextProbeAt = now;
      this.enter("dead", now);
      return "changed";
    }
    this.probes++;
    this.nextProbeAt =
      now + (this.state === "dead" ? settings.deadIntervalMs : settings.probeIntervalMs);
    return "probe";
  }

  private tickBlind(now: number): "changed" | "quiet" {
    const { settings } = this;
    const age = now - this.since;
    if (this.state === "suspect" && age >= settings.probeIntervalMs * settings.probesUntilDead) {
      this.enter("dead", now);
      return "changed";
    }
    if (this.state === "dead" && age >= settings.deadIntervalMs) {
      this.waitingSince = undefined;
      this.enter("alive", now);
      return "changed";
    }
    return "quiet";
  }

  private enter(state: HealthState, now: number): boolean {
    if (this.state === state) return false;
    this.state = state;
    this.since = now;
    return true;
  }
}
