/** Command-line options laid over the file's data; what they set is located at the command line. */
import type { ConfigPath, Locate } from "./issue.js";

/** Top-level keys to replace, each with the option that says so. */
export interface Overlay {
  readonly values: readonly {
    readonly path: ConfigPath;
    readonly value: unknown;
    /** `--listen`. */
    readonly option: string;
  }[];
  /** Top-level keys to drop first: `--listen` without `--router-id` must not keep the default's id. */
  readonly drop: readonly string[];
}

export function applyOverlay(
  data: unknown,
  locate: Locate,
  overlay: Overlay,
): { data: unknown; locate: Locate } {
  if (data === null || typeof data !== "object") return { data, locate };
  const merged = structuredClone(data) as Record<string, unknown>;
  for (const key of overlay.drop) delete merged[key];
  for (const { path, value } of overlay.values) {
    let here = merged;
    for (const part of path.slice(0, -1)) {
      const next = here[part];
      here[part] = typeof next === "object" && next !== null ? next : {};
      here = here[part] as Record<string, unknown>;
    }
    here[String(path.at(-1))] = value;
  }
  return {
    data: merged,
    locate: (path, key) => {
      const from = overlay.values.find((entry) =>
        entry.path.every((part, index) => path[index] === part),
      );
      if (from === undefined) return locate(path, key);
      return { file: `command line, ${from.option}`, line: undefined, column: undefined };
    },
  };
}
