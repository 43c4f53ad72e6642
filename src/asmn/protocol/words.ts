/** Words that messages share, with their codes, and the reasons that are given. */
import { choice } from "./kinds.js";

/** Sound mode is the only one that has a codec; paper mode is another program. */
export const MODE = choice({ sound: 1 });
export const SUITE = choice({ "aes-256-gcm": 1, "chacha20-poly1305": 2 });
export const PURPOSE = choice({ enrol: 1, renew: 2 });
export const STATE = choice({ trusted: 1, untrusted: 2, unknown: 3, stale: 4 });
export const BINDING = choice({ "tls-proxy": 1, "tcp-md5": 2, address: 3 });
export const ROOT = choice({ none: 0, platform: 1, tpm: 2 });
export const ROLE = choice({ agent: 1, "sec-em": 2, initiator: 3, responder: 4 });
export const READER = choice({ gate: 1, gateway: 2 });
export const KEY_PURPOSE = choice({ transport: 1, verdict: 2, catalog: 3, "break-glass": 4 });

/** docs/asmn-protocol.md has a line for each; codes are never used again for something else. */
const REASONS = {
  none: 0,
  malformed: 1,
  version: 2,
  suite: 3,
  unknown: 4,
  "wrong-key": 5,
  "token-expired": 6,
  expired: 7,
  signature: 8,
  "token-used": 9,
  "two-keys": 10,
  clone: 11,
  "out-of-sync": 12,
  revoked: 13,
  stopped: 14,
  address: 15,
  "root-of-trust": 16,
  image: 17,
  manifest: 18,
  catalog: 19,
  "small-secret": 20,
  storage: 21,
  epoch: 22,
  limit: 23,
  silent: 24,
  order: 25,
  issuer: 26,
  "key-expired": 27,
  audience: 28,
  mode: 29,
  serial: 30,
  future: 31,
  commitment: 32,
  unreachable: 33,
  replaced: 34,
  removed: 35,
  tenant: 36,
  port: 37,
  "break-glass": 38,
} as const;

export type Reason = keyof typeof REASONS;
export const REASON = choice<Reason>(REASONS);

export type TrustState = "trusted" | "untrusted" | "unknown" | "stale";
export type Binding = "tls-proxy" | "tcp-md5" | "address";
export type RootKind = "none" | "platform" | "tpm";
export type Purpose = "enrol" | "renew";
export type KeyPurpose = "transport" | "verdict" | "catalog" | "break-glass";

/** Why something is not so, for the program and for people. */
export interface Fault {
  readonly reason: Reason;
  readonly sentence: string;
}

export type Checked<T> =
  { readonly ok: true; readonly value: T } | ({ readonly ok: false } & Fault);

export function fail(reason: Reason, sentence: string): { readonly ok: false } & Fault {
  return { ok: false, reason, sentence };
}

export function pass<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}
