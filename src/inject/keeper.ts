/**
 * Injected routes that are to survive a restart, in the store: key `inject/OWNER/ROUTE`, the value a JSON
 * text of the order made whole. What cannot be read, or built any more, is told and left out.
 */
import type { Store, StoreChange, StoreWrite } from "../store/index.js";
import type { Log } from "../util/log.js";
import type { RouteSpec } from "./route-spec.js";

const PREFIX = "inject/";

export interface KeptRoute {
  readonly owner: string;
  /** The owner's; undefined in what an earlier version wrote. */
  readonly number: number | undefined;
  readonly spec: RouteSpec;
  /** Wall-clock milliseconds. */
  readonly since: number;
  readonly expires: number | undefined;
}

export class Keeper {
  private readonly store: Store;
  private readonly log: Log;

  constructor(store: Store, log: Log) {
    this.store = store;
    this.log = log;
  }

  /** On the disk when it settles; all or nothing. */
  async write(
    put: readonly (KeptRoute & { readonly key: string })[],
    removed: readonly { readonly owner: string; readonly key: string }[],
    now: number,
  ): Promise<void> {
    const writes: StoreWrite[] = [
      ...put.map(({ owner, number, key, spec, since, expires }): StoreWrite => ({
        kind: "put",
        key: keyOf(owner, key),
        value: Buffer.from(JSON.stringify({ spec, since, expires, number })),
        ttlMs: expires === undefined ? undefined : Math.max(1, expires - now),
      })),
      ...removed.map(({ owner, key }): StoreWrite => ({ kind: "delete", key: keyOf(owner, key) })),
    ];
    if (writes.length > 0) await this.store.write(writes, { sync: true });
  }

  /**
   * Gives `found` everything that was kept, once, as soon as the store can say; then `done`. Returns what
   * ends it before.
   */
  restore(found: (routes: readonly KeptRoute[]) => void, done: () => void): () => void {
    let ended = false;
    const end = this.store.watch(PREFIX, (changes) => {
      if (ended) return;
      const routes = changes.flatMap((change) => this.read(change));
      if (routes.length > 0) found(routes);
      if (!changes.some(({ kind }) => kind === "sync")) return;
      ended = true;
      done();
      // Not from inside the store's own call.
      queueMicrotask(() => end());
    });
    return () => {
      ended = true;
      end();
    };
  }

  private read(change: StoreChange): KeptRoute[] {
    if (change.kind !== "put") return [];
    const { key, value } = change.entry;
    try {
      const [, owner = ""] = /^inject\/([^/]+)\//.exec(key) ?? [];
      const kept = JSON.parse(Buffer.from(value).toString()) as Omit<KeptRoute, "owner">;
      if (owner === "" || typeof kept.spec !== "object" || typeof kept.since !== "number") {
        throw new TypeError("not the shape of an injected route");
      }
      const number = isNumber(kept.number) ? kept.number : undefined;
      return [{ owner, number, spec: kept.spec, since: kept.since, expires: kept.expires }];
    } catch (error) {
      this.log.error({ err: error, key }, "a kept injected route cannot be read: left out");
      return [];
    }
  }
}

function keyOf(owner: string, key: string): string {
  return `${PREFIX}${owner}/${key}`;
}

/** A path id that the table takes. */
function isNumber(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0x7fffffff;
}
