/**
 * Every finding by its code: how bad it is, and in one line what it means. A weakness (`insecure`) is an
 * error until somebody answers for it (`OptIn`), and a warning from then on until that runs out.
 * docs/ipsec.md lists them.
 */
import type { FindingSeverity } from "./finding.js";

export interface FindingSpec {
  readonly severity: FindingSeverity;
  readonly insecure?: true;
  readonly meaning: string;
}

export const FINDINGS = {
  // The model itself.
  "name-twice": error("two things have one name"),
  "reference-unknown": error("something is named that is not there"),
  "ends-equal": error("both ends are the same gateway"),
  "interface-address": error("a tunnel interface has both an address and a lender, or neither"),
  "interface-binding": error("the binding does not fit the kind of tunnel"),
  "policy-number-twice": error("two IKE policies have one number"),
  "too-many-proposals": error("more proposals than a gateway takes"),
  "no-proposal": error("there is no proposal"),
  "no-networks": error("a policy-based tunnel has no networks at one end"),
  "selector-family": error("a selector joins IPv4 and IPv6"),
  "address-family-differs": error("one end is reached over IPv4, the other over IPv6"),
  "networks-overlap": error("a network is behind both ends"),
  "transport-not-l2tp": error("transport mode without L2TP"),
  "ikev2-only": error("an option that IKEv1 does not have"),
  "ikev1-pair-twice": error("two IKEv1 tunnels between one pair of addresses"),
  "peer-unpredictable": error("main mode with a key, and a peer whose address is not known"),
  "backup-loop": error("tunnels stand in for each other in a circle"),
  "backup-flaps": warning("a backup without hysteresis"),
  "hybrid-unsupported": error("post-quantum key exchange where a gateway has none"),
  "hybrid-fallback": warning("post-quantum key exchange that may fall back to a classical one"),
  // One end against the other.
  "ike-version-differs": error("IKE versions differ"),
  "ike-mode-differs": error("main mode at one end, aggressive mode at the other"),
  "peer-address-differs": error("an end expects another address than its peer has"),
  "identity-differs": error("an end expects another identity than its peer has"),
  "phase1-encryption-differs": error("encryption of phase 1 differs"),
  "phase1-hash-differs": error("hash of phase 1 differs"),
  "phase1-prf-differs": error("pseudo-random function of phase 1 differs"),
  "phase1-group-differs": error("group of phase 1 differs"),
  "phase1-exchange-differs": error("additional key exchanges of phase 1 differ"),
  "phase1-authentication-differs": error("authentication of phase 1 differs"),
  "phase1-lifetime-differs": warning("lifetimes of phase 1 differ"),
  "phase2-protocol-differs": error("ESP at one end, AH at the other"),
  "phase2-encryption-differs": error("encryption of phase 2 differs"),
  "phase2-hash-differs": error("integrity of phase 2 differs"),
  "phase2-exchange-differs": error("additional key exchanges of phase 2 differ"),
  "phase2-esn-differs": error("extended sequence numbers differ"),
  "phase2-lifetime-differs": warning("lifetimes of phase 2 differ, in seconds"),
  "phase2-volume-differs": warning("lifetimes of phase 2 differ, in kilobytes"),
  "proposal-order-differs": info("the ends prefer different proposals"),
  "pfs-differs": error("perfect forward secrecy differs"),
  "encapsulation-differs": error("tunnel mode at one end, transport mode at the other"),
  "selectors-not-mirrored": error("the ends' networks are not each other's mirror"),
  "selectors-summarised": error("the ends summarise the same networks differently"),
  "nat-traversal-differs": warning("NAT traversal is on at one end only"),
  "detection-differs": info("the ends notice a dead peer in different ways"),
  "replay-differs": info("replay protection is on at one end only"),
  "both-respond": error("both ends wait for the other"),
  "networks-mergeable": warning("networks that a peer may merge into one"),
  // Keys.
  "secret-missing": error("a secret is not in the store"),
  "key-differs": error("the ends have different keys"),
  "certificate-expired": error("a certificate has run out"),
  "certificate-expires": warning("a certificate runs out soon"),
  // Sizes.
  "mtu-too-large": warning("packets that fit the tunnel interface do not fit the path"),
  "mtu-vxlan": warning("hosts behind VTEPs cannot send 1,500 octets through the tunnel"),
  "mtu-path-too-small": error("the path is too small for any tunnel"),
  // Gateways.
  "policy-id-twice": error("two policies have one id"),
  "policy-never-reached": warning("a policy behind one that takes everything"),
  "policy-blocks-tunnel": warning("no policy lets the tunnel's traffic pass"),
  "nat-not-exempt": error("protected traffic would be translated"),
  "nat-exempt-unused": warning("networks are exempt from translation that no tunnel protects"),
  "crypto-sequence-twice": error("two entries of a crypto map have one sequence"),
  "replay-window-small": warning("a replay window that loses packets at this rate"),
  // Weaknesses: each needs an opt-in (RFC 8221, 8247, 9395).
  ikev1: insecure("IKEv1"),
  "aggressive-mode": insecure("aggressive mode shows identities, and a hash to guess the key by"),
  "cipher-des": insecure("DES"),
  "cipher-3des": insecure("3DES"),
  "cipher-null": insecure("no encryption"),
  "esp-no-integrity": insecure("ESP without integrity"),
  "integrity-md5": insecure("MD5"),
  "integrity-sha1": insecure("SHA-1"),
  "group-modp768": insecure("Diffie-Hellman group 1"),
  "group-modp1024": insecure("Diffie-Hellman group 2"),
  "group-modp1536": insecure("Diffie-Hellman group 5"),
  "no-pfs": insecure("no perfect forward secrecy"),
  "no-replay": insecure("no replay protection"),
  "wildcard-psk": insecure("a key that is good for more than one address"),
  "group-psk": insecure("a key that a group shares"),
  "psk-in-clear": insecure("a key that stood in a text in clear"),
  "weak-psk": insecure("a key of less than 128 bits"),
  "permit-ipsec": insecure("tunnel traffic passes interface access lists unseen"),
  "management-untrusted": insecure("management is open on an untrusted interface"),
  // Of opt-ins themselves.
  "opt-in-expired": error("an opt-in has run out"),
  "opt-in-expires": warning("an opt-in runs out soon"),
  "opt-in-unused": info("an opt-in for a weakness that is not there"),
} as const satisfies Record<string, FindingSpec>;

export type FindingCode = keyof typeof FINDINGS;

export function findingSpec(code: FindingCode): FindingSpec {
  return FINDINGS[code];
}

/** Codes that an opt-in can name. */
export const WEAKNESSES = (Object.keys(FINDINGS) as FindingCode[]).filter(
  (code) => findingSpec(code).insecure === true,
);

function error(meaning: string): FindingSpec {
  return { severity: "error", meaning };
}

function warning(meaning: string): FindingSpec {
  return { severity: "warning", meaning };
}

function info(meaning: string): FindingSpec {
  return { severity: "info", meaning };
}

function insecure(meaning: string): FindingSpec {
  return { severity: "error", insecure: true, meaning };
}
