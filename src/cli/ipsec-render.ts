/** evpnctl ipsec render: what a gateway is to be told, as its vendor takes it; exit code 1 when a tunnel is left out. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Option, type Command } from "commander";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import type { ExportAnswer, RenderingAnswer } from "./ipsec-vendor-wire.js";
import { clean, wrap } from "./text.js";

interface Options {
  readonly vendor?: string;
  readonly installed?: boolean;
  readonly kept?: string;
  readonly out?: string;
  readonly withSecrets?: boolean;
}

const BOTH = "--with-secrets writes on evpnd's machine, where it says; it goes without --out";

const VENDORS = ["screenos", "pix", "asa", "checkpoint", "junos", "strongswan", "linux", "vyos"];

export function addIpsecRender(ipsec: Command, host: CliHost): void {
  ipsec
    .command("render")
    .description("what a gateway is to be told of its tunnels, in its vendor's own form")
    .argument("<gateway>", "name of the gateway")
    .addOption(new Option("--vendor <name>", "what it would be on another box").choices(VENDORS))
    .option("--installed", "what is in force, not what the configuration says")
    .option("--kept <file>", "lines of the gateway's own, as import gave them, to be put back")
    .option("--out <directory>", "write the files there instead of showing them")
    .option("--with-secrets", "into files of mode 0600 on evpnd's machine, with the keys in them")
    .action(async (gateway: string, options: Options, command: Command) => {
      const { vendor, installed, kept, out } = options;
      const body = {
        gateway,
        ...(vendor !== undefined && { vendor }),
        ...(installed === true && { of: "installed" }),
        ...(kept !== undefined && { kept: linesOf(kept) }),
      };
      const client = clientOf(command, host);
      if (options.withSecrets === true) {
        if (out !== undefined) throw new CliError(EXIT.usage, BOTH);
        const done = await client.post<ExportAnswer>("/v1/ipsec/render/export", {}, body);
        if (done.findings.some(({ severity }) => severity === "error")) host.code = EXIT.finding;
        if (wantsJson(command)) return printJson(host, done);
        for (const file of done.files) host.out(`${clean(file)}\n`);
        const secrets = done.left.map((name) => ({ name, fingerprint: "" }));
        host.err(formatRemarks({ ...done, files: [], secrets }, host.columns));
        return;
      }
      const answer = await client.post<RenderingAnswer>("/v1/ipsec/render", {}, body);
      if (answer.findings.some(({ severity }) => severity === "error")) host.code = EXIT.finding;
      if (out !== undefined) writeFiles(out, answer, host);
      if (wantsJson(command)) {
        printJson(host, answer);
        return;
      }
      if (out === undefined) for (const file of answer.files) host.out(shown(file));
      host.err(formatRemarks(answer, host.columns));
    });
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8")
      .split(/\r?\n/)
      .filter((line) => line.trim() !== "");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${file} cannot be read (${code ?? "unknown error"})`);
  }
}

function writeFiles(directory: string, { files }: RenderingAnswer, host: CliHost): void {
  try {
    mkdirSync(directory, { recursive: true });
    for (const { name, text } of files) {
      const path = join(directory, basename(name));
      writeFileSync(path, text, { mode: 0o600 });
      host.err(`evpnctl: ${clean(path)} written\n`);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${directory} cannot be written (${code ?? "unknown error"})`);
  }
}

/** Lines as they are, but for what a terminal would obey. */
function shown({ name, text }: { readonly name: string; readonly text: string }): string {
  const lines = text.split("\n").map(clean).join("\n");
  return `### ${clean(name)}\n${lines}`;
}

/** Findings and steps; they go beside the text, so that a redirection holds the text alone. */
export function formatRemarks(
  { findings, byHand, secrets }: RenderingAnswer,
  width: number,
): string {
  const parts = findings.map(({ severity, tunnel, message, remedy }) =>
    wrap(
      `${severity}: ${tunnel === "" ? "" : `${tunnel}: `}${message}; ${remedy}`,
      width,
      "  ",
      "",
    ),
  );
  if (byHand.length > 0) parts.push("By hand:\n");
  for (const [index, step] of byHand.entries()) {
    parts.push(wrap(`${index + 1}. ${step}`, width, "     ", "  "));
  }
  if (secrets.length > 0) {
    const missing = secrets.filter(({ fingerprint }) => fingerprint === undefined);
    const names = (list: typeof secrets) => list.map(({ name }) => name).join(", ");
    parts.push(wrap(`Secrets to put in: ${names(secrets)}`, width, "  ", ""));
    if (missing.length > 0) {
      parts.push(wrap(`Not in the secret store yet: ${names(missing)}`, width, "  ", ""));
    }
  }
  return parts.join("");
}
