/** evpnctl asmn keys, take-over, break-glass, audit. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { scopeText } from "./asmn-text.js";
import type {
  AuditCheckAnswer,
  BreakGlassAnswer,
  GrantAnswer,
  KeyAnswer,
  SecEmAnswer,
  TrustAuditAnswer,
} from "./asmn-wire.js";
import { report, scopeOf } from "./asmn-scope.js";
import { durationSeconds } from "./duration.js";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson, type CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import { clean, formatAge, formatTable, shorten } from "./text.js";
import { formatClock } from "./time-option.js";
import type { DoneAnswer } from "./wire.js";

const NAME = 20;

export function addAsmnKeys(asmn: Command, host: CliHost): void {
  addKeys(asmn, host);
  addBreakGlass(asmn, host);
  addAuditLog(asmn, host);
}

function addKeys(asmn: Command, host: CliHost): void {
  const keys = asmn.command("keys").description("public keys that others pin, and their change");
  const show = (rows: readonly KeyAnswer[], command: Command): void => {
    if (wantsJson(command)) printJson(host, rows);
    else host.out(keysText(rows, host.now()));
  };
  keys
    .command("list", { isDefault: true })
    .description("keys of Sec-EM, gate and gateway of this evpnd")
    .action(async (_options: object, command: Command) => {
      const client = clientOf(command, host);
      const answer = await client.get<{ readonly keys: readonly KeyAnswer[] }>("/v1/asmn/keys");
      show(answer.keys, command);
    });
  keys
    .command("rotate")
    .description("new keys for verdicts and catalogs; those before stay good for a while")
    .option("--withdraw", "a key was lost: those before count no more from now on")
    .action(async ({ withdraw = false }: { withdraw?: boolean }, command: Command) => {
      const client = clientOf(command, host);
      const path = "/v1/asmn/keys/rotate";
      const answer = await client.post<{ readonly keys: readonly KeyAnswer[] }>(
        path,
        {},
        { withdraw },
      );
      show(answer.keys, command);
    });
  asmn
    .command("take-over")
    .description("this Sec-EM is the writer from now on; gates and agents refuse the one before")
    .option("--above <epoch>", "epoch of the one before, where it was higher", wholeNumber)
    .action(async ({ above = 0 }: { above?: number }, command: Command) => {
      const client = clientOf(command, host);
      const answer = await client.post<SecEmAnswer>("/v1/asmn/take-over", {}, { above });
      if (wantsJson(command)) printJson(host, answer);
      else host.out(`${clean(answer.name)} is the writer: epoch ${answer.epoch}\n`);
    });
}

/** A key does not fit into a row with anything else. */
function keysText(rows: readonly KeyAnswer[], now: number): string {
  if (rows.length === 0) return "No keys.\n";
  return rows
    .map(({ use, state, publicKey, until }) => {
      const left = until === undefined ? "" : `, until ${formatAge(until - now)} from now`;
      return `${clean(use)} (${clean(state)}${left})\n  ${clean(publicKey)}\n`;
    })
    .join("");
}

interface OpenOptions {
  readonly name: string;
  readonly reason: string;
  readonly for: number;
  readonly address?: string;
}

function addBreakGlass(asmn: Command, host: CliHost): void {
  const glass = asmn
    .command("break-glass")
    .description("let somebody in by hand: by name, for a time, on the record");
  glass
    .command("list")
    .description("who was let in, by whom, and until when")
    .action(async (_options: object, command: Command) => {
      const { grants } = await clientOf(command, host).get<{
        readonly grants: readonly BreakGlassAnswer[];
      }>("/v1/asmn/break-glass");
      if (wantsJson(command)) printJson(host, grants);
      else host.out(grantsText(grants, host.columns, host.now()));
    });
  glass
    .command("open")
    .description("let them in; prints the document for gates elsewhere")
    .argument("<scope>", "TENANT, TENANT/VNF or TENANT/VNF/INSTANCE")
    .requiredOption("--name <who>", "who answers for it: letters, digits, dot, dash and underscore")
    .requiredOption("--reason <text>", "why")
    .requiredOption("--for <time>", "for how long: 1m to 24h", durationSeconds)
    .option("--address <address>", "only sessions from there")
    .action(async (scope: string, options: OpenOptions, command: Command) => {
      const { name, reason, for: seconds, address } = options;
      const body = { ...scopeOf(scope), name, reason, seconds, address };
      const client = clientOf(command, host);
      const answer = await client.post<BreakGlassAnswer>("/v1/asmn/break-glass", {}, body);
      if (wantsJson(command)) return printJson(host, answer);
      host.out(`${answer.document}\n`);
      const left = formatAge(answer.ends - host.now());
      host.err(`${answer.id}: ${scope} is let in for ${left}; the line above is for other gates\n`);
    });
  glass
    .command("end")
    .description("end it before its time")
    .argument("<id>")
    .action(async (id: string, _options: object, command: Command) => {
      const path = "/v1/asmn/break-glass/end";
      report(await clientOf(command, host).post<DoneAnswer>(path, {}, { id }), command, host);
    });
  glass
    .command("admit")
    .description("give gate and gateway here a document, on standard input; no Sec-EM is needed")
    .action(async (_options: object, command: Command) => {
      const document = Buffer.from(await host.readStdin())
        .toString("utf8")
        .trim();
      if (document === "") throw new CliError(EXIT.usage, "standard input has no document");
      const path = "/v1/asmn/gate/break-glass";
      const grant = await clientOf(command, host).post<GrantAnswer>(path, {}, { document });
      if (wantsJson(command)) return printJson(host, grant);
      host.out(
        `${scopeText(grant)} is let in by ${clean(grant.operator)} for ` +
          `${formatAge(grant.secondsLeft * 1000)} (serial ${grant.serial})\n`,
      );
      if (grant.refused !== undefined) host.err(`not everywhere here: ${clean(grant.refused)}\n`);
    });
  glass
    .command("revoke")
    .description("end at gate and gateway here what a document opened")
    .argument("<serial>", "as evpnctl asmn status --json shows it", wholeNumber)
    .action(async (serial: number, _options: object, command: Command) => {
      const path = "/v1/asmn/gate/break-glass/end";
      report(await clientOf(command, host).post<DoneAnswer>(path, {}, { serial }), command, host);
    });
}

