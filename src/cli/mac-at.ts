/** evpnctl show mac MAC --at TIME: where it was, in each domain that knew it. */
import type { Client } from "./client.js";
import { CliError, EXIT } from "./exit.js";
import { printJson } from "./host.js";
import type { CliHost } from "./host.js";
import { labelText } from "./label-text.js";
import { formatClock } from "./time-option.js";
import { formatFields } from "./text.js";
import type { MacAtAnswer } from "./timeline-wire.js";

export async function printMacAt(
  client: Client,
  query: {
    readonly mac?: string | undefined;
    readonly ip?: string | undefined;
    readonly domain?: string | undefined;
    readonly time: string;
  },
  json: boolean,
  host: CliHost,
): Promise<void> {
  if (query.mac === undefined && query.ip === undefined) {
    throw new CliError(
      EXIT.usage,
      "--at asks for one MAC: evpnctl show mac 52:54:00:00:00:01 --at -5m",
    );
  }
  const { macs } = await client.get<{ readonly macs: readonly MacAtAnswer[] }>(
    "/v1/timeline/at",
    query,
  );
  if (json) printJson(host, macs);
  else host.out(macs.map((row) => formatMacAt(row, host.now())).join("\n"));
}

function formatMacAt(row: MacAtAnswer, now: number): string {
  const { pe, via, label, since, sequence } = row;
  return formatFields([
    ["IP", row.ip],
    ["MAC", row.mac === "" ? undefined : row.mac],
    ["Domain", row.domain],
    ["Time", formatClock(row.time, now)],
    ["State", row.certain ? row.state : `${row.state}, not certain`],
    ["Learnt from", pe],
    ["Reached via", pe === undefined ? undefined : via.join(", ") || "nobody"],
    ["Label", label === undefined ? undefined : labelText(label)],
    ["Segment", row.esi],
    ["Sequence", sequence === undefined ? undefined : String(sequence)],
    ["Peer", row.peer],
    ["Since", since === undefined ? undefined : formatClock(since, now)],
    ...row.notes.map((note) => ["Note", note] as const),
  ]);
}
