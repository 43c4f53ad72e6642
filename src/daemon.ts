/**
 * The parts of a running evpnd held together: started in order, changed by a reload, stopped in
 * reverse order. Belongs to `main.ts` (same rights in the layer table); it knows no process, no
 * signal and no exit code. What a reload changes is the list `appliers`.
 */
import { dirname, join } from "node:path";
import { isTrustFault } from "./asmn/index.js";
import { ApiHost, openHttpDoor } from "./api/index.js";
import type {
  HttpBackend,
  HttpDoor,
  HttpSettings,
  ReloadResult,
  StorageState,
} from "./api/index.js";
import type { Speaker, SpeakerParts } from "./bgp/speaker.js";
import { TUNNEL_ROUTE_DEFAULTS } from "./bgp/tunnels/control.js";
import type { ConfigSource, DaemonSettings } from "./config/index.js";
import { ConfigReader } from "./config/reader.js";
import { LocalLint, warmUpFib } from "./fib/index.js";
import { Injection } from "./inject/index.js";
import { SecretError } from "./ipsec/index.js";
import { AsmnSwitch } from "./reload/asmn-switch.js";
import { DoorSwitch } from "./reload/door-switch.js";
import { FibSwitch } from "./reload/fib-switch.js";
import { InjectionSwitch } from "./reload/injection-switch.js";
import { IpsecSwitch } from "./reload/ipsec-switch.js";
import { candidateDoors, policyCandidate } from "./reload/policy-candidate.js";
import { RadiusSwitch } from "./reload/radius-switch.js";
import { Reloader, type Loaded } from "./reload/reloader.js";
import { SubscriberFeed } from "./reload/subscriber-feed.js";
import { SubscriberSwitch } from "./reload/subscriber-switch.js";
import { TimelineSwitch } from "./reload/timeline-switch.js";
import { openStore, type Store } from "./store/index.js";
import {
  asmnMetrics,
  collectMetrics,
  ipsecMetrics,
  radiusMetrics,
  startStallMonitor,
  subscriberMetrics,
} from "./telemetry/index.js";
import type { LogHandle } from "./telemetry/index.js";
import { sameSettings, type Applier } from "./util/applier.js";
import { systemClock } from "./util/clock.js";
import { dropPrivileges, giveDirectory } from "./util/privileges.js";

export type SpeakerFactory = (parts: SpeakerParts) => Speaker;

/** As long as Node.js takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Longest wait at the start for what is kept over a restart. */
const STORE_MS = 5000;

/** The machine does not let us: says what to do. */
export class EnvironmentError extends Error {}

export class Daemon {
  private readonly log: LogHandle;
  /** Reads the file, or checks a text in its place. */
  private readonly reader: ConfigReader;
  private readonly speaker: Speaker;
  /** Where it is, and what survives a restart; undefined without a directory for it. */
  private readonly state: { readonly directory: string; readonly store: Store } | undefined;
  private readonly fib: FibSwitch;
  private readonly timeline: TimelineSwitch;
  private readonly injection: Injection;
  private readonly subscribers: SubscriberSwitch;
  private readonly radius: RadiusSwitch;
  private readonly ipsec: IpsecSwitch;
  private readonly asmn: AsmnSwitch;
  private readonly door: DoorSwitch;
  /** What stands behind the API. */
  private readonly backend: HttpBackend;
  private readonly api: ApiHost;
  private readonly stalls = startStallMonitor();
  private readonly reloader: Reloader;
  /** Settled when the ports are bound: a SIGHUP that comes sooner waits. */
  private starting: Promise<unknown> = Promise.resolve();

  constructor(source: ConfigSource, initial: Loaded, log: LogHandle, factory: SpeakerFactory) {
    const { settings } = initial;
    this.log = log;
    this.reader = new ConfigReader(source);
    this.speaker = factory({ settings: settings.speaker, log, clock: systemClock });
    if (settings.fib !== undefined) warmUpFib(systemClock);
    this.fib = new FibSwitch(
      this.speaker,
      systemClock,
      settings.fib,
      () => this.api.announce(),
      log,
    );
    this.timeline = new TimelineSwitch({
      settings: settings.fib?.timeline,
      events: () => this.fib.events,
      fib: () => this.fib.eventHandles,
      clock: systemClock,
      log,
    });
    this.state = this.openState(settings);
    this.injection = this.makeInjection(settings);
    this.subscribers = new SubscriberSwitch({
      settings: settings.subscribers,
      fib: () => this.fib.compared,
      clock: systemClock,
      log,
    });
    this.radius = this.makeRadius();
    this.ipsec = this.makeIpsec(settings);
    this.asmn = this.makeAsmn();
    this.door = new DoorSwitch((http) => this.openDoor(http), systemClock);
    this.reloader = new Reloader({
      file: source.file ?? "the built-in default",
      load: (text) => this.reader.load(text),
      initial,
      appliers: this.appliers(),
      preview: (after) => this.speaker.control.preview(after.speaker),
      log,
      clock: systemClock,
    });
    this.backend = this.makeBackend();
    this.api = new ApiHost({
      backend: this.backend,
      fib: () => this.fib.handles,
      log,
      clock: systemClock,
    });
  }

