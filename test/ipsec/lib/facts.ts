/** Facts of secrets, and a check of a model that needs none. */
import { checkModel, type CheckContext, type Finding } from "../../../src/ipsec/check/index.js";
import type { IpsecModel } from "../../../src/ipsec/model/index.js";
import type { SecretFacts } from "../../../src/ipsec/secrets/index.js";
import { NOW } from "./models.js";

export function facts(name: string, change: Partial<SecretFacts> = {}): SecretFacts {
  return {
    name,
    kind: "psk",
    origin: "generated",
    bits: 256,
    fingerprint: "00112233445566ff",
    created: NOW,
    live: 1,
    olderUntil: undefined,
    algorithm: undefined,
    notAfter: undefined,
    seenInClear: false,
    ...change,
  };
}

/** Knows the secrets named, no others. */
export function knowing(...known: readonly SecretFacts[]): CheckContext {
  const byName = new Map(known.map((one) => [one.name, one]));
  return { now: NOW, secrets: (name) => byName.get(name) };
}

export function found(model: IpsecModel, context: CheckContext = { now: NOW }): Finding[] {
  return checkModel(model, context);
}

export function codesOf(findings: readonly Finding[], severity?: Finding["severity"]): string[] {
  return findings
    .filter((one) => severity === undefined || one.severity === severity)
    .map(({ code }) => code);
}
