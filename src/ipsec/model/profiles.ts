/**
 * Named sets of parameters that a tunnel starts from. `modern` is the default for everything new (RFC 8221,
 * 8247, 8031); the two old ones are those of the examples and need opt-ins, a finding each. Lifetimes belong
 * to a profile, so that there are no global ones.
 */
import { parseIkeName, parseEspName, parseTransforms } from "./proposal-names.js";
import {
  parseEspProposal,
  parseIkeSuite,
  type AuthenticationMethod,
  type EspProposal,
  type IkeProposal,
} from "./proposal.js";
import type { ChildParameters, IkeParameters, TunnelKind } from "./tunnel.js";

export interface Profile {
  readonly name: string;
  readonly description: string;
  /** What a tunnel is when it does not say. */
  readonly kind: TunnelKind;
  readonly ike: IkeParameters;
  readonly child: ChildParameters;
}

const MODERN_IKE_SECONDS = 14_400;

const MODERN_IKE: IkeParameters = {
  version: 2,
  mode: "main",
  proposals: [
    ike("aes256gcm16-prfsha384-curve25519", MODERN_IKE_SECONDS),
    ike("aes256gcm16-prfsha384-ecp384", MODERN_IKE_SECONDS),
  ],
  reauthSeconds: 0,
  detection: { kind: "dpd", delaySeconds: 10, timeoutSeconds: 60, action: "restart" },
  nat: { enabled: true, udpChecksum: false, keepaliveSeconds: 20, force: false },
  mobike: false,
  makeBeforeBreak: true,
  childless: false,
  fragmentation: true,
};

const MODERN_CHILD: ChildParameters = {
  mode: "tunnel",
  proposals: [esp("aes256gcm16-curve25519-esn"), esp("aes256gcm16-ecp384-esn")],
  lifetimeSeconds: 3600,
  // 64 GiB: far below what one key of AES-GCM may protect.
  lifetimeKilobytes: 67_108_864,
  replayWindow: 1024,
  idleSeconds: 0,
  df: "copy",
};

const MODERN: Profile = {
  name: "modern",
  description: "IKEv2, AES-GCM-256, Curve25519 or ECP-384, PFS, ESN, replay window",
  kind: "route-based",
  ike: MODERN_IKE,
  child: MODERN_CHILD,
};

const HYBRID: Profile = {
  name: "hybrid",
  description: "modern, with ML-KEM-768 as an additional key exchange (RFC 9370)",
  kind: "route-based",
  ike: {
    ...MODERN_IKE,
    proposals: [ike("aes256gcm16-prfsha384-curve25519-ke1_mlkem768", MODERN_IKE_SECONDS)],
  },
  child: { ...MODERN_CHILD, proposals: [esp("aes256gcm16-curve25519-ke1_mlkem768-esn")] },
};

const OLD_IKE: IkeParameters = {
  version: 1,
  mode: "main",
  proposals: [],
  reauthSeconds: 0,
  detection: { kind: "none" },
  nat: { enabled: false, udpChecksum: false, keepaliveSeconds: 0, force: false },
  mobike: false,
  makeBeforeBreak: false,
  childless: false,
  fragmentation: false,
};

const SSG: Profile = {
  name: "ssg",
  description: "IKEv1 as between two ScreenOS gateways: pre-g2-aes128-sha, g2-esp-aes128-sha",
  kind: "route-based",
  ike: { ...OLD_IKE, proposals: [known(parseIkeName("pre-g2-aes128-sha", 28_800))] },
  child: {
    mode: "tunnel",
    proposals: [known(parseEspName("g2-esp-aes128-sha"))],
    lifetimeSeconds: 3600,
    lifetimeKilobytes: 0,
    replayWindow: 0,
    idleSeconds: 0,
    df: "copy",
  },
};

const PIX: Profile = {
  name: "pix",
  description: "IKEv1 as between PIX and Check Point: 3DES, MD5, group 2; esp-3des esp-md5-hmac",
  kind: "policy-based",
  ike: {
    ...OLD_IKE,
    proposals: [{ ...known(parseIkeName("pre-g2-3des-md5", 86_400)), number: 1 }],
  },
  child: {
    mode: "tunnel",
    proposals: [known(parseTransforms("esp-3des esp-md5-hmac"))],
    lifetimeSeconds: 28_800,
    lifetimeKilobytes: 4_608_000,
    replayWindow: 64,
    idleSeconds: 0,
    df: "copy",
  },
};

export const DEFAULT_PROFILE = "modern";

export const PROFILES: Readonly<Record<string, Profile>> = {
  modern: MODERN,
  hybrid: HYBRID,
  ssg: SSG,
  pix: PIX,
};

/** The profile's phase 1 for a way to authenticate. */
export function withMethod(
  parameters: IkeParameters,
  authentication: AuthenticationMethod,
): IkeParameters {
  const proposals = parameters.proposals.map((one) => ({ ...one, authentication }));
  return { ...parameters, proposals };
}

function ike(text: string, lifetimeSeconds: number): IkeProposal {
  return { authentication: "psk", ...known(parseIkeSuite(text)), lifetimeSeconds };
}

function esp(text: string): EspProposal {
  return known(parseEspProposal(text));
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a profile's proposal is not of a known form");
  return value;
}
