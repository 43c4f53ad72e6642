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
  private rechecking: Promise<void> | undefined;
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

  /**
   * Reads the image again where its known digest is due. Proofs go on with that one meanwhile, for as long again
   * at most: a large image must not cost its instance the trust that is there. Never rejects.
   */
  recheck(signal?: AbortSignal): Promise<void> {
    const { recheckSeconds } = this.settings.image;
    if (recheckSeconds === 0) return Promise.resolve();
    this.rechecking ??= this.image(signal === undefined ? {} : { signal }, recheckSeconds)
      .then(
        () => undefined,
        // What is wrong with the image the next proof finds out.
        () => undefined,
      )
      .finally(() => (this.rechecking = undefined));
    return this.rechecking;
  }

  private image(
    options: Pick<MeasureOptions, "progress" | "signal">,
    mostSeconds = 2 * this.settings.image.recheckSeconds,
  ): Promise<ImageMeasurement> {
    const { path, threads } = this.settings.image;
    const mostAgeMs = mostSeconds * 1000;
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
