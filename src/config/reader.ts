/**
 * Reads the daemon's configuration while other things go on. A large file takes a second and more of parsing
 * and checking, in which no keepalive would leave: it is read in a thread made for it, which ends with it. A
 * small one is read at once, as a thread costs more. One at a time, in the order asked for.
 *
 * What comes back is what `loadConfig` gives: settings are plain data, taken over in slices and frozen again here.
 */
import { statSync } from "node:fs";
import { startOwnedThread } from "../util/owned-thread.js";
import { fromPieces } from "../util/pieces.js";
import { deepFreeze } from "./freeze.js";
import { cutIssues } from "./issue.js";
import { CANDIDATE_NAME, loadConfig, parseYaml } from "./index.js";
import type { ConfigIssue, ConfigResult, ConfigSource } from "./index.js";

/** What the thread is asked. */
export type ReaderJob =
  | { readonly kind: "load"; readonly source: ConfigSource }
  | { readonly kind: "part"; readonly text: string; readonly keys: readonly string[] };

export interface PartOfText {
  /** Undefined where the text is no block, or has other keys. */
  readonly part: Readonly<Record<string, unknown>> | undefined;
  readonly issues: readonly ConfigIssue[];
}

/** What the thread says, before it ends. */
export interface ReaderReport {
  readonly kind: "closed";
  /** A `ConfigResult` or a `PartOfText`, as the job asked for (`util/pieces.ts`). */
  readonly pieces: readonly Uint8Array[];
}

/** Octets from which on a thread is worth it: about 50 ms of parsing. */
const LARGE = 16 * 1024;
/** A file of the largest size takes a few hundred. */
const HEAP_MB = 2048;

export class ConfigReader {
  private readonly source: ConfigSource;
  private readonly thread: URL;
  private turn: Promise<unknown> = Promise.resolve();

  /** @param thread the program of the thread */
  constructor(source: ConfigSource, thread = new URL("./reader-thread.js", import.meta.url)) {
    const { file, overlay, lenient } = source;
    // Data alone: it goes to the thread.
    this.source = {
      file,
      ...(overlay !== undefined && { overlay }),
      ...(lenient !== undefined && { lenient }),
    };
    this.thread = thread;
  }

  /**
   * The daemon's file with its command line, or `text` in the file's place. Never rejects but for a bug: what
   * stands in the way is an issue.
   */
  load(text?: string): Promise<ConfigResult> {
    const source: ConfigSource = { ...this.source, text };
    return this.inTurn(async () => {
      if (!this.isLarge(text)) return loadConfig(source);
      const loaded = await this.apart<ConfigResult>({ kind: "load", source });
      return loaded instanceof Error ? { ok: false, issues: [unread(loaded, source)] } : loaded;
    });
  }

  /** A text in YAML that is a block of nothing but these keys; and what is wrong with it. */
  part(text: string, keys: readonly string[]): Promise<PartOfText> {
    return this.inTurn(async () => {
      if (!this.isLarge(text)) return partOfText(text, keys);
      const part = await this.apart<PartOfText>({ kind: "part", text, keys });
      if (!(part instanceof Error)) return part;
      return { part: undefined, issues: [unread(part, { text })] };
    });
  }

  private isLarge(text: string | undefined): boolean {
    if (text !== undefined) return text.length > LARGE;
    const { file } = this.source;
    if (file === undefined) return false;
    try {
      return statSync(file).size > LARGE;
    } catch {
      // Who reads it says why it cannot be read.
      return false;
    }
  }

  private async apart<T>(job: ReaderJob): Promise<T | Error> {
    const report = await new Promise<ReaderReport | Error>((resolve) => {
      const options = { name: "evpnd-config", workerData: job, heapMegabytes: HEAP_MB };
      startOwnedThread<never, ReaderReport>(this.thread, options, {
        report: resolve,
        died: resolve,
      });
    });
    return report instanceof Error ? report : fromPieces<T>(report.pieces, deepFreeze);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => {});
    return result;
  }
}

/** As `ConfigReader.part`, at once. */
export function partOfText(text: string, keys: readonly string[]): PartOfText {
  const { data, issues } = parseYaml(text, CANDIDATE_NAME);
  const isBlock = typeof data === "object" && data !== null && !Array.isArray(data);
  const part = isBlock ? (data as Readonly<Record<string, unknown>>) : undefined;
  const isPart = part !== undefined && Object.keys(part).every((key) => keys.includes(key));
  return { part: isPart ? part : undefined, issues: cutIssues(issues) };
}

function unread({ message }: Error, { file, text }: ConfigSource): ConfigIssue {
  return {
    severity: "error",
    file: text === undefined && file !== undefined ? file : CANDIDATE_NAME,
    line: undefined,
    column: undefined,
    path: "",
    message: `the thread that reads it ended (${message})`,
    remedy: "give evpnd more memory, or make the file smaller",
  };
}