  start(): Promise<void> {
    // What is kept over a restart comes from a thread that does not keep the process alive.
    const alive = systemClock.setTimer(LONGEST_TIMER_MS, () => {});
    const started = this.startNow().finally(() => alive.cancel());
    this.starting = started.catch(() => {});
    return started;
  }

  private async startNow(): Promise<void> {
    const { speaker, http, user, group } = this.reloader.settings;
    // Loads while BGP starts.
    if (http.listen !== undefined && http.thread !== "main") this.api.start();
    // In the table before the first session: a restart sends them with everything else.
    await this.injection.restore();
    if (this.state !== undefined) await inTime(this.fib.restore(this.state.store));
    // What is protected is guarded before anything else can send.
    await orEnvironment("IPsec", () => this.ipsec.start(this.reloader.settings.ipsec));
    // The gateway is closed, and the gate in place, before the first session.
    await orEnvironment("Trust checks", () => this.asmn.start(this.reloader.settings.asmn));
    await orEnvironment("BGP", () => this.speaker.start());
    await orEnvironment("RADIUS", () => this.radius.start(this.reloader.settings.radius));
    await this.door.start(http);
    if (this.state !== undefined) {
      // The files of our own restart are right in it.
      giveDirectory(dirname(this.state.directory), user, group);
      giveDirectory(this.state.directory, user, group);
    }
    const radiusDirectory = this.reloader.settings.radius?.stateDirectory;
    if (radiusDirectory !== undefined) giveDirectory(radiusDirectory, user, group);
    for (const directory of this.asmn.directories) giveDirectory(directory, user, group);
    dropPrivileges(user, group);
    this.timeline.begin();
    this.api.announce();
    this.log.info(
      {
        as: speaker.as,
        routerId: speaker.routerId,
        listen: speaker.listen.map(({ address, port }) => `${address} port ${port}`),
        http: this.door.address ?? "off",
        fib: this.fib.control === undefined ? "off" : "on",
        radius: this.radius.control === undefined ? "off" : "on",
        ipsec: this.ipsec.service === undefined ? "off" : "on",
        asmn: this.asmn.service === undefined ? "off" : "on",
      },
      "evpnd is up",
    );
  }

  async stop(text: string): Promise<void> {
    this.reloader.stop();
    await this.door.close();
    this.api.stop();
    await this.speaker.stop(text);
    await this.fib.close();
    this.injection.close();
    this.subscribers.close();
    await this.radius.stop();
    await this.ipsec.stop();
    await this.asmn.stop();
    await this.timeline.close();
    await this.state?.store.close();
    this.stalls.stop();
  }

  /** Reads the configuration again and applies it; a bad one changes nothing. Never rejects. */
  async reload(): Promise<ReloadResult> {
    await this.starting;
    return this.reloader.reload();
  }

  /** What a reload changes, in this order. A new section of the settings gets its applier here. */
  private appliers(): readonly Applier<DaemonSettings>[] {
    const { control } = this.speaker;
    return [
      {
        name: "log",
        apply: (before, after) => {
          if (sameSettings(before.log, after.log)) return [];
          this.log.configure(after.log);
          return [`log level ${after.log.level}, format ${after.log.format}`];
        },
      },
      // A peer that needs trust from now on finds its gate.
      this.asmn,
      { name: "speaker", apply: (_before, after) => control.apply(after.speaker) },
      this.fib,
      this.timeline,
      new InjectionSwitch(this.injection),
      this.radius,
      this.subscribers,
      this.ipsec,
      {
        name: "tunnel routes",
        apply: (before, after) => {
          const next = after.ipsec?.fabric ?? TUNNEL_ROUTE_DEFAULTS;
          if (sameSettings(before.ipsec?.fabric ?? TUNNEL_ROUTE_DEFAULTS, next)) return [];
          this.speaker.tunnels.configure(next);
          return [
            `routes behind tunnels that are down: ${next.effect}, hold-down ${next.holdDownSeconds} s`,
          ];
        },
      },
      {
        name: "api",
        // Members of the backend may have come or gone.
        apply: () => {
          this.api.announce();
          return [];
        },
      },
      this.door,
    ];
  }

