/**
 * What differs between two sets of policies, for people: rules by name or number. Rules as they are
 * compiled would fill pages; `policy test` says what they do.
 */
import type { ChangedKey } from "../../util/settings-diff.js";
import type { SpeakerSettings } from "../settings.js";

type PolicySettings = SpeakerSettings["policies"][number];
type Rule = PolicySettings["rules"][number];

/** Most rules named of each kind. */
const NAMED = 5;

export function policyKeys(
  before: SpeakerSettings["policies"],
  after: SpeakerSettings["policies"],
): ChangedKey[] {
  const [old, fresh] = [byName(before), byName(after)];
  const keys: ChangedKey[] = [];
  for (const name of new Set([...old.keys(), ...fresh.keys()])) {
    const [a, b] = [old.get(name), fresh.get(name)];
    const key = `policies.${name}`;
    if (a === undefined || b === undefined) {
      keys.push({
        key,
        ...(a !== undefined && { before: count(a.rules) }),
        ...(b !== undefined && { after: count(b.rules) }),
      });
    } else if (JSON.stringify(a) !== JSON.stringify(b)) {
      keys.push({ key, before: count(a.rules), after: `${count(b.rules)} (${changes(a, b)})` });
    }
  }
  return keys;
}

function byName(policies: SpeakerSettings["policies"]): Map<string, PolicySettings> {
  return new Map(policies.map((policy) => [policy.name, policy]));
}

function count(rules: readonly Rule[]): string {
  return rules.length === 1 ? "1 rule" : `${rules.length} rules`;
}

function changes(before: PolicySettings, after: PolicySettings): string {
  const [old, fresh] = [titled(before.rules), titled(after.rules)];
  const both = [...fresh.keys()].filter((title) => old.has(title));
  const parts = [
    list(
      "new",
      [...fresh.keys()].filter((title) => !old.has(title)),
    ),
    list(
      "gone",
      [...old.keys()].filter((title) => !fresh.has(title)),
    ),
    list(
      "changed",
      both.filter((title) => old.get(title) !== fresh.get(title)),
    ),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "in another order" : parts.join("; ");
}

/** Rules by name, those without one by number. */
function titled(rules: readonly Rule[]): Map<string, string> {
  return new Map(
    rules.map((rule, index) => [
      rule.name === "" ? `rule ${index + 1}` : rule.name,
      JSON.stringify(rule),
    ]),
  );
}

function list(word: string, titles: readonly string[]): string {
  if (titles.length === 0) return "";
  const more = titles.length - NAMED;
  return `${word}: ${titles.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
