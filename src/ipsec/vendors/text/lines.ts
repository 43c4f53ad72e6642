/**
 * A configuration as people hand it over: copied from a page, with comments, page breaks, and lines that the
 * page wrapped. Here it becomes logical lines, each with the numbers of the lines it was made of.
 *
 * A line that begins like a command begins one; a comment mark begins a comment; anything else continues what
 * came before it. Blank lines (page breaks) end nothing. Nothing is left out: what continues nothing is a line
 * of kind `stray`, and whoever imports says so.
 */
export interface LogicalLine {
  readonly kind: "command" | "comment" | "stray";
  /** One space between words; a comment's mark is gone. */
  readonly text: string;
  /** Numbers of the first and the last line, counted from 1. */
  readonly from: number;
  readonly to: number;
  /** The lines that it was made of; one unless it was wrapped. */
  readonly parts: readonly LinePart[];
}

export interface LinePart {
  readonly text: string;
  readonly number: number;
  /** A word is broken between the part before and this one. */
  readonly broken: boolean;
}

export interface LineGrammar {
  /** The text behind the mark; undefined when the line is no comment. */
  readonly comment: (line: string) => string | undefined;
  /** Whether a command begins here. */
  readonly begins: (text: string) => boolean;
  /** Whether a command may go on in the next line although that begins with an unknown word. */
  readonly open: (command: string) => boolean;
}

/** Longer texts are refused: a gateway's configuration is some hundred KiB. */
export const MOST_TEXT = 1024 * 1024;
export const MOST_LINES = 20_000;
/** A logical line; nothing that a gateway takes is longer. */
export const MOST_LINE = 4096;

export interface LinesResult {
  readonly lines: readonly LogicalLine[];
  /** Why nothing can be read. */
  readonly fault?: string | undefined;
}

export function logicalLines(text: string, grammar: LineGrammar): LinesResult {
  if (text.length > MOST_TEXT) {
    return {
      lines: [],
      fault: `the text is longer than ${MOST_TEXT} characters; import one gateway at a time`,
    };
  }
  const physical = text.split(/\r\n|[\n\r\f\v\u0085\u2028\u2029]/, MOST_LINES + 1);
  if (physical.length > MOST_LINES) {
    return {
      lines: [],
      fault: `the text has more than ${MOST_LINES} lines; import one gateway at a time`,
    };
  }
  const lines: LogicalLine[] = [];
  for (const [index, raw] of physical.entries()) {
    // eslint-disable-next-line no-control-regex
    const line = raw.replace(/[\u0000-\u001f\u007f-\u009f\u00a0\ufeff]/g, " ").trim();
    if (line !== "") add(lines, line, index + 1, grammar);
  }
  return { lines };
}

/** A logical line of some parts of another. */
export function lineOf(kind: LogicalLine["kind"], parts: readonly LinePart[]): LogicalLine {
  const text = parts.reduce(
    (joined, part) => `${joined}${part.broken || joined === "" ? "" : " "}${part.text}`,
    "",
  );
  return { kind, text, from: parts[0]?.number ?? 0, to: parts.at(-1)?.number ?? 0, parts };
}

function add(lines: LogicalLine[], line: string, number: number, grammar: LineGrammar): void {
  const remark = grammar.comment(line);
  const text = squeeze(remark ?? line);
  const one = (kind: LogicalLine["kind"]) => lineOf(kind, [{ text, number, broken: false }]);
  if (remark !== undefined) {
    lines.push(one("comment"));
    return;
  }
  const before = lines.at(-1);
  const broken = before?.text.endsWith("-") === true && /^[a-z]+( |$)/.test(text);
  if (grammar.begins(text) && !broken) {
    lines.push(one("command"));
  } else if (
    before === undefined ||
    before.kind === "stray" ||
    before.text.length + text.length >= MOST_LINE ||
    !continues(before, broken, text, grammar)
  ) {
    lines.push(one("stray"));
  } else {
    lines[lines.length - 1] = lineOf(before.kind, [...before.parts, { text, number, broken }]);
  }
}

function continues(
  before: LogicalLine,
  broken: boolean,
  text: string,
  { open }: LineGrammar,
): boolean {
  if (before.kind === "comment" || broken) return true;
  // A name, an address or a quoted word in front: no command begins so.
  return !/^[a-z]/.test(text) || open(before.text);
}

function squeeze(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}
