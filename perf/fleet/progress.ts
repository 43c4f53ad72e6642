/** One line on stderr that says how far the run is; on a terminal it stays one line. */
import type { Fleet } from "./fleet.js";

export class ProgressLine {
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly title: string;
  private readonly fleet: Fleet;
  private shown = "";

  constructor(enabled: boolean, title: string, fleet: Fleet) {
    this.title = title;
    this.fleet = fleet;
    const interval = process.stderr.isTTY ? 500 : 5000;
    if (enabled) this.timer = setInterval(() => this.show(), interval);
  }

  end(): void {
    clearInterval(this.timer);
    if (this.shown !== "" && process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }

  private show(): void {
    const { sessions, phase, outstanding } = this.fleet;
    const up = sessions.filter((session) => session.established).length;
    const timed = this.fleet.board.latency;
    const line = [
      `${this.title}: ${phase}`,
      `${up}/${sessions.length} sessions`,
      `${this.fleet.total("announced")} announced`,
      `${this.fleet.total("withdrawn")} withdrawn`,
      `${outstanding} to go`,
      ...(timed.count > 0 ? [`p99 ${timed.quantileMillis(0.99).toFixed(1)} ms`] : []),
    ].join(", ");
    if (line === this.shown) return;
    this.shown = line;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }
}
