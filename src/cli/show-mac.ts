/** evpnctl show mac [MAC]: where MACs are; streamed, so that a million of them are no trouble. */
import type { Command } from "commander";
import type { Client, Query } from "./client.js";
import { EXIT } from "./exit.js";
import type { MacAnswer } from "./fib-wire.js";
import { clientOf, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { labelText } from "./label-text.js";
import { printMacAt } from "./mac-at.js";
import { wholeNumber } from "./numbers.js";
import { effectText, untilText } from "./quarantine.js";
import { subscriberText } from "./radius-text.js";
import type { QuarantineAnswer } from "./quarantine-wire.js";
import { timeOption } from "./time-option.js";
import { formatAge, formatFields, formatTable } from "./text.js";
import type { Column } from "./text.js";

/** Rows whose columns are lined up together. */
const BATCH = 1000;

export function addShowMac(show: Command, host: CliHost): void {
  show
    .command("mac")
    .description("where MACs are: all, one, or those that match; needs the MAC FIB")
    .argument("[mac]", "the MAC, or its first digits")
    .option("--domain <name>", "in this bridge domain, as show domains names it")
    .option("--vni <number>", "whose label is this VNI", wholeNumber)
    .option("--ip <address>", "that have this IP address")
    .option("--pe <address>", "that are reached through this PE")
    .option("--esi <esi>", "on this Ethernet segment")
    .option("--limit <count>", "at most so many", wholeNumber)
    .option("--at <time>", "where it was: 14:03:07.2, a date, or -5m", timeOption(host))
    .action(
      async (
        mac: string | undefined,
        options: Record<string, string | number>,
        command: Command,
      ) => {
        const { domain, vni, ip, pe, esi, limit, at } = options;
        if (at !== undefined) {
          const query = { mac, domain: domain as string | undefined, time: at as string };
          await printMacAt(clientOf(command, host), query, wantsJson(command), host);
          return;
        }
        const query = { mac, domain, vni, ip, pe, esi, limit };
        await printMacs(clientOf(command, host), query, wantsJson(command), host);
      },
    );
}

/** One MAC in full, several as a table; `--json`: a line each. */
export async function printMacs(
  client: Client,
  query: Query,
  json: boolean,
  host: CliHost,
): Promise<void> {
  let rows: MacAnswer[] = [];
  let count = 0;
  const asked = typeof query["ip"] === "string" ? query["ip"] : undefined;
  const flush = (): void => {
    const table = formatTable(rows, columns(asked, host.now()), host.columns);
    // The head stands once.
    host.out(count === rows.length ? table : table.slice(table.indexOf("\n") + 1));
    rows = [];
  };
  for await (const line of client.lines("/v1/fib/macs", query)) {
    count++;
    if (json) host.out(`${safeJson(line)}\n`);
    else if (rows.push(JSON.parse(line) as MacAnswer) === BATCH) flush();
  }
  // A filter may match nothing; one that was named should be there.
  if (count === 0 && isNamed(query)) host.code = EXIT.notFound;
  if (json) return;
  const [only] = rows;
  if (count === 0) host.out(noneText(query));
  else if (count === 1 && only !== undefined) host.out(formatMac(only, host.now()));
  else {
    if (rows.length > 0) flush();
    host.out(`${count} MACs\n`);
  }
}

const NONE = "No such MAC. evpnctl show routes --all --mac tells whether a PE announces it.\n";
const NO_IP =
  "No such MAC. evpnctl show routes --all --ip tells whether a PE announces the address.\n";

const NONE_YET = "No MAC yet: no PE has announced one.\n";

function noneText({ mac, domain, vni, ip, pe, esi }: Query): string {
  if ([mac, domain, vni, ip, pe, esi].every((filter) => filter === undefined)) return NONE_YET;
  return ip === undefined ? NONE : NO_IP;
}

/** A whole MAC, or an address and nothing else than where to look for it. */
function isNamed({ mac, ip, vni, pe, esi }: Query): boolean {
  if (mac !== undefined) return String(mac).replace(/[^0-9a-f]/gi, "").length === 12;
  return ip !== undefined && [vni, pe, esi].every((filter) => filter === undefined);
}

function columns(asked: string | undefined, now: number): Column<MacAnswer>[] {
  return [
    { title: "MAC", value: (row) => row.mac },
    { title: "Domain", value: (row) => row.domain },
    { title: "PE", value: place },
    { title: "Label", value: (row) => labelText(row.label) },
    { title: "IP", value: (row) => addresses(row, asked) },
    { title: "Since", value: (row) => formatAge(now - row.lastChange * 1000) },
  ];
}

/** The first next hop, and how many more there are. */
function place({ nextHops, pe }: MacAnswer): string {
  const [first] = nextHops;
  if (first === undefined) return `${pe} unusable`;
  return nextHops.length === 1 ? first.address : `${first.address} +${nextHops.length - 1}`;
}

function addresses({ bindings }: MacAnswer, asked: string | undefined): string {
  const shown = bindings.find(({ ip }) => ip === asked) ?? bindings[0];
  if (shown === undefined) return "";
  const more = bindings.length > 1 ? ` +${bindings.length - 1}` : "";
  return `${shown.ip}${shown.lost ? " lost" : ""}${more}`;
}

function quarantineText(quarantine: QuarantineAnswer, now: number): string {
  const { pe, attempts } = quarantine;
  const parts = [
    effectText(quarantine),
    ...(quarantine.state === "released" ? [] : [`only ${pe} counts`]),
    ...(attempts === 0 ? [] : [`${attempts} tries`]),
    ...(untilText(quarantine, now) === "" ? [] : [`ends ${untilText(quarantine, now)}`]),
  ];
  return parts.join("; ");
}

export function formatMac(row: MacAnswer, now: number): string {
  const { sequence, moves, duplicate, bindings } = row;
  const marks = [
    ...(row.sticky ? ["sticky"] : []),
    ...(row.defaultGateway ? ["default gateway"] : []),
    ...(row.router ? ["router"] : []),
    ...(row.proxy ? ["proxy"] : []),
  ];
  const [first, ...others] = row.nextHops;
  return formatFields([
    ["MAC", row.mac],
    ["Domain", row.domain],
    [
      "At",
      first === undefined
        ? "unusable, see explain mac"
        : `${first.address}, ${labelText(first.label)}`,
    ],
    ...others.map(
      ({ address, label, role }) =>
        ["Also at", `${address}, ${labelText(label)}, ${role}`] as const,
    ),
    ["Learnt from", first?.address === row.pe ? undefined : row.pe],
    ["Segment", row.esi],
    ...bindings.map(({ ip, lost }) => ["IP", lost ? `${ip}, lost to another MAC` : ip] as const),
    ["More IPs", row.bindingsCut ? "yes, not shown" : undefined],
    ["Router MAC", row.routerMac],
    ["Marks", marks.join(", ")],
    ["Moves", `${moves}, mobility sequence ${sequence}`],
    [
      "Duplicate",
      duplicate === undefined
        ? undefined
        : `${duplicate.moves} moves, for ${formatAge(now - duplicate.since)}`,
    ],
    ["Quarantine", row.quarantine === undefined ? undefined : quarantineText(row.quarantine, now)],
    ["Conflict", row.conflict === undefined ? undefined : `sticky, and ${row.conflict} has it too`],
    ...(row.sessions ?? []).map((session) => ["Subscriber", subscriberText(session)] as const),
    ["Session alarm", row.sessionAlarm],
    ["First seen", `${formatAge(now - row.firstSeen * 1000)} ago`],
    ["Last change", `${formatAge(now - row.lastChange * 1000)} ago`],
  ]);
}
