/** `bfd` of a peer's merged options to what the speaker takes. */
import type { BfdAuth, BfdOptions } from "../bgp/bfd/settings.js";
import { BFD_FILE_DEFAULTS, type BfdAuthEntry, type BfdEntry } from "./bfd-entry.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { resolvePassword, type SecretSource } from "./secrets.js";

export interface BfdContext {
  readonly dynamic: boolean;
  /** Where the block stands. */
  readonly path: ConfigPath;
  readonly secrets: SecretSource;
  readonly issues: IssueList;
}

/** Undefined = no BFD. */
export function bfdOptions(
  given: boolean | BfdEntry | undefined,
  context: BfdContext,
): BfdOptions | undefined {
  if (given === undefined || given === false) return undefined;
  const entry = { ...BFD_FILE_DEFAULTS, ...(given === true ? {} : given) };
  const { path, issues, dynamic } = context;
  if (entry.strict && dynamic) {
    issues.error(
      [...path, "strict"],
      "BFD of a dynamic peer begins with its BGP session, so that session cannot wait for it",
      "leave strict out, or name the peer under peers",
    );
  }
  if (entry.strict && entry.passive) {
    issues.warn(
      [...path, "passive"],
      "with strict and passive nothing happens until the peer's BFD begins",
      "leave passive out unless the peer's side is active",
    );
  }
  const auth = entry.auth === undefined ? undefined : authOf(entry.auth, context);
  if (!entry.enabled) return undefined;
  return {
    minTxMs: entry["min-tx-ms"],
    minRxMs: entry["min-rx-ms"],
    multiplier: entry.multiplier,
    multihop: entry.multihop === "auto" ? undefined : entry.multihop,
    passive: entry.passive,
    strict: entry.strict,
    auth,
  };
}

function authOf(entry: BfdAuthEntry, context: BfdContext): BfdAuth | undefined {
  const { issues, secrets } = context;
  const path = [...context.path, "auth"];
  const file = entry["key-file"];
  const env = entry["key-env"];
  if ((file === undefined) === (env === undefined)) {
    issues.error(
      path,
      file === undefined ? "there is no key" : "key-file and key-env both stand here",
      file === undefined ? "add key-file" : "keep one",
    );
    return undefined;
  }
  const key = resolvePassword(
    {
      ...(file !== undefined && { "password-file": file }),
      ...(env !== undefined && { "password-env": env }),
    },
    () => [...path, file === undefined ? "key-env" : "key-file"],
    secrets,
    issues,
  );
  if (key === undefined) return undefined;
  const most = entry.type.endsWith("sha1") ? 20 : 16;
  if (Buffer.byteLength(key) > most) {
    issues.error(path, `the key is longer than ${entry.type} allows`, `use at most ${most} octets`);
  }
  return { type: entry.type, keyId: entry["key-id"] ?? BFD_FILE_DEFAULTS["key-id"], key };
}
