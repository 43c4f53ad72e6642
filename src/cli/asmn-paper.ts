/**
 * evpnctl asmn paper run | attack: the ASMN paper's mechanism as written, and why it does not hold, all inside
 * this process. Nothing of a running evpnd takes part.
 */
import { Argument, InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import {
  ATTACKS,
  CHAIN_HASHES,
  generatedGroup,
  PAPER_WARNING,
  PaperError,
  runAttack,
  runPaper,
  standardGroup,
  type AttackName,
  type AttackReport,
  type ChainHash,
  type ImageSource,
  type PaperReport,
  type PaperStep,
} from "../asmn/paper/index.js";
import { CliError, EXIT } from "./exit.js";
import { printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import { clean, formatFields, shorten, wrap } from "./text.js";

interface RunOptions {
  readonly hash: ChainHash;
  readonly image: readonly string[];
  readonly fake?: string;
  readonly renewals: number;
  readonly interval: number;
  readonly loseRenewal?: true;
  readonly prime: "rfc3526" | "generated";
  readonly q: bigint;
}

interface AttackOptions {
  readonly hash: ChainHash;
  readonly image?: string;
}

const RENEWALS_MAX = 10_000;
/** Just beyond 300 decimal digits. */
const PRIME_BITS = 1024;

/** What attacks are shown with when no image is named. */
const SAMPLE_IMAGE: ImageSource = {
  name: "a sample image of 64 KiB",
  octets: Uint8Array.from({ length: 65_536 }, (_, at) => (at * 2_654_435_761) >>> 24),
};

export function addAsmnPaper(asmn: Command, host: CliHost): void {
  const paper = asmn
    .command("paper")
    .description("the ASMN paper's mechanism as written, to compare with; it protects nothing");
  addRun(paper, host);
  addAttack(paper, host);
}

function hashOption(): Option {
  return new Option("--hash <name>", "hash of the chain").choices(CHAIN_HASHES).default("sha1");
}

function addRun(paper: Command, host: CliHost): void {
  paper
    .command("run")
    .description("two VNFs are authenticated, agree on a key and are policed; shows each message")
    .addOption(hashOption())
    .requiredOption("--image <files...>", "image of VNF1, and of VNF2 when it has another")
    .option("--fake <file>", "VNF2 is a fake that runs this image instead of its own")
    .option("--renewals <count>", "renewals beside the one at registration", renewals, 2)
    .option("--interval <seconds>", "between renewals", wholeNumber, 0)
    .option("--lose-renewal", "the last renewal does not reach VNF2")
    .addOption(
      new Option("--prime <which>", "p: of RFC 3526, or a new one, which takes seconds")
        .choices(["rfc3526", "generated"])
        .default("rfc3526"),
    )
    .addOption(
      new Option("--q <number>", "q, from 2 to p - 2").argParser(bigNumber).default(2n, "2"),
    )
    .action(async (options: RunOptions, command: Command) => {
      const [first, second, ...others] = options.image.map((path): ImageSource => ({ path }));
      if (first === undefined || others.length > 0)
        throw new CliError(EXIT.usage, "--image takes one file, or two: of VNF1 and of VNF2");
      const json = wantsJson(command);
      host.err(`${PAPER_WARNING}\n`);
      const { hash, renewals, interval, fake, loseRenewal, prime, q } = options;
      const report = await failing(() =>
        runPaper({
          ...{ hash, renewals, intervalMs: interval * 1000 },
          group: prime === "generated" ? generatedGroup(PRIME_BITS, q) : standardGroup(q),
          images: second === undefined ? [first] : [first, second],
          ...(fake !== undefined && { fake: { path: fake } }),
          ...(loseRenewal === true && { loseLast: true }),
          now: () => host.now(),
          wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
          onProgress: progressOf(host),
          ...(!json && {
            onMessage: (row) => host.out(messageLine(row, host.columns)),
            onStep: (step: PaperStep) => host.out(stepText(step, host.columns)),
          }),
        }),
      );
      if (json) printJson(host, report);
      else host.out(summaryText(report, host.columns));
      if (report.reached < 3) host.code = EXIT.finding;
    });
}

function addAttack(paper: Command, host: CliHost): void {
  const names = Object.keys(ATTACKS) as AttackName[];
  const list = names.map((name) => `  ${name.padEnd(11)} ${ATTACKS[name].summary}\n`).join("");
  paper
    .command("attack")
    .description("break paper mode, in this process; what stands against it in sound mode is named")
    .addArgument(new Argument("<attack>", "which").choices([...names, "all"]))
    .addOption(hashOption())
    .option("--image <file>", "what the VNFs run (default: octets made up here)")
    .addHelpText("after", `\nAttacks:\n${list}`)
    .action(async (name: AttackName | "all", options: AttackOptions, command: Command) => {
      const { hash, image: path } = options;
      const image = path === undefined ? SAMPLE_IMAGE : { path };
      host.err(`${PAPER_WARNING}\n`);
      const reports: AttackReport[] = [];
      for (const each of name === "all" ? names : [name]) {
        const now = (): number => host.now();
        reports.push(await failing(() => runAttack(each, { hash, image, now })));
      }
      if (wantsJson(command)) printJson(host, { mode: "paper", warning: PAPER_WARNING, reports });
      else host.out(reports.map((report) => attackText(report, host.columns)).join("\n"));
      if (reports.some(({ succeeded }) => !succeeded)) host.code = EXIT.finding;
    });
}

function renewals(text: string): number {
  const count = wholeNumber(text);
  if (count > RENEWALS_MAX) throw new InvalidArgumentError(`At most ${RENEWALS_MAX}.`);
  return count;
}

function bigNumber(text: string): bigint {
  if (/^\d{1,1000}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

async function failing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof PaperError) throw new CliError(EXIT.finding, error.message);
    throw error;
  }
}

/** Every tenth of a large image, on standard error. */
function progressOf(host: CliHost): (vnf: string, done: number, total: number) => void {
  let shown = "";
  return (vnf, done, total) => {
    const tenths = Math.floor((done / total) * 10);
    const now = `${vnf} ${tenths}`;
    if (now === shown || total < 1 << 26) return;
    shown = now;
    host.err(`hashing the image of ${vnf}: ${tenths * 10} %\n`);
  };
}

interface MessageRow {
  readonly number: number;
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly fields: Readonly<Record<string, string>>;
}

function messageLine({ number, from, to, kind, fields }: MessageRow, columns: number): string {
  const way = `${from} -> ${to}`.padEnd(18);
  const values = Object.entries(fields)
    .map(([name, value]) => `${name}=${shorten(value, 20)}`)
    .join(" ");
  const line = `${String(number).padStart(4)}  ${way}  ${kind.padEnd(12)}  ${values}`;
  return `${shorten(clean(line).trimEnd(), columns)}\n`;
}

function stepText({ phase, text }: PaperStep, columns: number): string {
  return wrap(text, columns, "    ", `[${phase}] `);
}

function summaryText(report: PaperReport, columns: number): string {
  const { mode, hash, cipher, primeDigits, exponent, images, reached } = report;
  const took = images.map(({ vnf, took }) => `${vnf} ${(took / 1000).toFixed(3)} s`).join(", ");
  const fields = formatFields(
    [
      ["Mode", mode],
      ["Hash", `${hash}, hashing took ${took}`],
      ["Cipher", cipher],
      ["Prime", `${primeDigits} decimal digits`],
      ["Exponent", exponent.statement],
      ["Reached", reached === 0 ? "nothing: not authenticated" : `phase ${reached} of 3`],
    ],
    columns,
  );
  return `\n${fields}`;
}

function attackText(report: AttackReport, columns: number): string {
  const { mode, attack, ids, given, succeeded, lines, soundMode } = report;
  const head = formatFields(
    [
      ["Mode", mode],
      ["Attack", `${attack} (${ids})`],
      ["Given", given],
    ],
    columns,
  );
  const told = lines.map((line) => wrap(line, columns, "    ", "  - ")).join("");
  const end = formatFields(
    [
      ["Result", succeeded ? "the attack succeeds" : "the attack failed"],
      ["Sound mode", soundMode],
    ],
    columns,
  );
  return `${head}${told}${end}`;
}
