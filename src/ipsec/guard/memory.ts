/**
 * What was ever guarded and not released, over a reboot: the kernel forgets its rules then, and the policy knows
 * of installed tunnels only. One key of the store, gzipped JSON of canonical prefixes.
 */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Store } from "../../store/index.js";

const KEY = "ipsec/guarded";
/** What a damaged text may unpack to. */
const MOST = 64 * 1024 * 1024;

/** Rejects with what stands in the way. */
export interface GuardMemory {
  load(): Promise<readonly string[]>;
  save(prefixes: readonly string[]): Promise<void>;
}

export function storedGuard(store: Store): GuardMemory {
  return {
    load: async () => {
      const entry = await store.get(KEY);
      if (entry === undefined) return [];
      const text = await promisify(gunzip)(entry.value, { maxOutputLength: MOST });
      const prefixes: unknown = JSON.parse(text.toString());
      if (!Array.isArray(prefixes)) throw new Error("what was guarded is no list");
      return prefixes.filter((prefix) => typeof prefix === "string");
    },
    save: async (prefixes) => {
      const value = await promisify(gzip)(JSON.stringify(prefixes));
      await store.write([{ kind: "put", key: KEY, value }], { sync: true });
    },
  };
}
