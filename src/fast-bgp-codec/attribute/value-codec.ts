/**
 * How the value of a path attribute becomes an object and back. Decoders get octets that have passed
 * the length rule and `checkAttributeValue`; encoders throw RangeError for values that are none.
 */

/** What the form of values depends on. */
export interface AttributeContext {
  /** AS_PATH and AGGREGATOR hold 4-octet ASes. */
  readonly as4: boolean;
  /** Bit mask over `Family`: NLRI carry path ids. */
  readonly addPath: number;
}

export interface ValueCodec<T> {
  decode(bytes: Uint8Array, start: number, end: number, context: AttributeContext): T;
  encode(value: T, context: AttributeContext): Uint8Array;
  /** One line for people. */
  format(value: T): string;
}

/** Runs `read` at every `step` octets. */
export function readEach<T>(
  start: number,
  end: number,
  step: number,
  read: (at: number) => T,
): T[] {
  const list: T[] = [];
  for (let at = start; at < end; at += step) list.push(read(at));
  return list;
}

/** The octets, or RangeError with the text that stands for none. */
export function must(octets: Uint8Array | undefined, what: string, text: string): Uint8Array {
  if (octets === undefined) throw new RangeError(`not ${what}: ${text}`);
  return octets;
}
