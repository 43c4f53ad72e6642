/** LLGR_STALE on an attribute set (RFC 9494 section 4.3). Cold: once per set and restart, not per route. */
import { CommunitySet, type AttrStore } from "../rib/index.js";

const LLGR_STALE = 0xffff0006;
const NO_LLGR = 0xffff0007;

export class LongLivedMark {
  private readonly communities: CommunitySet;

  constructor(attrs: AttrStore) {
    this.communities = new CommunitySet(attrs);
  }

  /** The route must not be kept so long (section 4.2). */
  isRefused(attr: number): boolean {
    return this.communities.has(attr, NO_LLGR);
  }

  /** Id of the set with the community, with a reference for the caller; the set itself when it has it. */
  add(attr: number): number {
    return this.communities.add(attr, LLGR_STALE);
  }
}
