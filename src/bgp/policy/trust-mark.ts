/** The community that routes of a peer carry which is not trusted and served all the same, for trials. */
import type { AttrStore } from "../rib/attr-store.js";
import { CommunitySet } from "../rib/community-set.js";

export class TrustMark {
  private readonly attrs: AttrStore;
  private readonly communities: CommunitySet;
  private readonly community: number;
  /** Sets made since the last `endBatch`, by what they were made of. */
  private readonly made = new Map<number, number>();

  constructor(attrs: AttrStore, community: number) {
    this.attrs = attrs;
    this.communities = new CommunitySet(attrs);
    this.community = community;
  }

  /** Alive until `endBatch`; whoever uses it from then on holds a reference. */
  of(attr: number): number {
    const known = this.made.get(attr);
    if (known !== undefined) return known;
    const marked = this.communities.add(attr, this.community);
    this.made.set(attr, marked);
    return marked;
  }

  endBatch(): void {
    if (this.made.size === 0) return;
    for (const attr of this.made.values()) this.attrs.release(attr);
    this.made.clear();
  }
}
