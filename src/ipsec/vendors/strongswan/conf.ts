/** swanctl.conf: sections, values and lists of strongswan.conf's syntax. */
import type { ViciSection } from "../../vici/index.js";

export type ConfValue = ViciSection[string];

/** Lines of a section's inside, each level two blanks deeper. */
export function confLines(section: ViciSection, indent = ""): string[] {
  return Object.entries(section).flatMap(([name, value]): string[] => {
    if (value === undefined) return [];
    if (typeof value === "string" || value instanceof Uint8Array) {
      return [`${indent}${name} = ${scalar(value)}`];
    }
    if (isList(value)) return [`${indent}${name} = ${value.map(scalar).join(", ")}`];
    return [`${indent}${name} {`, ...confLines(value, `${indent}  `), `${indent}}`];
  });
}

function isList(value: ConfValue): value is readonly (string | Uint8Array)[] {
  return Array.isArray(value);
}

/** Quotes where a character would end the value, begin a comment or a list's next item. */
function scalar(value: string | Uint8Array): string {
  const text = typeof value === "string" ? value : Buffer.from(value).toString();
  if (/^[A-Za-z0-9_.:/%@*+-]+$/.test(text)) return text;
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** Section names end at a blank, a dot or a bracket. */
export function sectionName(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]+/g, "-");
}
