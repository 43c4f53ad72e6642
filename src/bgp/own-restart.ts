/**
 * evpnd as the one that restarts: what it finds of its last life at a start, what it writes down meanwhile,
 * and how it stops. Works without a state directory, and with one that cannot be written: then every
 * start is a cold one.
 */
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { readRestartState, RestartState, type RememberedPeer } from "./restart/index.js";
import type { Restarts } from "./restarts.js";
import type { PeerOptions, SpeakerSettings } from "./settings.js";

export interface OwnRestartParts {
  readonly settings: () => SpeakerSettings;
  readonly restarts: Restarts;
  /** Options of whoever may connect from the address; undefined for strangers. */
  readonly optionsFor: (address: string) => PeerOptions | undefined;
  /** Connects to the peer from this address of ours, though we are the passive side, until `endRecall`. */
  readonly recall: (address: string, localAddress: string) => void;
  readonly endRecall: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class OwnRestart {
  private readonly parts: OwnRestartParts;
  private state: RestartState | undefined;
  private isStarted = false;
  private expected: readonly RememberedPeer[] = [];

  constructor(parts: OwnRestartParts) {
    this.parts = parts;
  }

  /**
   * Tells a restart from a cold start. Before anything listens: a peer that connects must find us ready, as
   * a NOTIFICATION would make it forget what it keeps.
   */
  async begin(): Promise<void> {
    const { settings, restarts, optionsFor, clock, log } = this.parts;
    const { stateDir, deferralTime } = settings().restart;
    const restartTime = longestRestartTime(settings());
    if (stateDir === undefined) return;
    // Nobody keeps our routes now; a reload may ask for it while we run.
    const before =
      restartTime === 0
        ? undefined
        : await readRestartState(stateDir, clock.wall(), restartTime, log);
    const expected = (before ?? []).filter(
      ({ address }) => optionsFor(address)?.shutdown === false,
    );
    if (expected.length > 0) restarts.begin(expected, deferralTime);
    this.expected = expected;
    this.state = new RestartState(stateDir, clock, log, () => restarts.toRemember());
  }

  /**
   * Once the ports are ours, for another evpnd may have the file until then. From here on it says who is up,
   * and peers of before are called: an FRR that keeps our routes waits for us to connect.
   */
  started(): void {
    const { state } = this;
    if (state === undefined) return;
    const { restarts, recall } = this.parts;
    for (const { address, localAddress } of this.expected) recall(address, localAddress);
    this.expected = [];
    restarts.onSent = () => this.parts.endRecall();
    this.isStarted = true;
    this.parts.restarts.onSessions = () => state.changed();
    void state.save();
  }

  /**
   * Before the sessions are closed. Whether peers that would keep our routes are to be left without
   * NOTIFICATION: the next start is to find them in the file.
   */
  async end(): Promise<boolean> {
    const { state } = this;
    if (state === undefined || !this.isStarted) return false;
    this.parts.restarts.onSessions = () => {};
    const saved = await state.save();
    const keep = saved && this.parts.settings().restart.keepOnStop;
    await state.close(!keep);
    return keep;
  }
}

/** Seconds that some peer keeps our routes; 0 when none is asked to. */
function longestRestartTime(settings: SpeakerSettings): number {
  return [...settings.peers, ...settings.dynamic].reduce((most, { gracefulRestart }) => {
    const { mode, restartTime } = gracefulRestart;
    return mode === "full" ? Math.max(most, restartTime) : most;
  }, 0);
}
