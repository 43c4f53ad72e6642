/**
 * Before every test file: what its process prints is searched for canaries, and one fails the file. Unit tests
 * share their process with other files: what they print is listened to once.
 */
import { afterAll, expect } from "vitest";
import { canaryIn } from "./canary.js";

const listening = globalThis as { evpndPrinted?: Set<string> };

function listen(): Set<string> {
  const printed = new Set<string>();
  const look = (where: string, what: unknown): void => {
    const octets = what instanceof Uint8Array ? what : String(what);
    const form = canaryIn(octets);
    if (form !== undefined) printed.add(`${where}: a secret (${form})`);
  };
  for (const [name, stream] of [
    ["standard output", process.stdout],
    ["standard error", process.stderr],
  ] as const) {
    const write = stream.write.bind(stream) as (...words: unknown[]) => boolean;
    stream.write = (...words: unknown[]) => {
      look(name, words[0]);
      return write(...words);
    };
  }
  for (const way of ["debug", "log", "info", "warn", "error"] as const) {
    const write = console[way].bind(console);
    console[way] = (...words: unknown[]) => {
      for (const word of words) look("the console", word);
      write(...words);
    };
  }
  return printed;
}

const printed = (listening.evpndPrinted ??= listen());

afterAll(() => {
  const found = [...printed];
  printed.clear();
  expect(found).toEqual([]);
});