function grantsText(rows: readonly BreakGlassAnswer[], width: number, now: number): string {
  if (rows.length === 0) return "Nobody was let in by hand.\n";
  return formatTable(
    rows,
    [
      { title: "Id", value: ({ id }) => id },
      { title: "Who", value: (row) => shorten(scopeText(row), NAME) },
      { title: "By", value: ({ name }) => shorten(name, NAME) },
      {
        title: "State",
        value: ({ state, ends }) => (state === "open" ? `for ${formatAge(ends - now)}` : state),
      },
      { title: "Why", value: ({ reason }) => reason, flexible: true },
    ],
    width,
  );
}

interface AuditOptions {
  readonly after?: number;
  readonly limit?: number;
}

function addAuditLog(asmn: Command, host: CliHost): void {
  const audit = asmn.command("audit").description("who did what, each entry chained to the last");
  audit
    .command("list")
    .description("entries of the audit log")
    .option("--after <number>", "only those behind this one", wholeNumber)
    .option("--limit <count>", "at most so many, 1 to 1000", wholeNumber)
    .action(async (options: AuditOptions, command: Command) => {
      const query = { after: options.after, limit: options.limit };
      const { entries } = await clientOf(command, host).get<{
        readonly entries: readonly TrustAuditAnswer[];
      }>("/v1/asmn/audit", query);
      if (wantsJson(command)) printJson(host, entries);
      else host.out(auditText(entries, host.columns, host.now()));
    });
  audit
    .command("verify")
    .description("whether the log is whole: the running one, or files of one, oldest first")
    .argument("[files...]", "files, or its directory; none = ask the Sec-EM")
    .option("--root-key <hex>", "with files: root key that must have signed")
    .action(async (files: string[], { rootKey }: { rootKey?: string }, command: Command) => {
      const check =
        files.length === 0
          ? await clientOf(command, host).post<AuditCheckAnswer>("/v1/asmn/audit/verify", {})
          : await checkFiles(files, rootKey);
      if (!check.whole) host.code = EXIT.finding;
      if (wantsJson(command)) printJson(host, check);
      else host.out(checkText(check));
    });
}

async function checkFiles(
  files: readonly string[],
  rootKey: string | undefined,
): Promise<AuditCheckAnswer> {
  const { verifyAuditFiles } = await import("../asmn/audit/index.js");
  try {
    return await verifyAuditFiles(files.flatMap(within), rootKey);
  } catch (error) {
    const { code = "", path = files[0] ?? "" } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${path} cannot be read (${code}); check the path`);
  }
}

/** Names of its files sort as their entries do. */
function within(file: string): string[] {
  if (!statSync(file).isDirectory()) return [file];
  return readdirSync(file)
    .sort()
    .map((name) => join(file, name));
}

function auditText(rows: readonly TrustAuditAnswer[], width: number, now: number): string {
  if (rows.length === 0) return "No entries.\n";
  return formatTable(
    rows,
    [
      { title: "No", value: ({ sequence }) => String(sequence), right: true },
      { title: "Time", value: ({ time }) => formatClock(time, now).replace(/\.\d+$/, "") },
      { title: "Who", value: ({ actor }) => shorten(actor, NAME) },
      { title: "What", value: ({ action }) => action },
      { title: "Whom", value: ({ subject }) => shorten(subject, NAME) },
      { title: "Detail", value: ({ detail }) => detail, flexible: true },
    ],
    width,
  );
}

function checkText({
  whole,
  entries,
  first,
  last,
  heads,
  signedTo,
  problem,
}: AuditCheckAnswer): string {
  if (!whole) return `not whole: ${clean(problem ?? "it breaks somewhere")}\n`;
  if (entries === 0) return "whole: there are no entries\n";
  return `whole: ${entries} entries, ${first} to ${last}; ${heads} signed heads, the last at ${signedTo}\n`;
}
