/**
 * The commands of ScreenOS (6.0) that a tunnel is made of, as data. `parse.ts` reads them, `print.ts` writes
 * them as the gateway itself shows them; `import.ts` and `render.ts` lie between them and the model.
 */
import type { SecretWord } from "../text/placeholder.js";

export type InterfaceDetail =
  | { readonly kind: "zone"; readonly zone: string }
  /** Address with the mask's length: `10.10.45.1/24`. */
  | { readonly kind: "address"; readonly address: string }
  | { readonly kind: "unnumbered"; readonly lender: string }
  | { readonly kind: "manageable" }
  | { readonly kind: "mode"; readonly mode: "route" | "nat" }
  | { readonly kind: "mtu"; readonly mtu: number }
  /** kbit/s. */
  | {
      readonly kind: "bandwidth";
      readonly egressMax: number;
      readonly egressGuaranteed: number;
      readonly ingressMax: number;
    }
  | { readonly kind: "dns-proxy" }
  | { readonly kind: "nhrp" };

export type SecurityLevel = "standard" | "compatible" | "basic";

export type RemoteEnd =
  /** Address or host name. */
  | { readonly kind: "static"; readonly address: string; readonly id?: string | undefined }
  | { readonly kind: "dynamic"; readonly id: string }
  | { readonly kind: "dialup"; readonly user: string };

export interface GatewayStatement {
  readonly kind: "gateway";
  readonly name: string;
  readonly ikev2: boolean;
  readonly remote: RemoteEnd;
  readonly mode: "main" | "aggressive" | undefined;
  readonly localId: string | undefined;
  readonly outgoing: string | undefined;
  readonly secret: SecretWord | undefined;
  /** Names of phase-1 proposals, or a level. */
  readonly proposals: readonly string[];
  readonly level: SecurityLevel | undefined;
}

export type GatewayDetail =
  | { readonly kind: "nat-traversal"; readonly on: boolean }
  | { readonly kind: "udp-checksum" }
  | { readonly kind: "keepalive"; readonly seconds: number }
  | { readonly kind: "heartbeat"; readonly seconds: number }
  | {
      readonly kind: "dpd";
      readonly interval: number | undefined;
      readonly retry: number | undefined;
    };

export interface VpnStatement {
  readonly kind: "vpn";
  readonly name: string;
  readonly gateway: string;
  readonly replay: boolean | undefined;
  readonly mode: "tunnel" | "transport";
  readonly idleTime: number | undefined;
  readonly proposals: readonly string[];
  readonly level: SecurityLevel | undefined;
}

export interface ProposalStatement {
  readonly kind: "p1-proposal" | "p2-proposal";
  readonly name: string;
  /** preshare, rsa-sig, …; phase 1 only. */
  readonly method: string | undefined;
  /** DH group; undefined = no PFS (phase 2 only). */
  readonly group: number | undefined;
  readonly encryption: string;
  readonly hash: string;
  readonly seconds: number | undefined;
  readonly kilobytes: number | undefined;
}

export interface PolicyStatement {
  readonly kind: "policy";
  readonly id: number | undefined;
  readonly name: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly source: string;
  readonly destination: string;
  readonly service: string;
  readonly action: "permit" | "deny" | "reject" | "tunnel";
  /** Of `tunnel`. */
  readonly vpn: string | undefined;
  readonly log: boolean;
}

export type PolicyDetail =
  | { readonly kind: "src-address" | "dst-address" | "service"; readonly name: string }
  | { readonly kind: "disable" | "log" };

export type Statement =
  | { readonly kind: "interface"; readonly name: string; readonly detail: InterfaceDetail }
  | GatewayStatement
  | { readonly kind: "gateway-detail"; readonly name: string; readonly detail: GatewayDetail }
  | ProposalStatement
  | VpnStatement
  | {
      readonly kind: "vpn-bind";
      readonly name: string;
      readonly id: number | undefined;
      readonly to: "interface" | "zone";
      readonly target: string;
    }
  | {
      readonly kind: "vpn-monitor";
      readonly name: string;
      readonly source: string | undefined;
      readonly destination: string | undefined;
      readonly optimized: boolean;
      readonly rekey: boolean;
    }
  | {
      readonly kind: "vpn-proxy-id";
      readonly name: string;
      readonly local: string;
      readonly remote: string;
      readonly service: string;
    }
  | {
      readonly kind: "vpn-group";
      readonly id: number;
      readonly vpn: string;
      readonly weight: number;
    }
  | {
      readonly kind: "address";
      readonly zone: string;
      readonly name: string;
      readonly prefix: string;
    }
  | PolicyStatement
  /** `set policy id 3`: what follows, up to `exit`, is about it. */
  | { readonly kind: "policy-context"; readonly id: number }
  | {
      readonly kind: "policy-detail";
      readonly id: number | undefined;
      readonly detail: PolicyDetail;
    }
  | {
      readonly kind: "route";
      readonly prefix: string;
      readonly interface: string | undefined;
      readonly gateway: string | undefined;
    }
  | { readonly kind: "exit" };
