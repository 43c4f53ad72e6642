/**
 * Several bridge domains may announce host routes into one table: the unicast table, or the VRF of a route
 * distinguisher. Where two have the same address, theirs are two paths of one destination, told apart by a
 * path id; best path chooses the lowest. Domains of the settings have theirs in the order of the settings;
 * those of a VLAN-aware bundle, one for each tag, while they have addresses.
 */
import type { DomainSettings } from "../settings.js";

interface Table {
  /** Index in the settings and tag, to path id. */
  readonly ids: Map<string, number>;
  readonly free: number[];
  next: number;
}

export class Claims {
  /** By index in the settings. */
  private readonly tables: (Table | undefined)[] = [];
  private readonly fixed = new Set<string>();

  constructor(domains: readonly DomainSettings[]) {
    const byName = new Map<string, Table>();
    for (const [index, { hostRoutes, service, ethernetTag }] of domains.entries()) {
      if (hostRoutes === undefined) continue;
      const name = hostRoutes.announce === "unicast" ? "" : hostRoutes.rd;
      const table = byName.get(name) ?? { ids: new Map<string, number>(), free: [], next: 0 };
      byName.set(name, table);
      this.tables[index] = table;
      if (service === "vlan-aware-bundle" && ethernetTag === undefined) continue;
      const key = `${index}/${ethernetTag ?? 0}`;
      this.fixed.add(key);
      table.ids.set(key, table.next++);
    }
  }

  /** The path id of a domain; -1 when it has none (yet). */
  find(index: number, tag: number): number {
    return this.tables[index]?.ids.get(`${index}/${tag}`) ?? -1;
  }

  findOrCreate(index: number, tag: number): number {
    const table = this.tables[index]!;
    const key = `${index}/${tag}`;
    const found = table.ids.get(key);
    if (found !== undefined) return found;
    const id = table.free.pop() ?? table.next++;
    table.ids.set(key, id);
    return id;
  }

  /** The domain has no addresses any more. */
  release(index: number, tag: number): void {
    const key = `${index}/${tag}`;
    const table = this.tables[index];
    const id = table?.ids.get(key);
    if (table === undefined || id === undefined || this.fixed.has(key)) return;
    table.ids.delete(key);
    table.free.push(id);
  }
}
