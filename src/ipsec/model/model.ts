/** All of it: what a configuration says, and what is staged, installed and rolled back as one. */
import type { Gateway, Site } from "./gateway.js";
import type { Tunnel } from "./tunnel.js";

export interface IpsecModel {
  readonly sites: readonly Site[];
  readonly gateways: readonly Gateway[];
  readonly tunnels: readonly Tunnel[];
}

export const EMPTY_MODEL: IpsecModel = { sites: [], gateways: [], tunnels: [] };

export function gatewayNamed(model: IpsecModel, name: string): Gateway | undefined {
  return model.gateways.find((gateway) => gateway.name === name);
}

export function tunnelNamed(model: IpsecModel, name: string): Tunnel | undefined {
  return model.tunnels.find((tunnel) => tunnel.name === name);
}
