/** Tunnels under the fabric, as the speaker's door shows them: what hangs on each. Plain data. */
export interface TunnelRouteSettings {
  /** What routes suffer whose next hop is behind a tunnel that is down or unverified. */
  readonly effect: "off" | "hold" | "depreference";
  /** A tunnel that came back counts when it has been up for so long. */
  readonly holdDownSeconds: number;
}

export const TUNNEL_ROUTE_DEFAULTS: TunnelRouteSettings = { effect: "off", holdDownSeconds: 10 };

/** A VTEP behind a tunnel: of the last count that found any, also when it has left. */
export interface TunnelVtep {
  readonly address: string;
  readonly present: boolean;
  readonly routes: number;
  /** Different MACs that it announces. */
  readonly macs: number;
  /** Wall-clock milliseconds of the count. */
  readonly counted: number;
}

export interface TunnelRoutesView {
  readonly tunnel: string;
  readonly state: string;
  readonly reason: string;
  /** Wall-clock milliseconds. */
  readonly since: number;
  /** It carries, as far as routes are concerned. */
  readonly carries: boolean;
  /** Until it does, if it stays up; undefined when nothing is to be waited for. */
  readonly holdDownSecondsLeft?: number | undefined;
  readonly prefixes: readonly string[];
  readonly effect: TunnelRouteSettings["effect"];
  readonly vteps: readonly TunnelVtep[];
  readonly routes: number;
  /** MACs that this tunnel alone leads to. */
  readonly macsAtRisk: number;
}

export interface RiskyMac {
  readonly mac: string;
  readonly vtep: string;
}

export interface TunnelRisk {
  readonly tunnel: string;
  readonly vteps: readonly TunnelVtep[];
  readonly routes: number;
  readonly macs: number;
  /** At most `MOST_RISKY` of them. */
  readonly rows: readonly RiskyMac[];
}

export const MOST_RISKY = 1000;

/** Rejects with `ControlError`. */
export interface TunnelRouteControl {
  list(): Promise<readonly TunnelRoutesView[]>;
  /** Counted now; of a tunnel that is down, what would come back with it. */
  risk(tunnel: string): Promise<TunnelRisk>;
}
