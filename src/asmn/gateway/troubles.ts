/** What is wrong with the gateway now: one sentence for each of its parts, and for each Sec-EM. */
export type Trouble =
  "kernel" | "catalog" | "store" | "shaping" | "members" | "tracking" | "bridges";

export class Troubles {
  private readonly own = new Map<Trouble, string>();
  private readonly sources = new Map<string, string>();

  get sentences(): string[] {
    return [...this.own.values(), ...this.sources.values()];
  }

  /** Something could not be brought into the kernel. */
  get isFailing(): boolean {
    return this.own.has("kernel") || this.own.has("catalog");
  }

  /** @param sentence undefined, or empty: nothing is wrong there. @returns whether that is news */
  note(what: Trouble, sentence: string | undefined): boolean {
    return noted(this.own, what, sentence);
  }

  noteSource(source: string, why: string | undefined): boolean {
    return noted(this.sources, source, why && `Sec-EM ${source}: ${why}`);
  }

  clear(): void {
    this.own.clear();
  }
}

function noted<K>(map: Map<K, string>, key: K, sentence = ""): boolean {
  if ((map.get(key) ?? "") === sentence) return false;
  if (sentence === "") map.delete(key);
  else map.set(key, sentence);
  return true;
}
