/** Policies as a file has them, for tests of what they do. */
import { IssueList, formatIssue } from "../../../../src/config/issue.js";
import { parseYaml } from "../../../../src/config/document.js";
import {
  policySettings,
  type PoliciesEntry,
  type PolicySetsEntry,
} from "../../../../src/config/policy.js";
import type { PolicySettings } from "../../../../src/bgp/policy/rules/settings.js";

/** `policies` (and `policy-sets`) of YAML text; throws with the issues of text that has any. */
export function policiesOf(text: string): PolicySettings[] {
  const { data, locate, issues } = parseYaml(text, "test");
  if (issues.length > 0) throw new Error(issues.map(formatIssue).join("\n"));
  const file = data as { policies: PoliciesEntry; "policy-sets"?: PolicySetsEntry };
  const list = new IssueList(locate);
  const policies = policySettings(file.policies, file["policy-sets"] ?? {}, undefined, list);
  if (list.failed) throw new Error(list.items.map(formatIssue).join("\n"));
  return policies;
}

/** One policy `p` of these rules. */
export function rulesOf(text: string): PolicySettings[] {
  return policiesOf(`policies:\n  p:\n${text.replaceAll(/^/gm, "    ")}`);
}
