/** Feeds and gateway together, in one thread: verdicts and catalogs come in, are checked, and go into the kernel. */
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import { openStore, type Store } from "../../store/index.js";
import { toHex } from "../../util/bytes.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { GateEvent } from "../gate/entry.js";
import { FeedDesk, LOCAL } from "../gate/feed-desk.js";
import type { CatalogPart } from "../gate/feed-reader.js";
import { GateFiles } from "../gate/memory.js";
import { CatalogAssembler } from "../protocol/index.js";
import { GatewayDesk } from "./desk.js";
import { FeedMembers } from "./feed-members.js";
import { Gateway, type GatewayParts } from "./gateway.js";
import type { StationSettings, StationStart } from "./messages.js";

/** Catalogs that are being put together at the same time: one for each Sec-EM, of one tenant. */
const MOST_ASSEMBLED = 8;
const TICK_MS = 1000;

export class Station {
  readonly desk: GatewayDesk;
  private readonly gateway: Gateway;
  private readonly feeds: FeedDesk;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly store: Store;
  private settings: StationSettings;
  private members: FeedMembers;
  private readonly assemblers = new Map<string, CatalogAssembler>();
  private ticking: TimerHandle;
  /** What comes while other settings are brought into force: for those that are in force then. */
  private held: GateEvent[] | undefined;

  private constructor(
    { settings, identity, stateDirectory }: StationStart,
    gateway: Gateway,
    store: Store,
    clock: Clock,
    log: Log,
  ) {
    this.settings = settings;
    this.gateway = gateway;
    this.store = store;
    this.clock = clock;
    this.log = log;
    this.desk = new GatewayDesk(gateway, clock, {
      admit: (document) => this.feeds.breakGlass(document),
      askAgain: () => {
        this.members = this.freshMembers();
        this.feeds.askAgain();
      },
    });
    this.members = this.freshMembers();
    this.feeds = new FeedDesk(
      {
        ...{ identity, clock, files: new GateFiles(stateDirectory) },
        tell: (events) => this.take(events),
        gateway: { catalog: (part, keyOf) => this.catalog(part, keyOf) },
      },
      settings.feeds,
    );
    this.feeds.configure(settings.feeds);
    this.ticking = this.tick();
  }

  /**
   * Rules first: the feeds are asked when nothing passes any more that should not.
   * @param given store, and what is in place of the system's programs
   */
  static async start(
    start: StationStart,
    clock: Clock,
    log: Log,
    { store: given, ...kernel }: Partial<Omit<GatewayParts, "settings" | "clock" | "log">> = {},
  ): Promise<Station> {
    const store = given ?? openStore(join(start.stateDirectory, "rules"), clock, log);
    try {
      const settings = start.settings.core;
      const gateway = await Gateway.start({ settings, store, clock, log, ...kernel });
      return new Station(start, gateway, store, clock, log);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async configure(settings: StationSettings): Promise<void> {
    const former = this.settings;
    this.held ??= [];
    try {
      await this.gateway.configure(settings.core);
    } catch (error) {
      this.release();
      throw error;
    }
    this.settings = settings;
    const isFresh = heardFrom(former) !== heardFrom(settings);
    if (isFresh) this.members = this.freshMembers();
    this.release();
    this.feeds.configure(settings.feeds);
    // What is told once, members and catalogs, was told to whom does not listen any more.
    if (isFresh) this.feeds.askAgain();
  }

  connectLocal(port: MessagePort): void {
    this.feeds.connectLocal(port);
  }

  async close(): Promise<void> {
    this.ticking.cancel();
    this.feeds.close();
    await this.gateway.close();
    await this.store.close();
  }

  private freshMembers(): FeedMembers {
    const { feeds, core, times } = this.settings;
    const local = feeds.localRoots === undefined ? [] : [LOCAL];
    const names = [...local, ...feeds.sources.map(({ name }) => name)];
    return new FeedMembers(core.tenant, names, times, this.clock.now());
  }

  private release(): void {
    const { held = [] } = this;
    this.held = undefined;
    this.take(held);
  }

  private take(events: readonly GateEvent[]): void {
    if (this.held !== undefined) {
      this.held.push(...events);
      return;
    }
    for (const event of events) {
      // A line that is up has said nothing yet.
      if (event.kind === "alive") this.gateway.sourceTrouble(event.source, undefined);
      else if (event.kind === "link" && event.state === "down") {
        this.gateway.sourceTrouble(event.source, event.why);
      } else if (event.kind === "refused") {
        const { source, reason, sentence } = event;
        this.log.warn({ source, reason }, `ASMN gateway: refused: ${sentence}`);
      } else if (event.kind === "glass" || event.kind === "glass-ended") {
        void this.gateway.breakGlass(event);
      }
    }
    const { changes, revocations } = this.members.take(events, this.clock.now());
    void this.gateway.members(changes).then((done) => {
      if (!done) return;
      for (const { source, revocation } of revocations) this.feeds.applied(source, revocation);
    });
  }

  private catalog(part: CatalogPart, keyOf: (id: string) => Uint8Array | undefined): void {
    if (part.tenant !== this.settings.core.tenant) return;
    const name = toHex(part.digest);
    const assembler = this.assemblers.get(name) ?? new CatalogAssembler();
    this.assemblers.set(name, assembler);
    const whole = assembler.take(part);
    if (!whole.ok) {
      this.assemblers.delete(name);
      return;
    }
    for (const old of this.assemblers.keys()) {
      if (this.assemblers.size > MOST_ASSEMBLED) this.assemblers.delete(old);
    }
    if (whole.value === undefined) return;
    this.assemblers.delete(name);
    void this.gateway.catalog(whole.value.octets, keyOf);
  }

  private tick(): TimerHandle {
    return this.clock.setTimer(TICK_MS, () => {
      const changes = this.held === undefined ? this.members.tick(this.clock.now()) : [];
      if (changes.length > 0) void this.gateway.members(changes);
      this.ticking = this.tick();
    });
  }
}

/** What a station's memory of its feeds hangs on. */
function heardFrom({ feeds, times, core }: StationSettings): string {
  return JSON.stringify([feeds, times, core.tenant]);
}
