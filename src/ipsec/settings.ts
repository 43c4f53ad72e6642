/** What the IPsec part is told by configuration. */
import type { IpsecModel } from "./model/index.js";

export interface SecretSettings {
  /** Where secrets are kept; its mode is 0600. */
  readonly file: string;
  /** Key that it is encrypted with; undefined = it is not, and its mode alone protects it. */
  readonly keyFile: string | undefined;
}

export interface IpsecSettings {
  /** The candidate. */
  readonly model: IpsecModel;
  /** Gateway of the model that is driven over VICI; undefined = none, evpnd renders and checks only. */
  readonly local: string | undefined;
  /** `manual`: a changed configuration waits for `evpnctl ipsec install`. */
  readonly install: "manual" | "automatic";
  readonly secrets: SecretSettings;
  /** VICI socket of the local IKE daemon. */
  readonly viciSocket: string;
  readonly fabric: FabricSettings;
}

/** What tunnels do to routes whose next hop is behind one that is down or unverified. */
export interface FabricSettings {
  readonly effect: "off" | "hold" | "depreference";
  /** A tunnel that came back counts when it has been up for so long. */
  readonly holdDownSeconds: number;
}

export const IPSEC_DEFAULTS = {
  install: "manual",
  viciSocket: "/var/run/charon.vici",
  fabric: { effect: "off", holdDownSeconds: 10 },
} as const;
