/**
 * What the IKE daemon should hold for one tunnel, worked out of our side of it: pure data with a digest, so
 * that "changed" is a comparison of two strings. Secrets are named; their values are asked for when loaded.
 */
import { createHash } from "node:crypto";
import type { TunnelSide } from "../model/index.js";
import type { ViciSection } from "../vici/index.js";
import { connectionSection, type PlannedChild } from "./connection.js";

export type { PlannedChild } from "./connection.js";

/** In front of every name that we give something in the daemon: what has it is ours, all else is not. */
export const OURS = "evpnd-";

export interface PlannedSecret {
  /** In the secret store. */
  readonly secret: string;
  readonly type: "IKE" | "PPK";
  /** Identities that it is for. */
  readonly owners: readonly string[];
}

export interface TunnelPlan {
  readonly tunnel: string;
  /** Name of the connection in the daemon. */
  readonly connection: string;
  /** What `load-conn` takes, certificates left out. */
  readonly section: ViciSection;
  /** Of the section and of the certificates' names: equal digests, equal connections. */
  readonly digest: string;
  readonly children: readonly PlannedChild[];
  readonly secrets: readonly PlannedSecret[];
  readonly certificates: PlannedCertificates | undefined;
  readonly start: TunnelSide["start"];
  /** Both ends may want to begin: the one with the lower address does, the other waits a while. */
  readonly begins: boolean;
  readonly backupOf: TunnelSide["backupOf"];
  /** Prefixes that never go to the other side in clear; empty when the tunnel does not fail closed. */
  readonly protects: readonly string[];
}

/** Names in the secret store. */
export interface PlannedCertificates {
  readonly own: string;
  readonly privateKey: string;
  readonly peer: string | undefined;
  readonly authorities: readonly string[];
}

/** @param interfaceId of the interface that the tunnel is bound to; undefined = it is not */
export function planOf(side: TunnelSide, interfaceId?: number): TunnelPlan {
  const connection = `${OURS}${side.tunnel}`;
  const children = plannedChildren(connection, side);
  const section = connectionSection(side, children, interfaceId);
  const certificates = plannedCertificates(side);
  return {
    tunnel: side.tunnel,
    connection,
    section,
    digest: digestOf({ section, certificates }),
    children,
    secrets: plannedSecrets(side),
    certificates,
    start: side.start,
    begins: beginsFirst(side),
    backupOf: side.backupOf,
    protects: protectedBy(side),
  };
}

/**
 * What never goes to the other side in clear; empty when the tunnel does not fail closed. What its selectors
 * alone name counts as well, except "any": this machine's own way out would be cut off with it.
 */
export function protectedBy(side: TunnelSide): readonly string[] {
  if (!side.failClosed) return [];
  const selected = side.selectors.flatMap(({ remote }) => (isAny(remote) ? [] : [remote]));
  return [...new Set([...side.remoteNetworks, ...side.remoteVteps, ...selected])];
}

function isAny(network: string): boolean {
  return network === "0.0.0.0/0" || network === "::/0";
}

/** One child for each pair of selectors: what every peer understands, IKEv1's included. */
function plannedChildren(connection: string, side: TunnelSide): PlannedChild[] {
  const { selectors } = side;
  return selectors.map((selector, index) => ({
    name: selectors.length === 1 ? connection : `${connection}-${index + 1}`,
    localSelector: selectorText(selector.local, selector.protocol, selector.localPort),
    remoteSelector: selectorText(selector.remote, selector.protocol, selector.remotePort),
    selector,
  }));
}

/** `10.0.0.0/24[tcp/80]` as the daemon reads it; protocols by number. */
function selectorText(network: string, protocol: number, port: number): string {
  const range = network.replace("..", "-");
  if (protocol === 0 && port === 0) return range;
  return `${range}[${protocol === 0 ? "" : protocol}${port === 0 ? "" : `/${port}`}]`;
}

function plannedSecrets({ authentication, local, remote }: TunnelSide): PlannedSecret[] {
  const owners = [local, remote].map(({ identity }) => identity.value);
  const secrets: PlannedSecret[] = [];
  if (authentication.kind === "psk") {
    secrets.push({ secret: authentication.secret, type: "IKE", owners });
  }
  const { ppk } = authentication;
  if (ppk !== undefined) secrets.push({ secret: ppk.secret, type: "PPK", owners: [ppk.id] });
  return secrets;
}

function plannedCertificates({ authentication }: TunnelSide): PlannedCertificates | undefined {
  if (authentication.kind !== "certificate") return undefined;
  const { own, peerCertificate, authorities } = authentication;
  return {
    own: own.certificate,
    privateKey: own.privateKey,
    peer: peerCertificate,
    authorities,
  };
}

function beginsFirst({ local, remote }: TunnelSide): boolean {
  if (local.reach.kind !== "static" || remote.reach.kind !== "static") return true;
  return local.reach.address < remote.reach.address;
}

export function digestOf(data: unknown): string {
  return createHash("sha256").update(JSON.stringify(data)).digest("base64url");
}
