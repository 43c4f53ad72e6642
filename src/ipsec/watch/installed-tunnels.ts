/** Tunnels of this gateway, found by name, by the daemon's name, or by their outside addresses; made anew with each policy. */
import type { DiagnosedTunnel } from "../diagnosis/diagnoser.js";
import { OURS } from "../live/index.js";
import {
  gatewayNamed,
  mirrorSelector,
  sideBetween,
  type IpsecModel,
  type TunnelSide,
} from "../model/index.js";
import { addressText } from "./event-words.js";

export interface NumberedTunnel extends DiagnosedTunnel {
  /** Its VPN id; without one, its place in the policy, from 1 on. */
  readonly id: number;
}

export class InstalledTunnels {
  private readonly model: () => IpsecModel;
  private readonly local: () => string | undefined;
  private of: IpsecModel | undefined;
  private ofLocal: string | undefined;
  private tunnels: readonly NumberedTunnel[] = [];
  private byName = new Map<string, NumberedTunnel>();
  private byEnds = new Map<string, NumberedTunnel>();

  /** @param model asked each time: the same object means the same tunnels */
  constructor(model: () => IpsecModel, local: () => string | undefined) {
    this.model = model;
    this.local = local;
  }

  list(): readonly NumberedTunnel[] {
    this.renew();
    return this.tunnels;
  }

  named(name: string): NumberedTunnel | undefined {
    this.renew();
    return this.byName.get(name);
  }

  byConnection(connection: string): NumberedTunnel | undefined {
    return connection.startsWith(OURS) ? this.named(connection.slice(OURS.length)) : undefined;
  }

  byAddresses(local: string, remote: string): NumberedTunnel | undefined {
    this.renew();
    return this.byEnds.get(`${local} ${remote}`);
  }

  private renew(): void {
    const [model, local] = [this.model(), this.local()];
    if (model === this.of && local === this.ofLocal) return;
    this.of = model;
    this.ofLocal = local;
    this.tunnels = tunnelsOf(model, local);
    this.byName = new Map(this.tunnels.map((one) => [one.side.tunnel, one]));
    this.byEnds = new Map(this.tunnels.map((one) => [endsOf(one.side), one]));
  }
}

/** The local gateway's view of each tunnel that ends there, and what the far end has. */
export function tunnelsOf(model: IpsecModel, local: string | undefined): NumberedTunnel[] {
  const found: NumberedTunnel[] = [];
  for (const tunnel of model.tunnels) {
    const end =
      tunnel.ends[0].gateway === local ? 0 : tunnel.ends[1].gateway === local ? 1 : undefined;
    if (end === undefined) continue;
    const other = end === 0 ? 1 : 0;
    const own = gatewayNamed(model, tunnel.ends[end].gateway);
    const far = gatewayNamed(model, tunnel.ends[other].gateway);
    if (own === undefined || far === undefined) continue;
    const side = sideBetween(tunnel, end, own, far);
    const farSelectors = sideBetween(tunnel, other, far, own).selectors.map(mirrorSelector);
    found.push({ side, farSelectors, id: side.names.vpnId ?? found.length + 1 });
  }
  return found;
}

function endsOf(side: TunnelSide): string {
  return `${addressText(side, "local")} ${addressText(side, "remote")}`;
}
