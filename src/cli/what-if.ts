/** evpnctl what-if pe|segment|peer|tunnel|policy: what would be different, without doing it. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { textOf } from "./policy.js";
import { formatTable, wrap } from "./text.js";
import type { HopAnswer, SinglePointAnswer, WhatIfAnswer } from "./what-if-wire.js";

interface Options {
  readonly changes?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

interface SegmentOptions extends Options {
  readonly pe?: string;
  readonly firstMoment?: boolean;
}

const PATH = "/v1/what-if";
/** Rows of the tables behind the one of MACs. */
const SHOWN = 20;

export function addWhatIf(program: Command, host: CliHost): void {
  const whatIf = program
    .command("what-if")
    .description("what a failure or other policies would change, worked out on a fork of the FIB");
  const print = (answer: WhatIfAnswer, command: Command): void => {
    if (wantsJson(command)) printJson(host, answer);
    else host.out(formatWhatIf(answer, host.columns));
  };
  const fail = async (query: object, options: Options, command: Command): Promise<void> => {
    const { changes, limit, cursor } = options;
    const all = { ...query, changes, limit, cursor };
    print(await clientOf(command, host).get<WhatIfAnswer>(PATH, all), command);
  };

  paged(whatIf.command("pe"))
    .description("a PE fails: every route with it as next hop goes, and its own session")
    .argument("<address>", "the PE's address, as show mac has it")
    .action((pe: string, options: Options, command: Command) => fail({ pe }, options, command));
  paged(whatIf.command("segment"))
    .description("an Ethernet segment fails at one PE, or at all of them")
    .argument("<esi>", "ten octets, as show es has it")
    .option("--pe <address>", "at this PE alone")
    .option("--first-moment", "while the MAC routes are still there (mass withdraw)")
    .action((esi: string, options: SegmentOptions, command: Command) => {
      const { pe, firstMoment } = options;
      const moment = firstMoment === true ? { firstMoment: "true" } : {};
      return fail({ esi, pe, ...moment }, options, command);
    });
  paged(whatIf.command("peer"))
    .description("a peer's session ends, and with it all routes that it sent")
    .argument("<address>", "the peer's address")
    .action((peer: string, options: Options, command: Command) => fail({ peer }, options, command));
  paged(whatIf.command("tunnel"))
    .description("a tunnel under the fabric fails: what it alone leads to goes, sessions included")
    .argument("<name>", "the tunnel's name, as ipsec vteps has it")
    .action((tunnel: string, options: Options, command: Command) =>
      fail({ tunnel }, options, command),
    );
  addSinglePoints(whatIf, host);
  paged(whatIf.command("policy"))
    .description("a file's policies hold")
    .argument("<file>", "a configuration file, or policies and policy-sets alone")
    .action(async (file: string, options: Options, command: Command) => {
      const { changes, limit, cursor } = options;
      const body = { text: textOf(file), changes, limit, cursor };
      const client = clientOf(command, host);
      print(await client.post<WhatIfAnswer>(`${PATH}/policy`, {}, body), command);
    });
}

function addSinglePoints(whatIf: Command, host: CliHost): void {
  whatIf
    .command("single-points")
    .description("PEs that MACs hang on: no other announces them")
    .action(async (_options: object, command: Command) => {
      const path = `${PATH}/single-points`;
      const answer = await clientOf(command, host).get<SinglePointAnswer>(path);
      if (wantsJson(command)) printJson(host, answer);
      else host.out(formatSinglePoints(answer, host.columns));
    });
}

export function formatSinglePoints(answer: SinglePointAnswer, width: number): string {
  const { looked, shared, pes, pesCut } = answer;
  const head = `${shared} of ${looked} ${looked === 1 ? "MAC" : "MACs"} are announced by several PEs.\n`;
  if (pes.length === 0) return head;
  const table = formatTable(
    pes,
    [
      { title: "PE", value: (row) => row.pe },
      { title: "MACs of its own", value: (row) => String(row.macs), right: true },
      { title: "Its segment brings back", value: (row) => String(row.returning), right: true },
    ],
    width,
  );
  return `${head}\n${table}${pesCut ? "More PEs than shown.\n" : ""}`;
}

function paged(command: Command): Command {
  return command
    .addOption(
      new Option("--changes <kind>", "MACs of this kind alone").choices([
        "moved",
        "dark",
        "lit",
        "hops",
      ]),
    )
    .option("--limit <number>", "MACs shown; default: 100, at most 1000", rows)
    .option("--cursor <cursor>", "the next page, as the page before said");
}

function rows(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) <= 1000) return Number(text);
  throw new InvalidArgumentError("It must be a number from 0 to 1000.");
}

export function formatWhatIf(answer: WhatIfAnswer, width: number): string {
  const parts = [
    [
      ...answer.summary.map((sentence) => wrap(sentence, width, "  ", "")),
      ...answer.notes.map((note) => wrap(`Note: ${note}`, width, "  ", "")),
    ].join(""),
    macs(answer, width),
    segments(answer, width),
    forwarders(answer, width),
    updates(answer, width),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function macs({ rows: list, next }: WhatIfAnswer, width: number): string {
  if (list.length === 0) return "";
  const table = formatTable(
    list,
    [
      { title: "MAC", value: (row) => row.mac },
      { title: "Domain", value: (row) => row.domain },
      {
        title: "Change",
        value: (row) => (row.returns === true ? `${row.kind}*` : row.kind),
      },
      { title: "Now", value: (row) => hops(row.before) },
      { title: "Then", value: (row) => hops(row.after) },
    ],
    width,
  );
  const back = list.some((row) => row.returns === true)
    ? "* back when another PE of its segment learns it\n"
    : "";
  return table + back + (next === undefined ? "" : `More MACs: --cursor ${next}\n`);
}

/** The first next hop, and how many more there are. */
function hops(list: readonly HopAnswer[]): string {
  const [first, ...more] = list;
  if (first === undefined) return "none";
  return more.length === 0 ? first.address : `${first.address} +${more.length}`;
}

function segments({ segments: list, segmentsChanged }: WhatIfAnswer, width: number): string {
  if (list.length === 0) return "";
  const table = formatTable(
    list.slice(0, SHOWN),
    [
      { title: "Segment", value: (row) => row.esi },
      { title: "PEs", value: (row) => `${row.before.length} -> ${row.after.length}` },
      { title: "MACs", value: (row) => String(row.macs), right: true },
      { title: "Left", value: (row) => row.after.join(" ") || "none" },
    ],
    width,
  );
  return table + more(segmentsChanged);
}

function forwarders({ forwarders: list, forwardersChanged }: WhatIfAnswer, width: number): string {
  if (list.length === 0) return "";
  const table = formatTable(
    list.slice(0, SHOWN),
    [
      { title: "Segment", value: (row) => row.esi },
      { title: "Domain", value: (row) => row.domain },
      { title: "Forwarder now", value: (row) => row.before ?? "none" },
      { title: "Then", value: (row) => row.after ?? "none" },
    ],
    width,
  );
  return table + more(forwardersChanged);
}

function updates({ updates: list }: WhatIfAnswer, width: number): string {
  if (list.length === 0) return "";
  const table = formatTable(
    list.slice(0, SHOWN),
    [
      { title: "Client", value: (row) => row.peer },
      { title: "Announced", value: (row) => String(row.announced), right: true },
      { title: "Withdrawn", value: (row) => String(row.withdrawn), right: true },
    ],
    width,
  );
  return table + more(list.length);
}

function more(count: number): string {
  return count > SHOWN ? `and ${count - SHOWN} more; --json has them\n` : "";
}
