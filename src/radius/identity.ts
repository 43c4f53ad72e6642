/** Names that devices write in many ways, made one (for keys only; on the wire they stay as received). */

/**
 * The same few thousand names come again and again, with every accept and every accounting request: what was
 * made of one is kept. A flood of others empties it, and costs what it would have cost.
 */
const KNOWN_MAX = 8192;

function remembering<T>(make: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined || known.has(text)) return before as T;
    if (known.size >= KNOWN_MAX) known.clear();
    const made = make(text);
    known.set(text, made);
    return made;
  };
}

/** `AA-BB-CC-DD-EE-FF`, `aabb.ccdd.eeff` and the like, as `aa:bb:cc:dd:ee:ff`. */
export const normalMac: (text: string) => string | undefined = remembering((text) => {
  let mac = "";
  let digits = 0;
  for (const character of text) {
    if (SEPARATORS.includes(character)) continue;
    const value = HEX.indexOf(character.toLowerCase());
    if (value < 0 || digits === 12) return undefined;
    if (digits > 0 && digits % 2 === 0) mac += ":";
    mac += HEX.charAt(value);
    digits++;
  }
  return digits === 12 ? mac : undefined;
});

const HEX = "0123456789abcdef";
const SEPARATORS = "-:. ";

export interface AccessPoint {
  /** MAC in normal form, or the whole text in lower case. */
  readonly id: string;
  /** As written: SSIDs know upper and lower case. */
  readonly ssid: string | undefined;
  /** It begins with a MAC. */
  readonly isRadio: boolean;
}

const STATION =
  /^([0-9A-Fa-f]{2}([-:.]?[0-9A-Fa-f]{2}){5}|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(:(.*))?$/s;

/** Called-Station-Id of 802.11: `MAC` or `MAC:SSID` (RFC 3580 section 3.20). */
export const accessPointOf: (calledStationId: string) => AccessPoint = remembering((text) => {
  const match = STATION.exec(text);
  const mac = match?.[1] === undefined ? undefined : normalMac(match[1]);
  if (mac === undefined) {
    return { id: text.trim().toLowerCase(), ssid: undefined, isRadio: false };
  }
  return { id: mac, ssid: match?.[5], isRadio: true };
});

/** After the last `@`, in lower case. */
export function realmOf(userName: string): string | undefined {
  const at = userName.lastIndexOf("@");
  return at < 0 ? undefined : userName.slice(at + 1).toLowerCase();
}
