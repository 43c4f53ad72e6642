/** Where TCP MD5 keys come from. The key itself never enters an issue or a log line. */
import { isAbsolute, join } from "node:path";
import type { ConfigPath, IssueList } from "./issue.js";

/** The three ways to say a password. */
export interface PasswordEntry {
  "password-file"?: string;
  "password-env"?: string;
  password?: string;
}

export const PASSWORD_KEYS = ["password-file", "password-env", "password"] as const;

/** What the loader may look at outside the file; tests pass their own. */
export interface SecretSource {
  /** Text and permission bits of a file; throws as `node:fs` does. */
  readFile(path: string): { readonly text: string; readonly mode: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative `password-file`s start here. */
  readonly directory: string;
  /** Offline checks: a missing file or variable is a warning, as the daemon's may differ. */
  readonly lenient?: boolean;
}

/** Kernel's limit for a TCP MD5 key. */
const KEY_MAX = 80;

export function resolvePassword(
  entry: PasswordEntry,
  at: (key: keyof PasswordEntry) => ConfigPath,
  source: SecretSource,
  issues: IssueList,
): string | undefined {
  if (entry["password-file"] !== undefined) {
    return fromFile(entry["password-file"], at("password-file"), source, issues);
  }
  if (entry["password-env"] !== undefined) {
    const name = entry["password-env"];
    const value = source.env[name];
    if (value !== undefined && value !== "") {
      return bounded(value, at("password-env"), issues);
    }
    const say = source.lenient === true ? "warn" : "error";
    issues[say](
      at("password-env"),
      `environment variable ${name} is not set`,
      "set it for the daemon (systemd: EnvironmentFile=), or use password-file",
    );
    return undefined;
  }
  if (entry.password === undefined) return undefined;
  issues.warn(
    at("password"),
    "the password stands in the configuration file",
    "move it to a file of its own and use password-file",
    true,
  );
  return bounded(entry.password, at("password"), issues);
}

function fromFile(
  name: string,
  path: ConfigPath,
  source: SecretSource,
  issues: IssueList,
): string | undefined {
  const file = isAbsolute(name) ? name : join(source.directory, name);
  const say = source.lenient === true ? "warn" : "error";
  try {
    const { text, mode } = source.readFile(file);
    if ((mode & 0o007) !== 0) {
      issues.warn(path, `every user can read ${file}`, `chmod 640 ${file}`);
    }
    const key = text.split(/\r?\n/, 1)[0] ?? "";
    if (key !== "") return bounded(key, path, issues);
    issues[say](path, `the first line of ${file} is empty`, "write the password there");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const why = code === "EACCES" ? "may not be read" : "cannot be read";
    issues[say](
      path,
      `${file} ${why} (${code})`,
      "create it, readable by the user that starts evpnd, with the password in the first line",
    );
  }
  return undefined;
}

function bounded(key: string, path: ConfigPath, issues: IssueList): string | undefined {
  if (Buffer.byteLength(key) <= KEY_MAX) return key;
  issues.error(path, "the password is too long", `use at most ${KEY_MAX} octets`);
  return undefined;
}

/** Two kinds of password in one place are a mistake. */
export function checkPasswords(entry: PasswordEntry, path: ConfigPath, issues: IssueList): void {
  const used = PASSWORD_KEYS.filter((key) => key in entry);
  if (used.length < 2) return;
  issues.error([...path, used[1] ?? ""], `${used.join(" and ")} both stand here`, "keep one", true);
}

/** Where a secret, or another text beside the configuration, stands. */
export type SecretPlace = { readonly file: string } | { readonly env: string };

export interface SecretKind {
  /** All of the text, not the first line alone. */
  readonly whole: boolean;
  /** Nobody else should be able to read it. */
  readonly secret: boolean;
}

/** A text of a file or an environment variable; undefined, with an issue, where there is none. */
export function secretText(
  place: SecretPlace,
  path: ConfigPath,
  { secrets, issues }: { readonly secrets: SecretSource; readonly issues: IssueList },
  { whole, secret }: SecretKind,
): string | undefined {
  const say = secrets.lenient === true ? "warn" : "error";
  if ("env" in place) {
    const value = secrets.env[place.env];
    if (value !== undefined && value !== "") return value;
    issues[say](
      path,
      `environment variable ${place.env} is not set`,
      "set it for the daemon (systemd: EnvironmentFile=), or name a file",
    );
    return undefined;
  }
  const file = isAbsolute(place.file) ? place.file : join(secrets.directory, place.file);
  try {
    const { text, mode } = secrets.readFile(file);
    if (secret && (mode & 0o007) !== 0) {
      issues.warn(path, `every user can read ${file}`, `chmod 640 ${file}`);
    }
    const found = whole ? text : (text.split(/\r?\n/, 1)[0] ?? "");
    if (found !== "") return found;
    issues[say](path, `${file} is empty`, "write into it what belongs there");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const why = code === "EACCES" ? "may not be read" : "cannot be read";
    issues[say](
      path,
      `${file} ${why} (${code})`,
      "create it, readable by the user that evpnd runs as",
    );
  }
  return undefined;
}
