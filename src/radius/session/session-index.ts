/** MACs by a name that sessions have: mostly one for each, which costs no set of its own. */
export class SessionIndex {
  private readonly byName = new Map<string, string | Set<string>>();

  add(name: string | undefined, mac: string): void {
    if (name === undefined) return;
    const known = this.byName.get(name);
    if (known === undefined) this.byName.set(name, mac);
    else if (typeof known !== "string") known.add(mac);
    else if (known !== mac) this.byName.set(name, new Set([known, mac]));
  }

  remove(name: string | undefined, mac: string): void {
    if (name === undefined) return;
    const known = this.byName.get(name);
    if (known === mac) this.byName.delete(name);
    else if (typeof known === "object" && known.delete(mac) && known.size === 0) {
      this.byName.delete(name);
    }
  }

  of(name: string): Iterable<string> {
    const known = this.byName.get(name);
    if (known === undefined) return [];
    return typeof known === "string" ? [known] : known;
  }

  get size(): number {
    return this.byName.size;
  }
}
