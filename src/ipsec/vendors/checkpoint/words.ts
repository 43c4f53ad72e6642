/** What a Check Point management server (R81.20 and later) can be told of a tunnel, and its words for it. */
import type { TunnelSide } from "../../model/index.js";
import type { Capability } from "../capability.js";

export const CHECKPOINT: Capability = {
  title: "Check Point",
  versions: [1, 2],
  kinds: ["policy-based"],
  ikeCiphers: { des: "des", "3des": "3des", aes128: "aes-128", aes256: "aes-256" },
  espCiphers: {
    des: "des",
    "3des": "3des",
    aes128: "aes-128",
    aes256: "aes-256",
    "aes128-gcm16": "aes-gcm-128",
    "aes256-gcm16": "aes-gcm-256",
    null: "none",
  },
  integrities: { md5: "md5", sha1: "sha1", sha256: "sha256", sha384: "sha384", sha512: "sha512" },
  groups: {
    modp768: "group-1",
    modp1024: "group-2",
    modp1536: "group-5",
    modp2048: "group-14",
    modp3072: "group-15",
    modp4096: "group-16",
    modp6144: "group-17",
    modp8192: "group-18",
    ecp256: "group-19",
    ecp384: "group-20",
  },
  prfApart: false,
  additional: false,
  esn: false,
  ah: false,
  ipv6: true,
  aggressive: false,
  transport: false,
  certificates: true,
  ppk: false,
  dynamicPeers: false,
  selectors: 1000,
  ports: false,
  ranges: false,
  kilobytes: false,
  replayWindows: [64],
  idle: false,
  heartbeat: false,
  dpd: true,
  natForce: false,
  natOff: false,
  mobike: false,
  childless: false,
  reauthentication: false,
  monitor: true,
  mostProposals: 1,
};

/** A community for each tunnel. */
export function communityName({ tunnel }: TunnelSide): string {
  return `evpnd-${tunnel.replace(/[^A-Za-z0-9_-]+/g, "-")}`;
}

/** `IKEv1` is what IPv4 gets by this word. */
export function methodWord({ ike }: TunnelSide): string {
  return ike.version === 2 ? "ikev2 only" : "ikev1 for ipv4 and ikev2 for ipv6 only";
}
