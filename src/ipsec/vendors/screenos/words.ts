/**
 * What ScreenOS (6.0 to 6.3) can be told of a tunnel, and its words for it; and which proposals it has under a
 * name of its own, so that they need no definition.
 */
import {
  formatEspName,
  formatIkeName,
  SCREENOS_IKE_SECONDS,
  type EspProposal,
  type IkeProposal,
} from "../../model/index.js";
import type { Capability } from "../capability.js";

export const SCREENOS: Capability = {
  title: "ScreenOS",
  versions: [1, 2],
  kinds: ["route-based", "policy-based"],
  ikeCiphers: { des: "des", "3des": "3des", aes128: "aes128", aes192: "aes192", aes256: "aes256" },
  espCiphers: {
    des: "des",
    "3des": "3des",
    aes128: "aes128",
    aes192: "aes192",
    aes256: "aes256",
    null: "null",
  },
  integrities: { md5: "md5", sha1: "sha-1", sha256: "sha2-256" },
  groups: {
    modp768: "1",
    modp1024: "2",
    modp1536: "5",
    modp2048: "14",
    ecp256: "19",
    ecp384: "20",
  },
  prfApart: false,
  additional: false,
  esn: false,
  ah: false,
  ipv6: false,
  aggressive: true,
  transport: true,
  certificates: false,
  ppk: false,
  dynamicPeers: true,
  selectors: 1,
  ports: false,
  ranges: false,
  kilobytes: true,
  replayWindows: [0, 64],
  idle: true,
  heartbeat: true,
  dpd: true,
  natForce: false,
  natOff: true,
  mobike: false,
  childless: false,
  reauthentication: false,
  monitor: true,
  mostProposals: 4,
};

/** Phase-2 lifetime of the proposals that ScreenOS itself has. */
export const SCREENOS_ESP_SECONDS = 3600;

/** Every ScreenOS has these; others are defined before they are used. */
const OWN_IKE = /^(pre|rsa|dsa)-(g1-des|g2-des|g2-3des|g2-aes128)-(md5|sha)$/;
const OWN_ESP = /^(nopfs|g2)-esp-(des|3des|aes128)-(md5|sha)$/;

export function ownIkeName(proposal: IkeProposal): string | undefined {
  if (proposal.lifetimeSeconds !== SCREENOS_IKE_SECONDS) return undefined;
  const name = formatIkeName(proposal);
  return name !== undefined && OWN_IKE.test(name) ? name : undefined;
}

export function ownEspName(
  proposal: EspProposal,
  seconds: number,
  kilobytes: number,
): string | undefined {
  if (seconds !== SCREENOS_ESP_SECONDS || kilobytes !== 0) return undefined;
  const name = formatEspName(proposal);
  return name !== undefined && OWN_ESP.test(name) ? name : undefined;
}
