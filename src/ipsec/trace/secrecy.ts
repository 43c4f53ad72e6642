/**
 * What a trace never keeps: dumps of octets, which at high levels of the daemon's log are keys and shared
 * secrets, and lines that name such material. Traces are asked for at levels that have none of it; this is
 * for a daemon that was told to say more than we asked.
 */
const DUMP = /=>\s*\d+ bytes @|^\s*\d+:\s+(?:[0-9A-Fa-f]{2}\s){2}/;
const MATERIAL =
  /\b(?:SKEYID(?:_[dae])?|SK_[A-Za-z]+|shared secret|shared Diffie|private (?:key|value)|secret|psk|password|passphrase)\b\s*(?:=>|[:=])/i;

/** Above this the daemon says octets. */
export const MOST_LEVEL = 2;

export function isPublic(level: number, text: string): boolean {
  return level <= MOST_LEVEL && !DUMP.test(text) && !MATERIAL.test(text);
}
