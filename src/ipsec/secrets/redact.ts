/** Blanks secrets in a text, whatever form they took on the way into it. */

const MASK = "[hidden]";
/** Shorter ones would blank half of any text; they are flagged as weak keys in any case. */
const LEAST = 4;

/** Forms in which a secret's octets may stand in a text. */
export function secretForms(value: string, octets: Uint8Array): string[] {
  const bytes = Buffer.from(octets);
  const hex = bytes.toString("hex");
  const base64 = bytes.toString("base64");
  const forms = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString("latin1"),
    hex,
    hex.toUpperCase(),
    hex.replace(/..(?=.)/g, "$&:"),
    hex.replace(/..(?=.)/g, "$& "),
    base64,
    base64.replace(/=+$/, ""),
    bytes.toString("base64url"),
  ];
  return [...new Set(forms)].filter((form) => form.length >= LEAST);
}

/** One pass for all of them; the longest form first, so that no rest of one stays. */
export function redactor(forms: readonly string[]): (text: string) => string {
  if (forms.length === 0) return (text) => text;
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(sorted.map(quoted).join("|"), "g");
  return (text) => text.replace(pattern, MASK);
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
