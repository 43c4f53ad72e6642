/**
 * The servers and pools of one tenant and one kind of request, and what a reload does to them: a server
 * that stays where it is keeps its ports, what is pending there, its health and its counters.
 */
import type { HomeServerSettings, PoolSettings } from "../settings.js";
import { Pool } from "./pool.js";
import type { Upstream } from "./upstream.js";

export interface FleetSettings {
  readonly homeServers: readonly HomeServerSettings[];
  readonly pools: readonly PoolSettings[];
}

interface Member {
  settings: HomeServerSettings;
  readonly server: Upstream;
}

export class Fleet {
  /** By name; the same map for as long as the fleet lives. */
  readonly pools = new Map<string, Pool>();
  private members = new Map<string, Member>();
  private readonly make: (settings: HomeServerSettings) => Upstream;

  constructor(settings: FleetSettings, make: (settings: HomeServerSettings) => Upstream) {
    this.make = make;
    this.configure(settings);
  }

  get servers(): Upstream[] {
    return [...this.members.values()].map(({ server }) => server);
  }

  /** @returns servers that are no more: closed, what was pending there is not answered */
  configure({ homeServers, pools }: FleetSettings): Upstream[] {
    const before = this.members;
    this.members = new Map(homeServers.map((one) => [one.name, this.member(one, before)]));
    const kept = new Set(this.servers);
    const gone = [...before.values()].map(({ server }) => server).filter((one) => !kept.has(one));
    for (const server of gone) server.close();
    const names = new Set(pools.map(({ name }) => name));
    for (const name of [...this.pools.keys()]) if (!names.has(name)) this.pools.delete(name);
    for (const { name, servers, balance } of pools) {
      const members = servers.flatMap((one) => this.members.get(one)?.server ?? []);
      const pool = this.pools.get(name);
      if (pool === undefined) this.pools.set(name, new Pool(name, members, balance));
      else pool.configure(members, balance);
    }
    return gone;
  }

  close(): void {
    for (const server of this.servers) server.close();
  }

  private member(settings: HomeServerSettings, before: ReadonlyMap<string, Member>): Member {
    const known = before.get(settings.name);
    if (known === undefined || !samePlace(known.settings, settings)) {
      return { settings, server: this.make(settings) };
    }
    if (JSON.stringify(known.settings) !== JSON.stringify(settings)) {
      known.server.configure(settings);
      known.settings = settings;
    }
    return known;
  }
}

/** Secrets, certificates and times may differ. */
function samePlace(a: HomeServerSettings, b: HomeServerSettings): boolean {
  return (
    a.address === b.address &&
    a.authenticationPort === b.authenticationPort &&
    a.accountingPort === b.accountingPort &&
    a.tls?.port === b.tls?.port
  );
}
