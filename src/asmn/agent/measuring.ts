/** What evidence is made of: the image's digest, from the cache where it holds, and the manifest's. */
import type { Clock } from "../../util/clock.js";
import {
  allowedChangesDigest,
  DigestCache,
  manifestDigest,
  measureImage,
  readManifest,
} from "../measure/index.js";
import type { ImageMeasurement, MeasureOptions } from "../measure/index.js";
import { AgentHome } from "./home.js";
import type { AgentSettings } from "./settings.js";

export interface AgentMeasurement {
  readonly image: ImageMeasurement;
  /** 32 octets. */
  readonly manifest: Uint8Array;
  /** Of what may differ in it; undefined: nothing may. */
  readonly allowed: Uint8Array | undefined;
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
    const { manifest } = this.settings;
    const measured = await this.image(options);
    const items = await readManifest(manifest, manifest.allowed);
    this.last = {
      image: measured,
      manifest: manifestDigest(items, manifest.allowed),
      allowed: allowedChangesDigest(manifest.allowed),
    };
    return this.last;
  }

  /** So that the step behind it finds the image measured: its challenge has a window. Rejects with `MeasureError`. */
  async prepare(options: Pick<MeasureOptions, "progress" | "signal"> = {}): Promise<void> {
    if (this.settings.image.recheckSeconds > 0) await this.image(options);
  }

  private image(options: Pick<MeasureOptions, "progress" | "signal">): Promise<ImageMeasurement> {
    const { path, threads, recheckSeconds } = this.settings.image;
    const mostAgeMs = recheckSeconds * 1000;
    return measureImage(path, this.cache, this.clock, { threads, mostAgeMs, ...options });
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
