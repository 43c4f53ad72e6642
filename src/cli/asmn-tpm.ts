/**
 * evpnctl asmn tpm, platform: roots of trust. Keys of TPMs at the Sec-EM; and, without a daemon, the documents
 * that agents send: of a TPM's quote, or signed by a platform.
 */
import { readFileSync } from "node:fs";
import { Option, type Command } from "commander";
import type * as AgentModule from "../asmn/agent/index.js";
import { instanceOf, report, scopeOf } from "./asmn-scope.js";
import { scopeText } from "./asmn-text.js";
import type { PcrAnswer, TpmKeyAnswer } from "./asmn-wire.js";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson, type CliHost } from "./host.js";
import { clean, formatTable, shorten } from "./text.js";
import type { DoneAnswer } from "./wire.js";

const NAME = 20;
/** Of a digest, enough to tell two apart. */
const DIGITS = 12;

interface RegisterOptions {
  readonly attestationKey: string;
  readonly pcr: readonly string[];
  readonly image?: string;
}

interface QuoteOptions {
  readonly attestationKey: string;
  readonly message: string;
  readonly signature: string;
}

interface SignOptions {
  readonly privateKey: string;
  readonly platform: string;
  readonly image: string;
  readonly instanceKey: string;
  readonly challenge?: string;
}

export function addAsmnTpm(asmn: Command, host: CliHost): void {
  const tpm = asmn.command("tpm").description("TPMs that vouch for instances of VNFs");
  const show = (rows: readonly TpmKeyAnswer[], command: Command): void => {
    if (wantsJson(command)) printJson(host, rows);
    else host.out(keysText(rows, host.columns));
  };
  tpm
    .command("list")
    .description("attestation keys, for whom each counts, and the PCRs of its quotes")
    .argument("[tenant]")
    .action(async (tenant: string | undefined, _options: object, command: Command) => {
      const { keys } = await clientOf(command, host).get<{
        readonly keys: readonly TpmKeyAnswer[];
      }>("/v1/asmn/tpm-keys", { tenant });
      show(keys, command);
    });
  tpm
    .command("register")
    .description("register a TPM's attestation key, in place of one with that name")
    .argument("<name>", "its name here")
    .argument("<scope>", "TENANT/VNF or TENANT/VNF/INSTANCE that it vouches for")
    .requiredOption("--attestation-key <file>", "its public half, PEM (tpm2_createak --format pem)")
    .requiredOption("--pcr <number=value...>", "PCR and its SHA-256 value, or the word image")
    .option("--image <digest>", "only with this image")
    .action(async (name: string, scope: string, options: RegisterOptions, command: Command) => {
      const { image } = options;
      const where = scopeOf(scope);
      if (where.vnf === undefined) throw new CliError(EXIT.usage, `"${scope}" names no VNF`);
      const publicKey = textOf(options.attestationKey);
      const pcrs = options.pcr.map(pcrOf);
      const body = { name, ...where, image, publicKey, pcrs };
      show(
        [await clientOf(command, host).post<TpmKeyAnswer>("/v1/asmn/tpm-keys", {}, body)],
        command,
      );
    });
  tpm
    .command("remove")
    .description("a key counts no more: who rests on it alone is untrusted at once")
    .argument("<name>")
    .action(async (name: string, _options: object, command: Command) => {
      const path = "/v1/asmn/tpm-keys/remove";
      report(await clientOf(command, host).post<DoneAnswer>(path, {}, { name }), command, host);
    });
  tpm
    .command("document")
    .description("what an agent's root.command prints: a quote with its signature and key")
    .requiredOption("--attestation-key <file>", "its public half, PEM")
    .requiredOption("--message <file>", "as tpm2_quote --message wrote it")
    .requiredOption("--signature <file>", "as tpm2_quote --signature wrote it")
    .action(async (options: QuoteOptions, command: Command) => {
      const { attestationKey: key, message, signature } = options;
      const made = await guarded(({ tpmDocument }) =>
        tpmDocument(textOf(key), octetsOf(message), octetsOf(signature)),
      );
      print({ document: made }, command, host);
    });
  addPlatform(asmn, host);
}

