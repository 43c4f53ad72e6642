/** Which vendor is whose file. */
import {
  sideBetween,
  type Gateway,
  type IpsecModel,
  type TunnelSide,
  type Vendor,
} from "../model/index.js";
import { renderAsa } from "./asa/render.js";
import { renderCheckpoint } from "./checkpoint/render.js";
import type { Imported, ImportOptions } from "./importing/imported.js";
import { renderJunos } from "./junos/render.js";
import { renderLinux } from "./linux/render.js";
import { importPix } from "./pix/import.js";
import { renderPix } from "./pix/render.js";
import type { Rendering, RenderOrder } from "./rendering.js";
import { importScreenos } from "./screenos/import.js";
import { renderScreenos } from "./screenos/render.js";
import { renderStrongswan } from "./strongswan/render.js";
import { renderVyos } from "./vyos/render.js";

const RENDERERS: Readonly<Record<Vendor, (order: RenderOrder) => Rendering>> = {
  screenos: renderScreenos,
  pix: renderPix,
  asa: renderAsa,
  checkpoint: renderCheckpoint,
  junos: renderJunos,
  strongswan: renderStrongswan,
  linux: renderLinux,
  vyos: renderVyos,
};

export const IMPORTERS = ["screenos", "pix"] as const;
export type ImportVendor = (typeof IMPORTERS)[number];

export interface RenderOptions extends Pick<RenderOrder, "fingerprint" | "kept"> {
  /** What it would be on another box; undefined = the gateway's own. */
  readonly vendor?: Vendor | undefined;
}

export function renderGateway(
  model: IpsecModel,
  gateway: Gateway,
  options: RenderOptions,
): Rendering {
  const byName = new Map(model.gateways.map((one) => [one.name, one]));
  const sides = model.tunnels.flatMap((tunnel) => {
    const end = tunnel.ends.findIndex((one) => one.gateway === gateway.name);
    const far = byName.get(tunnel.ends[end === 0 ? 1 : 0].gateway);
    if (end < 0 || far === undefined) return [];
    return [sideBetween(tunnel, end === 0 ? 0 : 1, gateway, far)];
  });
  return renderSides(gateway, sides, options);
}

export function renderSides(
  gateway: Gateway,
  sides: readonly TunnelSide[],
  { vendor = gateway.vendor, fingerprint, kept }: RenderOptions,
): Rendering {
  // What a version says is said of the gateway's own software.
  const own = vendor === gateway.vendor ? gateway : { ...gateway, vendor, version: undefined };
  return RENDERERS[vendor]({ gateway: own, sides, fingerprint, kept });
}

export function importText(
  vendor: ImportVendor,
  text: string,
  options: ImportOptions = {},
): Imported {
  return vendor === "screenos" ? importScreenos(text, options) : importPix(text, options);
}
