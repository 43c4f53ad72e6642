/** The SA list as ScreenOS shows it (`get sa`): each tunnel's SAs, a row for each direction. */
import type { ChildSa, IkeSa } from "../live/sa.js";
import type { TunnelSide } from "../model/index.js";
import { addressText } from "../watch/event-words.js";
import { installedChildren, type MonitorState } from "../watch/health.js";
import { shortTransform } from "./algorithm-words.js";

/** A tunnel with what is known of it: what every view is made of. */
export interface ViewedTunnel {
  readonly side: TunnelSide;
  readonly sas: readonly IkeSa[];
  readonly monitor: MonitorState;
  /** From 1 on; the VPN id where it has one. */
  readonly id: number;
}

export interface SaRow {
  readonly tunnel: string;
  /** Eight hexadecimal digits. */
  readonly id: string;
  readonly direction: "in" | "out";
  readonly gateway: string;
  readonly port: number;
  /** `esp:a128/sha1`. */
  readonly algorithm: string;
  /** Hex; zeros without an SA. */
  readonly spi: string;
  /** Until it ends; undefined without an SA. */
  readonly seconds?: number | undefined;
  /** Until it ends; undefined = unlimited. */
  readonly kilobytes?: number | undefined;
  /** `A/U`: active or inactive; monitored up, down, or not at all. */
  readonly state: string;
  /** -1 for a route-based one. */
  readonly policyId: number;
  readonly vsys: number;
}

export interface SaList {
  /** Configured tunnels. */
  readonly total: number;
  readonly rows: readonly SaRow[];
}

const IKE_PORT = 500;

/** @param activeOnly without tunnels that have no SA */
export function saList(tunnels: readonly ViewedTunnel[], activeOnly: boolean): SaList {
  const rows = tunnels.flatMap((tunnel) => {
    const children = installedChildren(tunnel.sas);
    if (children.length === 0) return activeOnly ? [] : pair(tunnel, undefined);
    return children.flatMap((child) => pair(tunnel, child));
  });
  return { total: tunnels.length, rows };
}

function pair(tunnel: ViewedTunnel, child: ChildSa | undefined): SaRow[] {
  const { side, sas, id } = tunnel;
  const sa = sas.find(({ children }) => child !== undefined && children.includes(child));
  const common = {
    tunnel: side.tunnel,
    id: id.toString(16).padStart(8, "0"),
    gateway: sa?.remoteHost ?? addressText(side, "remote"),
    // A daemon that does not tell it means the usual one.
    port: sa === undefined || sa.remotePort === 0 ? IKE_PORT : sa.remotePort,
    algorithm: child === undefined ? "esp:none" : `esp:${shortTransform(child)}`,
    state: `${child === undefined ? "I" : "A"}/${MONITOR[tunnel.monitor]}`,
    policyId: side.kind === "route-based" ? -1 : (side.names.sequence ?? 0),
    vsys: 0,
    seconds: child?.lifeSeconds,
  };
  const left = (bytes: number): number | undefined => {
    const { lifetimeKilobytes } = side.child;
    if (lifetimeKilobytes === 0) return undefined;
    return Math.max(0, lifetimeKilobytes - Math.ceil(bytes / 1024));
  };
  return [
    { ...common, direction: "in", spi: spiOf(child?.spiIn), kilobytes: left(child?.bytesIn ?? 0) },
    {
      ...common,
      direction: "out",
      spi: spiOf(child?.spiOut),
      kilobytes: left(child?.bytesOut ?? 0),
    },
  ];
}

const MONITOR: Readonly<Record<MonitorState, string>> = { up: "U", down: "D", off: "-" };

function spiOf(spi = ""): string {
  return spi.padStart(8, "0");
}
