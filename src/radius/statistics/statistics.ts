/** Sums and differences of counters, per tenant, kind and client; the baseline is a copy of all. */
import type { Statistics, StatisticsQuery, StatisticsRow } from "../control.js";
import { listenerCounters } from "./counters.js";
import type { ListenerCounters } from "./counters.js";

/** What is read of a tenant. */
export interface CountingTenant {
  readonly settings: { readonly name: string };
  readonly sides: readonly {
    readonly kind: StatisticsRow["kind"];
    readonly listener: {
      readonly strangers: ListenerCounters;
      readonly byAddress: ReadonlyMap<string, ListenerCounters>;
    };
  }[];
}

/** Everything counted on one side, by client address; "" holds datagrams from strangers. */
interface Snapshot {
  readonly tenant: string;
  readonly kind: StatisticsRow["kind"];
  readonly byClient: ReadonlyMap<string, ListenerCounters>;
}

export class StatisticsBook {
  private baseline: { readonly wall: number; readonly snapshots: readonly Snapshot[] } | undefined;

  setBaseline(tenants: readonly CountingTenant[], wall: number): void {
    this.baseline = { wall, snapshots: snapshotsOf(tenants) };
  }

  read(tenants: readonly CountingTenant[], query: StatisticsQuery): Statistics {
    const since = query.delta === true ? this.baseline : undefined;
    const rows: StatisticsRow[] = [];
    for (const snapshot of snapshotsOf(tenants)) {
      const { tenant, kind, byClient } = snapshot;
      if (query.tenant !== undefined && query.tenant !== tenant) continue;
      if (query.kind !== undefined && query.kind !== kind) continue;
      const before = since?.snapshots.find((one) => one.tenant === tenant && one.kind === kind);
      const clients =
        query.byClient === true && query.client === undefined
          ? [...byClient.keys()]
          : [query.client];
      for (const client of clients) {
        const counters = sum(snapshot, client);
        if (before !== undefined) subtract(counters, sum(before, client));
        rows.push({ tenant, kind, client, counters });
      }
    }
    return { baseline: since?.wall, rows };
  }
}

function snapshotsOf(tenants: readonly CountingTenant[]): Snapshot[] {
  return tenants.flatMap((tenant) =>
    tenant.sides.map(({ kind, listener }) => ({
      tenant: tenant.settings.name,
      kind,
      byClient: new Map([
        ["", { ...listener.strangers }],
        ...[...listener.byAddress].map(([address, row]) => [address, { ...row }] as const),
      ]),
    })),
  );
}

function sum({ byClient }: Snapshot, client: string | undefined): ListenerCounters {
  // A row for each of thousands of clients must not look at all of them each time.
  if (client !== undefined) return { ...(byClient.get(client) ?? listenerCounters()) };
  const total = listenerCounters();
  for (const counters of byClient.values()) {
    for (const name of NAMES) total[name] += counters[name];
  }
  return total;
}

/** Pending is a gauge: it is never a difference. */
function subtract(from: ListenerCounters, what: ListenerCounters): void {
  for (const name of NAMES) if (name !== "pending") from[name] -= what[name];
}

const NAMES = Object.keys(listenerCounters()) as (keyof ListenerCounters)[];
