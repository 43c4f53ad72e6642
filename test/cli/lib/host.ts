/** evpnctl in the test's own process: words in, text and exit code out. */
import { runProgram } from "../../../src/cli/program.js";
import type { CliHost } from "../../../src/cli/host.js";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly url?: string;
  readonly stdin?: Uint8Array | string;
  readonly columns?: number;
  readonly now?: number;
  readonly interrupted?: Promise<void>;
  readonly env?: Readonly<Record<string, string>>;
}

/** @param words split at spaces when given as one text */
export async function evpnctl(words: string | string[], options: RunOptions = {}): Promise<Ran> {
  const said = { out: "", err: "" };
  const host: CliHost = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    columns: options.columns ?? 80,
    env: { ...options.env, ...(options.url !== undefined && { EVPND_URL: options.url }) },
    now: () => options.now ?? 1_700_000_160_000,
    readStdin: () => Promise.resolve(Buffer.from(options.stdin ?? "")),
    interrupted: () => options.interrupted ?? Promise.resolve(),
    code: 0,
  };
  const list = typeof words === "string" ? words.split(" ").filter(Boolean) : words;
  const code = await runProgram(list, host);
  return { code, ...said };
}
