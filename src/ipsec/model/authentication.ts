/**
 * How the ends prove who they are. Secrets are names in the secret store (`../secrets/`), never values:
 * nothing in a model can be printed by mistake.
 */

/** Peers that a pre-shared key is good for; `prefix` shorter than an address and `group` are findings. */
export type KeyScope =
  | { readonly kind: "peer" }
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "group"; readonly name: string };

/** Post-quantum pre-shared key, mixed in (RFC 8784). */
export interface PostQuantumKey {
  readonly id: string;
  /** Name of the secret. */
  readonly secret: string;
  /** Without it no SA. */
  readonly required: boolean;
}

/** One end's certificate; both names are of the secret store. */
export interface EndCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export type Authentication =
  | {
      readonly kind: "psk";
      readonly secret: string;
      readonly scope: KeyScope;
      readonly ppk?: PostQuantumKey | undefined;
    }
  | {
      readonly kind: "certificate";
      /** Of the first end and the second. */
      readonly ends: readonly [EndCertificate, EndCertificate];
      /** Certificates, of the secret store, that sign the other end's. */
      readonly authorities: readonly string[];
      readonly ppk?: PostQuantumKey | undefined;
    };

/** Names of all secrets that it needs at one end. */
export function secretNames(authentication: Authentication, end: 0 | 1): string[] {
  const ppk = authentication.ppk === undefined ? [] : [authentication.ppk.secret];
  if (authentication.kind === "psk") return [authentication.secret, ...ppk];
  const { certificate, privateKey } = authentication.ends[end];
  return [certificate, privateKey, ...authentication.authorities, ...ppk];
}
