/** YAML text to plain data, with the position of every key and value kept. */
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Document, Node } from "yaml";
import type { ConfigIssue, ConfigPath, Locate } from "./issue.js";

export interface ParsedDocument {
  /** Undefined when `issues` has errors. */
  readonly data: unknown;
  readonly locate: Locate;
  readonly issues: readonly ConfigIssue[];
}

export function parseYaml(text: string, file: string): ParsedDocument {
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
      message: `not valid YAML: ${error.message}`,
      remedy: REMEDIES[error.code] ?? "correct the text there",
    };
  });
  if (issues.length > 0) return { data: undefined, locate, issues };
  return { data: document.toJS({ maxAliasCount: 100 }) as unknown, locate, issues };
}

const REMEDIES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "keep one of them",
  TAB_AS_INDENT: "indent with spaces",
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
