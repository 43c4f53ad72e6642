/** One run: two VNFs are instantiated, renewed, verified for each other, agree on a key, and are policed. */
import { exponentSize } from "./agreement.js";
import { CIPHER_TEXT } from "./cipher.js";
import { linkAt } from "./chain.js";
import type { Group } from "./group.js";
import type { ChainHash } from "./hash.js";
import { hashImage, imageName, type ImageSource } from "./image.js";
import { hex } from "./identifier.js";
import { PaperError } from "./paper-error.js";
import { makeProof } from "./proof.js";
import { PAPER_WARNING, type PaperReport, type PaperStep } from "./report.js";
import type { Vnf } from "./roles/vnf.js";
import { message } from "./wire/message.js";
import type { TraceRow } from "./wire/trace.js";
import { CATALOG, openWorld, type World } from "./world.js";

export interface PaperOptions {
  readonly hash: ChainHash;
  /** Of VNF1 and VNF2; one image serves both. */
  readonly images: readonly [ImageSource, ImageSource?];
  /** VNF2 runs this one instead of what was on-boarded. */
  readonly fake?: ImageSource;
  /** Renewals of every chain, beside the one at registration. */
  readonly renewals: number;
  readonly intervalMs: number;
  /** The last renewal does not reach VNF2. */
  readonly loseLast?: boolean;
  readonly group?: Group;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly onMessage?: (row: TraceRow) => void;
  onStep?(step: PaperStep): void;
  onProgress?(vnf: string, doneOctets: number, totalOctets: number): void;
}

/** @throws PaperError when an image cannot be read, or p and q cannot be used */
export async function runPaper(options: PaperOptions): Promise<PaperReport> {
  const world = await openWorld(options);
  try {
    return await new Run(world, options).all();
  } finally {
    world.close();
  }
}

class Run {
  private readonly world: World;
  private readonly options: PaperOptions;
  private readonly steps: PaperStep[] = [];
  private readonly images: PaperReport["images"][number][] = [];

  constructor(world: World, options: PaperOptions) {
    this.world = world;
    this.options = options;
  }

  async all(): Promise<PaperReport> {
    const first = await this.onboard("VNF1", this.options.images[0]);
    const second = await this.onboard("VNF2", this.options.images[1] ?? this.options.images[0]);
    await this.renewals();
    if (this.options.fake !== undefined) await this.impersonate(second.id, this.options.fake);
    const reached = await this.phases(first, second);
    const { hash, group, directory, results } = this.world;
    return {
      mode: "paper",
      warning: PAPER_WARNING,
      ...{ hash, cipher: CIPHER_TEXT, images: this.images, exponent: exponentSize(hash) },
      primeDigits: group.p.toString().length,
      ...{ steps: this.steps, trace: directory.trace.rows, results: [...results], reached },
    };
  }

  private async onboard(name: string, image: ImageSource): Promise<Vnf> {
    const began = this.options.now();
    const first = await hashImage(image, this.world.hash, (done, total) =>
      this.options.onProgress?.(name, done, total),
    );
    this.images.push({ vnf: name, image: imageName(image), took: this.options.now() - began });
    const vnf = await this.world.instantiated(name, first);
    this.step(1, `${name} is on-boarded, instantiated and renewed once: it has link 2`);
    return vnf;
  }

  private async renewals(): Promise<void> {
    const { renewals: times, intervalMs, wait, loseLast } = this.options;
    if (loseLast === true) this.world.vim.lose("VNF2", times + 2);
    await this.world.vim.renewPeriodically({ times, intervalMs, wait });
    if (times > 0) this.step(1, `${times} renewals, ${intervalMs / 1000} s apart`);
  }

  /** A fake in the place of VNF2: it knows the scheme, the ID and the index, and has another image. */
  private async impersonate(id: string, image: ImageSource): Promise<void> {
    const first = await hashImage(image, this.world.hash);
    await this.world.directory.listen("VNF2", ({ fields }) => {
      const link = linkAt(this.world.hash, first, Number(fields["index"] ?? "1"));
      const sealed = hex(makeProof(link, id));
      return message("proof", { id, index: String(link.index), sealed });
    });
    this.step(1, `VNF2 is taken over by a fake that runs ${imageName(image)}`);
  }

  /** In order; each only when the one before has succeeded. */
  private async phases(first: Vnf, second: Vnf): Promise<PaperReport["reached"]> {
    const { fields } = await first.authenticate(second);
    for (const { vnf, state, reason } of this.world.results)
      this.step(1, `Sec-EM about ${vnf}: ${state}, ${reason}`);
    if (fields["state"] !== "trusted") {
      this.step(1, `ends here: ${fields["reason"] ?? "not trusted"}`);
      return 0;
    }
    try {
      await first.agree(second);
      this.step(2, exponentSize(this.world.hash).statement);
      const greeting = "hello from VNF1";
      await first.send(second, Buffer.from(greeting));
      const [got] = second.inbox;
      if (got === undefined || Buffer.from(got).toString() !== greeting) return 1;
      this.step(2, "VNF1 and VNF2 have the same key, and traffic passes encrypted");
    } catch (error) {
      return this.ends(2, 1, error);
    }
    try {
      await first.reportSecured(second);
    } catch (error) {
      return this.ends(3, 2, error);
    }
    for (const port of [CATALOG.port, 23]) {
      const verdict = this.world.gateway.judge(first.id, second.id, CATALOG.protocol, port);
      this.step(
        3,
        `VNF-G/W: ${CATALOG.protocol} port ${port} from VNF1 to VNF2 ${verdictText(verdict)}`,
      );
    }
    return 3;
  }

  private ends<T extends 1 | 2>(phase: 2 | 3, reached: T, error: unknown): T {
    if (!(error instanceof PaperError)) throw error;
    this.step(phase, `ends here: ${error.message}`);
    return reached;
  }

  private step(phase: PaperStep["phase"], text: string): void {
    const step = { phase, text };
    this.steps.push(step);
    this.options.onStep?.(step);
  }
}

function verdictText(verdict: "passes" | "abnormal"): string {
  return verdict === "passes" ? "passes" : "is abnormal";
}
