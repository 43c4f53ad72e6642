/**
 * evpnctl config show, diff, reload, confirm, rollback: the configuration of a running evpnd. A change
 * that waits to be confirmed waits in evpnd: evpnctl may end, and the connection may be lost.
 */
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { stringify } from "yaml";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { clean, formatAge, wrap } from "./text.js";
import type { ConfigAnswer, DiffAnswer, DoneAnswer } from "./wire.js";

/** @param config the command `config`, which has the offline verbs too */
export function addConfigLive(config: Command, program: Command, host: CliHost): void {
  const report = (answer: DoneAnswer, command: Command) => {
    if (wantsJson(command)) printJson(host, answer);
    else host.out(answer.done.map((line) => wrapped(line, host)).join(""));
  };

  config
    .command("show")
    .description("the configuration that runs, secrets hidden")
    .action(async (_options: object, command: Command) => {
      const answer = await clientOf(command, host).get<ConfigAnswer>("/v1/config");
      if (wantsJson(command)) printJson(host, answer);
      else host.out(formatRunning(answer, host.now()));
    });

  config
    .command("diff")
    .description("what a file would change, without changing it; exit code 1 if it is refused")
    .argument("[file]", "in place of the file that evpnd reads")
    .action(async (file: string | undefined, _options: object, command: Command) => {
      const body = file === undefined ? {} : { text: textOf(file) };
      const answer = await clientOf(command, host).post<DiffAnswer>("/v1/config/diff", {}, body);
      const diff = { ...answer, issues: answer.issues.map((issue) => named(issue, file)) };
      if (!diff.ok) host.code = EXIT.finding;
      if (wantsJson(command)) printJson(host, diff);
      else host.out(formatDiff(diff, host));
    });

  for (const parent of [config, program]) {
    parent
      .command("reload")
      .description("make evpnd read its configuration file again; a bad file changes nothing")
      .option("--confirm <time>", "go back unless confirmed within: 60s, 5m", duration)
      .action(async (options: { confirm?: number }, command: Command) => {
        const client = clientOf(command, host);
        report(await client.post<DoneAnswer>("/v1/reload", {}, { ...options }), command);
      });
  }
  config
    .command("confirm")
    .description("keep a change that was made with --confirm")
    .action(async (_options: object, command: Command) => {
      report(await clientOf(command, host).post<DoneAnswer>("/v1/config/confirm"), command);
    });
  config
    .command("rollback")
    .description("go back to the configuration before the last change")
    .action(async (_options: object, command: Command) => {
      report(await clientOf(command, host).post<DoneAnswer>("/v1/config/rollback"), command);
    });
}

/** evpnd knows a text that it is sent as `candidate`. */
function named(issue: string, file: string | undefined): string {
  return file === undefined ? issue : issue.replace(/^candidate(?=:)/, () => file);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${file} cannot be read (${code ?? "unknown error"})`);
  }
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Whole seconds of `60s`, `5m`, `1h` or a plain number of seconds. */
export function duration(text: string): number {
  const match = /^(\d{1,6})([smh]?)$/.exec(text);
  const seconds = Number(match?.[1]) * (SECONDS[match?.[2] ?? ""] ?? 1);
  if (match !== null && seconds >= 1 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError("It must be a time from 1s to 24h: 60s, 5m.");
}

export function formatRunning(answer: ConfigAnswer, now: number): string {
  const pending =
    answer.pending === undefined
      ? ""
      : `# goes back in ${answer.pending.secondsLeft} s unless confirmed\n`;
  const head = `# ${clean(answer.file)}, in force for ${formatAge(now - answer.loaded)}\n`;
  return `${head}${pending}${stringify(answer.configuration)}`;
}

export function formatDiff(diff: DiffAnswer, host: CliHost): string {
  const issues = diff.issues.map((line) => wrapped(line, host)).join("");
  if (!diff.ok) return `${issues}evpnd would refuse this file\n`;
  const lines = diff.lines.map((line) => wrapped(line, host)).join("");
  return `${issues}${lines === "" ? "no difference\n" : lines}`;
}

function wrapped(line: string, host: CliHost): string {
  return wrap(line, host.columns, "    ", "");
}
