/**
 * Installed policies in the store: the one in force and the one before. A model of a thousand tunnels is
 * larger than a value may be, so it is compressed and cut:
 *   ipsec/policy/current, ipsec/policy/previous -> JSON of an `InstalledPolicy` with its number of parts
 *   ipsec/policy/model/REVISION/PART            -> octets of the gzipped JSON of the model
 */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { StoreError, type Store, type StoreWrite } from "../../store/index.js";
import type { IpsecModel } from "../model/index.js";
import type { InstalledPolicy } from "./control.js";

const PREFIX = "ipsec/policy/";
const PART = 512 * 1024;
/** What a damaged or hostile text may unpack to. */
const MOST = 256 * 1024 * 1024;

export interface ArchivedPolicy {
  readonly policy: InstalledPolicy;
  readonly model: IpsecModel;
}

export interface Archived {
  readonly current: ArchivedPolicy | undefined;
  readonly previous: ArchivedPolicy | undefined;
}

/** What of it cannot be read any more, a sentence each. */
export interface Unread {
  readonly current: string | undefined;
  readonly previous: string | undefined;
}

interface Head extends InstalledPolicy {
  readonly parts: number;
}

export class Archive {
  private readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  /** Each for itself: damage to one does not take the other along. Never rejects. */
  async load(): Promise<Archived & { readonly unread: Unread }> {
    const current = await this.tried("current");
    const previous = await this.tried("previous");
    return {
      current: current.found,
      previous: previous.found,
      unread: { current: current.problem, previous: previous.problem },
    };
  }

  private async tried(
    name: "current" | "previous",
  ): Promise<{ found?: ArchivedPolicy | undefined; problem?: string | undefined }> {
    try {
      return { found: await this.read(name) };
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    }
  }

  /** All or nothing, and on the disk when it resolves. */
  async save({ current, previous }: Archived): Promise<void> {
    const kept = new Set<number>();
    const writes: StoreWrite[] = [];
    for (const [name, archived] of [
      ["current", current],
      ["previous", previous],
    ] as const) {
      if (archived === undefined) {
        writes.push({ kind: "delete", key: PREFIX + name });
        continue;
      }
      const { policy, model } = archived;
      const known = kept.has(policy.revision);
      kept.add(policy.revision);
      const packed = await promisify(gzip)(JSON.stringify(model));
      const parts = Math.ceil(packed.length / PART);
      const head: Head = { ...policy, parts };
      writes.push(put(PREFIX + name, Buffer.from(JSON.stringify(head))));
      if (known) continue;
      for (let part = 0; part < parts; part++) {
        const octets = packed.subarray(part * PART, (part + 1) * PART);
        writes.push(put(`${modelPrefix(policy.revision)}${part}`, octets));
      }
    }
    const fresh = new Set(writes.map(({ key }) => key));
    const stale = await this.store.scan({ prefix: `${PREFIX}model/` });
    for (const { key } of stale) if (!fresh.has(key)) writes.push({ kind: "delete", key });
    await this.store.write(writes, { sync: true });
  }

  private async read(name: "current" | "previous"): Promise<ArchivedPolicy | undefined> {
    const entry = await this.store.get(PREFIX + name);
    if (entry === undefined) return undefined;
    try {
      const { parts, ...policy } = JSON.parse(Buffer.from(entry.value).toString()) as Head;
      const octets: Uint8Array[] = [];
      for (let part = 0; part < parts; part++) {
        const found = await this.store.get(`${modelPrefix(policy.revision)}${part}`);
        if (found === undefined) throw new Error("a part is not there");
        octets.push(found.value);
      }
      const text = await promisify(gunzip)(Buffer.concat(octets), { maxOutputLength: MOST });
      return { policy, model: JSON.parse(text.toString()) as IpsecModel };
    } catch {
      throw new StoreError(
        "corrupt",
        `the ${name} IPsec policy in the store is damaged; install again from the configuration`,
      );
    }
  }
}

function modelPrefix(revision: number): string {
  return `${PREFIX}model/${revision}/`;
}

function put(key: string, value: Uint8Array): StoreWrite {
  return { kind: "put", key, value };
}
