/** What evidence is made of: the image's digest, from the cache where it holds, and the manifest's. */
import type { Clock } from "../../util/clock.js";
import { DigestCache, manifestDigest, measureImage, readManifest } from "../measure/index.js";
import type { ImageMeasurement, MeasureOptions } from "../measure/index.js";
import { AgentHome } from "./home.js";
import type { AgentSettings } from "./settings.js";

export interface AgentMeasurement {
  readonly image: ImageMeasurement;
  /** 32 octets. */
  readonly manifest: Uint8Array;
}

const CACHE = "digests.json";

export class Measuring {
  private readonly settings: AgentSettings;
  private readonly clock: Pick<Clock, "now" | "wall">;
  private readonly cache: DigestCache;
  /** For the status. */
  last: AgentMeasurement | undefined;

  constructor(settings: AgentSettings, home: AgentHome, clock: Pick<Clock, "now" | "wall">) {
    this.settings = settings;
    this.clock = clock;
    this.cache = new DigestCache(home.path(CACHE));
  }

  /** Rejects with `MeasureError`. */
  async measure(
    options: Pick<MeasureOptions, "progress" | "signal"> = {},
  ): Promise<AgentMeasurement> {
    const { image, manifest } = this.settings;
    const measured = await measureImage(image.path, this.cache, this.clock, {
      threads: image.threads,
      ...options,
    });
    const items = await readManifest(manifest);
    this.last = { image: measured, manifest: manifestDigest(items, manifest.allowed) };
    return this.last;
  }
}

/** Both digests in hex, for the VIM; what was measured is known at the first start. */
export async function measureAgent(
  settings: AgentSettings,
  clock: Clock,
): Promise<{ image: string; octets: number; manifest: string }> {
  const home = new AgentHome(settings.stateDirectory);
  const { image, manifest } = await new Measuring(settings, home, clock).measure();
  return {
    image: image.digest.toString("hex"),
    octets: image.size,
    manifest: Buffer.from(manifest).toString("hex"),
  };
}
