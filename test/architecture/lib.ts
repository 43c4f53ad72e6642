/** Runs dependency-cruiser over folders and gives what it examined and what it found. */
import { readdirSync } from "node:fs";
import { cruise } from "dependency-cruiser";
import type { ICruiseResult, IForbiddenRuleType } from "dependency-cruiser";

export interface Examination {
  /** Files of the folders that were examined, with slashes. */
  readonly modules: readonly string[];
  /** `rule: from -> to`, sorted. */
  readonly violations: readonly string[];
}

export async function examine(
  folders: readonly string[],
  forbidden: IForbiddenRuleType[],
  baseDir = process.cwd(),
): Promise<Examination> {
  const result = await cruise([...folders], {
    baseDir,
    validate: true,
    ruleSet: { forbidden },
    // Type-only imports count: they tie modules together just as well.
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    includeOnly: "^(src|perf)/",
  });
  const { modules, summary } = result.output as ICruiseResult;
  const inside = (path: string) => folders.some((folder) => path.startsWith(`${folder}/`));
  return {
    modules: modules.map((module) => module.source).filter((path) => inside(path)),
    violations: summary.violations
      .map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)
      .sort(),
  };
}

export function sourceFiles(folder: string, baseDir = process.cwd()): string[] {
  return readdirSync(`${baseDir}/${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(baseDir.length + 1));
}
