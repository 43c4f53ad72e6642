import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/lib/longest-first.js";

const TOP = import.meta.dirname;
const DIST = join(TOP, "dist");

/**
 * `npm test` has just compiled src/ and perf/: what is tested is what is shipped, loaded by Node.js itself, which
 * takes half the time of loading the sources. `npx vitest` tests the sources as they are at the moment.
 */
const isCompiled =
  process.env["npm_lifecycle_event"] === "test" && existsSync(join(DIST, ".built"));

/** The compiled file in place of its source. */
const compiled: Plugin = {
  name: "evpnd-compiled",
  enforce: "pre",
  resolveId(source, importer) {
    if (importer === undefined || !source.startsWith(".")) return undefined;
    const name = relative(TOP, resolve(dirname(importer), source));
    return /^(?:src|perf)\//.test(name) ? join(DIST, name) : undefined;
  },
};

/** What is printed is searched for secrets of the tests. */
const SETUP = ["test/lib/canary-setup.ts"];
const PLUGINS = isCompiled ? [compiled] : [];
const SERVER = { deps: { external: [/\/dist\/(?:src|perf)\//] } };

/**
 * Two projects: `unit` runs first and in parallel, its files in a few processes that keep what they have loaded;
 * `interop` starts real routers in network namespaces, waits for them more than it computes, and runs at most
 * four files at a time. `npm test -- test/<path>` finds the right one.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        plugins: PLUGINS,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/interop/**"],
          setupFiles: SETUP,
          server: SERVER,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          isolate: false,
          // Two cores as well: by default one of them is left idle.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 0 },
        },
      },
      {
        plugins: PLUGINS,
        test: {
          name: "interop",
          include: ["test/interop/**/*.test.ts"],
          setupFiles: SETUP,
          server: SERVER,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
