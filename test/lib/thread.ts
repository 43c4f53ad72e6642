/** Worker threads of TypeScript files: bundled first, for a thread of Node.js reads JavaScript only. */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

export interface Bundle {
  /** To start a Worker with. */
  readonly entry: string;
  remove(): void;
}

/** @param entry of the thread, from the repository's root */
export async function bundleThread(entry: string): Promise<Bundle> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const outDir = mkdtempSync(join(tmpdir(), "evpnd-thread-"));
  for (const name of ["node_modules", "proto"]) symlinkSync(join(root, name), join(outDir, name));
  await build({
    root,
    configFile: false,
    logLevel: "silent",
    build: {
      outDir,
      emptyOutDir: false,
      minify: false,
      ssr: join(root, entry),
      rollupOptions: { output: { entryFileNames: "thread.mjs" } },
    },
  });
  return {
    entry: join(outDir, "thread.mjs"),
    remove: () => rmSync(outDir, { recursive: true, force: true }),
  };
}
