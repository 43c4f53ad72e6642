/**
 * What a renderer takes and gives. A rendering is text for one gateway: everything that its tunnels need there,
 * secrets as placeholders. What the gateway cannot be told is a finding, never left out in silence; what the
 * text cannot do (a certificate to load, a menu to click) is a step by hand.
 */
import type { Finding } from "../check/finding.js";
import type { Gateway, TunnelSide, Vendor } from "../model/index.js";
import { placeholder } from "./text/placeholder.js";

export interface RenderOrder {
  readonly gateway: Gateway;
  /** Its ends of its tunnels. */
  readonly sides: readonly TunnelSide[];
  /** Keyed fingerprint of a secret; undefined = the store has none of that name. */
  readonly fingerprint: (secret: string) => string | undefined;
  /** Lines of the gateway's own that have no place in the model, as an import kept them. */
  readonly kept?: readonly string[] | undefined;
}

export interface RenderedFile {
  /** `swanctl.conf` */
  readonly name: string;
  readonly text: string;
}

export interface RenderedSecret {
  readonly name: string;
  readonly fingerprint: string | undefined;
}

export interface Rendering {
  readonly vendor: Vendor;
  readonly gateway: string;
  readonly files: readonly RenderedFile[];
  /** error: the tunnel is left out; warning: it is there, and differs from the model. */
  readonly findings: readonly Finding[];
  /** Sentences; in order. */
  readonly byHand: readonly string[];
  /** Whose placeholders stand in the files. */
  readonly secrets: readonly RenderedSecret[];
}

/** Collects what a renderer has to say beside the text. */
export class RenderReport {
  readonly findings: Finding[] = [];
  private readonly steps: string[] = [];
  private readonly used = new Map<string, string | undefined>();
  private readonly order: RenderOrder;

  constructor(order: RenderOrder) {
    this.order = order;
  }

  /** @param tunnel undefined = it is about the gateway as a whole */
  warn(tunnel: string | undefined, code: string, message: string, remedy: string): void {
    this.add("warning", tunnel, code, message, remedy);
  }

  refuse(tunnel: string | undefined, code: string, message: string, remedy: string): void {
    this.add("error", tunnel, code, message, remedy);
  }

  byHand(step: string): void {
    if (!this.steps.includes(step)) this.steps.push(step);
  }

  /** The placeholder of a secret. */
  secret(name: string): string {
    return placeholder(name, this.fingerprint(name));
  }

  fingerprint(name: string): string | undefined {
    const fingerprint = this.order.fingerprint(name);
    this.used.set(name, fingerprint);
    return fingerprint;
  }

  private add(
    severity: Finding["severity"],
    tunnel: string | undefined,
    code: string,
    message: string,
    remedy: string,
  ): void {
    const gateway = this.order.gateway.name;
    this.findings.push({ code, severity, tunnel: tunnel ?? "", gateway, message, remedy });
  }

  rendering(files: readonly RenderedFile[]): Rendering {
    const { gateway } = this.order;
    return {
      vendor: gateway.vendor,
      gateway: gateway.name,
      files,
      findings: this.findings,
      byHand: this.steps,
      secrets: [...this.used].map(([name, fingerprint]) => ({ name, fingerprint })),
    };
  }
}

/** Each line with its end; nothing for none. */
export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** Where a peer is, for vendors that take an address or a name; `fallback` where it may be anywhere. */
export function peerText(side: TunnelSide, fallback: string): string {
  const { reach } = side.remote;
  if (reach.kind === "static") return reach.address;
  return reach.kind === "host" ? reach.name : fallback;
}

/** Own outside address: as it is reached, or what its outgoing interface has; undefined = unknown. */
export function localAddress(side: TunnelSide, gateway: Gateway): string | undefined {
  if (side.local.reach.kind === "static") return side.local.reach.address;
  const out = gateway.interfaces.find(({ name }) => name === side.outgoingInterface);
  return out?.addresses[0]?.split("/")[0];
}

/** A name that every vendor takes: letters, digits, dashes and underscores, at most so long. */
export function plainName(name: string, most = 63): string {
  return name.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, most);
}
