/** Runs of paper mode with a clock that stands, and waits that are counted and not waited. */
import { runPaper, type PaperOptions, type PaperReport } from "../../../src/asmn/paper/index.js";
import { openWorld, type World, type WorldOptions } from "../../../src/asmn/paper/world.js";

export const NOW = 1_700_000_160_000;

export const IMAGE = { name: "an image", octets: Buffer.from("an image, such as it is") } as const;

export function run(options: Partial<PaperOptions> = {}): Promise<PaperReport> {
  return runPaper({
    ...{ hash: "sha1", images: [IMAGE], renewals: 0, intervalMs: 0 },
    now: () => NOW,
    wait: () => Promise.resolve(),
    ...options,
  });
}

/** Closed whatever happens. */
export async function inWorld<T>(
  use: (world: World) => Promise<T>,
  options: Partial<WorldOptions> = {},
): Promise<T> {
  const world = await openWorld({ hash: "sha1", now: () => NOW, ...options });
  try {
    return await use(world);
  } finally {
    world.close();
  }
}
