/**
 * Interesting traffic under userland ESP. The kernel tells the IKE daemon of a packet that wants an SA;
 * userland ESP drops it and says so in its log only, with the request id of the child. Children that wait for
 * traffic have ids of ours, so that the line names its child. With the kernel's own IPsec none of this is
 * needed, or heard of.
 */
import { createHash } from "node:crypto";
import type { DaemonEvent } from "./event.js";

/** The plugin that is userland ESP. */
export const USERLAND_ESP = "kernel-libipsec";

/** Above what the daemon counts up to by itself, below what a signed number holds. */
const FIRST_ID = 0x4000_0000;
const IDS = 0x3fff_ffff;

/** Between two packets that are asked about. */
const AGAIN_MS = 2_000;

/** A number for a child that stays the same over restarts of either side. */
export function requestId(child: string): number {
  return FIRST_ID + (createHash("sha256").update(child).digest().readUInt32BE(0) % IDS);
}

/** The child's request id when the event is about a packet that found no SA. */
export function wantedBy(event: DaemonEvent): number | undefined {
  if (event.kind !== "log" || event.group !== "ESP") return undefined;
  const match = /could not find an outbound IPsec SA for reqid \{(\d+)\}/.exec(event.text);
  return match === null ? undefined : Number(match[1]);
}

export interface WaitingChild {
  readonly connection: string;
  readonly child: string;
}

/** Children that wait for traffic which nobody but the log tells of. */
export class TrafficWaiters {
  private readonly children = new Map<number, WaitingChild & { again: number }>();

  get size(): number {
    return this.children.size;
  }

  replace(children: readonly WaitingChild[]): void {
    this.children.clear();
    for (const one of children) this.children.set(requestId(one.child), { ...one, again: 0 });
  }

  /** The child that the event is about; each packet is told of, so it is given once in a while only. */
  heard(event: DaemonEvent, now: number): WaitingChild | undefined {
    const id = wantedBy(event);
    const child = id === undefined ? undefined : this.children.get(id);
    if (child === undefined || now < child.again) return undefined;
    child.again = now + AGAIN_MS;
    return child;
  }
}
