/**
 * The part of an importer that vendors share: lines are made of the text, commands found in comments, and each
 * command is handed on; what is no command of tunnels is kept, what cannot be read is noted.
 */
import { hiddenCommand, type HiddenCommand } from "../text/hidden.js";
import { lineOf, logicalLines, type LineGrammar, type LogicalLine } from "../text/lines.js";
import { WordFault } from "../text/words.js";
import type { ImportOptions } from "./imported.js";
import type { Notebook } from "./notebook.js";

export interface CommandGrammar<S> extends LineGrammar {
  /** `PIX OS`: for sentences. */
  readonly title: string;
  /** undefined: no command about tunnels. Throws `WordFault`. */
  readonly parse: (
    line: string,
  ) => { readonly statement: S; readonly remarks: readonly string[] } | undefined;
  /** Whether a text in a comment looks like a command, understood or not. */
  readonly looks: (line: string) => boolean;
  /** A line that begins with an unknown word may be a command that we have not heard of. */
  readonly keepsUnknown: boolean;
}

export type Reading<S> =
  | { readonly kind: "statement"; readonly statement: S; readonly line: LogicalLine }
  | { readonly kind: "other"; readonly line: LogicalLine };

/** Statements and other commands in order; undefined when the text cannot be read at all. */
export function readCommands<S>(
  text: string,
  grammar: CommandGrammar<S>,
  notebook: Notebook,
  options: ImportOptions,
): readonly Reading<S>[] | undefined {
  const { lines, fault } = logicalLines(text, grammar);
  if (fault !== undefined) {
    notebook.add("error", "text", undefined, fault, "hand over less");
    return undefined;
  }
  return lines.flatMap((line) => {
    switch (line.kind) {
      case "stray":
        return ofStray(line, grammar, notebook);
      case "comment":
        return ofComment(line, grammar, notebook, options);
      case "command":
        return ofCommand(line, grammar, notebook);
    }
  });
}

function ofStray<S>(
  line: LogicalLine,
  grammar: CommandGrammar<S>,
  notebook: Notebook,
): Reading<S>[] {
  if (grammar.keepsUnknown && /^[a-z]/.test(line.text)) return [{ kind: "other", line }];
  notebook.add(
    "error",
    "stray",
    line,
    `no command of ${grammar.title} begins so, and nothing in front of it goes on here`,
    "write the command whole, in one line",
  );
  return [];
}

function ofCommand<S>(
  line: LogicalLine,
  grammar: CommandGrammar<S>,
  notebook: Notebook,
): Reading<S>[] {
  const { parts } = line;
  const whole = attempt(line, grammar);
  if (whole.fault === undefined) {
    if (parts.length > 1) {
      const message = "the command was wrapped; its lines are read as one";
      notebook.add("info", "wrapped", line, message, "nothing to do");
    }
    for (const remark of whole.parsed?.remarks ?? []) {
      notebook.add("warning", "form", line, remark, "write it in the gateway's own form");
    }
    const { parsed } = whole;
    return [
      parsed === undefined
        ? { kind: "other", line }
        : { kind: "statement", statement: parsed.statement, line },
    ];
  }
  // What follows may be no part of it, but words of a page.
  for (let length = parts.length - 1; length > 0; length -= 1) {
    const shorter = lineOf("command", parts.slice(0, length));
    if (attempt(shorter, grammar).fault !== undefined) continue;
    const rest = lineOf("stray", parts.slice(length));
    return [...ofCommand(shorter, grammar, notebook), ...ofStray(rest, grammar, notebook)];
  }
  notebook.add(
    "error",
    "unreadable",
    line,
    `the command cannot be taken: ${whole.fault}`,
    "correct the line and import again",
  );
  return [];
}

function attempt<S>({ text }: LogicalLine, grammar: CommandGrammar<S>) {
  try {
    return { parsed: grammar.parse(text), fault: undefined };
  } catch (error) {
    if (error instanceof WordFault) return { parsed: undefined, fault: error.message };
    throw error;
  }
}

/** A wrapped comment may end in a command, and a command may be followed by more words: the longest wins. */
function ofComment<S>(
  line: LogicalLine,
  grammar: CommandGrammar<S>,
  notebook: Notebook,
  options: ImportOptions,
): Reading<S>[] {
  const { parts } = line;
  const rules = {
    begins: grammar.begins,
    looks: grammar.looks,
    understood: (command: string) => {
      const { parsed } = attempt({ ...line, text: command }, grammar);
      return parsed !== undefined;
    },
  };
  for (let length = Math.min(parts.length, MOST_PARTS); length > 0; length -= 1) {
    const tried = lineOf("comment", parts.slice(0, length));
    const hidden = hiddenCommand(tried.text, rules);
    if (hidden === undefined || (hidden.kind === "suspect" && length > 1)) continue;
    const found = ofHidden(tried, hidden, grammar, notebook, options);
    const rest = parts.slice(length);
    if (rest.length === 0) return found;
    return [...found, ...ofComment(lineOf("comment", rest), grammar, notebook, options)];
  }
  const rest = parts.slice(1);
  return rest.length === 0 ? [] : ofComment(lineOf("comment", rest), grammar, notebook, options);
}

/** Lines of a comment that a command may be spread over. */
const MOST_PARTS = 5;

function ofHidden<S>(
  line: LogicalLine,
  { kind, text }: HiddenCommand,
  grammar: CommandGrammar<S>,
  notebook: Notebook,
  { hidden: mode = "take" }: ImportOptions,
): Reading<S>[] {
  const place = { ...line, text };
  const why = `${grammar.title} takes the whole line for a comment`;
  const remedy = "if it is meant, write it in a line of its own";
  if (kind === "suspect") {
    const message = `what looks like a command stands in a comment, and cannot be read; it is left out (${why})`;
    notebook.add("warning", "hidden-suspect", place, message, remedy);
    return [];
  }
  if (kind === "switched-off" || mode === "leave") {
    const message = `a command stands in a comment; it is left out (${why})`;
    notebook.add("warning", "hidden-left", place, message, remedy);
    return [];
  }
  const message = `a command stands in a comment; it is taken, though the gateway would not have it (${why})`;
  notebook.add("warning", "hidden-command", place, message, "write it in a line of its own");
  const { number = 0 } = line.parts[0] ?? {};
  return ofCommand(lineOf("command", [{ text, number, broken: false }]), grammar, notebook);
}
