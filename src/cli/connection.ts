/** Where evpnd is, who it must be and who we are: options of every verb, or the environment. */
import { Option, type Command } from "commander";
import { readFileSync } from "node:fs";
import { Client, DEFAULT_URL } from "./client.js";
import { CliError, EXIT } from "./exit.js";

export interface ConnectionOptions {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const OPTIONS = [
  ["--url <url>", `where evpnd answers; default: EVPND_URL or ${DEFAULT_URL}`],
  ["--token-file <file>", "file with our token; default: EVPND_TOKEN_FILE, EVPND_TOKEN"],
  ["--ca <file>", "certificate of evpnd's CA (PEM); default: EVPND_CA"],
  ["--cert <file>", "our certificate (PEM); default: EVPND_CERT"],
  ["--key <file>", "its private key (PEM); default: EVPND_KEY"],
] as const;

/** @param isLeaf of a verb: the help of `evpnctl` itself has what is the same everywhere */
export function addConnectionOptions(command: Command, isLeaf = false): Command {
  for (const [flags, description] of OPTIONS) {
    const option = new Option(flags, description);
    command.addOption(option.hideHelp(isLeaf && option.long !== "--url"));
  }
  return command;
}

/** @param env options that are not given come from here */
export function connect(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
): Client {
  const url = options.url ?? env["EVPND_URL"] ?? DEFAULT_URL;
  const text = (given: string | undefined, option: string, variable: string) => {
    const file = given ?? env[variable];
    return file === undefined ? undefined : read(file, given === undefined ? variable : option);
  };
  const inFile = text(options.tokenFile, "--token-file", "EVPND_TOKEN_FILE");
  const token = (inFile ?? env["EVPND_TOKEN"])?.split(/\r?\n/, 1)[0]?.trim();
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new CliError(EXIT.usage, "the token is empty, or has characters that no token has");
  }
  const cert = text(options.cert, "--cert", "EVPND_CERT");
  const key = text(options.key, "--key", "EVPND_KEY");
  if ((cert === undefined) !== (key === undefined)) {
    throw new CliError(
      EXIT.usage,
      "a certificate and its key belong together: give --cert and --key",
    );
  }
  return new Client(url, { token, ca: text(options.ca, "--ca", "EVPND_CA"), cert, key });
}

function read(file: string, from: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${from}: ${file} cannot be read (${code}); check the path`);
  }
}
