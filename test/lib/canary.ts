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

const hexOf = (octet: number): string => octet.toString(16).padStart(2, "0");

/** What no neighbouring octet has a part in: a text has it wherever the octets begin. */
function base64At(octets: Uint8Array, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), octets]).toString("base64");
  const bits = 8 * (offset + octets.length);
  return text.slice(Math.ceil((8 * offset) / 6), Math.floor(bits / 6));
}

/** Form -> how those octets look in it, as a writer of text would have them. */
function formsOf(octets: Uint8Array): ReadonlyMap<string, string> {
  const hex = Buffer.from(octets).toString("hex");
  const each = (write: (octet: number) => string, between = ""): string =>
    [...octets].map(write).join(between);
  return new Map([
    ["hex", hex],
    ["hex, capitals", hex.toUpperCase()],
    ["hex with colons", each(hexOf, ":")],
    ["hex with blanks", each(hexOf, " ")],
    ["hex with blanks, capitals", each(hexOf, " ").toUpperCase()],
    ["hex in pairs", hex.replaceAll(/(....)(?!$)/g, "$1 ")],
    ["escaped as \\x", each((octet) => `\\x${hexOf(octet)}`)],
    ["escaped as \\u", each((octet) => `\\u00${hexOf(octet)}`)],
    ["escaped as %", each((octet) => `%${hexOf(octet)}`)],
    ["escaped as % in capitals", each((octet) => `%${hexOf(octet).toUpperCase()}`)],
    ["escaped as &#", each((octet) => `&#${octet};`)],
    ["octal", each((octet) => `\\${octet.toString(8)}`)],
    ["a list of numbers", each(String, ",")],
    ["a list of numbers with blanks", each(String, ", ")],
    ["UTF-16", each((octet) => `${String.fromCharCode(octet)}\0`)],
    ["base64", base64At(octets, 0)],
    ["base64, second octet", base64At(octets, 1)],
    ["base64, third octet", base64At(octets, 2)],
  ]);
}

/** Form -> how the mark looks in it. */
export const CANARY_FORMS: ReadonlyMap<string, string> = new Map([
  ["as it is", CANARY_MARK],
  ["capitals", CANARY_MARK.toUpperCase()],
  ...formsOf(Buffer.from(CANARY_MARK)),
]);

const NEEDLES = [...CANARY_FORMS].map(([form, text]) => [form, Buffer.from(text)] as const);
/** Longer than any form: what a search in pieces has to look at twice. */
export const LONGEST_FORM = Math.max(...NEEDLES.map(([, needle]) => needle.length));

/** The form in which a canary is in there; undefined = there is none. */
export function canaryIn(written: Uint8Array | string): string | undefined {
  const octets = typeof written === "string" ? Buffer.from(written) : Buffer.from(written);
  return NEEDLES.find(([, needle]) => octets.includes(needle))?.[0];
}

const known = new Map<string, ReadonlyMap<string, string>>();

/** The form in which a secret that no test has chosen is in there; undefined = it is not. */
export function secretIn(written: string, secret: Uint8Array): string | undefined {
  const id = Buffer.from(secret).toString("latin1");
  const forms = known.get(id) ?? new Map([["as it is", id], ...formsOf(secret)]);
  known.set(id, forms);
  // base64url tells the same with two other letters.
  const standard = written.replaceAll("-", "+").replaceAll("_", "/");
  return [...forms].find(([form, text]) =>
    (form.startsWith("base64") ? standard : written).includes(text),
  )?.[0];
}
