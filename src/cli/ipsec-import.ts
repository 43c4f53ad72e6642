/**
 * evpnctl ipsec import: a configuration out of a gateway's own text. The configuration goes to the output, what
 * became of which line beside it; exit code 1 when a line could not be taken.
 */
import { writeFileSync } from "node:fs";
import { Argument, Option, type Command } from "commander";
import { stringify } from "yaml";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import type { ImportAnswer, ImportNoteAnswer } from "./ipsec-vendor-wire.js";
import { textOf } from "./policy.js";
import { wrap } from "./text.js";

interface Options {
  readonly gateway?: string;
  readonly hidden?: string;
  readonly storeSecrets?: boolean;
  readonly kept?: string;
  readonly quiet?: boolean;
}

export function addIpsecImport(ipsec: Command, host: CliHost): void {
  ipsec
    .command("import")
    .description("a configuration out of what a gateway shows of its own; exit code 1 on a fault")
    .addArgument(new Argument("<vendor>", "whose text it is").choices(["screenos", "pix"]))
    .argument("<file>", "the text; - for standard input")
    .option("--gateway <name>", "what the gateway is to be called; default: its host name")
    .addOption(
      new Option("--hidden <way>", "commands that stand in comments").choices(["take", "leave"]),
    )
    .option("--store-secrets", "put keys that stand in clear into evpnd's secret store")
    .option("--kept <file>", "write lines that are no matter of tunnels there, for render --kept")
    .option("--quiet", "only errors and warnings, no lines that were kept or joined")
    .action(async (vendor: string, file: string, options: Options, command: Command) => {
      const text =
        file === "-" ? Buffer.from(await host.readStdin()).toString("utf8") : textOf(file);
      const { gateway, hidden, storeSecrets, kept, quiet } = options;
      const body = {
        vendor,
        text,
        ...(gateway !== undefined && { gateway }),
        ...(hidden !== undefined && { hidden }),
        ...(storeSecrets === true && { storeSecrets }),
      };
      const client = clientOf(command, host);
      const answer = await client.post<ImportAnswer>("/v1/ipsec/import", {}, body);
      if (answer.notes.some(({ severity }) => severity === "error")) host.code = EXIT.finding;
      if (kept !== undefined) keep(kept, answer.kept);
      if (wantsJson(command)) {
        printJson(host, answer);
        return;
      }
      host.out(safeJson(stringify({ ipsec: answer.configuration })));
      host.err(formatNotes(answer, host.columns, quiet === true));
    });
}

function keep(file: string, lines: readonly string[]): void {
  try {
    writeFileSync(file, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${file} cannot be written (${code ?? "unknown error"})`);
  }
}

export function formatNotes(
  { notes, secrets }: ImportAnswer,
  width: number,
  quiet: boolean,
): string {
  const shown = notes.filter(({ severity }) => !quiet || severity !== "info");
  const parts = shown.map((note) => {
    const head = `${place(note)}${note.severity}: ${note.message}`;
    const quote = note.line === "" ? "" : wrap(note.line, width, "    | ");
    const remedy = note.severity === "info" ? "" : wrap(note.remedy, width, "  ");
    return wrap(head, width, "  ", "") + quote + remedy;
  });
  for (const { name, found, stored, problem } of secrets) {
    const what = stored
      ? "is in the secret store now"
      : (problem ??
        (found === "shown"
          ? "stands in the text in clear; --store-secrets puts it into the store"
          : `is not in the text; evpnctl ipsec secrets set ${name} sets it`));
    parts.push(wrap(`Secret ${name}: ${what}`, width, "  ", ""));
  }
  const count = (severity: string) => notes.filter((note) => note.severity === severity).length;
  parts.push(`${count("error")} errors, ${count("warning")} warnings, ${count("info")} remarks\n`);
  return parts.join("");
}

function place({ from, to }: ImportNoteAnswer): string {
  if (from === 0) return "";
  return from === to ? `line ${from}: ` : `lines ${from}-${to}: `;
}
