/** YAML text to plain data, with the position of every key and value kept. */
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Document, Node, YAMLError } from "yaml";
import { DEPTH_MAX, isTooDeep, tooDeepAt } from "./depth.js";
import type { ConfigIssue, ConfigPath, Locate } from "./issue.js";

export interface ParsedDocument {
  /** Undefined when `issues` has errors. */
  readonly data: unknown;
  readonly locate: Locate;
  readonly issues: readonly ConfigIssue[];
}

/** Never throws: whatever the text is, what is wrong with it is an issue. */
export function parseYaml(text: string, file: string): ParsedDocument {
  const deep = tooDeepAt(text);
  if (deep !== undefined) return unusable(file, deep, TOO_DEEP, "correct the brackets there");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const locate = locator(document, lines, file);
  const issues = document.errors.map((error): ConfigIssue => {
    const at = lines.linePos(error.pos[0]);
    return {
      severity: "error",
      file,
      line: at.line,
      column: at.col,
      path: "",
      message: `not valid YAML: ${wordsOf(error)}`,
      remedy: REMEDIES[error.code] ?? "correct the text there",
    };
  });
  if (issues.length > 0) return { data: undefined, locate, issues };
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch {
    // Not in the library's words: they quote the text, which may be a secret that lacks its quotes.
    return unusable(file, 1, "an alias (*name) has no anchor, or there are too many", ALIAS_REMEDY);
  }
  if (isTooDeep(data)) return unusable(file, 1, TOO_DEEP, "write values out in place of aliases");
  return { data, locate, issues };
}

const ALIASES_MAX = 100;
const TOO_DEEP = `it is nested more than ${DEPTH_MAX} levels deep`;
const ALIAS_REMEDY =
  "put a text that begins with * in quotes; write values out in place of aliases";

function unusable(file: string, line: number, message: string, remedy: string): ParsedDocument {
  const at = { file, line, column: 1 };
  const issue: ConfigIssue = { severity: "error", ...at, path: "", message, remedy };
  return { data: undefined, locate: () => at, issues: [issue] };
}

/** The library's words without what they quote: a secret that lacks its quotes would stand there. */
function wordsOf({ code, message }: YAMLError): string {
  return WORDS[code] ?? message.replace(/(?<=\S): [^]*$/, "");
}

const WORDS: Readonly<Record<string, string>> = {
  BAD_DQ_ESCAPE: 'an unknown escape sequence (\\) inside "quotes"',
  BAD_DIRECTIVE: "a directive (%) that is not known",
  TAG_RESOLVE_FAILED: "a tag (!name) that is not known",
  BAD_COLLECTION_TYPE: "a tag (!name) that does not fit its value",
};

const REMEDIES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "keep one of them",
  TAB_AS_INDENT: "indent with spaces",
  BAD_DQ_ESCAPE: "write \\\\ for a backslash, or use single quotes",
  TAG_RESOLVE_FAILED: "put a text that begins with ! in quotes",
  BAD_INDENT: "line it up with its neighbours",
  MULTILINE_IMPLICIT_KEY: "a key ends with a colon and a space",
  BLOCK_AS_IMPLICIT_KEY: "line it up with its neighbours",
};

function locator(document: Document, lines: LineCounter, file: string): Locate {
  return (path, key = false) => {
    const node = find(document.contents, path, key);
    const offset = node?.range?.[0];
    if (offset === undefined) return { file, line: 1, column: 1 };
    const at = lines.linePos(offset);
    return { file, line: at.line, column: at.col };
  };
}

/** The node at a path, or the nearest one above it. */
function find(top: Node | null, path: ConfigPath, wantKey: boolean): Node | null {
  let node = top;
  for (const [depth, part] of path.entries()) {
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
      );
      if (pair === undefined) return node;
      const key = isNode(pair.key) ? pair.key : null;
      const value = isNode(pair.value) ? pair.value : null;
      if (last && (wantKey || value === null || isMap(value) || isSeq(value))) return key;
      node = value ?? key;
    } else if (isSeq(node) && typeof part === "number") {
      const item = node.items[part];
      if (!isNode(item)) return node;
      node = item;
    } else return node;
  }
  return node;
}
