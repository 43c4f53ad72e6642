/** evpnctl asmn measure: the digest of an image, with progress; here, or where evpnd runs. */
import type { Command } from "commander";
import type { MeasurementAnswer } from "./asmn-wire.js";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson, type CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";

interface MeasureOptions {
  readonly threads?: number;
  readonly remote?: boolean;
  readonly quiet?: boolean;
}

export function addAsmnMeasure(asmn: Command, host: CliHost): void {
  asmn
    .command("measure")
    .description("the digest of an image, as it is registered and proved")
    .argument("<file>")
    .option(
      "--threads <count>",
      "threads that read and hash; default: 1, 0 = none of its own",
      wholeNumber,
    )
    .option("--remote", "a file of evpnd's image directory, measured there")
    .option("--quiet", "no progress")
    .action(async (file: string, options: MeasureOptions, command: Command) => {
      const progress = new Progress(host, options.quiet !== true && !wantsJson(command));
      const answer =
        options.remote === true
          ? await remotely(file, progress, command, host)
          : await locally(file, options.threads, progress, host);
      progress.end();
      if (wantsJson(command)) printJson(host, answer);
      else host.out(`${answer.digest}\n`);
    });
}

interface Measured {
  readonly file: string;
  readonly digest: string;
  readonly octets: number;
  readonly milliseconds: number;
}

async function locally(
  file: string,
  threads: number | undefined,
  progress: Progress,
  host: CliHost,
): Promise<Measured> {
  const { MeasureError, treeDigest } = await import("../asmn/measure/index.js");
  const stop = new AbortController();
  void host.interrupted().then(() => stop.abort());
  const begun = performance.now();
  try {
    const { digest, size } = await treeDigest(file, {
      ...(threads !== undefined && { threads }),
      progress: (done, total) => progress.tell(done, total),
      signal: stop.signal,
    });
    const milliseconds = Math.round(performance.now() - begun);
    return { file, digest: digest.toString("hex"), octets: size, milliseconds };
  } catch (error) {
    if (error instanceof MeasureError) throw new CliError(EXIT.finding, error.message);
    throw error;
  }
}

async function remotely(
  file: string,
  progress: Progress,
  command: Command,
  host: CliHost,
): Promise<Measured> {
  for await (const line of clientOf(command, host).lines("/v1/asmn/measure", { file })) {
    const { octets, total, state, digest, problem, tookMs } = JSON.parse(line) as MeasurementAnswer;
    progress.tell(octets, total);
    if (state === "failed") throw new CliError(EXIT.refused, problem ?? "it could not be measured");
    if (digest !== undefined) return { file, digest, octets, milliseconds: Math.round(tookMs) };
  }
  throw new CliError(EXIT.unreachable, "evpnd went away in the middle");
}

/** One line on standard error that is written again and again. */
class Progress {
  private readonly host: CliHost;
  private readonly isOn: boolean;
  private shown = "";

  constructor(host: CliHost, isOn: boolean) {
    this.host = host;
    this.isOn = isOn;
  }

  tell(done: number, total: number): void {
    if (!this.isOn) return;
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
    const line = `${percent} % of ${(total / 1e6).toFixed(1)} MB`;
    if (line === this.shown) return;
    this.shown = line;
    this.host.err(`\r${line}`);
  }

  end(): void {
    if (this.shown !== "") this.host.err("\n");
  }
}
