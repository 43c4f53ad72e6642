/** evpnctl radius import and lines: the relay in the configuration lines of edge routers. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { stringify } from "yaml";
import {
  convertLines,
  formatLines,
  newRouter,
  parseLines,
  type LineIssue,
  type LineRouter,
} from "../config/radius-lines/index.js";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { maskText } from "./radius-text.js";
import type { RadiusServersAnswer } from "./radius-wire.js";

/** Larger files are none. */
const FILE_MAX = 16 * 1024 * 1024;

interface ImportOptions {
  readonly secrets?: string;
  readonly check?: boolean;
}

export function addRadiusLines(radius: Command, host: CliHost): void {
  radius
    .command("import")
    .description("make a radius block of an edge router's configuration lines")
    .argument("<file>", "the lines; - for standard input")
    .option("--secrets <directory>", "where each secret goes, in a file of its own", "secrets")
    .option("--check", "write no secrets")
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const text = file === "-" ? Buffer.from(await host.readStdin()).toString() : read(file);
      const { routers, issues } = parseLines(text);
      const directory = options.secrets ?? "secrets";
      const { block, secrets, issues: more } = convertLines(routers, directory);
      const all = [...issues, ...more];
      const failed = all.some(({ severity }) => severity === "error");
      if (failed) host.code = EXIT.finding;
      if (!failed && options.check !== true) writeSecrets(directory, secrets);
      if (wantsJson(command)) {
        printJson(host, { radius: failed ? undefined : block, issues: all });
        return;
      }
      for (const issue of all) host.err(`${issueText(file, issue)}\n`);
      if (!failed) host.out(stringify({ radius: block }, { lineWidth: 0 }));
    });

  radius
    .command("lines")
    .description("print the running servers as such lines; fingerprints stand for secrets")
    .option("--tenant <name>", "this tenant only")
    .action(async ({ tenant }: { tenant?: string }, command: Command) => {
      const answer = await clientOf(command, host).get<RadiusServersAnswer>("/v1/radius/servers");
      const routers = routersOf(answer, tenant);
      const lines = formatLines(routers, (secret) => secret);
      if (wantsJson(command)) printJson(host, { lines: lines.split("\n").slice(0, -1) });
      else host.out(lines);
    });
}

function read(file: string): string {
  try {
    const text = readFileSync(file, "utf8");
    if (text.length <= FILE_MAX) return text;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${file} cannot be read (${code})`);
  }
  throw new CliError(EXIT.usage, `${file} is no configuration: it is larger than 16 MiB`);
}

/** For their owner alone. A file that is there with something else in it is left as it is. */
function writeSecrets(directory: string, secrets: ReadonlyMap<string, string>): void {
  if (secrets.size === 0) return;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const [name, secret] of secrets) {
      const path = join(directory, name);
      if (!existsSync(path)) writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: "wx" });
      else if (readFileSync(path, "utf8") !== `${secret}\n`) {
        throw new CliError(
          EXIT.refused,
          `${path} holds another secret: move it away, or choose another --secrets`,
        );
      }
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(EXIT.refused, `the secrets cannot be written: ${(error as Error).message}`);
  }
}

function issueText(file: string, { line, severity, message }: LineIssue): string {
  return `${line === 0 ? file : `${file}:${line}`}: ${severity}: ${message}`;
}

/** The reverse of an import, as far as lines can say it: IPv4 clients, and no secrets. */
function routersOf({ servers }: RadiusServersAnswer, tenant: string | undefined): LineRouter[] {
  const routers = new Map<string, LineRouter>();
  for (const { tenant: name, kind, port, clients } of servers) {
    // What has no UDP port is nothing that such lines can say.
    if ((tenant !== undefined && tenant !== name) || port === 0) continue;
    const router = routers.get(name) ?? newRouter(name);
    routers.set(name, router);
    const keys = clients
      .filter(({ prefix }) => !prefix.includes(":"))
      .map(({ prefix, fingerprints }) => ({
        address: prefix.split("/")[0] ?? "",
        mask: maskText(prefix),
        secret: `<${fingerprints[0] ?? "none"}>`,
      }));
    router.relays.set(kind, { keys, port });
  }
  return [...routers.values()];
}
