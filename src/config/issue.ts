/**
 * One thing that is wrong, or doubtful, in a configuration: where, what, and what to do about it.
 * Configuration faults are values, reported all at once; nothing here throws.
 */
export type ConfigPath = readonly (string | number)[];

export interface ConfigIssue {
  readonly severity: "error" | "warning";
  /** File name as the user gave it, or "command line". */
  readonly file: string;
  /** 1-based; undefined when no text stands behind the value. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** `peers[0].hold-time`; empty for the whole file. */
  readonly path: string;
  /** What is wrong. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

/** Where a value stands in the text. */
export interface Position {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/** Finds a value, or with `key` the key it stands under. A path that is missing gives its nearest parent. */
export type Locate = (path: ConfigPath, key?: boolean) => Position;

export class IssueList {
  readonly items: ConfigIssue[] = [];
  private readonly locate: Locate;
  private readonly seen = new Set<string>();

  constructor(locate: Locate) {
    this.locate = locate;
  }

  error(path: ConfigPath, message: string, remedy: string, atKey = false): void {
    this.add("error", path, message, remedy, atKey);
  }

  warn(path: ConfigPath, message: string, remedy: string, atKey = false): void {
    this.add("warning", path, message, remedy, atKey);
  }

  /** An error where `key` was there before. @param seen where each has been so far */
  once(key: string, shown: string, path: ConfigPath, seen: Map<string, ConfigPath>): void {
    const before = seen.get(key);
    if (before === undefined) seen.set(key, path);
    else this.error(path, `${shown} stands here twice`, `first at ${this.where(before)}; keep one`);
  }

  get failed(): boolean {
    return this.items.some((issue) => issue.severity === "error");
  }

  /** `file:line` of a path, for messages that point at a second place. */
  where(path: ConfigPath): string {
    const at = this.locate(path);
    return at.line === undefined ? at.file : `${at.file}:${at.line}`;
  }

  private add(
    severity: ConfigIssue["severity"],
    path: ConfigPath,
    message: string,
    remedy: string,
    atKey: boolean,
  ): void {
    const at = this.locate(path, atKey);
    const issue = { severity, ...at, path: formatPath(path), message, remedy };
    // A group's fault shows once, not once for each of its peers.
    const line = formatIssue(issue);
    if (this.seen.has(line)) return;
    this.seen.add(line);
    this.items.push(issue);
  }
}

export function formatPath(path: ConfigPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** `conf/x.yaml:12:5: peers[0].hold-time: 2 is too small; use 0 or 3 to 65535`. */
export function formatIssue(issue: ConfigIssue): string {
  const place = issue.line === undefined ? "" : `:${issue.line}:${issue.column ?? 1}`;
  const path = issue.path === "" ? "" : ` ${issue.path}:`;
  const kind = issue.severity === "warning" ? " warning:" : "";
  return `${issue.file}${place}:${kind}${path} ${issue.message}; ${issue.remedy}`;
}

/** Issues that are told; a candidate of half a megabyte may have a hundred thousand. */
const MOST_ISSUES = 500;

/** By line, so that the list reads like the file; see `cutIssues`. */
export function sortIssues(issues: readonly ConfigIssue[]): ConfigIssue[] {
  return cutIssues(
    [...issues].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)),
  );
}

/** In their order, errors before warnings where there is no room for all; the last one says how many more there are. */
export function cutIssues(issues: readonly ConfigIssue[]): ConfigIssue[] {
  if (issues.length <= MOST_ISSUES) return [...issues];
  const isError = ({ severity }: ConfigIssue): boolean => severity === "error";
  const errors = issues.filter(isError).slice(0, MOST_ISSUES);
  const warnings = issues.filter((one) => !isError(one)).slice(0, MOST_ISSUES - errors.length);
  const told = new Set([...errors, ...warnings]);
  const left = issues.filter((one) => !told.has(one));
  const severity = left.some(isError) ? "error" : "warning";
  const { file, line, column } = left[0]!;
  const message = `${left.length} more from here on are not told`;
  const remedy = "correct the others first";
  return [
    ...issues.filter((one) => told.has(one)),
    { severity, file, line, column, path: "", message, remedy },
  ];
}
