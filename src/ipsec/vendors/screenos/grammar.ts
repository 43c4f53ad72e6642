/** ScreenOS for the importer: what begins a command, what a comment is, what must not be quoted. */
import type { CommandGrammar } from "../importing/reader.js";
import { parseCommand, type KnownNames } from "./parse.js";
import type { Statement } from "./statement.js";

const BEGINS = new Set([
  "set",
  "unset",
  "exit",
  "get",
  "clear",
  "save",
  "exec",
  "debug",
  "undebug",
]);

const NOUNS =
  /^(set|unset) (interface|ike|vpn|vpn-group|address|policy|zone|route|user|admin|flow|vrouter|hostname|snmp|dns|src-address|dst-address)\b/;

export function screenosGrammar(names: KnownNames): CommandGrammar<Statement> {
  return {
    title: "ScreenOS",
    comment: (line) => /^#(.*)$/.exec(line)?.[1],
    begins: (text) => BEGINS.has(text.split(" ", 1)[0] ?? ""),
    // No command begins with another word: whatever else comes, belongs to the one before.
    open: () => true,
    parse: (line) => parseCommand(line, names),
    looks: (line) => NOUNS.test(line) || line === "exit",
    keepsUnknown: false,
  };
}

const SECRETS = "preshare|password|passwd|secret|community|key|pre-?shared-key|auth-md5|md5";

/** Blanks what follows the words that secrets follow. */
export function maskScreenos(line: string, strict = false): string {
  if (strict) return line.replace(new RegExp(`\\b(${SECRETS})\\s.*$`, "i"), "$1 *****");
  return line.replace(
    new RegExp(`\\b(${SECRETS})\\s+("[^"]*"|\\S+)`, "gi"),
    (whole, word: string, value: string) =>
      /^"?<secret:/.test(value) || value === "*****" ? whole : `${word} *****`,
  );
}
