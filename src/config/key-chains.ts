/** `key-chains` of a file that passed the schema, to TCP-AO chains with their secrets. */
import type { AoAlgorithm, TcpAoChain, TcpAoKey } from "../bgp/transport/tcp-ao-settings.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { resolvePassword, type SecretSource } from "./secrets.js";
import { suggest } from "./suggest.js";

export interface AoKeyEntry {
  id?: number;
  "send-id"?: number;
  "recv-id"?: number;
  algorithm?: AoAlgorithm;
  "secret-file"?: string;
  "secret-env"?: string;
  "send-from"?: string;
  "send-until"?: string;
  "accept-from"?: string;
  "accept-until"?: string;
}

export interface KeyChainEntry {
  keys: AoKeyEntry[];
  "cover-options"?: boolean;
}

/** A time without end, as JSON can have it. */
const FOREVER = 8_640_000_000_000_000;

/** ISO 8601 with a zone; undefined when it is none. */
export function parseTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

export function keyChains(
  entries: Readonly<Record<string, KeyChainEntry>>,
  secrets: SecretSource,
  now: number,
  issues: IssueList,
): Map<string, TcpAoChain> {
  return new Map(
    Object.entries(entries).map(([name, entry]) => {
      const path = ["key-chains", name];
      const keys = entry.keys.map((key, index) =>
        keyOf(key, [...path, "keys", index], secrets, issues),
      );
      checkIds(keys, path, issues);
      if (!keys.some((key) => key.sendFrom <= now && now < key.sendUntil)) {
        issues.warn(
          path,
          "no key of this chain may be sent with now, so its peers stay down",
          "add a key whose lifetime has begun",
          true,
        );
      }
      return [name, { name, keys, coverOptions: entry["cover-options"] ?? true }];
    }),
  );
}

/** The chain a peer names; undefined when it names none, or one that is not there. */
export function chainOf(
  name: string | undefined,
  path: ConfigPath,
  chains: ReadonlyMap<string, TcpAoChain>,
  issues: IssueList,
): TcpAoChain | undefined {
  if (name === undefined) return undefined;
  const chain = chains.get(name);
  if (chain !== undefined) return chain;
  const known = [...chains.keys()];
  const remedy = known.length === 0 ? 'add it under "key-chains"' : suggest(name, known, "value");
  issues.error(path, `there is no key chain "${name}"`, remedy);
  return undefined;
}

function keyOf(
  entry: AoKeyEntry,
  path: ConfigPath,
  secrets: SecretSource,
  issues: IssueList,
): TcpAoKey {
  const sendId = entry["send-id"] ?? entry.id;
  const recvId = entry["recv-id"] ?? entry.id;
  if (sendId === undefined || recvId === undefined) {
    issues.error(path, "the key has no id", 'add "id", or "send-id" and "recv-id"');
  }
  const file = entry["secret-file"];
  const env = entry["secret-env"];
  if ((file === undefined) === (env === undefined)) {
    issues.error(
      path,
      file === undefined ? "the key has no secret" : "secret-file and secret-env both stand here",
      file === undefined ? 'add "secret-file"' : "keep one",
    );
  }
  const secret = resolvePassword(
    {
      ...(file !== undefined && { "password-file": file }),
      ...(env !== undefined && file === undefined && { "password-env": env }),
    },
    (key) => [...path, key === "password-env" ? "secret-env" : "secret-file"],
    secrets,
    issues,
  );
  const sendFrom = timeOf(entry["send-from"], 0);
  const sendUntil = timeOf(entry["send-until"], FOREVER);
  const acceptFrom = timeOf(entry["accept-from"], sendFrom);
  const acceptUntil = timeOf(entry["accept-until"], sendUntil);
  if (sendUntil <= sendFrom) {
    issues.error([...path, "send-until"], "it is not after send-from", "correct one of the two");
  }
  if (acceptUntil <= acceptFrom) {
    issues.error(
      [...path, "accept-until"],
      "it is not after accept-from",
      "correct one of the two",
    );
  }
  return {
    sendId: sendId ?? 0,
    recvId: recvId ?? 0,
    algorithm: entry.algorithm ?? "hmac-sha-1-96",
    // Not known here: an offline check. Elsewhere that is an error, and nobody sees this one.
    secret: secret ?? "?",
    sendFrom,
    sendUntil,
    acceptFrom,
    acceptUntil,
  };
}

/** On one socket an id names one key. */
function checkIds(keys: readonly TcpAoKey[], path: ConfigPath, issues: IssueList): void {
  for (const [index, key] of keys.entries()) {
    for (const other of keys.slice(0, index)) {
      if (key.sendId !== other.sendId && key.recvId !== other.recvId) continue;
      const apart = key.acceptFrom >= other.acceptUntil || other.acceptFrom >= key.acceptUntil;
      if (apart) continue;
      issues.error(
        [...path, "keys", index],
        "another key of the chain has the same id at the same time",
        "give each key ids of its own",
      );
    }
  }
}

function timeOf(text: string | undefined, fallback: number): number {
  return (text === undefined ? undefined : parseTime(text)) ?? fallback;
}
