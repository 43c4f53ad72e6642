import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** What is printed is searched for secrets of the tests. */
const SETUP = ["test/lib/canary-setup.ts"];

/**
 * Two projects: `unit` runs first and in parallel; `interop` starts real routers in network
 * namespaces, waits for them more than it computes, and runs at most three files at a time.
 * `npm test -- test/<path>` finds the right one.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/interop/**"],
          setupFiles: SETUP,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          // Two cores as well: by default one of them is left idle.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "interop",
          include: ["test/interop/**/*.test.ts"],
          setupFiles: SETUP,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
