/**
 * Refuses YAML that is nested absurdly before it is parsed: the parser is recursive, and a text of
 * nothing but brackets would take the whole process down. The lexer is not recursive.
 */
import { Lexer } from "yaml";

/** Our own files need less than ten. */
export const DEPTH_MAX = 100;
/** Columns of indentation: each level of a block takes one or more. */
const INDENT_MAX = 200;

/** Line where the text is nested too deeply, from 1; undefined when it is not. */
export function tooDeepAt(text: string): number | undefined {
  return mayBeDeep(text) ? lexedDepth(text) : undefined;
}

/** Whether there are characters enough for it, whatever they mean: spares most files the lexer. */
function mayBeDeep(text: string): boolean {
  let brackets = 0;
  let inLine = 0;
  let spaces = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\n") inLine = 0;
    else if (char === "[" || char === "{") brackets++;
    else if (char === "-" || char === "?" || char === ":") inLine++;
    spaces = char === " " ? spaces + 1 : 0;
    if (brackets > DEPTH_MAX || inLine > DEPTH_MAX || spaces > INDENT_MAX) return true;
  }
  return false;
}

function lexedDepth(text: string): number | undefined {
  let line = 1;
  let brackets = 0;
  /** Blocks that begin in this line: `- - - x`. */
  let inLine = 0;
  let isStart = true;
  for (const token of new Lexer().lex(text)) {
    const first = token[0];
    if (token === "[" || token === "{") brackets++;
    else if ((token === "]" || token === "}") && brackets > 0) brackets--;
    else if (token === "-" || token === "?" || token === ":") inLine += brackets === 0 ? 1 : 0;
    else if (isStart && first === " " && token.length > INDENT_MAX) return line;
    if (brackets > DEPTH_MAX || inLine > DEPTH_MAX) return line;
    isStart = false;
    for (let at = token.indexOf("\n"); at >= 0; at = token.indexOf("\n", at + 1)) {
      line++;
      inLine = 0;
      isStart = true;
    }
  }
  return undefined;
}

/** What aliases made of the data: nested too deeply, or with itself inside. */
export function isTooDeep(data: unknown, above: readonly object[] = []): boolean {
  if (typeof data !== "object" || data === null) return false;
  if (above.length >= DEPTH_MAX || above.includes(data)) return true;
  const path = [...above, data];
  return Object.values(data).some((part) => isTooDeep(part, path));
}
