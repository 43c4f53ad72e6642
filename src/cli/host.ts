/** What a verb has at hand: where to write, how wide, and the way to evpnd. Tests bring their own. */
import type { Command } from "commander";
import type { Client } from "./client.js";
import { connect, type ConnectionOptions } from "./connection.js";

export interface CliHost {
  out(text: string): void;
  err(text: string): void;
  readonly columns: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Wall-clock milliseconds. */
  now(): number;
  readStdin(): Promise<Uint8Array>;
  /** Resolves at the first Ctrl-C or SIGTERM. */
  interrupted(): Promise<void>;
  /** The exit code when a verb ends without an error; verbs set it. */
  code: number;
}

export interface GlobalOptions extends ConnectionOptions {
  readonly json?: boolean;
}

export function clientOf(command: Command, host: CliHost): Client {
  return connect(command.optsWithGlobals<GlobalOptions>(), host.env);
}

export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}

export function printJson(host: CliHost, value: unknown): void {
  host.out(`${safeJson(JSON.stringify(value, null, 2))}\n`);
}

/** JSON leaves the control characters 7f to 9f as they are; a terminal would obey some of them. */
export function safeJson(text: string): string {
  return text.replace(/[\u007f-\u009f]/g, (character) => {
    return `\\u00${character.charCodeAt(0).toString(16)}`;
  });
}
