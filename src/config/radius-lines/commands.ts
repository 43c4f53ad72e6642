/**
 * The commands of such lines: in which mode each is, and whether it has a `no` form. What a command does stands
 * in `parse.ts`, by its id; what evpnctl has for those of the exec mode stands here.
 */
export type Mode = "exec" | "global" | "relay" | "radius";

export interface CommandRow {
  readonly id: string;
  readonly mode: Mode;
  /** Words in capitals stand for values; `a|b` for a choice, `[…]` for what may be left out. */
  readonly words: string;
  readonly hasNo: boolean;
  /** What its `no` form takes, where that is less. */
  readonly noWords?: string;
  /** Of exec commands: the same with evpnctl. */
  readonly evpnctl?: string;
}

export const COMMANDS: readonly CommandRow[] = [
  { id: "virtual-router", mode: "global", words: "virtual-router NAME", hasNo: false },
  {
    id: "relay",
    mode: "global",
    words: "radius relay authentication|accounting server",
    hasNo: true,
    noWords: "radius relay [authentication|accounting] [server]",
  },
  {
    id: "server",
    mode: "global",
    words: "radius authentication|accounting|dynamic-request server ADDRESS",
    hasNo: true,
  },
  {
    id: "client-key",
    mode: "relay",
    words: "key ADDRESS MASK SECRET",
    hasNo: true,
    noWords: "key ADDRESS MASK",
  },
  { id: "relay-port", mode: "relay", words: "udp-port PORT", hasNo: true, noWords: "udp-port" },
  { id: "server-key", mode: "radius", words: "key SECRET", hasNo: true, noWords: "key" },
  { id: "server-port", mode: "radius", words: "udp-port PORT", hasNo: true, noWords: "udp-port" },
  { id: "disconnect", mode: "radius", words: "subscriber disconnect", hasNo: true },
  {
    id: "show-servers",
    mode: "exec",
    words: "show radius relay servers",
    hasNo: false,
    evpnctl: "radius servers",
  },
  {
    id: "show-statistics",
    mode: "exec",
    words: "show radius relay [authentication|accounting] statistics [ADDRESS] [delta]",
    hasNo: false,
    evpnctl: "radius statistics [authentication|accounting] [ADDRESS] [delta]",
  },
  {
    id: "show-checksum",
    mode: "exec",
    words: "show radius relay udp-checksum",
    hasNo: false,
    evpnctl: "radius udp-checksum",
  },
  {
    id: "baseline",
    mode: "exec",
    words: "baseline radius relay",
    hasNo: false,
    evpnctl: "radius baseline",
  },
];

/** What a line gives: the command, and its values by their names in lower case. */
export interface Matched {
  readonly row: CommandRow;
  readonly values: Readonly<Record<string, string>>;
}

/** @param mode exec commands are known in every mode, to say that they are no configuration */
export function matchCommand(
  words: readonly string[],
  isNo: boolean,
  mode: Mode,
): Matched | undefined {
  for (const row of COMMANDS) {
    if (row.mode !== mode && row.mode !== "exec" && row.mode !== "global") continue;
    const pattern = isNo ? (row.noWords ?? row.words) : row.words;
    const values = match(pattern.split(" "), words);
    if (values !== undefined) return { row, values };
  }
  return undefined;
}

/** Undefined when the words are not of the pattern. Choices are values by their first word. */
function match(
  pattern: readonly string[],
  words: readonly string[],
): Record<string, string> | undefined {
  const [part, ...rest] = pattern;
  if (part === undefined) return words.length === 0 ? {} : undefined;
  const inner = /^\[(.*)\]$/.exec(part)?.[1];
  const [word, ...others] = words;
  const taken = word === undefined ? undefined : take(inner ?? part, word);
  if (taken !== undefined) {
    const after = match(rest, others);
    if (after !== undefined) return { ...taken, ...after };
  }
  return inner === undefined ? undefined : match(rest, words);
}

function take(part: string, word: string): Record<string, string> | undefined {
  if (/^[A-Z]+$/.test(part)) return { [part.toLowerCase()]: word };
  const choices = part.split("|");
  if (!choices.includes(word)) return undefined;
  return choices.length === 1 ? { [word]: word } : { choice: word };
}
