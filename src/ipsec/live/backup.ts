/**
 * A backup tunnel's turn: it takes over when the main one has been down for a while, and gives back when that
 * has been up for a while, so that a flapping line does not drag both along. Pure; time is passed in.
 */
export interface BackupTimes {
  readonly takeOverAfterSeconds: number;
  readonly returnAfterSeconds: number;
}

export interface BackupState {
  /** Whether the backup carries. */
  readonly active: boolean;
  /** Since when the main tunnel speaks for the opposite of `active`; monotonic milliseconds. */
  readonly since: number | undefined;
}

export const IDLE_BACKUP: BackupState = { active: false, since: undefined };

/** @param mainUp the main tunnel is up, now */
export function stepBackup(
  state: BackupState,
  mainUp: boolean,
  times: BackupTimes,
  now: number,
): BackupState {
  const speaksForChange = mainUp === state.active;
  if (!speaksForChange) return state.since === undefined ? state : { ...state, since: undefined };
  const since = state.since ?? now;
  const seconds = state.active ? times.returnAfterSeconds : times.takeOverAfterSeconds;
  if (now - since < seconds * 1000) return { ...state, since };
  return { active: !state.active, since: undefined };
}

/** The turns of all backup tunnels, by name. */
export class Backups {
  private readonly states = new Map<string, BackupState>();

  isActive(tunnel: string): boolean {
    return this.states.get(tunnel)?.active === true;
  }

  /** A time runs that a turn waits for. */
  get isWaiting(): boolean {
    return [...this.states.values()].some(({ since }) => since !== undefined);
  }

  /** Backups whose turn has begun or ended just now. */
  step(
    backups: readonly {
      readonly tunnel: string;
      readonly of: string;
      readonly times: BackupTimes;
    }[],
    isUp: (tunnel: string) => boolean,
    now: number,
  ): { readonly tunnel: string; readonly of: string; readonly active: boolean }[] {
    const turns: { tunnel: string; of: string; active: boolean }[] = [];
    const names = new Set(backups.map(({ tunnel }) => tunnel));
    for (const tunnel of this.states.keys()) if (!names.has(tunnel)) this.states.delete(tunnel);
    for (const { tunnel, of, times } of backups) {
      const before = this.states.get(tunnel) ?? IDLE_BACKUP;
      const after = stepBackup(before, isUp(of), times, now);
      this.states.set(tunnel, after);
      if (after.active !== before.active) turns.push({ tunnel, of, active: after.active });
    }
    return turns;
  }
}
