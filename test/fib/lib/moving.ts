/**
 * MACs that prove themselves: one that moved `sequence` times is at PE `sequence % PES`, with a label and an
 * address made from both. The first STABLE of them are always there; the others come and go.
 */
import type { MacView } from "../../../src/fib/index.js";
import type { Fabric } from "./fabric.js";
import { macIp } from "./route.js";

export const PES = 4;
export const STABLE = 400;
export const ALL = 3000;

export function macOf(n: number): string {
  return `02:00:00:00:${hex(n >> 8)}:${hex(n & 255)}`;
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, "0");
}

function ipOf(n: number): string {
  return `10.77.${n >> 8}.${n & 255}`;
}

function labelOf(n: number, sequence: number): number {
  return ((n * 131) ^ (sequence * 7919)) & 0xfffff;
}

function routeOf(n: number, sequence: number): { slot: number; nlri: string; hop: string } {
  const slot = sequence % PES;
  const hop = `10.0.0.${slot + 1}`;
  const [mac, ip, label] = [macOf(n), ipOf(n), labelOf(n, sequence)];
  return { slot, hop, nlri: macIp({ rd: `${hop}:1`, mac, ip, label }) };
}

export function announce(fabric: Fabric, n: number, sequence: number): void {
  const { slot, nlri, hop } = routeOf(n, sequence);
  fabric.announce(slot, nlri, { nextHop: hop, targets: ["65000:1"], sequence });
}

export function withdraw(fabric: Fabric, n: number, sequence: number): void {
  const { slot, nlri } = routeOf(n, sequence);
  fabric.withdraw(slot, nlri);
}

function indexOf({ mac }: MacView): number {
  return parseInt(mac.slice(12).replace(":", ""), 16);
}

export function isStable(view: MacView): boolean {
  return indexOf(view) < STABLE;
}

/** What is wrong with a view, undefined if nothing is. */
export function faultOf(view: MacView): string | undefined {
  const n = indexOf(view);
  const { sequence } = view;
  const pe = `10.0.0.${(sequence % PES) + 1}`;
  const good =
    view.mac === macOf(n) &&
    view.domain === "65000:1" &&
    view.pe === pe &&
    view.label.value === labelOf(n, sequence) &&
    view.nextHops.length === 1 &&
    view.nextHops[0]?.address === pe &&
    view.nextHops[0].label.value === labelOf(n, sequence) &&
    view.bindings.length === 1 &&
    view.bindings[0]?.ip === ipOf(n) &&
    !view.bindings[0].lost;
  return good ? undefined : JSON.stringify(view);
}
