/**
 * What stands in a rendering where a secret belongs: its name, and a keyed fingerprint that tells two secrets
 * apart and nothing about either. The importers know it again, so that a rendering that comes back does not
 * become a key of that text.
 */
const SHAPE = /^<secret:([^<>#"\s]{1,128})(?:#([0-9a-f]{4,64}))?>$/;

export function placeholder(name: string, fingerprint: string | undefined): string {
  const safe = name.replace(/[<>#"\s]/g, "_");
  return fingerprint === undefined ? `<secret:${safe}>` : `<secret:${safe}#${fingerprint}>`;
}

const ANY = /<secret:([^<>#"\s]{1,128})(?:#[0-9a-f]{4,64})?>/g;

/** Puts values in place of placeholders; where there is none the placeholder stays. */
export function fillPlaceholders(
  text: string,
  valueOf: (name: string) => string | undefined,
): string {
  return text.replace(ANY, (whole, name: string) => valueOf(name) ?? whole);
}

/** A key as a configuration has it. */
export type SecretWord =
  | { readonly kind: "named"; readonly name: string; readonly fingerprint: string | undefined }
  /** Asterisks: the gateway does not show it. */
  | { readonly kind: "masked" }
  | { readonly kind: "clear"; readonly value: string };

export function secretWord(text: string): SecretWord {
  const match = SHAPE.exec(text);
  if (match?.[1] !== undefined) return { kind: "named", name: match[1], fingerprint: match[2] };
  return /^\*+$/.test(text) ? { kind: "masked" } : { kind: "clear", value: text };
}
