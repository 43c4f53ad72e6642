/** YAML text to plain data, with the position of every key and value kept. */
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { Document, Node, Pair, YAMLError, YAMLMap } from "yaml";
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
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // The library compares every key of a map with every other one: minutes for what a client may send.
    uniqueKeys: false,
  });
  const locate = locator(document, lines, file);
  const issueAt = (offset: number, words: string, remedy: string): ConfigIssue => {
    const { line, col: column } = lines.linePos(offset);
    return {
      severity: "error",
      file,
      line,
      column,
      path: "",
      message: `not valid YAML: ${words}`,
      remedy,
    };
  };
  const issues = [
    ...document.errors.map((error) =>
      issueAt(error.pos[0], wordsOf(error), REMEDIES[error.code] ?? "correct the text there"),
    ),
    ...keysTwice(document).map((offset) =>
      issueAt(offset, "Map keys must be unique", "keep one of them"),
    ),
  ];
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

/** Where a key stands that its map has already. */
function keysTwice(document: Document): number[] {
  const found: number[] = [];
  visit(document, {
    Map: (_at, { items }) => {
      const known = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (known.has(key.value)) found.push(key.range?.[0] ?? 0);
        known.add(key.value);
      }
    },
  });
  return found;
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
  TAB_AS_INDENT: "indent with spaces",
  BAD_DQ_ESCAPE: "write \\\\ for a backslash, or use single quotes",
  TAG_RESOLVE_FAILED: "put a text that begins with ! in quotes",
  BAD_INDENT: "line it up with its neighbours",
  MULTILINE_IMPLICIT_KEY: "a key ends with a colon and a space",
  BLOCK_AS_IMPLICIT_KEY: "line it up with its neighbours",
};

function locator(document: Document, lines: LineCounter, file: string): Locate {
  const pairs = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  /** Of a map, by key: there may be as many questions as keys. */
  const pairsOf: PairsOf = (map) => {
    const known = pairs.get(map);
    if (known !== undefined) return known;
    const made = new Map<string, Pair>();
    for (const pair of map.items) if (isScalar(pair.key)) made.set(String(pair.key.value), pair);
    pairs.set(map, made);
    return made;
  };
  return (path, key = false) => {
    const node = find(document.contents, path, key, pairsOf);
    const offset = node?.range?.[0];
    if (offset === undefined) return { file, line: 1, column: 1 };
    const at = lines.linePos(offset);
    return { file, line: at.line, column: at.col };
  };
}

type PairsOf = (map: YAMLMap) => ReadonlyMap<string, Pair>;

/** The node at a path, or the nearest one above it. */
function find(top: Node | null, path: ConfigPath, wantKey: boolean, pairsOf: PairsOf): Node | null {
  let node = top;
  for (const [depth, part] of path.entries()) {
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = pairsOf(node).get(String(part));
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
