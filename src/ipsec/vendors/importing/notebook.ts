/** Where importers write down what became of which line; what they quote has no secret in it. */
import type { LogicalLine } from "../text/lines.js";
import type { ImportNote } from "./imported.js";

/** Notes of one text; beyond it they are counted. */
const MOST_NOTES = 5000;
const LONGEST_QUOTE = 300;

type Place = Pick<LogicalLine, "from" | "to" | "text">;

/**
 * Blanks the secrets of a line. `strict`: the line was not understood, so that everything behind a word which a
 * secret may follow may be of it.
 */
export type Mask = (line: string, strict?: boolean) => string;

export class Notebook {
  private readonly all: ImportNote[] = [];
  private readonly mask: Mask;
  private left = 0;

  constructor(mask: Mask) {
    this.mask = mask;
  }

  get notes(): readonly ImportNote[] {
    const { all, left } = this;
    const sorted = [...all].sort((a, b) => a.from - b.from);
    if (left === 0) return sorted;
    const message = `${left} notes more were left out`;
    const rest: ImportNote = {
      severity: "warning",
      code: "more-notes",
      from: 0,
      to: 0,
      line: "",
      message,
      remedy: "import a shorter text to see them",
    };
    return [...sorted, rest];
  }

  add(
    severity: ImportNote["severity"],
    code: string,
    place: Place | undefined,
    message: string,
    remedy: string,
  ): void {
    if (this.all.length >= MOST_NOTES) {
      this.left += 1;
      return;
    }
    const { from = 0, to = 0, text = "" } = place ?? {};
    const strict = severity === "error" || code === "hidden-suspect";
    const masked = this.mask(text, strict);
    const line = masked.length <= LONGEST_QUOTE ? masked : `${masked.slice(0, LONGEST_QUOTE)}…`;
    this.all.push({ severity, code, from, to, line, message: hide(message, text, masked), remedy });
  }
}

/** What a message quotes of the line and is not to be seen in the line is not to be seen in it either. */
function hide(message: string, line: string, masked: string): string {
  if (line === masked) return message;
  const seen = new Set(wordsOf(masked));
  const secret = wordsOf(line).filter((word) => !seen.has(word));
  return secret.reduce((text, word) => text.replaceAll(`"${word}`, '"*****'), message);
}

function wordsOf(line: string): string[] {
  return line.split(/[\s"]+/).filter((word) => word !== "");
}
