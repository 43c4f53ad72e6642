/** Peer group inheritance: options flow from a group to those that name it, the nearest word wins. */
import type { GroupEntry, PeerOptionsEntry } from "./file.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { checkPasswords, PASSWORD_KEYS } from "./secrets.js";
import { suggest } from "./suggest.js";

/** Options after inheritance, each with the place it was written. */
export interface MergedOptions {
  readonly options: PeerOptionsEntry;
  /** Where an option was said: there, or at the entry itself when nobody said it. */
  at(key: keyof PeerOptionsEntry): ConfigPath;
}

const NOT_OPTIONS = new Set([
  "inherits",
  "group",
  "address",
  "prefix",
  "max-peers",
  "allow",
  "deny",
]);

/** An entry, then its group, then that group's parents. */
export function mergeOptions(
  entry: PeerOptionsEntry & { group?: string },
  path: ConfigPath,
  groups: Readonly<Record<string, GroupEntry>>,
): MergedOptions {
  const options: Record<string, unknown> = {};
  const places = new Map<string, ConfigPath>();
  let level: PeerOptionsEntry | undefined = entry;
  let levelPath = path;
  let next = entry.group;
  const seen = new Set<string>();
  while (level !== undefined) {
    // One kind of password replaces all others: a nearer `password-env` beats a group's file.
    const hasPassword = PASSWORD_KEYS.some((key) => key in options);
    for (const [key, value] of Object.entries(level)) {
      if (NOT_OPTIONS.has(key) || key in options) continue;
      if (hasPassword && (PASSWORD_KEYS as readonly string[]).includes(key)) continue;
      options[key] = value;
      places.set(key, [...levelPath, key]);
    }
    if (next === undefined || seen.has(next)) break;
    seen.add(next);
    const group: GroupEntry | undefined = groups[next];
    level = group;
    levelPath = ["peer-groups", next];
    next = group?.inherits;
  }
  return { options: options, at: (key) => places.get(key) ?? path };
}

/** The group and those it inherits from, the nearest first. */
export function groupChain(
  name: string | undefined,
  groups: Readonly<Record<string, GroupEntry>>,
): string[] {
  const chain: string[] = [];
  let next = name;
  while (next !== undefined && !chain.includes(next)) {
    chain.push(next);
    next = groups[next]?.inherits;
  }
  return chain;
}

/** Unknown names, circles, and two kinds of password in one place. */
export function checkGroups(groups: Readonly<Record<string, GroupEntry>>, issues: IssueList): void {
  for (const [name, group] of Object.entries(groups)) {
    checkPasswords(group, ["peer-groups", name], issues);
    if (group.inherits === undefined) continue;
    const path = ["peer-groups", name, "inherits"];
    if (!checkGroupName(group.inherits, path, groups, issues)) continue;
    if (circle(name, groups)) {
      issues.error(path, `group "${name}" inherits from itself`, "break the circle");
    }
  }
}

export function checkGroupName(
  name: string,
  path: ConfigPath,
  groups: Readonly<Record<string, GroupEntry>>,
  issues: IssueList,
): boolean {
  if (Object.hasOwn(groups, name)) return true;
  const known = Object.keys(groups);
  const remedy = known.length === 0 ? 'add it under "peer-groups"' : suggest(name, known, "value");
  issues.error(path, `there is no peer group "${name}"`, remedy);
  return false;
}

function circle(start: string, groups: Readonly<Record<string, GroupEntry>>): boolean {
  const seen = new Set<string>();
  let name: string | undefined = start;
  while (name !== undefined && !seen.has(name)) {
    seen.add(name);
    name = groups[name]?.inherits;
  }
  return name === start;
}
