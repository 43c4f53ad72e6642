/** Waiting for a disk, but not for ever: one that hangs must hold up neither a reload nor the end. */
import type { Clock } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";

export const PATIENCE_MS = 3000;

/** Resolves with the work, or when its time is up; then the file under way is the next start's to adopt. */
export async function waitForDisk(
  work: Promise<unknown> | undefined,
  clock: Clock,
  log: Log,
  directory: string,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = clock.setTimer(PATIENCE_MS, () => {
      log.warn({ directory }, "the disk does not answer: an MRT file stays unfinished");
      resolve();
    });
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    Promise.resolve(work).then(done, done);
  });
}
