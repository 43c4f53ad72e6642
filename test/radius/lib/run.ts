/** A relay in this process with one tenant, on free ports of the loopback; the test plays both ends. */
import { RadiusService } from "../../../src/radius/service.js";
import type { RadiusParts } from "../../../src/radius/service.js";
import type { SessionEvent } from "../../../src/radius/session/session.js";
import type {
  ClientSettings,
  HomeServerSettings,
  ListenerSettings,
  RadiusSettings,
  TenantSettings,
} from "../../../src/radius/settings.js";
import type {
  HomeServerCounters,
  ListenerCounters,
} from "../../../src/radius/statistics/counters.js";
import { silentLog } from "../../../src/util/log.js";
import { ManualClock } from "./hand-clock.js";
import { Endpoint, responseTo } from "./packets.js";
import type { Pair } from "./packets.js";

export const CLIENT_SECRET = "from-the-access-point";
export const HOME_SECRET = "towards-the-home-server";

export function client(changes: Partial<ClientSettings> = {}): ClientSettings {
  return {
    name: "local",
    prefix: "127.0.0.0/8",
    secrets: [CLIENT_SECRET],
    requireMessageAuthenticator: "yes",
    proxy: false,
    limitProxyState: true,
    rateLimit: 0,
    ...changes,
  };
}

/** Accounting goes to the same port; nothing happens by silence. */
export function homeServer(
  port: number,
  changes: Partial<HomeServerSettings> = {},
): HomeServerSettings {
  return {
    name: `home-${port}`,
    address: "127.0.0.1",
    authenticationPort: port,
    accountingPort: port,
    secrets: [HOME_SECRET],
    requireMessageAuthenticator: true,
    watchdog: "none",
    suspectAfterMs: 600_000,
    probeIntervalMs: 500,
    probesUntilDead: 2,
    deadIntervalMs: 1000,
    ...changes,
  };
}

export function listener(
  clients: readonly ClientSettings[] = [client()],
  changes: Partial<ListenerSettings> = {},
): ListenerSettings {
  return {
    address: "127.0.0.1",
    port: 0,
    clients,
    cacheMs: 5000,
    timeoutMs: 20_000,
    queueMax: 8192,
    pendingMax: 16_384,
    onFailure: "silent",
    ...changes,
  };
}

export function tenant(
  homes: readonly HomeServerSettings[],
  changes: Partial<TenantSettings> = {},
  clients?: readonly ClientSettings[],
): TenantSettings {
  return {
    name: "default",
    profile: "modern",
    authentication: listener(clients),
    accounting: listener(clients),
    homeServers: homes,
    pools: [{ name: "main", servers: homes.map(({ name }) => name), balance: false }],
    routes: [{ authenticationPool: "main", accountingPool: "main" }],
    relayAddress: undefined,
    sessionIdleMs: 86_400_000,
    requireServiceAttributes: false,
    addresses: undefined,
    ...changes,
  };
}

export function relaySettings(
  tenants: readonly TenantSettings[],
  changes: Partial<RadiusSettings> = {},
): RadiusSettings {
  return { tenants, stateDirectory: undefined, spoolMax: 2 ** 30, dictionaries: [], ...changes };
}

export type RunChanges = Partial<Omit<RadiusParts, "settings" | "clock" | "onSession">> & {
  readonly settings?: Partial<RadiusSettings>;
};

/** The relay, and time in the test's hand. */
export class Run {
  readonly events: SessionEvent[] = [];
  readonly clock: ManualClock;
  readonly service: RadiusService;
  authPort = 0;
  acctPort = 0;

  private constructor(service: RadiusService, clock: ManualClock, events: SessionEvent[]) {
    this.service = service;
    this.clock = clock;
    this.events = events;
  }

  static async start(
    tenants: readonly TenantSettings[],
    { settings, ...parts }: RunChanges = {},
  ): Promise<Run> {
    const events: SessionEvent[] = [];
    const clock = new ManualClock();
    const service = await RadiusService.start({
      log: silentLog,
      ...parts,
      settings: relaySettings(tenants, settings),
      clock,
      onSession: (event) => events.push(event),
    });
    const run = new Run(service, clock, events);
    await run.readPorts();
    return run;
  }

  async readPorts(tenantName?: string): Promise<void> {
    const rows = await this.service.servers();
    const port = (kind: string) =>
      rows.find((row) => row.kind === kind && row.tenant === (tenantName ?? row.tenant))?.port ?? 0;
    this.authPort = port("authentication");
    this.acctPort = port("accounting");
  }

  async counters(
    kind: "authentication" | "accounting" = "authentication",
    tenantName?: string,
  ): Promise<ListenerCounters> {
    const { rows } = await this.service.statistics({ kind, tenant: tenantName });
    if (rows[0] === undefined) throw new Error(`nothing counts ${kind}`);
    return rows[0].counters;
  }

  async upstream(name?: string, kind = "authentication"): Promise<HomeServerCounters> {
    const row = (await this.service.homeServers()).find(
      (one) => one.kind === kind && one.name === (name ?? one.name),
    );
    if (row === undefined) throw new Error("there is no such home server");
    return row.counters;
  }

  /** Once the relay has counted that much. */
  async counted(
    name: keyof ListenerCounters,
    value: number,
    kind: "authentication" | "accounting" = "authentication",
  ): Promise<void> {
    while ((await this.counters(kind))[name] < value) await turn();
  }

  async heard(name: "unsigned" | "unmatched" | "badAuthenticators" | "malformed"): Promise<void> {
    while ((await this.upstream())[name] === 0) await turn();
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Looks at each turn of the event loop. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await turn();
}

/** A home server that the test plays: answers go back to the port that asked. */
export class PlayedHome {
  readonly endpoint: Endpoint;
  private readonly ports = new Map<Uint8Array, number>();
  /** What it does by itself with each request. */
  onRequest: (request: Uint8Array) => void = () => {};

  private constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
    endpoint.onPacket = (bytes, from) => {
      this.ports.set(bytes, from.port);
      this.onRequest(bytes);
    };
  }

  static async open(): Promise<PlayedHome> {
    return new PlayedHome(await Endpoint.open());
  }

  get port(): number {
    return this.endpoint.port;
  }

  get received(): readonly Uint8Array[] {
    return this.endpoint.received;
  }

  packet(index: number): Promise<Uint8Array> {
    return this.endpoint.packet(index);
  }

  send(request: Uint8Array, bytes: Uint8Array): void {
    this.endpoint.send(bytes, this.ports.get(request) ?? 0);
  }

  answer(request: Uint8Array, code: number, pairs: readonly Pair[] = [], options = {}): void {
    this.send(request, responseTo(request, code, pairs, HOME_SECRET, options));
  }

  close(): void {
    this.endpoint.close();
  }
}
