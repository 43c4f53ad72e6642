/** The fabric check: its rules, and a run of them. */
import type { Finding, LintControl, LintQuery, LintSummary } from "../../fib/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { stream, text, unary, type Operation } from "./operation.js";

interface LintItem {
  readonly type: "progress" | "finding" | "summary";
  readonly progress?: number;
  readonly finding?: Finding;
  readonly summary?: LintSummary;
}

const MOST = 100;
const WAIT_MS = 1000;

export const LINT_OPERATIONS: readonly Operation[] = [
  unary({
    id: "ListLintRules",
    group: "Lint",
    summary: "Rules of the fabric check",
    role: "viewer",
    http: { method: "GET", path: "/v1/lint/rules" },
    input: "ListLintRulesRequest",
    output: "ListLintRulesResponse",
    run: async (backend) => ({ rules: await lintOf(backend).rules() }),
  }),
  stream<LintQuery, LintItem>({
    id: "RunLint",
    group: "Lint",
    summary: "A fabric check: how far it is, findings, and a summary",
    role: "viewer",
    http: { method: "GET", path: "/v1/lint" },
    input: "RunLintRequest",
    output: "LintItem",
    rules: { rules: { maxItems: 64, items: text(1024) } },
    run: (backend, query, _caller, signal) => check(lintOf(backend), query, signal),
  }),
];

function lintOf({ lint }: HttpBackend): LintControl {
  if (lint !== undefined) return lint;
  throw new HttpError(
    409,
    "off",
    "the fabric check is not there: it needs the MAC FIB, fib.enabled",
  );
}

async function* check(
  lint: LintControl,
  query: LintQuery,
  signal: AbortSignal,
): AsyncGenerator<readonly LintItem[]> {
  // Names with commas are what a query string is written with by hand.
  const rules = query.rules?.flatMap((names) => names.split(","));
  const run = await lint.start({ rules });
  try {
    yield [{ type: "progress", progress: 0 }];
    while (!signal.aborted) {
      const { progress, findings, summary } = await lint.next(run, MOST, WAIT_MS);
      const items: LintItem[] = findings.map((finding) => ({ type: "finding", finding }));
      if (progress < 1) items.push({ type: "progress", progress });
      if (summary !== undefined) items.push({ type: "summary", summary });
      if (items.length > 0) yield items;
      if (summary !== undefined) return;
    }
  } finally {
    await lint.stop(run);
  }
}
