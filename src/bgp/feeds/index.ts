/**
 * Feeds: what evpnd tells others of its sessions and tables, and what it keeps for itself.
 *
 * In: the sessions' message tap, the table's path sink, the change log. Out: BMP connections, MRT files,
 * recordings on demand. A feed never holds a session or the reflector up: collectors read common,
 * bounded logs at their own pace, files are written in the background, recordings are rings.
 *
 * - `bmp/` RFC 7854, 8671, 9069: `bmp-feed.ts` gathers events, `collector.ts` is a connection, `monitor.ts`
 *   what it is told, `route-batch.ts` and `update-writer.ts` how.
 * - `event-log.ts` what happened, for collectors that read it later.
 * - `mrt/` RFC 6396, 8050: `update-log.ts` messages, `table-dump.ts` tables, `file-sink.ts` files.
 * - `recorder/` the flight recorder and its exports.
 *
 * Not supported: BMP route mirroring, connections from collectors, BMP for several routing instances; MRT
 * types other than BGP4MP_ET and TABLE_DUMP_V2.
 */
export type { FeedSources, PeerNumbers, SentRoute } from "./bmp/sources.js";
export type {
  BmpCollectorView,
  DumpResult,
  FeedsView,
  MrtFileView,
  MrtTablesView,
  RecorderView,
  RecordingFormat,
  RecordingView,
} from "./control.js";
export { Feeds } from "./feeds.js";
export { FEEDS_OFF, type BmpCollectorSettings, type FeedsSettings } from "./settings.js";
