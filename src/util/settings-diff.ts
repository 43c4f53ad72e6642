/**
 * What differs between two settings objects, key by key, for people and programs. Keys are shown as a
 * file writes them (`holdTime` is `hold-time`); values that may be secret are never shown.
 */
import { sameSettings } from "./applier.js";

export interface ChangedKey {
  /** `hold-time`, `domains.red.vni`. */
  readonly key: string;
  /** As JSON, shortened; undefined when it is not there, or is secret. */
  readonly before?: string;
  readonly after?: string;
  readonly secret?: true;
}

const VALUE_MAX = 120;
const KEYS_MAX = 200;
const SECRET = /^(password|secrets?|key|md5-?key|token)$/i;
/** What names an entry of a list. */
const NAMES = ["name", "address", "prefix", "id"] as const;

export function isSecretKey(name: string): boolean {
  return SECRET.test(name);
}

/** @param skip top-level keys that are somebody else's */
export function diffSettings(
  before: unknown,
  after: unknown,
  skip: ReadonlySet<string> = new Set(),
): ChangedKey[] {
  const found: ChangedKey[] = [];
  compare("", before, after, skip, found);
  return found.length <= KEYS_MAX
    ? found
    : [...found.slice(0, KEYS_MAX), { key: `and ${found.length - KEYS_MAX} more` }];
}

function compare(
  path: string,
  before: unknown,
  after: unknown,
  skip: ReadonlySet<string>,
  found: ChangedKey[],
): void {
  if (sameSettings(before, after)) return;
  const [a, b] = [partsOf(before), partsOf(after)];
  if (a === undefined || b === undefined) {
    found.push(changed(path, before, after));
    return;
  }
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    if (path === "" && skip.has(name)) continue;
    const key = path === "" ? fileKey(name) : `${path}.${fileKey(name)}`;
    if (SECRET.test(name)) {
      if (!sameSettings(a.get(name), b.get(name))) {
        found.push({ key, secret: true });
      }
    } else compare(key, a.get(name), b.get(name), NOTHING, found);
  }
}

const NOTHING: ReadonlySet<string> = new Set();

/** An object's fields, or a list's entries by their names; undefined for what is compared as a whole. */
function partsOf(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const entries = new Map<string, unknown>();
  for (const item of value) {
    const name = nameOf(item);
    if (name === undefined || entries.has(name)) return undefined;
    entries.set(name, item);
  }
  return entries;
}

function nameOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  for (const name of NAMES) {
    const value = (item as Readonly<Record<string, unknown>>)[name];
    if (typeof value === "string" || typeof value === "number") return String(value);
  }
  return undefined;
}

function changed(key: string, before: unknown, after: unknown): ChangedKey {
  return {
    key,
    ...(before !== undefined && { before: shown(before) }),
    ...(after !== undefined && { after: shown(after) }),
  };
}

/** JSON with secrets blanked. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (name, inner: unknown) =>
    SECRET.test(name) && inner !== undefined ? "[hidden]" : inner,
  );
  return text.length <= VALUE_MAX ? text : `${text.slice(0, VALUE_MAX - 1)}…`;
}

/** `ebgpAcceptIn` as the file has it. */
export function fileKey(name: string): string {
  return /^[a-z][a-zA-Z0-9]*$/.test(name)
    ? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    : name;
}

/** `hold-time 90 -> 30`, `password changed`. */
export function describeKey({ key, before, after, secret }: ChangedKey): string {
  if (secret === true) return `${key} changed`;
  if (before === undefined && after === undefined) return key;
  return `${key} ${before ?? "unset"} -> ${after ?? "unset"}`;
}
