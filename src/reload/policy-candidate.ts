/**
 * The text that a policy test is about: a whole configuration file, or `policies` and `policy-sets`
 * alone, which then stand in place of those of the same names in the configuration that runs.
 */
import type { PolicyCandidate } from "../bgp/control.js";
import { formatIssue, type ConfigIssue, type ConfigResult } from "../config/index.js";

export type CandidateResult =
  | { readonly ok: true; readonly candidate: PolicyCandidate }
  | { readonly ok: false; readonly issues: readonly string[] };

type Block = Readonly<Record<string, unknown>>;

const PARTS: ReadonlySet<string> = new Set(["policies", "policy-sets"]);

/** Reads texts as the daemon reads its file. */
export interface CandidateReader {
  load(text: string): Promise<ConfigResult>;
  parse(text: string): Promise<{ readonly data: unknown; readonly issues: readonly ConfigIssue[] }>;
}

/** @param document data of the running configuration */
export async function policyCandidate(
  text: string,
  document: unknown,
  reader: CandidateReader,
): Promise<CandidateResult> {
  const { data, issues } = await reader.parse(text);
  if (issues.length > 0) return { ok: false, issues: issues.map(formatIssue) };
  const part = asBlock(data);
  const isPart = part !== undefined && Object.keys(part).every((key) => PARTS.has(key));
  const config = await reader.load(
    isPart ? JSON.stringify(merged(asBlock(document) ?? {}, part)) : text,
  );
  if (!config.ok) {
    // Places in the text that was put together would mislead; the paths tell.
    const shown = isPart
      ? config.issues.map((issue) => formatIssue({ ...issue, line: undefined }))
      : config.issues.map(formatIssue);
    return { ok: false, issues: shown };
  }
  const { speaker } = config.settings;
  return { ok: true, candidate: { policies: speaker.policies, settings: speaker } };
}

function merged(document: Block, part: Block): Block {
  const sets: Record<string, unknown> = { ...asBlock(document["policy-sets"]) };
  for (const [kind, named] of Object.entries(asBlock(part["policy-sets"]) ?? {})) {
    sets[kind] = { ...asBlock(sets[kind]), ...asBlock(named) };
  }
  const policies = { ...asBlock(document["policies"]), ...asBlock(part["policies"]) };
  return { ...document, policies, "policy-sets": sets };
}

function asBlock(value: unknown): Block | undefined {
  const block = typeof value === "object" && value !== null && !Array.isArray(value);
  return block ? (value as Block) : undefined;
}
