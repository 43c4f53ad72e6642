/** Bytes as lower-case hex strings: slow, easy to print, and equal when they are the same. */
export function hexOf(value: number, octets: number): string {
  return value.toString(16).padStart(octets * 2, "0");
}

export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}

/** Octets of a hex string from `start`, to the end when `length` is left out. */
export function slice(hex: string, start: number, length?: number): string {
  return hex.slice(start * 2, length === undefined ? undefined : (start + length) * 2);
}

/** The unsigned number in `octets` octets at `start`. */
export function numberAt(hex: string, start: number, octets: number): number {
  return parseInt(slice(hex, start, octets), 16);
}

export function octetsIn(hex: string): number {
  return hex.length / 2;
}

/** The hex string cut into pieces of `octets`. */
export function chunks(hex: string, octets: number): string[] {
  const out: string[] = [];
  for (let i = 0; i < hex.length; i += octets * 2) out.push(hex.slice(i, i + octets * 2));
  return out;
}
