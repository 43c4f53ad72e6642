/** evpnctl ipsec secrets …: secrets go in, and never come out. Values come from standard input, not from arguments. */
import type { Command } from "commander";
import { Option } from "commander";
import { durationSeconds } from "./duration.js";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { secretsText } from "./ipsec-policy-text.js";
import type { SecretAnswer } from "./ipsec-policy-wire.js";
import { wholeNumber } from "./numbers.js";

interface SetOptions {
  readonly kind: string;
  readonly overlap?: number;
  readonly bits?: number;
}

export function addIpsecSecrets(ipsec: Command, host: CliHost): void {
  const secret = ipsec
    .command("secrets")
    .description("keys and certificates of tunnels: set, generated, never shown");
  const print = (command: Command, answer: SecretAnswer): void => {
    if (wantsJson(command)) printJson(host, answer);
    else host.out(secretsText([answer], host.columns, host.now()));
  };
  secret
    .command("list")
    .description("names, strength and fingerprints")
    .action(async (_options: object, command: Command) => {
      const { secrets } = await clientOf(command, host).get<{
        readonly secrets: readonly SecretAnswer[];
      }>("/v1/ipsec/secrets");
      if (wantsJson(command)) printJson(host, secrets);
      else host.out(secretsText(secrets, host.columns, host.now()));
    });
  secret
    .command("set")
    .description("set a secret; its value is read from standard input")
    .argument("<name>")
    .addOption(
      new Option("--kind <kind>", "what it is")
        .choices(["psk", "ppk", "certificate", "private-key"])
        .default("psk"),
    )
    .option("--overlap <time>", "the one before stays good for so long: 2h, 7d", durationSeconds)
    .action(async (name: string, { kind, overlap }: SetOptions, command: Command) => {
      const value = Buffer.from(await host.readStdin())
        .toString("utf8")
        .replace(/\r?\n$/, "");
      if (value === "") throw new CliError(EXIT.usage, "standard input has no value");
      const body = { name, kind, value, overlapSeconds: overlap };
      const client = clientOf(command, host);
      print(command, await client.post<SecretAnswer>("/v1/ipsec/secrets", {}, body));
    });
  secret
    .command("generate")
    .description("make a key of random octets")
    .argument("<name>")
    .addOption(new Option("--kind <kind>", "what it is").choices(["psk", "ppk"]).default("psk"))
    .option("--bits <bits>", "128 to 512; default 256", wholeNumber)
    .option("--overlap <time>", "the one before stays good for so long: 2h, 7d", durationSeconds)
    .action(async (name: string, { kind, bits, overlap }: SetOptions, command: Command) => {
      const body = { name, kind, bits, overlapSeconds: overlap };
      const client = clientOf(command, host);
      print(command, await client.post<SecretAnswer>("/v1/ipsec/secrets/generate", {}, body));
    });
  secret
    .command("retire")
    .description("end a rollover: the older key goes now")
    .argument("<name>")
    .action(async (name: string, _options: object, command: Command) => {
      const client = clientOf(command, host);
      print(command, await client.post<SecretAnswer>("/v1/ipsec/secrets/retire", {}, { name }));
    });
  secret
    .command("remove")
    .description("remove a secret that no tunnel needs")
    .argument("<name>")
    .action(async (name: string, _options: object, command: Command) => {
      const answer = await clientOf(command, host).post<object>(
        "/v1/ipsec/secrets/remove",
        {},
        { name },
      );
      if (wantsJson(command)) printJson(host, answer);
      else host.out(`${name} removed\n`);
    });
  secret
    .command("export")
    .description("write a secret to a file of mode 0600 on evpnd's machine")
    .argument("<name>")
    .action(async (name: string, _options: object, command: Command) => {
      const answer = await clientOf(command, host).post<{ readonly file: string }>(
        "/v1/ipsec/secrets/export",
        {},
        { name },
      );
      if (wantsJson(command)) printJson(host, answer);
      else host.out(`${answer.file}\n`);
    });
}
