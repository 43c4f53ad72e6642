/** A page of samples in the making, gathered under their metric: the format wants them together. */
import { METRICS, PREFIX, type MetricRow } from "./metric-table.js";

/** Adds its samples when the page is asked for. Does not reject. */
export type MetricSource = (page: MetricPage) => Promise<void>;

export class MetricPage {
  private readonly samples = new Map<string, string[]>();

  constructor() {
    for (const { name } of METRICS) this.samples.set(name, []);
  }

  /**
   * Throws for a name that has no row: our own bug.
   * @param labels as `labelText` gives them
   * @param suffix of a histogram's samples: `_bucket`, `_sum`, `_count`
   */
  add(name: string, labels: string, value: number, suffix = ""): void {
    const list = this.samples.get(name);
    if (list === undefined) throw new Error(`metric ${name} has no row in metric-table.ts`);
    list.push(`${PREFIX}${name}${suffix}${labels === "" ? "" : `{${labels}}`} ${value}\n`);
  }

  text(): string {
    return METRICS.map((row) => head(row) + (this.samples.get(row.name) ?? []).join("")).join("");
  }
}

function head({ name, help, type }: MetricRow): string {
  return `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${type}\n`;
}

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escape(value)}"`)
    .join(",");
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
