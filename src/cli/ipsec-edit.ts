/** evpnctl ipsec edit …: policies and address book of a gateway in a configuration file, offline. */
import { chmodSync, renameSync, statSync, writeFileSync } from "node:fs";
import { Argument, type Command } from "commander";
import type { GatewayEdit } from "../config/index.js";
import { CliError, EXIT } from "./exit.js";
import { printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import { textOf } from "./policy.js";

interface Options {
  readonly print?: true;
}

export function addIpsecEdit(ipsec: Command, host: CliHost): void {
  const edit = ipsec
    .command("edit")
    .description("policies and addresses of a gateway, in a configuration file");
  const verb = (name: string, description: string): Command =>
    edit
      .command(name)
      .description(description)
      .argument("<file>", "the configuration")
      .argument("<gateway>", "whose")
      .option("--print", "print the new text, and leave the file as it is");
  const id = (name: string): Argument =>
    new Argument(`<${name}>`, "id of a policy").argParser(wholeNumber);

  verb("clone-policy", "a copy of a policy, right behind it, with a free id")
    .addArgument(id("id"))
    .action(
      (file: string, gateway: string, policy: number, _options: Options, command: Command) => {
        return apply({ host, command, file, gateway }, { kind: "clone-policy", id: policy });
      },
    );
  verb("move-policy", "a policy to right before, or behind, another one")
    .addArgument(id("id"))
    .addArgument(new Argument("<place>", "where to").choices(["before", "after"]))
    .addArgument(id("other"))
    .action(
      (
        file: string,
        gateway: string,
        policy: number,
        place: "before" | "after",
        other: number,
        _options: Options,
        command: Command,
      ) => {
        const order = { kind: "move-policy", id: policy, place, other } as const;
        return apply({ host, command, file, gateway }, order);
      },
    );
  verb("remove-policy", "a policy goes")
    .addArgument(id("id"))
    .action(
      (file: string, gateway: string, policy: number, _options: Options, command: Command) => {
        return apply({ host, command, file, gateway }, { kind: "remove-policy", id: policy });
      },
    );
  verb("add-address", "an entry of the address book")
    .argument("<zone>")
    .argument("<name>")
    .argument("<prefix>")
    .action(
      (
        file: string,
        gateway: string,
        zone: string,
        name: string,
        prefix: string,
        _options: Options,
        command: Command,
      ) => {
        const order = { kind: "add-address", entry: { zone, name, prefix } } as const;
        return apply({ host, command, file, gateway }, order);
      },
    );
  verb("remove-address", "an entry of the address book goes, unless a policy names it")
    .argument("<zone>")
    .argument("<name>")
    .action(
      (
        file: string,
        gateway: string,
        zone: string,
        name: string,
        _options: Options,
        command: Command,
      ) => {
        return apply({ host, command, file, gateway }, { kind: "remove-address", zone, name });
      },
    );
}

interface Target {
  readonly host: CliHost;
  readonly command: Command;
  readonly file: string;
  readonly gateway: string;
}

async function apply({ host, command, file, gateway }: Target, edit: GatewayEdit): Promise<void> {
  const { editGateway } = await import("../config/index.js");
  const result = editGateway(textOf(file), gateway, edit);
  if (!result.ok) throw new CliError(EXIT.finding, result.problem);
  const print = command.opts<Options>().print === true;
  if (!print) replace(file, result.text);
  if (wantsJson(command)) printJson(host, print ? { text: result.text } : { file });
  else host.out(print ? result.text : `${file}: done; evpnctl config check ${file}\n`);
}

/** A crash leaves the old text or the new one; who may read it stays the same. */
function replace(file: string, text: string): void {
  const beside = `${file}.new`;
  try {
    writeFileSync(beside, text, { mode: 0o600 });
    chmodSync(beside, statSync(file).mode & 0o777);
    renameSync(beside, file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new CliError(EXIT.finding, `${file} cannot be written (${code}); check its directory`);
  }
}
