/**
 * Dynamic authorisation of one tenant, wired: ports and TLS connections of home servers to the desk, the
 * desk to access points and back. Off unless configured; an operator's disconnect takes the same way.
 */
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { Dictionary } from "../dictionary/dictionary.js";
import { Secret } from "../packet/md5.js";
import { RADSEC_SECRET } from "../radsec/settings.js";
import type { Prepared } from "../server/side.js";
import type { Session } from "../session/session.js";
import type { HomeServerSettings, PoolSettings } from "../settings.js";
import type { Disk } from "../spool/disk.js";
import type { UpstreamPort } from "../upstream/port.js";
import { ClientDoor } from "./client-door.js";
import { ClientWays } from "./client-ways.js";
import type { WaysParts } from "./client-ways.js";
import { dynamicCounters } from "./counters.js";
import { DynamicDesk } from "./desk.js";
import type { Askers, DeskParts, Told } from "./desk.js";
import type { DynamicSettings } from "./settings.js";
import { DynamicPorts } from "./udp-ports.js";

export interface DynamicTenant {
  readonly name: string;
  readonly homeServers: readonly HomeServerSettings[];
  readonly pools: readonly PoolSettings[];
  readonly dynamic: DynamicSettings | undefined;
}

export interface DynamicParts extends Pick<WaysParts, "clientAt" | "tlsClient"> {
  readonly clock: Clock;
  readonly log: Log;
  readonly dictionary: Dictionary;
  readonly disk: Disk | undefined;
  readonly sessions: DeskParts["sessions"];
  /** As they are now. */
  tenant(): DynamicTenant;
}

const OFF: DynamicSettings = {
  enabled: false,
  address: "",
  ports: [],
  clientPort: 0,
  proxyState: "forward",
  requireEventTimestamp: true,
  windowMs: 300_000,
};
const RADSEC = [new Secret(RADSEC_SECRET)];

export class DynamicAuthorisation {
  readonly counters = dynamicCounters();
  private readonly parts: DynamicParts;
  private readonly udp: DynamicPorts;
  private readonly door: ClientDoor;
  private readonly ways: ClientWays;
  private readonly desk: DynamicDesk;
  private byAddress: ReadonlyMap<string, Askers>;

  constructor(parts: DynamicParts) {
    const { clock, log, dictionary, disk, sessions } = parts;
    this.parts = parts;
    this.byAddress = askersOf(parts.tenant());
    this.door = new ClientDoor(clock, this.counters);
    this.ways = new ClientWays({
      now: () => clock.now(),
      clientPort: () => this.settings.clientPort,
      clientAt: (address) => parts.clientAt(address),
      tlsClient: (identity) => parts.tlsClient(identity),
      onAnswer: (port, bytes) => this.door.onAnswer(port, bytes),
      onLost: (port) => this.door.onLost(port),
    });
    this.desk = new DynamicDesk({
      tenant: parts.tenant().name,
      ...{ clock, log, dictionary, disk, sessions },
      counters: this.counters,
      door: this.door,
      settings: () => this.settings,
      isInPool: (server, pool) =>
        parts.tenant().pools.some(({ name, servers }) => name === pool && servers.includes(server)),
      wayTo: (session) => this.ways.wayTo(session),
    });
    this.udp = new DynamicPorts((address, bytes, answer) => {
      const askers = this.byAddress.get(address);
      if (askers !== undefined) this.desk.take(askers, bytes, answer);
      else {
        this.counters.received++;
        this.counters.unknown++;
      }
    });
  }

  /** Ports for home servers, as bound. */
  get ports(): readonly number[] {
    return this.udp.ports;
  }

  /** What an earlier run has seen of requests. Rejects with `StoreError`. */
  load(): Promise<void> {
    return this.desk.load();
  }

  /** Rejects with the system's error, with nothing changed. */
  prepare(next: DynamicTenant): Promise<Prepared> {
    return this.udp.prepare(next.dynamic);
  }

  /** To be called when `tenant()` has changed. */
  configured(): void {
    this.byAddress = askersOf(this.parts.tenant());
  }

  /** A request that a home server sent down its TLS connection. */
  fromTls(server: string, bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void {
    this.desk.take([{ name: server, secrets: RADSEC }], bytes, answer);
  }

  /** An answer of a TLS client. */
  onAnswer(port: UpstreamPort, bytes: Uint8Array): void {
    this.door.onAnswer(port, bytes);
  }

  /** A TLS client is gone. */
  onLost(port: UpstreamPort): void {
    this.door.onLost(port);
  }

  disconnect(session: Session): Promise<Told> {
    return this.desk.disconnect(session);
  }

  /** To be called a few times a second. */
  tick(now: number): void {
    this.desk.tick(now);
    this.door.tick(now);
    this.ways.tick(now, (port) => this.door.isBusy(port));
  }

  close(): void {
    this.udp.close();
    this.ways.close();
  }

  private get settings(): DynamicSettings {
    return this.parts.tenant().dynamic ?? OFF;
  }
}

/** Everybody knows the secret of RADIUS/TLS: who is reached that way is not heard over UDP. */
function askersOf({ homeServers }: DynamicTenant): ReadonlyMap<string, Askers> {
  const byAddress = new Map<string, Askers[number][]>();
  for (const { name, address, secrets, tls } of homeServers) {
    if (tls !== undefined) continue;
    const asker = { name, secrets: secrets.map((text) => new Secret(text)) };
    byAddress.set(address, [...(byAddress.get(address) ?? []), asker]);
  }
  return byAddress;
}
