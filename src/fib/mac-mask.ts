/** The ways to say which MACs: one, all that begin with some digits, or a value and a mask. */
export interface MacMask {
  /** 48 bits. */
  readonly value: bigint;
  readonly mask: bigint;
}

const DIGITS = 12;
const ALL = 0xffff_ffff_ffffn;
const SEPARATORS = ".:-";

/**
 * `52:54:00:00:00:01`, in any notation; `52:54:00` (an OUI, or any first digits);
 * `52:54:00:00:00:00/ff:ff:ff:00:00:00`; `52:54:00:00:00:00/24`. undefined: none of these.
 */
export function parseMacMask(text: string): MacMask | undefined {
  const [address = "", mask, ...more] = text.split("/");
  if (more.length > 0) return undefined;
  const digits = hexDigits(address);
  if (digits === undefined) return undefined;
  const value = BigInt(`0x${digits.padEnd(DIGITS, "0")}`);
  if (mask === undefined) return { value, mask: upper(digits.length * 4) };
  if (digits.length !== DIGITS) return undefined;
  if (/^\d{1,2}$/.test(mask)) {
    const bits = Number(mask);
    return bits > 48 ? undefined : { value, mask: upper(bits) };
  }
  const maskDigits = hexDigits(mask);
  if (maskDigits?.length !== DIGITS) return undefined;
  return { value, mask: BigInt(`0x${maskDigits}`) };
}

/** The octets of a whole MAC, in any notation; undefined for anything else. The short way for what is asked most. */
export function parseWholeMac(text: string): Uint8Array | undefined {
  const octets = new Uint8Array(DIGITS / 2);
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const digit = digitOf(code);
    if (digit < 0) {
      if (SEPARATORS.includes(text[i]!)) continue;
      return undefined;
    }
    if (digits === DIGITS) return undefined;
    octets[digits >> 1] = (octets[digits >> 1]! << 4) | digit;
    digits++;
  }
  return digits === DIGITS ? octets : undefined;
}

/** The octets of 48 bits. */
export function macBytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 6 }, (_, i) => Number((value >> BigInt(40 - 8 * i)) & 0xffn));
}

export function isWholeMac({ mask }: MacMask): boolean {
  return mask === ALL;
}

/** One to twelve digits, separators gone. */
function hexDigits(text: string): string | undefined {
  const digits = text.replaceAll(/[.:-]/g, "");
  return /^[0-9a-f]{1,12}$/i.test(digits) ? digits : undefined;
}

/** Value of a hexadecimal digit by its character code, -1 for any other. */
function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function upper(bits: number): bigint {
  return (ALL << BigInt(48 - bits)) & ALL;
}
