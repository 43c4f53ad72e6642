/** PIX OS for the importer: what begins a command, what a comment is, what must not be quoted. */
import type { CommandGrammar } from "../importing/reader.js";
import { WordFault } from "../text/words.js";
import { parseCommand } from "./parse.js";
import type { Statement } from "./statement.js";
import { ORDER } from "./words.js";

const BEGINS = new Set([
  ...ORDER.map((start) => start.split(" ", 1)[0] ?? ""),
  "no",
  "debug",
  "url-server",
  "icmp",
]);

/** Words that begin sentences and ends of wrapped lines as well: what must follow to make them commands. */
const NARROWER: Readonly<Record<string, RegExp>> = {
  ip: /^ip (address|audit|local|verify) /,
  interface: /^interface [a-z-]*ethernet/,
  nat: /^nat \(/,
  global: /^global \(/,
  static: /^static \(/,
  route: /^route \S+ \d/,
  name: /^name \d/,
  names: /^names$/,
  clock: /^clock (timezone|summer-time|set) /,
  enable: /^enable password /,
  timeout: /^timeout (xlate|conn|uauth|sip|h323|rpc|udp)/,
  logging:
    /^logging (on|off|buffered|host|trap|console|monitor|timestamp|facility|history|queue)\b/,
  console: /^console timeout/,
  http: /^http (server|\d)/,
  ca: /^ca (generate|identity|configure|authenticate|enroll|save)/,
  no: /^no [a-z]/,
  router: /^router \S+ ?\d*$/,
};

/** A page wraps lines of about this length, no shorter ones. */
const WRAPPED_FROM = 40;

const LOOKS =
  /^(access-list \S+ (permit|deny)|nat \(|global \(|sysopt connection|crypto (ipsec|map|dynamic-map|isakmp)|isakmp (key|policy|enable|identity|keepalive)|route \S+ \d|static \(|ip address|nameif|access-group)\b/;

export const PIX_GRAMMAR: CommandGrammar<Statement> = {
  title: "PIX OS",
  comment: (line) => /^!(.*)$/.exec(line)?.[1],
  begins: (text) => {
    const [word = ""] = text.split(" ", 1);
    if (word.startsWith(":") || word.startsWith("Cryptochecksum:")) return true;
    return BEGINS.has(word) && (NARROWER[word]?.test(text) ?? true);
  },
  open: (command) => command.length >= WRAPPED_FROM || incomplete(command),
  parse: (line) => {
    const statement = parseCommand(line);
    return statement === undefined ? undefined : { statement, remarks: [] };
  },
  looks: (line) => LOOKS.test(line),
  keepsUnknown: true,
};

function incomplete(command: string): boolean {
  try {
    parseCommand(command);
    return false;
  } catch (error) {
    if (error instanceof WordFault) return error.message.endsWith("at the end");
    throw error;
  }
}

const SECRETS =
  "isakmp key|enable password|passwd|community|password|secret|key-string|authentication-key|md5 \\d+";

/** Blanks what follows the words that secrets follow. */
export function maskPix(line: string, strict = false): string {
  if (strict) return line.replace(new RegExp(`\\b(${SECRETS})\\s.*$`, "i"), "$1 *****");
  return line.replace(
    new RegExp(`\\b(${SECRETS})\\s+(\\S+)`, "gi"),
    (whole, word: string, value: string) =>
      value.startsWith("<secret:") || /^\*+$/.test(value) ? whole : `${word} *****`,
  );
}