function addPlatform(asmn: Command, host: CliHost): void {
  const platform = asmn
    .command("platform")
    .description("what a platform does that vouches for instances; needs no evpnd");
  platform
    .command("key")
    .description("public half of its key, for asmn.sec-em.platform-keys")
    .requiredOption("--private-key <file>", "Ed25519, PEM")
    .action(async ({ privateKey: key }: { privateKey: string }, command: Command) => {
      const publicKey = await guarded(({ platformKey }) => platformKey(textOf(key)));
      print({ publicKey }, command, host);
    });
  platform
    .command("sign")
    .description("the document of an instance, for its agent; it says what the platform knows")
    .argument("<instance>", "TENANT/VNF/INSTANCE")
    .requiredOption("--private-key <file>", "the platform's, Ed25519, PEM")
    .requiredOption("--platform <name>", "its name in asmn.sec-em.platform-keys")
    .requiredOption("--image <digest>", "image that it started the instance from")
    .requiredOption("--instance-key <hex>", "the instance's key (EVPND_INSTANCE_KEY)")
    .addOption(
      new Option("--challenge <hex>", "of the proof (EVPND_CHALLENGE)").env("EVPND_CHALLENGE"),
    )
    .action(async (name: string, options: SignOptions, command: Command) => {
      const { privateKey: key, platform: signer, image, instanceKey, challenge } = options;
      const statement = {
        ...instanceOf(name),
        ...{ platform: signer, image, instanceKey, challenge, time: host.now() },
      };
      const document = await guarded(({ platformDocument }) =>
        platformDocument(textOf(key), statement),
      );
      print({ document }, command, host);
    });
}

function print(made: Readonly<Record<string, string>>, command: Command, host: CliHost): void {
  if (wantsJson(command)) printJson(host, made);
  else
    host.out(
      Object.values(made)
        .map((line) => `${line}\n`)
        .join(""),
    );
}

async function guarded<T>(work: (agent: typeof AgentModule) => T): Promise<T> {
  const agent = await import("../asmn/agent/index.js");
  try {
    return work(agent);
  } catch (error) {
    if (error instanceof agent.DocumentError) throw new CliError(EXIT.usage, error.message);
    throw error;
  }
}

function octetsOf(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${file} cannot be read (${code}); check the path`);
  }
}

function textOf(file: string): string {
  return Buffer.from(octetsOf(file)).toString("utf8");
}

function pcrOf(text: string): PcrAnswer {
  const [, pcr, value = ""] = /^(\d{1,2})=([0-9a-fA-F]{64}|image)$/.exec(text) ?? [];
  if (pcr !== undefined) return { pcr: Number(pcr), value: value.toLowerCase() };
  throw new CliError(
    EXIT.usage,
    `"${text.slice(0, 80)}" is not NUMBER=64 hexadecimal digits or NUMBER=image`,
  );
}

function keysText(rows: readonly TpmKeyAnswer[], width: number): string {
  if (rows.length === 0) return "No TPM keys.\n";
  return formatTable(
    rows,
    [
      { title: "Name", value: ({ name }) => shorten(name, NAME) },
      { title: "Vouches for", value: (row) => scopeText(row), flexible: true },
      { title: "Image", value: ({ image = "any" }) => image.slice(0, DIGITS) },
      { title: "PCRs", value: ({ pcrs }) => pcrs.map(pcrText).join(",") },
      { title: "Key", value: ({ keyId }) => clean(keyId).slice(0, DIGITS) },
      { title: "From", value: ({ source }) => source },
    ],
    width,
  );
}

function pcrText({ pcr, value }: PcrAnswer): string {
  return value === "image" ? `${pcr}=image` : String(pcr);
}
