/** evpnctl show es: Ethernet segments, their PEs, and who forwards what. */
import type { Command } from "commander";
import type { SegmentAnswer } from "./fib-wire.js";
import { clientOf, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { formatTable, shorten } from "./text.js";

const NAME_WIDTH = 16;

export function addShowEs(show: Command, host: CliHost): void {
  show
    .command("es")
    .description("Ethernet segments, their PEs and designated forwarders; needs the MAC FIB")
    .action(async (_options, command: Command) => {
      const json = wantsJson(command);
      let count = 0;
      for await (const line of clientOf(command, host).lines("/v1/fib/segments", {})) {
        if (json) host.out(`${safeJson(line)}\n`);
        else {
          const text = formatSegment(JSON.parse(line) as SegmentAnswer, host.columns);
          host.out(count === 0 ? text : `\n${text}`);
        }
        count++;
      }
      if (!json && count === 0) host.out("No Ethernet segment: no PE has announced one.\n");
    });
}

export function formatSegment(segment: SegmentAnswer, width: number): string {
  const { esi, mode, macs, places, forwarders, forwardersCut } = segment;
  const plural = macs === 1 ? "MAC" : "MACs";
  const head = `${esi}  ${mode}, ${macs} ${plural}\n`;
  const pes = formatTable(
    places,
    [
      { title: "PE", value: (row) => row.pe, flexible: true },
      { title: "Per-ES routes", value: (row) => String(row.perEsRoutes), right: true },
      { title: "MAC/IP routes", value: (row) => String(row.macs), right: true },
    ],
    width - INDENT.length,
  );
  const elected = formatTable(
    forwarders,
    [
      { title: "Domain", value: (row) => shorten(row.domain, NAME_WIDTH) },
      { title: "Tag", value: (row) => String(row.tag), right: true },
      { title: "Forwarder", value: (row) => row.forwarder ?? "none" },
      { title: "Backup", value: (row) => row.backup ?? "none" },
      { title: "Why", value: (row) => row.reason, flexible: true },
    ],
    width - INDENT.length,
  );
  const more = forwardersCut ? "More domains than shown.\n" : "";
  return head + indent(pes) + (forwarders.length > 0 ? indent(elected) : "") + indent(more);
}

const INDENT = "  ";

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, INDENT);
}
