/** Names that devices write in many ways, made one (for keys only; on the wire they stay as received). */

/** `AA-BB-CC-DD-EE-FF`, `aabb.ccdd.eeff` and the like, as `aa:bb:cc:dd:ee:ff`. */
export function normalMac(text: string): string | undefined {
  // By hand: this runs for every accept and every accounting request.
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
}

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

/** Called-Station-Id of 802.11: `MAC` or `MAC:SSID` (RFC 3580 section 3.20). */
export function accessPointOf(calledStationId: string): AccessPoint {
  const parts =
    /^([0-9A-Fa-f]{2}([-:.]?[0-9A-Fa-f]{2}){5}|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(:(.*))?$/s;
  const match = parts.exec(calledStationId);
  const mac = match?.[1] === undefined ? undefined : normalMac(match[1]);
  if (mac === undefined) {
    return { id: calledStationId.trim().toLowerCase(), ssid: undefined, isRadio: false };
  }
  return { id: mac, ssid: match?.[5], isRadio: true };
}

/** After the last `@`, in lower case. */
export function realmOf(userName: string): string | undefined {
  const at = userName.lastIndexOf("@");
  return at < 0 ? undefined : userName.slice(at + 1).toLowerCase();
}