  private makeBackend(): HttpBackend {
    const { control, tunnels } = this.speaker;
    const { asmn, fib, ipsec, radius, reloader, subscribers, timeline } = this;
    const adjuncts = [
      ipsecMetrics(() => ipsec.service?.watch, tunnels),
      radiusMetrics(() => radius.control),
      subscriberMetrics(() => subscribers.control),
      asmnMetrics(() => asmn.service),
    ];
    return {
      control,
      get timeline() {
        return timeline.control;
      },
      storage: () => Promise.resolve(this.storage()),
      get fib() {
        return fib.control;
      },
      get quarantine() {
        return fib.quarantine;
      },
      get whatIf() {
        return fib.whatIf;
      },
      get subscribers() {
        return subscribers.control;
      },
      get radius() {
        return radius.control;
      },
      get asmn() {
        return asmn.service;
      },
      get asmnSecEm() {
        return asmn.service?.secEm;
      },
      get asmnGate() {
        return asmn.service?.gate;
      },
      get asmnGateway() {
        return asmn.service?.gateway;
      },
      get ipsec() {
        return ipsec.service?.watch;
      },
      get ipsecStaging() {
        return ipsec.service?.staging;
      },
      get ipsecSecrets() {
        return ipsec.service?.secrets;
      },
      get tunnelRoutes() {
        return ipsec.service === undefined ? undefined : tunnels;
      },
      get ipsecGuard() {
        return ipsec.service?.guardControl;
      },
      get ipsecVendors() {
        return ipsec.service?.vendors;
      },
      log: this.log,
      inject: this.injection.door,
      lint: new LocalLint(() => fib.fib, systemClock),
      config: reloader,
      ...candidateDoors({
        control,
        whatIf: () => fib.whatIf,
        read: (text) => policyCandidate(text, reloader.document, this.reader),
      }),
      reload: (confirmSeconds) => reloader.reload(confirmSeconds),
      metrics: () => {
        const api = reloader.settings.http.thread === "main" ? undefined : this.api.stats();
        const { stalls } = this;
        return collectMetrics(control, stalls, fib.control, fib.quarantine, api, adjuncts);
      },
    };
  }

  private makeInjection({ injection }: DaemonSettings): Injection {
    const { speaker } = this;
    const now = (): DaemonSettings => this.reloader.settings;
    return new Injection({
      sink: (name) => speaker.localRoutes.source(name),
      settings: injection,
      context: {
        get as() {
          return now().speaker.as;
        },
        domain: (name) => now().fib?.domains.find((one) => one.name === name),
      },
      store: this.state?.store,
      clock: systemClock,
      log: this.log,
    });
  }

  /** Tunnels meet the fabric's routes here: each knows the other as a stream. */
  private makeIpsec({ ipsec }: DaemonSettings): IpsecSwitch {
    const { tunnels } = this.speaker;
    const made = new IpsecSwitch({
      store: this.state?.store,
      clock: systemClock,
      log: this.log,
      tunnels: (changes) => tunnels.take(changes),
    });
    tunnels.configure(ipsec?.fabric ?? TUNNEL_ROUTE_DEFAULTS);
    tunnels.subscribe((changes) => made.service?.watch?.takeVteps(changes));
    tunnels.onAlarm = ({ tunnel, vteps, macs, routes }) =>
      made.service?.watch?.note(
        tunnel,
        "fabric",
        `${macs} MACs and ${routes} routes of ${vteps.length} VTEPs are at risk`,
        true,
      );
    return made;
  }

  /** Who is trusted meets the sessions here. */
  private makeAsmn(): AsmnSwitch {
    const { speaker } = this;
    return new AsmnSwitch({
      clock: systemClock,
      log: this.log,
      attach: (gate) => speaker.trust.attach(gate),
      handOver: (stream, ends) => speaker.handOver(stream, ends),
    });
  }

  private makeRadius(): RadiusSwitch {
    const feed = new SubscriberFeed(this.subscribers.sink, this.log);
    return new RadiusSwitch({
      clock: systemClock,
      log: this.log,
      onSession: feed.take,
      onUp: (relay) => void feed.begin(relay),
      onDown: feed.end,
    });
  }

  private openState({ speaker }: DaemonSettings): Daemon["state"] {
    const { stateDir } = speaker.restart;
    if (stateDir === undefined) return undefined;
    const directory = join(stateDir, "store");
    return { directory, store: openStore(directory, systemClock, this.log) };
  }

  private storage(): StorageState[] {
    const states: StorageState[] = [];
    if (this.state !== undefined) states.push({ name: "store", ...this.state.store.status() });
    const timeline = this.timeline.state;
    if (timeline !== undefined) states.push({ name: "timeline", ...timeline });
    return states.map(({ name, state, directory, problem }) => ({
      name,
      state,
      directory,
      problem,
    }));
  }

  private openDoor(settings: HttpSettings): Promise<HttpDoor | undefined> {
    return orEnvironment("HTTP", () =>
      settings.thread === "main" ? openHttpDoor(this.backend, settings) : this.api.open(settings),
    );
  }
}

/** A store that hangs does not keep BGP from starting. */
function inTime(work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const late = systemClock.setTimer(STORE_MS, resolve);
    void work
      .catch(() => {})
      .then(() => {
        late.cancel();
        resolve();
      });
  });
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
    if (error instanceof SecretError || isTrustFault(error))
      throw new EnvironmentError(`${what}: ${message}`);
    const name = code ?? /\bE[A-Z0-9]{3,}\b/.exec(message)?.[0];
    if (name === undefined || !/^E[A-Z0-9]+$/.test(name)) throw error;
    throw new EnvironmentError(
      `${what}: ${message}; ${REMEDIES[name] ?? "see the system's error"}`,
    );
  }
}
