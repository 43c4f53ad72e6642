/** The entries as the detection of duplicates sees them: where each MAC is, and whether it is a gateway's. */
import type { FibTables, MacFib } from "./mac-fib.js";
import type { WatchedEntries } from "./quarantine/move-watch.js";
import { FactFlag } from "./route-facts.js";

export function watchedEntries(
  { facts, segments }: FibTables,
  { entries, candidates }: MacFib,
): WatchedEntries {
  return {
    entries,
    pe: (entry) => candidates.pe(entries.head(entry)),
    segment: (entry) => {
      const attachment = candidates.attachment(entries.head(entry));
      return attachment === 0 ? 0 : segments.segmentOf(attachment);
    },
    isGateway: (entry) =>
      (facts.flags(candidates.factsOf(entries.head(entry))) & FactFlag.DefaultGateway) !== 0,
  };
}
