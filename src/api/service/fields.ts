/** Members that several operations take: their rules, and what they turn into. */
import { FAMILIES } from "../../bgp/control.js";
import type { Family } from "../../bgp/control.js";
import { HttpError } from "../error.js";
import type { FieldRule } from "./operation.js";

const familyNames = FAMILIES.map((spec) => spec.name);

export const FAMILY: FieldRule = { enum: familyNames };

/** Largest candidate text; it is read in a thread of its own. */
export const TEXT_MAX = 512 * 1024;

export function familyNumber(name: string): Family {
  const spec = FAMILIES.find((candidate) => candidate.name === name);
  if (spec !== undefined) return spec.family;
  throw new HttpError(
    400,
    "invalid",
    `there is no family "${name}"; use one of: ${familyNames.join(", ")}`,
  );
}

/** A MAC or a part of one; throws `HttpError` 400 for what can be neither. */
export function checkedMac(mac: string): string {
  if (/^[0-9a-f.:-]{1,17}$/i.test(mac) && /[0-9a-f]/i.test(mac)) return normalMac(mac);
  throw new HttpError(
    400,
    "invalid",
    `"${mac}" is no MAC address and no part of one: write hexadecimal digits, as in 52:54:00`,
  );
}

/** The ways people write a MAC, or a part of one, to lower case with colons. */
function normalMac(mac: string): string {
  const digits = mac.toLowerCase().replaceAll(/[.:-]/g, "");
  if (!/^[0-9a-f]{12}$/.test(digits)) return mac.toLowerCase().replaceAll("-", ":");
  return digits.match(/../g)?.join(":") ?? mac;
}

/** Text told to a peer goes out in UTF-8, in one octet of length (RFC 9003 section 2). */
export function checkedText(text: string): string {
  const octets = Buffer.byteLength(text);
  if (octets <= 128 && !text.includes("\0")) return text;
  throw new HttpError(
    400,
    "invalid",
    `the text takes ${octets} octets; use at most 128, without NUL (RFC 9003)`,
  );
}
