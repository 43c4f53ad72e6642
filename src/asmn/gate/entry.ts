/** What the thread that reads the feeds tells the cache: verified already, plain data, in order. */
import type { TrustBinding, TrustLimits, TrustState } from "../../contract.js";

/** A verdict that passed every check. */
export interface GateEntry {
  /** Identity of the instance, hex. */
  readonly id: string;
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  /** Public key, hex: that of its agent's TLS proxy. */
  readonly instanceKey: string;
  readonly state: TrustState;
  /** A code. */
  readonly reason: string;
  /** The same for people; may be empty. */
  readonly sentence: string;
  /** Canonical. */
  readonly addresses: readonly string[];
  readonly as: number | undefined;
  readonly routerId: string | undefined;
  readonly binding: TrustBinding;
  /** As TCP takes it. A secret. */
  readonly md5Key: string | undefined;
  readonly epoch: number;
  readonly serial: number;
  /** Of its life, at the moment of telling. */
  readonly remainingMs: number;
  readonly limits: TrustLimits;
  /** What stands behind its measurement: `none` is the agent's word. */
  readonly root: string;
  /** Revocation sequence that it tells; 0 = none. */
  readonly revocation: number;
  /** Of the Sec-catalog that it is trusted with, which a gateway must have. */
  readonly catalogVersion?: number;
}

/** An operator's way in when it goes wrong: named, and over by itself. */
export interface GlassEntry {
  /** `<Sec-EM> <serial>`. */
  readonly key: string;
  readonly serial: number;
  readonly operator: string;
  readonly why: string;
  readonly tenant: string;
  readonly vnf: string | undefined;
  readonly instance: string | undefined;
  /** Whoever has this address; undefined: the instance, wherever it is. */
  readonly address: string | undefined;
  readonly remainingMs: number;
}

/** `source` is the name of a Sec-EM in the settings; `local` the one of this daemon. */
export type GateEvent =
  /** A heartbeat passed every check; it was so late against the earliest one. */
  | { readonly kind: "alive"; readonly source: string; readonly lagMs: number }
  /** A snapshot begins: what it does not name is gone. */
  | { readonly kind: "begin"; readonly source: string }
  | { readonly kind: "entries"; readonly source: string; readonly entries: readonly GateEntry[] }
  | { readonly kind: "gone"; readonly source: string; readonly id: string }
  | { readonly kind: "sync"; readonly source: string }
  /** What it has said does not count any more: it is behind, or keeps something from us. */
  | { readonly kind: "suspect"; readonly source: string; readonly why: string }
  /** For the status alone: trust hangs on heartbeats. */
  | {
      readonly kind: "link";
      readonly source: string;
      readonly state: "up" | "down";
      readonly why: string;
    }
  /** Something was refused: a verdict, a heartbeat, a certificate. */
  | {
      readonly kind: "refused";
      readonly source: string;
      readonly reason: string;
      readonly sentence: string;
    }
  | { readonly kind: "glass"; readonly entry: GlassEntry }
  | { readonly kind: "glass-ended"; readonly key: string };
