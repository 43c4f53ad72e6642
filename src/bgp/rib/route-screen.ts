/**
 * A screen of MAC/IP routes (EVPN type 2) behind import policy: what duplicate detection keeps from taking
 * effect. Who has one sets it while it keeps anything, and takes it away after; the reflector asks it, in
 * its own thread, about each such route that import policy lets in.
 */
export interface RouteScreen {
  /**
   * Whether the route is to be held (`HoldReason.Duplicate`).
   * @param attr the set that import policy leaves
   * @param nlri offset of the NLRI in `bytes`, without path id
   */
  holds(attr: number, bytes: Uint8Array, nlri: number): boolean;
  /**
   * The route that `holds` was asked about last is held in the table, at this destination.
   * @param isNews the peer announced it just now, and not word for word again
   */
  held(dest: number, isNews: boolean): void;
  /** Why it is held and until when, in words; undefined when it is not. */
  why(attr: number, bytes: Uint8Array, nlri: number): string | undefined;
}

/** What the reflector offers to whoever has a screen. */
export interface RouteHolds {
  /** Asked from now on; undefined: nobody is. What is in the table already needs `reconsider`. */
  setScreen(screen: RouteScreen | undefined): void;
  /** The routes of these destinations are decided on again, soon and in slices. Numbers not in use do no harm. */
  reconsider(dests: Iterable<number>): void;
}
