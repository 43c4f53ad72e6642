/**
 * The commands of PIX OS 6.2 that a tunnel is made of, as data. `parse.ts` reads them, `print.ts` writes them
 * as `write terminal` shows them; `import.ts` and `render.ts` lie between them and the model.
 */
import type { SecretWord } from "../text/placeholder.js";

/** A line of an access list; networks are canonical prefixes, `0.0.0.0/0` for `any`. */
export interface AccessStatement {
  readonly kind: "access-list";
  readonly list: string;
  readonly action: "permit" | "deny";
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
}

export type MapDetail =
  | { readonly kind: "type"; readonly type: "ipsec-isakmp" | "ipsec-manual" }
  | { readonly kind: "match"; readonly list: string }
  | { readonly kind: "peer"; readonly peer: string }
  | { readonly kind: "transform-set"; readonly names: readonly string[] }
  /** DH group number. */
  | { readonly kind: "pfs"; readonly group: number }
  | {
      readonly kind: "lifetime";
      readonly seconds: number | undefined;
      readonly kilobytes: number | undefined;
    };

export type PolicyDetail =
  | { readonly kind: "authentication"; readonly method: "pre-share" | "rsa-sig" }
  | { readonly kind: "encryption"; readonly cipher: string }
  | { readonly kind: "hash"; readonly hash: "md5" | "sha" }
  | { readonly kind: "group"; readonly group: number }
  | { readonly kind: "lifetime"; readonly seconds: number };

export type Statement =
  | {
      readonly kind: "nameif";
      readonly hardware: string;
      readonly name: string;
      readonly level: number;
    }
  | { readonly kind: "hostname"; readonly name: string }
  | AccessStatement
  | { readonly kind: "mtu"; readonly interface: string; readonly mtu: number }
  /** With the mask's length, host bits kept. */
  | { readonly kind: "address"; readonly interface: string; readonly address: string }
  /** `global (outside) 1 interface` */
  | {
      readonly kind: "global";
      readonly interface: string;
      readonly pool: number;
      readonly to: string;
    }
  | { readonly kind: "nat-exempt"; readonly interface: string; readonly list: string }
  | {
      readonly kind: "nat";
      readonly interface: string;
      readonly pool: number;
      readonly network: string;
    }
  | {
      readonly kind: "route";
      readonly interface: string;
      readonly prefix: string;
      readonly gateway: string;
      readonly metric: number;
    }
  | { readonly kind: "permit-ipsec" }
  | {
      readonly kind: "transform-set";
      readonly name: string;
      /** `esp-3des esp-md5-hmac` */
      readonly transforms: string;
    }
  | { readonly kind: "transform-mode"; readonly name: string }
  | {
      readonly kind: "ipsec-lifetime";
      readonly seconds: number | undefined;
      readonly kilobytes: number | undefined;
    }
  | {
      readonly kind: "map";
      readonly map: string;
      readonly sequence: number;
      readonly detail: MapDetail;
    }
  | { readonly kind: "map-interface"; readonly map: string; readonly interface: string }
  | { readonly kind: "isakmp-enable"; readonly interface: string }
  | {
      readonly kind: "isakmp-key";
      readonly secret: SecretWord;
      readonly peer: string;
      readonly mask: string;
    }
  | { readonly kind: "isakmp-identity"; readonly identity: "address" | "hostname" }
  /** From 6.3 on; seconds between keepalives. */
  | { readonly kind: "isakmp-nat-traversal"; readonly seconds: number | undefined }
  | {
      readonly kind: "isakmp-keepalive";
      readonly seconds: number;
      readonly retry: number | undefined;
    }
  | { readonly kind: "isakmp-policy"; readonly number: number; readonly detail: PolicyDetail };
