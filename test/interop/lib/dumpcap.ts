/** dumpcap on an interface of a lab: the packets of a filter in a file that is complete when it has been stopped. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";

/** The kernel hands packets over four times a second, and those that wait when dumpcap ends are lost. Milliseconds. */
const HANDED_OVER = 1500;

export interface DumpcapOptions {
  /** The namespace. */
  readonly label: string;
  /** `any` for all of them. */
  readonly interface: string;
  /** Which packets, as libpcap writes it. */
  readonly filter: string;
  readonly file: string;
}

export class Dumpcap {
  readonly file: string;
  private readonly program: Program;

  private constructor(program: Program, file: string) {
    this.program = program;
    this.file = file;
  }

  /** Resolves when it records. */
  static async start(lab: Lab, options: DumpcapOptions): Promise<Dumpcap> {
    const { label, file, filter } = options;
    const program = lab.start(label, `dumpcap-${label}-${options.interface}`, "dumpcap", [
      ...["-q", "-i", options.interface, "-f", filter, "-w", file],
    ]);
    await program.says("File:");
    return new Dumpcap(program, file);
  }

  /** All that was on the wire before is in the file then. */
  async stop(): Promise<void> {
    this.program.mustRun();
    await sleep(HANDED_OVER);
    await this.program.stop("SIGINT", 15_000);
  }
}
