/**
 * Canaries: secrets of tests that can be told from everything else. Each has one mark in it, and the mark is
 * searched for in whatever the programs of a test wrote or answered: as it is, and as writers of logs, traces,
 * dumps and exports would turn it.
 */

/** Letters and digits alone, in lower case: escaping for JSON, XML, URLs or a shell changes none of them. */
export const CANARY_MARK = "cnry7x93kq5m";

/** A secret of the suite. @param name tells it from others */
export function canary(name: string): string {
  return `${CANARY_MARK}-${name}-e81f0c4ad2b7`;
}

/** Where only hexadecimal digits are taken: 32 octets. */
export function hexCanary(): string {
  return Buffer.from(CANARY_MARK.padEnd(32, "0123456789")).toString("hex");
}

const OCTETS = Buffer.from(CANARY_MARK);
const HEX = OCTETS.toString("hex");

function eachOctet(write: (octet: number) => string, between = ""): string {
  return [...OCTETS].map(write).join(between);
}

const hexOf = (octet: number): string => octet.toString(16).padStart(2, "0");

/** What no neighbouring octet has a part in: a text has it wherever the mark begins. */
function base64At(offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), OCTETS]).toString("base64");
  const bits = 8 * (offset + OCTETS.length);
  return text.slice(Math.ceil((8 * offset) / 6), Math.floor(bits / 6));
}

/** Form -> how the mark looks in it. */
export const CANARY_FORMS: ReadonlyMap<string, string> = new Map([
  ["as it is", CANARY_MARK],
  ["capitals", CANARY_MARK.toUpperCase()],
  ["hex", HEX],
  ["hex, capitals", HEX.toUpperCase()],
  ["hex with colons", eachOctet(hexOf, ":")],
  ["hex with blanks", eachOctet(hexOf, " ")],
  ["hex with blanks, capitals", eachOctet(hexOf, " ").toUpperCase()],
  ["hex in pairs", HEX.replaceAll(/(....)(?!$)/g, "$1 ")],
  ["escaped as \\x", eachOctet((octet) => `\\x${hexOf(octet)}`)],
  ["escaped as \\u", eachOctet((octet) => `\\u00${hexOf(octet)}`)],
  ["escaped as %", eachOctet((octet) => `%${hexOf(octet)}`)],
  ["escaped as % in capitals", eachOctet((octet) => `%${hexOf(octet).toUpperCase()}`)],
  ["escaped as &#", eachOctet((octet) => `&#${octet};`)],
  ["octal", eachOctet((octet) => `\\${octet.toString(8)}`)],
  ["a list of numbers", eachOctet(String, ",")],
  ["a list of numbers with blanks", eachOctet(String, ", ")],
  ["UTF-16", eachOctet((octet) => `${String.fromCharCode(octet)}\0`)],
  ["base64", base64At(0)],
  ["base64, second octet", base64At(1)],
  ["base64, third octet", base64At(2)],
]);

const NEEDLES = [...CANARY_FORMS].map(([form, text]) => [form, Buffer.from(text)] as const);
/** Longer than any form: what a search in pieces has to look at twice. */
export const LONGEST_FORM = Math.max(...NEEDLES.map(([, needle]) => needle.length));

/** The form in which a canary is in there; undefined = there is none. */
export function canaryIn(written: Uint8Array | string): string | undefined {
  const octets = typeof written === "string" ? Buffer.from(written) : Buffer.from(written);
  return NEEDLES.find(([, needle]) => octets.includes(needle))?.[0];
}
