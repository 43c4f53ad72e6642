/** Proposals as the IKE daemon's log writes them: `ESP:AES_CBC_128/HMAC_SHA1_96/MODP_1024/NO_EXT_SEQ, …`. */

const GROUP = /^(?:MODP|ECP|CURVE|NTRU|NEWHOPE|ML_?KEM|KE\d_|MODP_NONE)[A-Z0-9_]*$/;

/** Whether two lists have a proposal in common once key exchange groups are left out. */
export function onlyGroupDiffers(a: string, b: string): boolean {
  const without = new Set(proposals(a).map(bare));
  return proposals(b).some((proposal) => without.has(bare(proposal)));
}

function proposals(list: string): string[] {
  return list.split(", ").map((one) => one.trim());
}

function bare(proposal: string): string {
  return proposal
    .split("/")
    .filter((word) => !GROUP.test(word))
    .join("/");
}
