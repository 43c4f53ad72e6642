/** Which ports of other VNFs the tenant's Sec-catalog opens (ASM-23): what a gateway cannot see, agents enforce. */
import { EVERY, TCP } from "../../catalog/index.js";
import type { Catalog, CatalogEntry } from "../../catalog/index.js";

/** The entry that lets TCP pass from one VNF to a port of another; undefined: it is not allowed. */
export function entryFor(
  catalog: Catalog | undefined,
  from: string,
  to: string,
  port: number,
): CatalogEntry | undefined {
  return catalog?.entries.find(
    (entry) =>
      isEnd(catalog, entry.from, from) &&
      isEnd(catalog, entry.to, to) &&
      (entry.protocol === undefined || entry.protocol === TCP) &&
      (entry.ports === undefined || (entry.ports.first <= port && port <= entry.ports.last)),
  );
}

/** Whether anybody may reach this port, before it is known who asks. */
export function opensPort(catalog: Catalog | undefined, to: string, port: number): boolean {
  return (
    catalog?.entries.some(({ from }) => entryFor(catalog, vnfOf(catalog, from), to, port)) ?? false
  );
}

function isEnd(catalog: Catalog, end: string, vnf: string): boolean {
  return end === vnf || (end === EVERY && catalog.descriptors.includes(vnf));
}

function vnfOf(catalog: Catalog, from: string): string {
  return from === EVERY ? (catalog.descriptors[0] ?? "") : from;
}
