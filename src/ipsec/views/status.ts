/** The page for everybody: does each tunnel work, since when, and what to do if not. */
import { installedChildren, type TunnelHealth } from "../watch/health.js";
import type { ViewedTunnel } from "./sa-list.js";

export interface StatusRow {
  readonly tunnel: string;
  /** Sites or gateways that it joins. */
  readonly from: string;
  readonly to: string;
  readonly works: "yes" | "no" | "not sure" | "off";
  readonly text: string;
  /** Wall-clock milliseconds. */
  readonly since: number;
  /** Octets since the keys in use were made. */
  readonly octetsIn: number;
  readonly octetsOut: number;
  /** What may be done about it; empty when nothing. */
  readonly advice: string;
}

/** @param adviceOf what was diagnosed for a tunnel says to do; empty for nothing */
export function statusRows(
  tunnels: readonly (ViewedTunnel & { readonly health: TunnelHealth })[],
  adviceOf: (tunnel: string) => string,
): StatusRow[] {
  return tunnels.map(({ side, sas, health }) => {
    const children = installedChildren(sas);
    const works = !side.enabled ? "off" : WORKS[health.state];
    return {
      tunnel: side.tunnel,
      from: side.local.name,
      to: side.remote.name,
      works,
      text: works === "yes" ? "traffic passes, encrypted" : health.reason,
      since: health.since,
      octetsIn: children.reduce((sum, child) => sum + child.bytesIn, 0),
      octetsOut: children.reduce((sum, child) => sum + child.bytesOut, 0),
      advice: works === "yes" || works === "off" ? "" : adviceOf(side.tunnel),
    };
  });
}

const WORKS = { up: "yes", down: "no", unverified: "not sure" } as const;
