/** Hash¹: over the whole image. */
import { MeasureError, plainDigest } from "../measure/index.js";
import { hashOf, type ChainHash } from "./hash.js";
import { fromHex } from "./identifier.js";
import { PaperError } from "./paper-error.js";

/** A file, or octets at hand under a name of their own. */
export type ImageSource =
  { readonly path: string } | { readonly name: string; readonly octets: Uint8Array };

export type HashProgress = (doneOctets: number, totalOctets: number) => void;

export function imageName(source: ImageSource): string {
  return "path" in source ? source.path : source.name;
}

/** On this thread, in slices. @throws PaperError when the file cannot be read, or changes meanwhile */
export async function hashImage(
  source: ImageSource,
  hash: ChainHash,
  progress: HashProgress = () => undefined,
): Promise<Uint8Array> {
  if (!("path" in source)) return hashOf(hash, source.octets);
  try {
    return fromHex(await plainDigest(source.path, hash, { threads: 0, progress }));
  } catch (error) {
    if (error instanceof MeasureError) throw new PaperError(error.message);
    throw error;
  }
}
