/**
 * What the API asks of the running daemon for rendering and importing: data and a place for keys. The work itself,
 * which grows with the text, is done by whoever asks, in the API's thread.
 */
import {
  gatewayNamed,
  secretNames,
  sideOf,
  type Gateway,
  type IpsecModel,
  type TunnelSide,
} from "../model/index.js";
import type { SecretControl, SecretReader } from "../secrets/control.js";

export interface RenderQuery {
  readonly gateway: string;
  /** What the configuration says (default), or what is in force. */
  readonly of?: "candidate" | "installed" | undefined;
}

export interface RenderMaterial {
  readonly gateway: Gateway;
  readonly sides: readonly TunnelSide[];
  /** Keyed fingerprints of the secrets that there are, by name. */
  readonly fingerprints: Readonly<Record<string, string>>;
}

export interface KeepOrder {
  readonly secrets: readonly { readonly name: string; readonly value: string }[];
  /** For the audit. */
  readonly actor: string;
}

/** Undefined = stored. */
export interface KeptSecret {
  readonly name: string;
  readonly problem: string | undefined;
}

/** Rejects with `VendorError`. */
export interface VendorControl {
  material(query: RenderQuery): Promise<RenderMaterial>;
  /** Keys that an import found; one that is there already under the name is not replaced. */
  keep(order: KeepOrder): Promise<readonly KeptSecret[]>;
}

export class VendorError extends Error {
  readonly code: "not-found" | "invalid";
  constructor(code: VendorError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export interface VendorParts {
  readonly candidate: () => IpsecModel;
  readonly installed: () => IpsecModel;
  readonly secrets: () => Pick<SecretControl, "set"> & Pick<SecretReader, "facts">;
}

const SHOWN = 10;

export class LocalVendors implements VendorControl {
  private readonly parts: VendorParts;

  constructor(parts: VendorParts) {
    this.parts = parts;
  }

  material({ gateway: name, of = "candidate" }: RenderQuery): Promise<RenderMaterial> {
    const model = of === "candidate" ? this.parts.candidate() : this.parts.installed();
    const gateway = gatewayNamed(model, name);
    if (gateway === undefined) return Promise.reject(unknownGateway(name, of, model));
    const sides: TunnelSide[] = [];
    const fingerprints: Record<string, string> = {};
    for (const tunnel of model.tunnels) {
      const end =
        tunnel.ends[0].gateway === name ? 0 : tunnel.ends[1].gateway === name ? 1 : undefined;
      const side = end === undefined ? undefined : sideOf(model, tunnel, end);
      if (end === undefined || side === undefined) continue;
      sides.push(side);
      const override = tunnel.ends[end].override?.secret;
      const names = [
        ...secretNames(tunnel.authentication, end),
        ...(override === undefined ? [] : [override]),
      ];
      for (const secret of names) {
        const fingerprint = this.parts.secrets().facts(secret)?.fingerprint;
        if (fingerprint !== undefined) fingerprints[secret] = fingerprint;
      }
    }
    return Promise.resolve({ gateway, sides, fingerprints });
  }

  async keep({ secrets, actor }: KeepOrder): Promise<readonly KeptSecret[]> {
    const store = this.parts.secrets();
    const kept: KeptSecret[] = [];
    for (const { name, value } of secrets) {
      let problem: string | undefined;
      if (store.facts(name) !== undefined) {
        problem = `there is a secret "${name}" already; it stays as it is`;
      } else {
        try {
          await store.set({
            name,
            kind: "psk",
            value,
            origin: "imported",
            seenInClear: true,
            actor,
          });
        } catch (error) {
          problem = error instanceof Error ? error.message : String(error);
        }
      }
      kept.push({ name, problem });
    }
    return kept;
  }
}

function unknownGateway(name: string, of: string, { gateways }: IpsecModel): VendorError {
  const known = gateways.slice(0, SHOWN).map((gateway) => gateway.name);
  const more = gateways.length > SHOWN ? ` and ${gateways.length - SHOWN} more` : "";
  const there =
    known.length === 0
      ? of === "installed"
        ? "nothing is installed yet: evpnctl ipsec install"
        : "the configuration has no gateways"
      : `there are ${known.join(", ")}${more}`;
  return new VendorError("not-found", `there is no gateway "${name}"; ${there}`);
}
