/** evpnctl show timeline: what happened to MACs; who moves most; evpnctl diff fib: what differs between two times. */
import type { Command } from "commander";
import { clientOf, printJson, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import { labelText } from "./label-text.js";
import { formatClock, timeOption } from "./time-option.js";
import { formatTable } from "./text.js";
import type { Column } from "./text.js";
import type {
  MacAtAnswer,
  MacDifferenceAnswer,
  RestlessAnswer,
  TimelineEventAnswer,
} from "./timeline-wire.js";

/** Rows whose columns are lined up together. */
const BATCH = 1000;

type Options = Readonly<Record<string, string | number | undefined>>;

export function addShowTimeline(show: Command, host: CliHost): void {
  show
    .command("timeline")
    .description("what happened to MACs and segments, oldest first; needs fib.timeline")
    .option("--from <time>", "from then on: 14:03:07.2, a date, or -5m", timeOption(host))
    .option("--to <time>", "up to then", timeOption(host))
    .option("--mac <mac>", "of this MAC and its segments, or of all that begin so")
    .option("--domain <name>", "in this bridge domain")
    .option("--pe <address>", "that came to this PE, or left it")
    .option("--kind <kind>", "learn, move, withdraw, ip-move, segment-down, …")
    .option("--restless <count>", "instead: the MACs that moved most", wholeNumber)
    .option("--limit <count>", "at most so many", wholeNumber)
    .action(async (options: Options, command: Command) => {
      const client = clientOf(command, host);
      const json = wantsJson(command);
      const { from, to, mac, domain, pe, kind, restless, limit } = options;
      if (restless !== undefined) {
        const query = { from, to, domain, count: restless };
        const answer = await client.get<RestlessAnswer>("/v1/timeline/restless", query);
        if (json) printJson(host, answer);
        else host.out(formatRestless(answer, host));
        return;
      }
      const lines = client.lines("/v1/timeline/events", { from, to, mac, domain, pe, kind, limit });
      await printRows<TimelineEventAnswer>(lines, eventColumns(host.now()), json, host, "events");
    });
}

export function addDiffFib(program: Command, host: CliHost): void {
  const diff = program.command("diff").description("what is different between two times");
  diff
    .command("fib")
    .description("MACs that are where they were not before; needs fib.timeline")
    .requiredOption("--from <time>", "before: 14:03:07.2, a date, or -5m", timeOption(host))
    .option("--to <time>", "after; default: now", timeOption(host))
    .option("--mac <mac>", "only this MAC, or all that begin so")
    .option("--domain <name>", "only in this bridge domain")
    .option("--pe <address>", "only those that this PE had or has")
    .option("--limit <count>", "at most so many", wholeNumber)
    .action(async (options: Options, command: Command) => {
      const { from, to, mac, domain, pe, limit } = options;
      const query = { from, to, mac, domain, pe, limit };
      const lines = clientOf(command, host).lines("/v1/timeline/diff", query);
      await printRows<MacDifferenceAnswer>(
        lines,
        DIFF_COLUMNS,
        wantsJson(command),
        host,
        "differences",
      );
    });
}

async function printRows<T>(
  lines: AsyncIterable<string>,
  columns: Column<T>[],
  json: boolean,
  host: CliHost,
  name: string,
): Promise<void> {
  let rows: T[] = [];
  let count = 0;
  const flush = (): void => {
    const table = formatTable(rows, columns, host.columns);
    // The head stands once.
    host.out(count === rows.length ? table : table.slice(table.indexOf("\n") + 1));
    rows = [];
  };
  for await (const line of lines) {
    count++;
    if (json) host.out(`${safeJson(line)}\n`);
    else if (rows.push(JSON.parse(line) as T) === BATCH) flush();
  }
  if (json) return;
  if (rows.length > 0) flush();
  host.out(count === 0 ? `No ${name}.\n` : `${count} ${name}\n`);
}

function eventColumns(now: number): Column<TimelineEventAnswer>[] {
  return [
    { title: "Time", value: ({ time }) => formatClock(time, now) },
    { title: "Event", value: ({ kind }) => kind },
    { title: "MAC", value: ({ mac, esi }) => mac ?? esi ?? "" },
    { title: "Domain", value: ({ domain }) => domain ?? "" },
    { title: "What", value: (row) => eventText(row, now) },
  ];
}

function eventText(row: TimelineEventAnswer, now: number): string {
  const { ip, sequence, count, since, kind, label } = row;
  const parts = [
    ...(ip === undefined ? [] : [ip]),
    ...placesOf(row),
    ...(sequence === undefined || sequence === 0 ? [] : [`seq ${sequence}`]),
    ...(kind !== "learn" || label === undefined ? [] : [labelText(label)]),
    ...(count === undefined || row.mac !== undefined ? [] : [`${count}`]),
    ...(since === undefined ? [] : [`since ${formatClock(since, now)}`]),
  ];
  return parts.join(" ");
}

/** From where, to where: both fit a narrow column. */
function placesOf({ from, to }: TimelineEventAnswer): string[] {
  if (from === undefined) return to === undefined ? [] : [`at ${to}`];
  return [to === undefined ? `from ${from}` : `${from} > ${to}`];
}

const DIFF_COLUMNS: Column<MacDifferenceAnswer>[] = [
  { title: "MAC", value: ({ mac }) => mac },
  { title: "Domain", value: ({ domain }) => domain },
  { title: "Change", value: ({ change }) => change },
  { title: "Before", value: ({ before }) => placeText(before) },
  { title: "After", value: ({ after }) => placeText(after) },
];

/** Where it was, in a column. */
export function placeText({ state, pe, via, certain }: MacAtAnswer): string {
  if (state !== "present") return state;
  const [first] = via;
  const more = via.length > 1 ? ` +${via.length - 1}` : "";
  const place = first === undefined ? `${pe ?? "?"} unusable` : `${first}${more}`;
  return certain ? place : `${place}?`;
}

function formatRestless({ macs, from, to, cut }: RestlessAnswer, host: CliHost): string {
  const now = host.now();
  const begin = from === 0 ? "the beginning" : formatClock(from, now);
  const looked = `From ${begin} to ${formatClock(to, now)}${cut ? "; there is too much before that to count" : ""}.\n`;
  if (macs.length === 0) return `No MAC moved. ${looked}`;
  const table = formatTable(
    macs,
    [
      { title: "Moves", value: ({ moves }) => String(moves) },
      { title: "MAC", value: ({ mac }) => mac },
      { title: "Domain", value: ({ domain }) => domain },
    ],
    host.columns,
  );
  return `${table}${looked}`;
}
