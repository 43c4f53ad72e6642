/** `bfd` as it stands in the file, and its defaults. */
import { BFD_DEFAULTS, type BfdAuthType } from "../bgp/bfd/settings.js";

export interface BfdAuthEntry {
  type: BfdAuthType;
  "key-id"?: number;
  "key-file"?: string;
  "key-env"?: string;
}

export interface BfdEntry {
  enabled?: boolean;
  "min-tx-ms"?: number;
  "min-rx-ms"?: number;
  multiplier?: number;
  multihop?: boolean | "auto";
  passive?: boolean;
  strict?: boolean;
  auth?: BfdAuthEntry;
}

export const BFD_FILE_DEFAULTS = {
  enabled: true,
  "min-tx-ms": BFD_DEFAULTS.minTxMs,
  "min-rx-ms": BFD_DEFAULTS.minRxMs,
  multiplier: BFD_DEFAULTS.multiplier,
  multihop: BFD_DEFAULTS.multihop ?? "auto",
  passive: BFD_DEFAULTS.passive,
  strict: BFD_DEFAULTS.strict,
  "key-id": 1,
} as const;

export const BFD_AUTH_TYPES: readonly BfdAuthType[] = [
  "simple",
  "keyed-md5",
  "meticulous-keyed-md5",
  "keyed-sha1",
  "meticulous-keyed-sha1",
];
