/** How the table lays out its records of 32-bit words: for the files of this folder that read or write them. */

/** Words of a destination; 0 and 1 are the record table's own. */
export const DEST = 8;
export const D_NLRI = 2;
/** Family bits 0-3, route type (bits of a VPN prefix) 4-11, octets of key 12-20, best-path reason 24-31. */
export const D_META = 3;
export const D_PATHS = 4;
export const D_BEST = 5;
/** Low 32 bits of the newest log position. */
export const D_LOG = 6;
/** Octets of the stored NLRI. */
export const D_LENGTH = 7;
export const META_KEY = 0x1fffff;

/** Words of a path. */
export const PATH = 11;
export const P_DEST = 0;
export const P_NEXT = 1;
export const P_SOURCE_NEXT = 2;
export const P_SOURCE_PREVIOUS = 3;
/** Slot bits 0-15, why it is held (`HoldReason`) bits 16-23, refresh round (`Sources.refreshRound`) bits 24-31. */
export const P_SOURCE = 4;
/** The set after import policy, 0 = held. */
export const P_ATTR = 5;
/** Own NLRI octets, 0 = the destination's. */
export const P_NLRI = 6;
/** Wall-clock seconds of the last change. */
export const P_CHANGED = 7;
/** The paths with the same combination of route targets. */
export const P_TARGET_NEXT = 8;
export const P_TARGET_PREVIOUS = 9;
/** The set as received. */
export const P_RECEIVED = 10;
export const SLOT_MASK = 0xffff;
export const HOLD = 16;
export const HOLD_MASK = 0xff;
export const ROUND = 24;
