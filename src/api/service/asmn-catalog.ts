/** Catalog lines compared: what comes, what goes, what gets other limits. */
import type { AsmnCatalogEntry } from "../../asmn/index.js";

export interface LinesCompared {
  readonly added: readonly AsmnCatalogEntry[];
  readonly removed: readonly AsmnCatalogEntry[];
  readonly changed: readonly {
    readonly before: AsmnCatalogEntry;
    readonly after: AsmnCatalogEntry;
  }[];
}

/**
 * @param inForce lines of all the tenant's catalogs; one may stand there several times
 * @param fixed lines that no call changes
 * @param wanted in place of all others
 */
export function compareLines(
  inForce: readonly AsmnCatalogEntry[],
  fixed: readonly AsmnCatalogEntry[],
  wanted: readonly AsmnCatalogEntry[],
): LinesCompared {
  const before = byFlow(inForce);
  const kept = byFlow(fixed);
  const after = byFlow(wanted);
  return {
    added: [...after].filter(([flow]) => !before.has(flow)).map(([, line]) => line),
    removed: [...before]
      .filter(([flow]) => !after.has(flow) && !kept.has(flow))
      .map(([, line]) => line),
    changed: [...after].flatMap(([flow, line]) => {
      const old = before.get(flow);
      return old === undefined || limitsOf(old) === limitsOf(line)
        ? []
        : [{ before: old, after: line }];
    }),
  };
}

function byFlow(lines: readonly AsmnCatalogEntry[]): Map<string, AsmnCatalogEntry> {
  return new Map(
    lines.map((line) => {
      const { from, to, protocol, port = "", portEnd = port } = line;
      return [`${from} ${to} ${protocol} ${port}-${portEnd}`, line];
    }),
  );
}

function limitsOf({ rate, burst, packetRate }: AsmnCatalogEntry): string {
  return `${rate} ${burst} ${packetRate}`;
}
