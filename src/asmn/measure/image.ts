/** The digest of an image, from the cache when the file is what it was, else by reading it. */
import type { Clock } from "../../util/clock.js";
import { treeDigest } from "./digest.js";
import type { MeasureOptions } from "./digest.js";
import type { DigestCache } from "./digest-cache.js";
import { openImage } from "./reading.js";

export interface ImageMeasurement {
  /** Root of the tree, 32 octets. */
  readonly digest: Buffer;
  /** Octets of the image. */
  readonly size: number;
  readonly fromCache: boolean;
  readonly milliseconds: number;
}

export interface ImageOptions extends MeasureOptions {
  /** How old a digest may be that is known from before; without it, any age. 0 = none is used. */
  readonly mostAgeMs?: number;
}

/** Rejects with `MeasureError`. */
export async function measureImage(
  path: string,
  cache: DigestCache,
  clock: Pick<Clock, "now" | "wall">,
  options: ImageOptions = {},
): Promise<ImageMeasurement> {
  const [start, begun] = [clock.now(), clock.wall()];
  const image = openImage(path);
  image.close();
  const known = cache.find(image.state, begun, options.mostAgeMs ?? Infinity);
  if (known !== undefined) {
    const milliseconds = clock.now() - start;
    return { digest: known, size: image.state.size, fromCache: true, milliseconds };
  }
  const measured = await treeDigest(path, options);
  cache.remember(measured, begun);
  const milliseconds = clock.now() - start;
  return { digest: measured.digest, size: measured.size, fromCache: false, milliseconds };
}
