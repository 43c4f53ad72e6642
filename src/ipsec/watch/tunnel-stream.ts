/**
 * The stream of tunnels for whoever routes by them (`contract.ts`): a snapshot to each newcomer, then changes.
 * Tunnels without VTEPs behind them are not in it.
 */
import type { TunnelChange, TunnelItem, TunnelSink } from "../../contract.js";
import type { TunnelSide } from "../model/index.js";
import type { TunnelHealth } from "./health.js";

export class TunnelStream {
  private readonly sinks = new Set<TunnelSink>();
  private readonly items = new Map<string, TunnelItem>();
  private revision = 0;

  /** Called at once with a snapshot, then with every change, until the function returned is called. */
  subscribe(sink: TunnelSink): () => void {
    this.sinks.add(sink);
    sink([{ kind: "reset" }, ...[...this.items.values()].map(itemChange), { kind: "sync" }]);
    return () => {
      this.sinks.delete(sink);
    };
  }

  update(side: TunnelSide, health: TunnelHealth): void {
    if (side.remoteVteps.length === 0) return this.drop(side.tunnel);
    const before = this.items.get(side.tunnel);
    const same =
      before !== undefined &&
      before.state === health.state &&
      before.reason === health.reason &&
      before.vteps.join(" ") === side.remoteVteps.join(" ");
    if (same) return;
    const item: TunnelItem = {
      key: side.tunnel,
      revision: ++this.revision,
      state: health.state,
      reason: health.reason,
      since: health.since,
      vteps: [...side.remoteVteps],
    };
    this.items.set(side.tunnel, item);
    this.tell([itemChange(item)]);
  }

  /** Tunnels that are no more. */
  keepOnly(tunnels: ReadonlySet<string>): void {
    for (const key of this.items.keys()) if (!tunnels.has(key)) this.drop(key);
  }

  private drop(key: string): void {
    if (!this.items.delete(key)) return;
    this.tell([{ kind: "gone", key, revision: ++this.revision }]);
  }

  private tell(changes: readonly TunnelChange[]): void {
    for (const sink of this.sinks) sink(changes);
  }
}

function itemChange(item: TunnelItem): TunnelChange {
  return { kind: "item", item };
}
