/**
 * The parts of a running evpnd held together: started in order, changed by a reload, stopped in
 * reverse order. Belongs to `main.ts` (same rights in the layer table); it knows no process, no
 * signal and no exit code.
 */
import { openHttpDoor } from "./api/index.js";
import type { HttpDoor, ReloadResult } from "./api/index.js";
import type { Speaker, SpeakerParts } from "./bgp/speaker.js";
import { formatIssue, loadConfig } from "./config/index.js";
import type { ConfigSource, DaemonSettings, Overlay } from "./config/index.js";
import { Fib, LocalFibControl, warmUpFib } from "./fib/index.js";
import { collectMetrics, startStallMonitor } from "./telemetry/index.js";
import type { LogHandle } from "./telemetry/index.js";
import { systemClock } from "./util/clock.js";
import { dropPrivileges } from "./util/privileges.js";

export type SpeakerFactory = (parts: SpeakerParts) => Speaker;

/** The machine does not let us: says what to do. */
export class EnvironmentError extends Error {}

/** An old HTTP door stays this long, so that the answer to its own reload request gets out. */
const OLD_DOOR_MS = 1000;

export class Daemon {
  private readonly source: ConfigSource;
  private readonly log: LogHandle;
  private readonly speaker: Speaker;
  private readonly fib: Fib | undefined;
  private readonly fibControl: LocalFibControl | undefined;
  private readonly stalls = startStallMonitor();
  private settings: DaemonSettings;
  private door: HttpDoor | undefined;
  /** Reloads run one after another. */
  private reloading: Promise<unknown> = Promise.resolve();

  constructor(
    source: ConfigSource,
    settings: DaemonSettings,
    log: LogHandle,
    factory: SpeakerFactory,
  ) {
    this.source = source;
    this.settings = settings;
    this.log = log;
    this.speaker = factory({ settings: settings.speaker, log, clock: systemClock });
    if (settings.fib === undefined) return;
    warmUpFib(systemClock);
    const { table } = this.speaker;
    this.fib = new Fib({ table, settings: settings.fib, clock: systemClock });
    this.fibControl = new LocalFibControl(this.fib, settings.fib.domains);
    this.speaker.attachReader(this.fib);
  }

  async start(): Promise<void> {
    const { speaker, user, group } = this.settings;
    await orEnvironment("BGP", () => this.speaker.start());
    this.door = await this.openDoor(this.settings);
    dropPrivileges(user, group);
    this.log.info(
      {
        as: speaker.as,
        routerId: speaker.routerId,
        listen: speaker.listen.map(({ address, port }) => `${address} port ${port}`),
        http: this.door?.address ?? "off",
        fib: this.fib === undefined ? "off" : "on",
      },
      "evpnd is up",
    );
  }

  async stop(text: string): Promise<void> {
    await this.door?.close();
    this.door = undefined;
    await this.speaker.stop(text);
    this.fib?.close();
    this.stalls.stop();
  }

  /** Reads the configuration again and applies it; a bad one changes nothing. Never rejects. */
  reload(): Promise<ReloadResult> {
    const run = this.reloading.then(() => this.reloadNow());
    this.reloading = run;
    return run;
  }

  private async reloadNow(): Promise<ReloadResult> {
    const running = this.settings.speaker.as;
    let config = loadConfig(this.source);
    let newAs: number | undefined;
    if (config.ok && config.settings.speaker.as !== running) {
      // Who is iBGP depends on our AS, and that stays: read the peers against the one in force.
      newAs = config.settings.speaker.as;
      config = loadConfig({ ...this.source, overlay: withAs(this.source.overlay, running) });
    }
    if (!config.ok) {
      const lines = config.issues.map(formatIssue);
      for (const line of lines) this.log.error({}, line);
      this.log.error({}, "configuration refused; the running one stays");
      return { ok: false, lines };
    }
    for (const issue of config.warnings) this.log.warn({}, formatIssue(issue));
    try {
      const lines = await this.change(config.settings);
      if (newAs !== undefined) lines.push(`as: ${newAs} takes a restart; ${running} kept`);
      if (lines.length === 0) lines.push("nothing changed");
      this.log.info({ done: lines }, "configuration reloaded");
      return { ok: true, lines };
    } catch (error) {
      const line = error instanceof Error ? error.message : String(error);
      this.log.error({ err: error }, "configuration could not be applied");
      return { ok: false, lines: [line] };
    }
  }

  private async change(next: DaemonSettings): Promise<string[]> {
    const before = this.settings;
    const lines: string[] = [];
    if (next.log.level !== before.log.level) {
      this.log.setLevel(next.log.level);
      lines.push(`log level ${next.log.level}`);
    }
    lines.push(...(await this.speaker.control.apply(next.speaker)));
    // The door last, as it alone can fail: what holds until then is noted first.
    this.settings = { ...next, http: before.http };
    if (!same(next.http, before.http)) lines.push(await this.changeDoor(before, next));
    this.settings = next;
    const fixed =
      next.user !== before.user ||
      next.group !== before.group ||
      next.log.format !== before.log.format;
    if (fixed) lines.push("user, group and log.format change at the next start");
    if (!same(next.fib, before.fib)) lines.push("fib changes at the next start");
    return lines;
  }

  private async changeDoor(before: DaemonSettings, next: DaemonSettings): Promise<string> {
    const old = this.door;
    if (same(next.http.listen, before.http.listen)) old?.setRules(next.http);
    else {
      this.door = await this.openDoor(next);
      if (old !== undefined) systemClock.setTimer(OLD_DOOR_MS, () => void old.close());
    }
    return `HTTP ${this.door?.address ?? "off"}`;
  }

  private openDoor(settings: DaemonSettings): Promise<HttpDoor | undefined> {
    const { control } = this.speaker;
    const backend = {
      control,
      fib: this.fibControl,
      log: this.log,
      reload: () => this.reload(),
      metrics: () => collectMetrics(control, this.stalls, this.fibControl),
    };
    return orEnvironment("HTTP", () => openHttpDoor(backend, settings.http));
  }
}

function withAs(overlay: Overlay | undefined, as: number): Overlay {
  const value = { path: ["as"], value: as, option: "as in force" };
  return { values: [...(overlay?.values ?? []), value], drop: overlay?.drop ?? [] };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

const REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program has this port; stop it, or listen on another port",
  EACCES:
    "ports below 1024 need root or CAP_NET_BIND_SERVICE; use the systemd unit, or a higher port",
  EPERM: "the system forbids it; start as root or grant the capability",
  EADDRNOTAVAIL: "this machine does not have that address; add it to an interface, or correct it",
};

/** System errors become sentences; anything else stays what it is. The transport has the code in its words. */
async function orEnvironment<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const name = code ?? /\bE[A-Z0-9]{3,}\b/.exec(message)?.[0];
    if (name === undefined || !/^E[A-Z0-9]+$/.test(name)) throw error;
    throw new EnvironmentError(
      `${what}: ${message}; ${REMEDIES[name] ?? "see the system's error"}`,
    );
  }
}
