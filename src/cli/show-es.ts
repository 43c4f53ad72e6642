/** evpnctl show es: Ethernet segments, their PEs, and who forwards what. */
import type { Command } from "commander";
import type { SegmentAnswer } from "./fib-wire.js";
import { clientOf, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { formatTable, wrap } from "./text.js";

export function addShowEs(show: Command, host: CliHost): void {
  show
    .command("es")
    .description("Ethernet segments, their PEs and designated forwarders; needs the MAC FIB")
    .argument("[esi]", "this segment alone, with what each PE works out")
    .action(async (esi: string | undefined, _options, command: Command) => {
      const json = wantsJson(command);
      let count = 0;
      for await (const line of clientOf(command, host).lines("/v1/fib/segments", { esi })) {
        if (json) host.out(`${safeJson(line)}\n`);
        else {
          const text = formatSegment(
            JSON.parse(line) as SegmentAnswer,
            host.columns,
            esi !== undefined,
          );
          host.out(count === 0 ? text : `\n${text}`);
        }
        count++;
      }
      if (!json && count === 0) host.out("No Ethernet segment: no PE has announced one.\n");
    });
}

/** @param detail with what each PE works out; otherwise only where that does not come to one forwarder */
export function formatSegment(segment: SegmentAnswer, width: number, detail = false): string {
  const { esi, mode, macs, places, forwarders, forwardersCut, splitHorizon } = segment;
  const plural = macs === 1 ? "MAC" : "MACs";
  const split = splitHorizon === undefined ? "" : `, ${splitHorizon}`;
  const head = `${esi}  ${mode}${split}, ${macs} ${plural}\n`;
  const pes = formatTable(
    places,
    [
      { title: "PE", value: (row) => row.pe },
      { title: "Per-ES routes", value: (row) => String(row.perEsRoutes), right: true },
      { title: "ESI label", value: (row) => String(row.esiLabel ?? ""), right: true },
      { title: "MAC/IP routes", value: (row) => String(row.macs), right: true },
    ],
    width - INDENT.length,
  );
  const elected = formatTable(
    forwarders,
    [
      { title: "Domain", value: (row) => row.domain },
      { title: "Tag", value: (row) => String(row.tag), right: true },
      { title: "Forwarder", value: (row) => row.forwarder ?? "none" },
      { title: "Backup", value: (row) => row.backup ?? "none" },
      { title: "Why", value: (row) => row.reason },
    ],
    width - INDENT.length,
  );
  const more = forwardersCut ? "More domains than shown.\n" : "";
  return [
    head,
    indent(pes),
    forwarders.length > 0 ? indent(elected) : "",
    detail ? indent(formatElectors(segment, width - INDENT.length)) : "",
    ...forwarders.flatMap((row) => disagreement(row, width)),
    indent(more),
  ].join("");
}

const ALGORITHMS = ["modulo", "HRW", "highest preference", "lowest preference"];
const AC_DF = 0x4000;
const DONT_PREEMPT = 0x8000;

function formatElectors({ electors }: SegmentAnswer, width: number): string {
  if (electors.length === 0) return "No type 4 route: nobody stands for election.\n";
  return formatTable(
    electors,
    [
      { title: "Elector", value: (row) => row.originator },
      { title: "Announces", value: announces },
      { title: "ES-Import", value: (row) => row.esImport ?? "none" },
    ],
    width,
  );
}

function announces(elector: SegmentAnswer["electors"][number]): string {
  const { signals, algorithm, bitmap, preference } = elector;
  if (!signals) return "nothing, so modulo";
  const name = ALGORITHMS[algorithm] ?? `algorithm ${algorithm}`;
  return [
    algorithm === 2 || algorithm === 3 ? `${name} ${preference}` : name,
    ...((bitmap & AC_DF) === 0 ? [] : ["AC-DF"]),
    ...((bitmap & DONT_PREEMPT) === 0 ? [] : ["don't preempt"]),
  ].join(", ");
}

/** Where PEs would not agree on one forwarder, by what they see or by their own word. */
function disagreement(row: SegmentAnswer["forwarders"][number], width: number): string[] {
  const lines: string[] = [];
  const who = (pick: (view: View) => string | undefined): string =>
    row.views.map((view) => `${view.originator} takes ${pick(view) ?? "nobody"}`).join(", ");
  if (row.outcome === "none" || row.outcome === "several") {
    const what = row.outcome === "none" ? "nobody forwards" : "several PEs forward";
    const views = who((view) => view.forwarder);
    lines.push(`${row.domain}: ${what}!${views === "" ? "" : ` ${views}.`}`);
  }
  if (row.disagree && !["one", "unknown"].includes(row.outcomeByOwnWord)) {
    const what = row.outcomeByOwnWord === "none" ? "nobody would" : "several would";
    lines.push(
      `${row.domain}: if each went by its own word, ${what} forward: ${who((view) => view.byOwnWord)}.`,
    );
  }
  return lines.map((line) => wrap(line, width, "    ", INDENT));
}

type View = SegmentAnswer["forwarders"][number]["views"][number];

const INDENT = "  ";

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, INDENT);
}
