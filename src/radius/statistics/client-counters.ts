/**
 * Counters by network of clients, as configured: as many as there are networks, however many access points are in
 * them. The networks of addresses are looked up once each, some at a time.
 */
import { isIP } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Kind } from "../upstream/upstream.js";
import { addCounters, listenerCounters } from "./counters.js";
import type { LatencyCounts, ListenerCounters } from "./counters.js";

export interface ClientCounters {
  readonly tenant: string;
  readonly kind: Kind;
  /** Name of the network; "" = sources of none, `former` = of networks that are gone. */
  readonly client: string;
  readonly counters: ListenerCounters;
  /** From a request to its answer; undefined where nothing is measured. */
  readonly latency: LatencyCounts | undefined;
}

interface NamedClient {
  readonly settings: { readonly name: string };
  readonly latency: LatencyCounts;
}

/** What is read of a tenant. */
export interface ClientTenant {
  readonly settings: { readonly name: string };
  readonly sides: readonly {
    readonly kind: Kind;
    readonly listener: {
      readonly strangers: ListenerCounters;
      readonly byAddress: ReadonlyMap<string, ListenerCounters>;
      readonly table: {
        readonly clients: readonly NamedClient[];
        find(address: string): NamedClient | undefined;
      };
    };
  }[];
}

const FORMER = "former";
/** Addresses looked up between two turns of the event loop. */
const PER_TURN = 100;

/** By table: the same object as long as no client changes. */
const known = new WeakMap<object, Map<string, string>>();

export async function clientCounters(tenants: readonly ClientTenant[]): Promise<ClientCounters[]> {
  const rows: ClientCounters[] = [];
  for (const { settings, sides } of tenants) {
    for (const { kind, listener } of sides) {
      const { table, byAddress, strangers } = listener;
      const sums = new Map<string, ListenerCounters>();
      const add = (client: string, counters: ListenerCounters): void => {
        let sum = sums.get(client);
        if (sum === undefined) sums.set(client, (sum = listenerCounters()));
        addCounters(sum, counters);
      };
      for (const { settings: one } of table.clients) add(one.name, listenerCounters());
      add("", strangers);
      const names = known.get(table) ?? new Map<string, string>();
      known.set(table, names);
      let looked = 0;
      for (const [address, counters] of [...byAddress]) {
        let name = names.get(address);
        if (name === undefined) {
          if (++looked % PER_TURN === 0) await nextTurn();
          // A row that many addresses share is of no network, and a client over TLS has a name.
          name = isIP(address) !== 0 ? (table.find(address)?.settings.name ?? FORMER) : address;
          names.set(address, name);
        }
        add(name, counters);
      }
      const latencies = new Map(table.clients.map((one) => [one.settings.name, one.latency]));
      for (const [client, counters] of sums) {
        const row = { tenant: settings.name, kind, client, counters };
        const latency = latencies.get(client);
        rows.push({
          ...row,
          latency: latency && { ...latency, latency: [...latency.latency] },
        });
      }
    }
  }
  return rows;
}
