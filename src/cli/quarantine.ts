/** evpnctl quarantine list, add, release: duplicate MACs, and what is done about them. */
import type { Command } from "commander";
import { Option } from "commander";
import { clientOf, printJson, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import type { QuarantineAnswer, QuarantinedMacAnswer } from "./quarantine-wire.js";
import { formatAge, formatTable } from "./text.js";

interface AddOptions {
  readonly domain?: string;
  readonly action?: string;
  readonly pe?: string;
  readonly release?: number;
}

export function addQuarantine(program: Command, host: CliHost): void {
  const quarantine = program
    .command("quarantine")
    .description("duplicate MACs, and whose routes of them are kept from taking effect");

  quarantine
    .command("list")
    .description("duplicates, and MACs in quarantine; needs the MAC FIB")
    .action(async (_options: object, command: Command) => {
      const json = wantsJson(command);
      const rows: QuarantinedMacAnswer[] = [];
      for await (const line of clientOf(command, host).lines("/v1/quarantine", {})) {
        if (json) host.out(`${safeJson(line)}\n`);
        else rows.push(JSON.parse(line) as QuarantinedMacAnswer);
      }
      if (!json) host.out(formatQuarantined(rows, host.columns, host.now()));
    });

  quarantine
    .command("add")
    .description("let only one PE's routes of a MAC count; the others are held")
    .argument("<mac>")
    .option("--domain <name>", "in this bridge domain; default: in all that have the MAC")
    .addOption(
      new Option("--action <action>", "what happens when that PE loses the MAC")
        .choices(["pin", "hold", "rate-limit"])
        .default("pin"),
    )
    .option("--pe <address>", "whose routes count; default: of the PE that has it")
    .option("--release <seconds>", "release it when nothing came for so long", wholeNumber)
    .action(async (mac: string, options: AddOptions, command: Command) => {
      const { domain, action, pe, release: releaseSeconds } = options;
      const body = { mac, domain, action, pe, releaseSeconds };
      const answer = await clientOf(command, host).post<{
        readonly quarantines: readonly QuarantinedMacAnswer[];
      }>("/v1/quarantine", {}, body);
      if (wantsJson(command)) printJson(host, answer);
      else host.out(formatQuarantined(answer.quarantines, host.columns, host.now()));
    });

  quarantine
    .command("release")
    .description("end alarm and quarantine of a MAC")
    .argument("<mac>")
    .option("--domain <name>", "in this bridge domain; default: in all")
    .action(async (mac: string, { domain }: { domain?: string }, command: Command) => {
      const answer = await clientOf(command, host).post<{ readonly domains: readonly string[] }>(
        "/v1/quarantine/release",
        {},
        { mac, domain },
      );
      if (wantsJson(command)) printJson(host, answer);
      else host.out(`${mac} released in ${answer.domains.join(", ")}\n`);
    });
}

export function formatQuarantined(
  rows: readonly QuarantinedMacAnswer[],
  width: number,
  now: number,
): string {
  if (rows.length === 0) return "No duplicates, and nothing in quarantine.\n";
  return formatTable(
    rows,
    [
      { title: "MAC", value: (row) => row.mac },
      { title: "Domain", value: (row) => row.domain },
      { title: "Effect", value: ({ quarantine }) => quarantine?.state ?? "alarm" },
      { title: "PE", value: ({ quarantine }) => quarantine?.pe ?? "" },
      { title: "Moves", value: ({ duplicate }) => numberText(duplicate?.moves), right: true },
      { title: "Held", value: ({ held }) => numberText(held), right: true },
      { title: "Tries", value: ({ quarantine }) => numberText(quarantine?.attempts), right: true },
      { title: "Until", value: (row) => untilText(row.quarantine, now), right: true },
    ],
    width,
  );
}

/** `pin`, `pin, by hand`. */
export function effectText(quarantine: QuarantineAnswer): string {
  return quarantine.byHand ? `${quarantine.state}, by hand` : quarantine.state;
}

/** How long it still takes, if nothing comes. */
export function untilText(quarantine: QuarantineAnswer | undefined, now: number): string {
  if (quarantine === undefined) return "";
  const { until, state } = quarantine;
  if (until !== undefined) return `in ${formatAge(Math.max(0, until - now))}`;
  return state === "released" ? "" : "by hand";
}

function numberText(value: number | undefined): string {
  return value === undefined || value === 0 ? "" : String(value);
}
