/** A Sec-catalog in a file of its own: `catalog: [...]`, as under a tenant of the configuration. */
import type { AsmnCatalogEntry } from "../asmn/settings.js";
import type { AsmnCatalogLineEntry } from "./asmn-file.js";
import { flowsSchema } from "./asmn-tenant-schema.js";
import { catalogLine } from "./asmn-tenants.js";
import { checkShape } from "./check.js";
import { parseYaml } from "./document.js";
import { IssueList, sortIssues, type ConfigIssue } from "./issue.js";
import type { SchemaNode } from "./schema-node.js";

export type CatalogFileResult =
  | { readonly ok: true; readonly entries: readonly AsmnCatalogEntry[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

const schema: SchemaNode = {
  type: "object",
  required: ["catalog"],
  additionalProperties: false,
  properties: { catalog: flowsSchema },
};

/** Whether its VNFs are there, the Sec-EM knows. */
export function readCatalogFile(text: string, name: string): CatalogFileResult {
  const parsed = parseYaml(text, name);
  if (parsed.issues.length > 0) return { ok: false, issues: parsed.issues };
  const issues = new IssueList(parsed.locate);
  if (checkShape(schema, parsed.data, issues, "docs/asmn.md")) {
    const { catalog } = parsed.data as { catalog: readonly AsmnCatalogLineEntry[] };
    const entries = catalog.map((line, index) =>
      catalogLine(line, undefined, ["catalog", index], issues),
    );
    if (!issues.failed) return { ok: true, entries };
  }
  return { ok: false, issues: sortIssues(issues.items) };
}
