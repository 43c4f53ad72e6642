/** The `fib.timeline` block of a file that passed the schema, to the timeline's settings. */
import { join } from "node:path";
import type { TimelineSettings } from "../fib/timeline/settings.js";
import { TOP_DEFAULTS } from "./file.js";
import type { TimelineEntry } from "./file.js";
import type { IssueList } from "./issue.js";

const MEBI = 2 ** 20;
const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** Undefined when there is no timeline. */
export function timelineSettings(
  entry: TimelineEntry | undefined,
  stateDir: string | undefined,
  issues: IssueList,
): TimelineSettings | undefined {
  const all = { ...TOP_DEFAULTS.timeline, ...entry };
  if (!all.enabled) return undefined;
  const directory =
    entry?.directory ?? (stateDir === undefined ? undefined : join(stateDir, "timeline"));
  if (directory === undefined) {
    issues.error(
      ["fib", "timeline"],
      "nothing says where the timeline is to be kept",
      'add "directory", or "state-dir" to the block "restart"',
    );
    return undefined;
  }
  const age = all["max-age"];
  const size = all["max-size"];
  return {
    directory,
    maxAge: parseInt(age, 10) * SECONDS[age.slice(-1)]!,
    maxSize: parseInt(size, 10) * (size.endsWith("GiB") ? 1024 * MEBI : MEBI),
  };
}
