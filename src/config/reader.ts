/**
 * Reads the daemon's configuration while other things go on. A large file takes a second and more of parsing
 * and checking, in which no keepalive would leave: it is read in a thread made for it, which ends with it. A
 * small one is read at once, as a thread costs more. One at a time, in the order asked for.
 *
 * What comes back is what `loadConfig` gives: settings are plain data, and frozen again here.
 */
import { statSync } from "node:fs";
import { startOwnedThread } from "../util/owned-thread.js";
import { deepFreeze } from "./freeze.js";
import { cutIssues } from "./issue.js";
import { CANDIDATE_NAME, loadConfig, parseYaml } from "./index.js";
import type { ConfigIssue, ConfigResult, ConfigSource } from "./index.js";

/** What the thread is asked. */
export type ReaderJob =
  | { readonly kind: "load"; readonly source: ConfigSource }
  | { readonly kind: "parse"; readonly text: string };

export interface ParsedText {
  readonly data: unknown;
  readonly issues: readonly ConfigIssue[];
}

/** What the thread says, before it ends. */
export type ReaderReport =
  | { readonly kind: "closed"; readonly loaded: ConfigResult }
  | { readonly kind: "closed"; readonly parsed: ParsedText };

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
      const report = await this.apart({ kind: "load", source });
      if (report instanceof Error) return { ok: false, issues: [unread(report, source)] };
      const { loaded } = report as Extract<ReaderReport, { loaded: unknown }>;
      // To take it over was one stretch, to freeze it is another.
      await new Promise((resolve) => setImmediate(resolve));
      if (loaded.ok) deepFreeze(loaded.settings);
      return loaded;
    });
  }

  /** Data of a text in YAML, and what is wrong with it. */
  parse(text: string): Promise<ParsedText> {
    return this.inTurn(async () => {
      if (!this.isLarge(text)) return parsedText(text);
      const report = await this.apart({ kind: "parse", text });
      if (report instanceof Error) {
        return { data: undefined, issues: [unread(report, { text })] };
      }
      return (report as Extract<ReaderReport, { parsed: unknown }>).parsed;
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

  private apart(job: ReaderJob): Promise<ReaderReport | Error> {
    return new Promise((resolve) => {
      const options = { name: "evpnd-config", workerData: job, heapMegabytes: HEAP_MB };
      startOwnedThread<never, ReaderReport>(this.thread, options, {
        report: resolve,
        died: resolve,
      });
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => {});
    return result;
  }
}

/** As plain data. */
export function parsedText(text: string): ParsedText {
  const { data, issues } = parseYaml(text, CANDIDATE_NAME);
  return { data, issues: cutIssues(issues) };
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
