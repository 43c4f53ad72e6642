/** What ASA (9.16 and later) can be told of a tunnel, and its words for it. */
import type { TunnelSide } from "../../model/index.js";
import type { Capability } from "../capability.js";
import { IKEV1_WORDS } from "../pix/words.js";
import { plainName } from "../rendering.js";

export const ASA: Capability = {
  title: "ASA",
  versions: [1, 2],
  kinds: ["route-based", "policy-based"],
  ikeCiphers: {
    des: "des",
    "3des": "3des",
    aes128: "aes",
    aes192: "aes-192",
    aes256: "aes-256",
    "aes128-gcm16": "aes-gcm",
    "aes192-gcm16": "aes-gcm-192",
    "aes256-gcm16": "aes-gcm-256",
  },
  espCiphers: {
    des: "des",
    "3des": "3des",
    aes128: "aes",
    aes192: "aes-192",
    aes256: "aes-256",
    "aes128-gcm16": "aes-gcm",
    "aes192-gcm16": "aes-gcm-192",
    "aes256-gcm16": "aes-gcm-256",
    null: "null",
  },
  integrities: { md5: "md5", sha1: "sha", sha256: "sha256", sha384: "sha384", sha512: "sha512" },
  groups: {
    modp1024: "2",
    modp1536: "5",
    modp2048: "14",
    modp3072: "15",
    modp4096: "16",
    ecp256: "19",
    ecp384: "20",
    ecp521: "21",
    curve25519: "31",
  },
  prfApart: true,
  additional: false,
  esn: false,
  ah: false,
  ipv6: true,
  aggressive: false,
  transport: true,
  certificates: true,
  ppk: false,
  dynamicPeers: false,
  selectors: 1000,
  ports: false,
  ranges: false,
  kilobytes: true,
  replayWindows: [64, 128, 256, 512, 1024],
  idle: false,
  heartbeat: false,
  dpd: true,
  natForce: false,
  natOff: true,
  mobike: false,
  childless: false,
  reauthentication: false,
  monitor: false,
  mostProposals: 10,
};

/** IKEv1 stayed behind: no GCM, no SHA-2, small groups. */
const ASA_IKEV1: Capability = {
  ...ASA,
  title: "ASA with IKEv1",
  ...IKEV1_WORDS,
  groups: { modp1024: "2", modp1536: "5", modp2048: "14" },
  prfApart: false,
};

export function asaFor({ ike }: TunnelSide): Capability {
  return ike.version === 1 ? ASA_IKEV1 : ASA;
}

/** Name of the access list of a policy-based tunnel. */
export function listName({ names, tunnel }: TunnelSide): string {
  return names.accessList ?? `evpnd-${plainName(tunnel, 40)}`;
}
