/**
 * The text that a policy test is about: a whole configuration file, or `policies` and `policy-sets`
 * alone, which then stand in place of those of the same names in the configuration that runs.
 *
 * What is read of it may be large, and stays on the BGP thread: the API gives the text, and gets a report.
 */
import type { HttpBackend } from "../api/index.js";
import type { PolicyCandidate, SpeakerControl, WhatIf } from "../bgp/control.js";
import { formatIssue, type ConfigResult } from "../config/index.js";
import type { PartOfText } from "../config/reader.js";
import { FibQueryError, type WhatIfControl } from "../fib/index.js";

export type CandidateResult =
  | { readonly ok: true; readonly candidate: PolicyCandidate }
  | { readonly ok: false; readonly issues: readonly string[] };

type Block = Readonly<Record<string, unknown>>;

const PARTS = ["policies", "policy-sets"] as const;

/** Reads texts as the daemon reads its file. */
export interface CandidateReader {
  load(text: string): Promise<ConfigResult>;
  part(text: string, keys: readonly string[]): Promise<PartOfText>;
}

export interface CandidateDoorParts {
  readonly control: Pick<SpeakerControl, "testPolicy">;
  /** Undefined while the MAC FIB is off. */
  readonly whatIf: () => WhatIfControl<WhatIf> | undefined;
  readonly read: (text: string) => Promise<CandidateResult>;
}

/** What the API asks of texts. */
export function candidateDoors({
  control,
  whatIf,
  read,
}: CandidateDoorParts): Required<Pick<HttpBackend, "testCandidate" | "supposeCandidate">> {
  return {
    testCandidate: async (text, options) => {
      const result = await read(text);
      if (!result.ok) return result;
      return { ok: true, report: await control.testPolicy(result.candidate, options) };
    },
    supposeCandidate: async (text, page) => {
      const result = await read(text);
      if (!result.ok) return result;
      const door = whatIf();
      if (door === undefined) throw new FibQueryError("off", "the MAC FIB was just turned off");
      const { candidate } = result;
      return { ok: true, report: await door.ask({ kind: "policy", candidate }, page) };
    },
  };
}

/** @param document data of the running configuration */
export async function policyCandidate(
  text: string,
  document: unknown,
  reader: CandidateReader,
): Promise<CandidateResult> {
  const { part, issues } = await reader.part(text, PARTS);
  if (issues.length > 0) return { ok: false, issues: issues.map(formatIssue) };
  const isPart = part !== undefined;
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
