/**
 * What of a path's MTU is left inside a tunnel: ESP in tunnel or transport mode (RFC 4303 section 2), in UDP
 * where NAT traversal may be (RFC 3948), with VXLAN inside that (RFC 7348).
 *   20/40 outer IP | 8 UDP | 8 SPI, sequence | IV | packet | 0.. padding | 2 trailer | ICV
 */
import { cipherRow, integrityRow, type EspProposal, type TunnelSide } from "../model/index.js";

const IPV4 = 20;
const IPV6 = 40;
const UDP = 8;
const ESP_HEADER = 8;
const ESP_TRAILER = 2;
const TCP = 20;
const ETHERNET = 14;
const VXLAN = 8;
/** Of fields of AH before its check value (RFC 4302). */
const AH_HEADER = 12;

export interface EncapsulationOptions {
  readonly outer: 4 | 6;
  readonly udp: boolean;
  readonly mode: "tunnel" | "transport";
}

export interface MtuReport {
  /** Between the gateways. */
  readonly path: number;
  /** Largest packet that leaves in one piece, in octets, for the worst of the proposals. */
  readonly inner: number;
  /** What TCP may put into a segment; 0 where nothing fits. */
  readonly mss4: number;
  readonly mss6: number;
  /** Largest packet of a host behind a VTEP, untagged, with VXLAN over IPv4 and IPv6. */
  readonly vxlan4: number;
  readonly vxlan6: number;
  /** As gateways tell it: what a packet that fills its last block grows by. */
  readonly overhead: number;
}

/** Octets that do not depend on the packet. */
function fixedOctets(proposal: EspProposal, { outer, udp, mode }: EncapsulationOptions): number {
  const ip = mode === "transport" ? 0 : outer === 4 ? IPV4 : IPV6;
  const integrity = proposal.integrity === undefined ? 0 : integrityRow(proposal.integrity).icv;
  if (proposal.protocol === "ah") return ip + AH_HEADER + integrity;
  const { iv, icv } = cipherRow(proposal.encryption);
  return ip + (udp ? UDP : 0) + ESP_HEADER + iv + (icv === 0 ? integrity : icv);
}

function blockOf(proposal: EspProposal): number {
  return Math.max(4, cipherRow(proposal.encryption).block);
}

/** 56 for 3DES with HMAC-MD5 in tunnel mode over IPv4. */
export function ipsecOverhead(proposal: EspProposal, options: EncapsulationOptions): number {
  const fixed = fixedOctets(proposal, options);
  return proposal.protocol === "ah" ? fixed : fixed + blockOf(proposal);
}

/** Octets on the wire of a packet of `length` octets. */
export function sealedLength(
  length: number,
  proposal: EspProposal,
  options: EncapsulationOptions,
): number {
  const fixed = fixedOctets(proposal, options);
  if (proposal.protocol === "ah") return fixed + length;
  const block = blockOf(proposal);
  if (options.mode === "tunnel") return fixed + roundUp(length + ESP_TRAILER, block);
  // The packet's own IP header stays in front.
  const ip = options.outer === 4 ? IPV4 : IPV6;
  return fixed + ip + roundUp(length - ip + ESP_TRAILER, block);
}

/** Largest packet whose sealed form is at most `path`; negative where there is none. */
export function largestInside(
  path: number,
  proposal: EspProposal,
  options: EncapsulationOptions,
): number {
  const fixed = fixedOctets(proposal, options);
  if (proposal.protocol === "ah") return path - fixed;
  const block = blockOf(proposal);
  const ip = options.mode === "tunnel" ? 0 : options.outer === 4 ? IPV4 : IPV6;
  return ip + Math.floor((path - fixed - ip) / block) * block - ESP_TRAILER;
}

/** @param outer family of the addresses between the gateways */
export function tunnelMtu(side: TunnelSide, outer = outerFamily(side)): MtuReport {
  const { child, ike, mtu } = side;
  const udp = ike.nat.enabled || ike.nat.force;
  const options: EncapsulationOptions = { outer, udp, mode: child.mode };
  const inner = Math.min(
    ...child.proposals.map((proposal) => largestInside(mtu.path, proposal, options)),
  );
  const overhead = Math.max(...child.proposals.map((one) => ipsecOverhead(one, options)));
  const left = (taken: number): number => Math.max(0, inner - taken);
  return {
    path: mtu.path,
    inner,
    mss4: left(IPV4 + TCP),
    mss6: left(IPV6 + TCP),
    vxlan4: left(IPV4 + UDP + VXLAN + ETHERNET),
    vxlan6: left(IPV6 + UDP + VXLAN + ETHERNET),
    overhead,
  };
}

/** Of the gateways' addresses; IPv4 where neither is told. */
export function outerFamily({ local, remote }: TunnelSide): 4 | 6 {
  const six = [local, remote].some(
    ({ reach }) => reach.kind === "static" && reach.address.includes(":"),
  );
  return six ? 6 : 4;
}

function roundUp(length: number, block: number): number {
  return Math.ceil(length / block) * block;
}
