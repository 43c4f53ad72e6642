/**
 * evpnctl decode: BGP messages in hex or in a capture file, as JSON in the field names of
 * docs/fast-bgp-codec.md; a bad one with what RFC 7606 makes of it. Needs no evpnd.
 */
import { readFileSync } from "node:fs";
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { FAMILIES } from "../fast-bgp-codec/family.js";
import { decodeMessage } from "../fast-bgp-codec/message.js";
import type { DecodedMessage, MessageContext } from "../fast-bgp-codec/message.js";
import { fromHex, readU16 } from "../util/bytes.js";
import { readBgpMessages } from "./capture/bgp-stream.js";
import { CaptureError } from "./capture/capture-file.js";
import { ConnectionContexts } from "./decode-context.js";
import { CliError, EXIT } from "./exit.js";
import { safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";

interface DecodeOptions {
  readonly pcap?: string;
  readonly as2?: true;
  readonly ebgp?: true;
  readonly extended?: true;
  readonly addPath?: string[];
  readonly peerAs?: number;
}

const HEADER = 19;

export function addDecode(program: Command, host: CliHost): void {
  program
    .command("decode")
    .description("decode BGP messages, offline; exit code 1 when one of them is bad")
    .argument("[hex...]", "one or more whole messages in hex; - reads them from standard input")
    .option("--pcap <file>", "messages of all BGP sessions in a pcap or pcapng file; - for stdin")
    .option("--as2", "the session has 2-octet AS numbers")
    .option("--ebgp", "the session is eBGP")
    .option("--extended", "the session has extended messages (RFC 8654)")
    .addOption(
      new Option("--add-path <family>", "NLRI of the family carry path ids; may be repeated")
        .choices(FAMILIES.map((spec) => spec.name))
        .argParser(familyName),
    )
    .option(
      "--peer-as <number>",
      "AS that an OPEN must have, and an eBGP path begin with",
      asNumber,
    )
    .action(async (words: string[], options: DecodeOptions, command: Command) => {
      const print = printer(host, wantsJson(command));
      if (options.pcap !== undefined) await decodeCapture(options, host, print);
      else {
        const bytes = hexBytes(await hexText(words, host));
        for (const message of splitMessages(bytes)) print(decodeMessage(message, given(options)));
      }
    });
}

/** One more of `--add-path`: a parser of its own takes the place of commander's check of the choices. */
function familyName(value: string, before: string[] | undefined): string[] {
  const names: readonly string[] = FAMILIES.map((spec) => spec.name);
  if (names.includes(value)) return [...(before ?? []), value];
  throw new InvalidArgumentError(`Allowed choices are ${names.join(", ")}.`);
}

function asNumber(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be an AS number.");
}

function given(options: DecodeOptions): Partial<MessageContext> {
  const families = options.addPath ?? [];
  const addPath = FAMILIES.filter((spec) => families.includes(spec.name));
  return {
    ...(options.as2 === true && { as4: false }),
    ...(options.ebgp === true && { ibgp: false }),
    ...(options.extended === true && { maxLength: 65535 }),
    ...(addPath.length > 0 && {
      addPath: addPath.reduce((mask, spec) => mask | (1 << spec.family), 0),
    }),
    ...(options.peerAs !== undefined && {
      peerAs: options.peerAs,
      configuredPeerAs: options.peerAs,
    }),
  };
}

type Print = (message: DecodedMessage, where?: object) => void;

function printer(host: CliHost, lines: boolean): Print {
  return (message, where = {}) => {
    const treatment = "outcome" in message ? message.outcome?.treatment : undefined;
    if (treatment !== undefined && !["accept", "ignore-message"].includes(treatment)) {
      host.code = EXIT.finding;
    }
    const text = JSON.stringify({ ...where, ...message }, plain, lines ? 0 : 2);
    host.out(`${safeJson(text)}\n`);
  };
}

/** Octets that a decoded value still holds are shown as hex. */
function plain(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}

async function decodeCapture(options: DecodeOptions, host: CliHost, print: Print): Promise<void> {
  const report = { notes: [] as string[] };
  const contexts = new ConnectionContexts(given(options));
  let count = 0;
  try {
    for (const captured of readBgpMessages(await fileBytes(options.pcap ?? "-", host), report)) {
      const { bytes, connection, forward, source, destination } = captured;
      const message = decodeMessage(bytes, contexts.of(connection, forward));
      if (message.message === "OPEN") contexts.learn(connection, forward, message);
      const time = captured.time === undefined ? undefined : new Date(captured.time).toISOString();
      print(message, { time, source, destination });
      count++;
    }
  } catch (error) {
    if (error instanceof CaptureError) throw new CliError(EXIT.usage, error.message);
    throw error;
  }
  for (const note of report.notes) host.err(`evpnctl: ${note}\n`);
  if (count === 0) host.err("evpnctl: no BGP message in this capture\n");
}

async function fileBytes(name: string, host: CliHost): Promise<Uint8Array> {
  if (name === "-") return host.readStdin();
  try {
    return readFileSync(name);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new CliError(EXIT.usage, `${name} cannot be read (${code}); check the path`);
  }
}

async function hexText(words: readonly string[], host: CliHost): Promise<string> {
  if (words.length === 0) {
    throw new CliError(EXIT.usage, "give hex, or - for standard input, or --pcap FILE");
  }
  if (words.length > 1 || words[0] !== "-") return words.join("");
  return new TextDecoder().decode(await host.readStdin());
}

/** Spaces, line ends, colons, commas and 0x are passed over. */
function hexBytes(text: string): Uint8Array {
  const digits = text.replaceAll(/0x|[\s:,]/gi, "");
  const bytes = fromHex(digits);
  if (bytes !== undefined && bytes.length > 0) return bytes;
  throw new CliError(
    EXIT.usage,
    "that is not hex: give pairs of the digits 0 to f, without offsets and text beside them",
  );
}

/** By the lengths in their headers; what cannot be cut any more is one last piece for the decoder to judge. */
export function* splitMessages(bytes: Uint8Array): Generator<Uint8Array> {
  let at = 0;
  while (at < bytes.length) {
    const length = bytes.length - at >= HEADER ? readU16(bytes, at + 16) : 0;
    const whole = length >= HEADER && at + length <= bytes.length;
    yield bytes.slice(at, whole ? at + length : bytes.length);
    if (!whole) return;
    at += length;
  }
}
