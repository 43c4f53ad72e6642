/**
 * Algorithms as the IKE daemon names them (`AES_CBC`, `HMAC_SHA1_96`, `MODP_1024`) in the words of gateways:
 * ScreenOS (`a128/sha1`, `grp2/AES128/SHA`) and PIX (`esp-3des esp-md5-hmac`).
 */
import type { ChildSa, IkeSa } from "../live/sa.js";

type Algorithms = Pick<ChildSa, "encryption" | "encryptionBits" | "integrity">;

/** `a128/sha1`, `3des/md5`, `a256-gcm/none`. */
export function shortTransform({ encryption, encryptionBits, integrity }: Algorithms): string {
  return `${shortCipher(encryption, encryptionBits)}/${shortHash(integrity)}`;
}

function shortCipher(name = "", bits?: number): string {
  if (name.startsWith("AES")) {
    const mode = /GCM|CCM|CTR/.exec(name)?.[0].toLowerCase();
    return `a${bits ?? 128}${mode === undefined ? "" : `-${mode}`}`;
  }
  if (name.startsWith("3DES")) return "3des";
  if (name.startsWith("DES")) return "des";
  if (name.startsWith("CHACHA20")) return "chacha20";
  return name === "" ? "none" : name.toLowerCase();
}

function shortHash(name = ""): string {
  if (name === "") return "none";
  const match = /(MD5|SHA1|SHA2?_(\d{3}))/.exec(name);
  if (match === null) return name.toLowerCase();
  if (match[2] !== undefined) return `sha${match[2]}`;
  return match[1]!.toLowerCase();
}

/** `esp-3des esp-md5-hmac ,` without the comma: a transform set's words. */
export function transformWords({ encryption, encryptionBits, integrity }: Algorithms): string {
  const cipher = shortCipher(encryption, encryptionBits)
    .replace(/^a128$/, "aes")
    .replace(/^a(\d+)/, "aes-$1");
  const hash = shortHash(integrity);
  return hash === "none"
    ? `esp-${cipher}`
    : `esp-${cipher} esp-${hash === "sha1" ? "sha" : hash}-hmac`;
}

/** `PRESHR/grp2/AES128/SHA`. */
export function phase1Method(
  sa: Pick<IkeSa, "encryption" | "encryptionBits" | "integrity" | "prf" | "group">,
  certificate: boolean,
): string {
  const hash = shortHash(sa.integrity ?? sa.prf).toUpperCase();
  const cipher = shortCipher(sa.encryption, sa.encryptionBits)
    .toUpperCase()
    .replace(/^A(\d)/, "AES$1");
  return [
    certificate ? "CERT" : "PRESHR",
    `grp${groupNumber(sa.group)}`,
    cipher,
    hash === "SHA1" ? "SHA" : hash,
  ].join("/");
}

const GROUP_NUMBERS: Readonly<Record<string, number>> = {
  MODP_768: 1,
  MODP_1024: 2,
  MODP_1536: 5,
  MODP_2048: 14,
  MODP_3072: 15,
  MODP_4096: 16,
  MODP_6144: 17,
  MODP_8192: 18,
  ECP_256: 19,
  ECP_384: 20,
  ECP_521: 21,
  CURVE_25519: 31,
  CURVE_448: 32,
};

function groupNumber(name = ""): string {
  return String(GROUP_NUMBERS[name] ?? (name === "" ? 0 : name));
}

/** Octets of the initialization vector in each packet. */
export function ivOctets({ encryption = "" }: Algorithms): number {
  if (/GCM|CCM|CTR|CHACHA|DES/.test(encryption)) return 8;
  return encryption.startsWith("AES") || encryption.startsWith("CAMELLIA") ? 16 : 0;
}
