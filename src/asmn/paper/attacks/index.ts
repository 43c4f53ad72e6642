/** Attacks on paper mode, by name; each is also a test, and fails there against sound mode. */
import type { AttackReport } from "../report.js";
import { attackReport, type AttackOptions, type AttackSpec } from "./attack.js";
import { chainAttack } from "./chain.js";
import { hashAttack } from "./hash.js";
import { identifierAttack } from "./identifier.js";
import { integrityAttack } from "./integrity.js";
import { keyAttack } from "./key.js";
import { reflectionAttack } from "./reflection.js";
import { replayAttack } from "./replay.js";

export const ATTACKS = {
  key: keyAttack,
  identifier: identifierAttack,
  replay: replayAttack,
  chain: chainAttack,
  reflection: reflectionAttack,
  hash: hashAttack,
  integrity: integrityAttack,
} as const satisfies Readonly<Record<string, AttackSpec>>;

export type AttackName = keyof typeof ATTACKS;

/** @throws PaperError when the image cannot be read */
export async function runAttack(name: AttackName, options: AttackOptions): Promise<AttackReport> {
  const spec = ATTACKS[name];
  return attackReport(name, spec, await spec.run(options));
}
