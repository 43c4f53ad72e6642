/** Loads the vectors of `vectors/`; see the README there. */
import { readFileSync } from "node:fs";
import { ALL_FAMILIES, Family } from "../../src/fast-bgp-codec/family.js";
import type { MessageContext } from "../../src/fast-bgp-codec/message.js";

export interface Vector {
  readonly name: string;
  readonly kind: "message" | "bmp" | "mrt";
  readonly hex: string;
  readonly length: number;
  readonly context?: {
    readonly as4?: boolean;
    readonly addPath?: boolean;
    readonly session?: "ibgp" | "ebgp";
    readonly configuredPeerAs?: number;
  } | null;
  readonly decoded?: Record<string, unknown>;
  readonly expect?: {
    readonly treatment: string;
    readonly notification?: {
      readonly code: number;
      readonly subcode: number;
      readonly data?: string;
    };
    readonly alsoAcceptable?: readonly string[];
  };
}

export function loadVectors(file: string): Vector[] {
  const text = readFileSync(new URL(`./vectors/${file}.json`, import.meta.url), "utf8");
  return JSON.parse(text) as Vector[];
}

export function octets(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** The session a vector stands in: all families but 2/1 unless the caller says more. */
export function contextOf(vector: Vector): Partial<MessageContext> {
  const context = vector.context ?? {};
  return {
    as4: context.as4 ?? true,
    ibgp: context.session !== "ebgp",
    addPath: context.addPath === true ? ALL_FAMILIES : 0,
    configuredPeerAs: context.configuredPeerAs ?? 0,
    families: ALL_FAMILIES & ~(1 << Family.Ipv6Unicast),
  };
}
