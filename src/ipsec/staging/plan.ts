/** What an installer is to do on the way from one model to another. */
import { sideBetween, type IpsecModel, type TunnelSide } from "../model/index.js";
import type { InstallPlan } from "./control.js";
import { namesOfChanges } from "./diff.js";

/** The local gateway's view of every tunnel that ends there and is switched on. */
export function localSides(model: IpsecModel, local: string | undefined): TunnelSide[] {
  const gateways = new Map(model.gateways.map((gateway) => [gateway.name, gateway]));
  return model.tunnels.flatMap((tunnel) => {
    if (!tunnel.enabled) return [];
    const end =
      tunnel.ends[0].gateway === local ? 0 : tunnel.ends[1].gateway === local ? 1 : undefined;
    if (end === undefined) return [];
    const own = gateways.get(tunnel.ends[end].gateway);
    const far = gateways.get(tunnel.ends[end === 0 ? 1 : 0].gateway);
    return own === undefined || far === undefined ? [] : [sideBetween(tunnel, end, own, far)];
  });
}

export function planBetween(
  before: readonly TunnelSide[],
  after: readonly TunnelSide[],
  revision: number,
  reason: InstallPlan["reason"],
): InstallPlan {
  const named = (sides: readonly TunnelSide[]): { name: string }[] =>
    sides.map((side) => ({ name: side.tunnel, ...side }));
  return { revision, reason, before, after, ...namesOfChanges(named(before), named(after)) };
}
