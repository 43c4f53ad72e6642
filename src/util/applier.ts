/**
 * A change of settings in parts, all or nothing. Each part ("applier") is told the settings before and
 * after and makes its piece of what runs follow them. What may fail is done first, beside what runs
 * (`prepare`): a port is bound, a file opened. Only when every part has prepared does the first one
 * change anything; should one fail all the same, those that have changed are taken back, last first.
 */
export interface Applier<S> {
  /** For messages: `log`, `http`. */
  readonly name: string;
  /**
   * Does what may fail without changing what runs; throws an Error with a sentence that says what to
   * do. What it returns is called when the change is given up before this part's `apply`.
   */
  readonly prepare?: (before: S, after: S) => Promise<Discard | undefined>;
  /**
   * Makes it so. Returns what it did, a line each; none when nothing of its own differs. Called with
   * the two the other way round (after a `prepare` the same way) it must take itself back.
   */
  readonly apply: (before: S, after: S) => readonly string[] | Promise<readonly string[]>;
}

export type Discard = () => void | Promise<void>;

/** Applies all in their order; the lines of all. Rejects with the first failure, everything as before. */
export async function applyAll<S>(
  appliers: readonly Applier<S>[],
  before: S,
  after: S,
): Promise<string[]> {
  const discards = await prepareAll(appliers, before, after);
  const lines: string[] = [];
  const done: Applier<S>[] = [];
  for (const [index, applier] of appliers.entries()) {
    done.unshift(applier);
    try {
      lines.push(...(await applier.apply(before, after)));
    } catch (error) {
      for (const discard of discards.slice(index + 1).reverse()) await discard?.();
      throw await takenBack(done, before, after, error);
    }
  }
  return lines;
}

async function prepareAll<S>(
  appliers: readonly Applier<S>[],
  before: S,
  after: S,
): Promise<(Discard | undefined)[]> {
  const discards: (Discard | undefined)[] = [];
  try {
    for (const applier of appliers) discards.push(await applier.prepare?.(before, after));
  } catch (error) {
    for (const discard of discards.reverse()) await discard?.();
    throw error;
  }
  return discards;
}

/** Undoes what was done, the failed part included; the error to throw. */
async function takenBack<S>(
  done: readonly Applier<S>[],
  before: S,
  after: S,
  cause: unknown,
): Promise<unknown> {
  const stuck: string[] = [];
  for (const applier of done) {
    try {
      await applier.prepare?.(after, before);
      await applier.apply(after, before);
    } catch (error) {
      stuck.push(`${applier.name}: ${messageOf(error)}`);
    }
  }
  if (stuck.length === 0) return cause;
  return new Error(
    `${messageOf(cause)}; and this could not be taken back, restart evpnd: ${stuck.join("; ")}`,
    { cause },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Equal as data: settings are plain objects made in one order. As their JSON would be, members that are undefined
 * left out, without making it: settings may be large.
 */
export function sameSettings(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameSettings(item, b[index]));
  }
  const [ours, theirs] = [membersOf(a), membersOf(b)];
  if (ours.length !== theirs.length) return false;
  return ours.every(([name, value], index) => {
    const [other, theirValue] = theirs[index] ?? [];
    return name === other && sameSettings(value, theirValue);
  });
}

function membersOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, member]) => member !== undefined);
}
