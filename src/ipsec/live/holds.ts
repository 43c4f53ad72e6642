/**
 * Tunnels that an operator has ended: they stay down until he begins them again, also over a restart of evpnd.
 * Kept in the store under one key; without a store they are forgotten.
 */
import type { Store } from "../../store/index.js";
import type { Log } from "../../util/log.js";

const KEY = "ipsec/held";

export class Holds {
  private readonly held = new Set<string>();
  private readonly store: Store | undefined;
  private readonly log: Log | undefined;

  constructor(store?: Store, log?: Log) {
    this.store = store;
    this.log = log;
  }

  /** What an earlier run left. Never rejects: what cannot be read is said in the log. */
  async restore(): Promise<void> {
    try {
      const entry = await this.store?.get(KEY);
      if (entry === undefined) return;
      const names: unknown = JSON.parse(Buffer.from(entry.value).toString());
      if (!Array.isArray(names)) throw new Error("it is no list");
      for (const name of names) if (typeof name === "string") this.held.add(name);
    } catch (error) {
      this.log?.error({ err: error }, "which tunnels an operator holds down cannot be read");
    }
  }

  has(tunnel: string): boolean {
    return this.held.has(tunnel);
  }

  /** At once; settled when it would survive a restart. */
  async hold(tunnel: string): Promise<void> {
    if (this.held.has(tunnel)) return;
    this.held.add(tunnel);
    await this.keep();
  }

  release(tunnel: string): void {
    if (this.held.delete(tunnel)) void this.keep();
  }

  /** Others are no tunnels any more. */
  keepOnly(tunnels: { has(tunnel: string): boolean }): void {
    const gone = [...this.held].filter((tunnel) => !tunnels.has(tunnel));
    for (const tunnel of gone) this.held.delete(tunnel);
    if (gone.length > 0) void this.keep();
  }

  private async keep(): Promise<void> {
    const value = Buffer.from(JSON.stringify([...this.held].sort()));
    try {
      await this.store?.write([{ kind: "put", key: KEY, value }], { sync: true });
    } catch (error) {
      this.log?.error(
        { err: error },
        "which tunnels are held down cannot be kept: a restart of evpnd begins them again",
      );
    }
  }
}
